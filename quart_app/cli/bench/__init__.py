"""The load generator: measures a running server from outside and checks everything that it counts.

It knows the wire, sockets and the clock, and nothing of the server: whatever speaks the same wire can be measured
beside it. Light on purpose, so that it is the server that is measured: raw protocols, and a stream that all
subscribers share is parsed once and compared for the rest.

Errors: `BenchError`, whose message says what was not as it has to be.
"""

from quart_app.cli.bench.command import bench

__all__ = ["bench"]
