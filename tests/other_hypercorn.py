"""`python -m tests.other_hypercorn serve …`: the program on a Hypercorn whose parts are not where 0.18 has them."""

import runpy

import hypercorn.asyncio.run
import hypercorn.asyncio.tcp_server
import hypercorn.protocol.h11
import hypercorn.protocol.ws_stream

if __name__ == "__main__":
    # Hypercorn's own modules have taken them from there already.
    del hypercorn.asyncio.tcp_server.TCPServer
    del hypercorn.protocol.ws_stream.WSStream
    runpy.run_module("tests.checked_server", run_name="__main__", alter_sys=True)
