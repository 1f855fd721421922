"""What En Vivo promises however its servers die: the judge, the proof of the judge, and the cluster that is judged.

    checker.py     the twelve promises; begin here
    history.py     what clients saw, one line a fact
    rows.py        what the database holds in the end
    case.py        both, put in order for the checks
    checks/        a function a promise: from a case to the findings, in linear time
    models/        the domains by their own pure rules, to carry out a log again

    simulated.py   an honest cluster of chance, on simulated_store.py: the checker accepts all of its histories
    wrongs.py      what can be wrong: the checker finds each
    test_checker.py

    cluster.py     real servers behind proxy.py, a balancer without stickiness, and what can be done to them
    asking.py      the commands of a load, and requests.py how REST has them; writers.py asks, readers.py listens
    load.py        all of them at once, until nothing is left to be heard
    faults.py      faults by chance
    __main__.py    make cluster MINUTES=30
    test_one_node.py

To test a cluster: `async with cluster(folder, 3, history, database_url=…, backplane_url=…) as nodes`, a `Load` on it,
faults, and `judge(history.lines, await nodes.rows())`.
"""
