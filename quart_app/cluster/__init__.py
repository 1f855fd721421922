"""`envivo cluster`: nodes, their servers, a balancer and a page, in one command that leaves nothing behind.

    running.py     the whole, from start to end
    keeper.py      the program that ends what was started and removes its folder, however the command ends
    processes.py   a process that the keeper knows of
    servers.py     PostgreSQL and Redis of this machine, found and started in a temporary folder
    cut.py         the line between a node and a server, which can be cut and healed
    node.py        one node: its process, its two lines, what it says of itself
    balancer.py    what brings each connection to the next node
    cluster.py     all nodes, and what is done to them
    ledger.py      the verdict: what was acknowledged, what each reader saw, and what is wrong (pure)
    witness.py     the writers and readers that the ledger hears from
    timeline.py    what was done, and what was noticed
    pages.py       the page, its events and its buttons

Nodes are ordinary `envivo serve` processes: this package knows of the program what a client and an operator know.

Errors: `ClusterError`, whose message is all that whoever started the command needs.
"""

from quart_app.cluster.running import ClusterError, ClusterOptions, run

__all__ = ["ClusterError", "ClusterOptions", "run"]
