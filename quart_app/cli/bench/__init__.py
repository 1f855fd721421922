"""The load generator, which measures a running server from outside and checks everything that it counts.

It knows the wire, sockets and the clock, and nothing of the server: whatever speaks the same wire can be measured
beside it. It is light on purpose, so that the server is measured and not the generator: it uses raw protocols, and
parses a stream that all subscribers share once, to compare it for the rest.

Errors: `BenchError`, whose message says what was wrong.
"""

from quart_app.cli.bench.command import bench

__all__ = ["bench"]
