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
    cables.py      the ways of a node to PostgreSQL and Redis, which can be pulled
    anew.py        a node that gets a clock of its own
    asking.py      the commands of a load, and requests.py how REST has them; writers.py asks, readers.py listens
    load.py        all of them at once, until nothing is left to be heard
    faults.py      what befalls nodes, PostgreSQL, Redis and what is between them, by chance
    __main__.py    make cluster MINUTES=30 CLUSTER_ARGS="--nodes 3 --postgres --redis"
    test_one_node.py, test_three_nodes.py

To test a cluster: `async with cluster(folder, 3, history, postgres=…, redis=…) as nodes`, a `Load` on it, faults, and
`judge(history.lines, await nodes.rows())`.
"""
