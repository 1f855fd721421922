"""The classes of Hypercorn 0.18, and of h11 and wsproto below it, that this folder builds on.

Where another release lacks one of them, each is a stand-in that nothing is an instance of: the others then find nothing
that they know, and everything goes through ASGI. This module knows nothing of what is done with them.
"""

from typing import Final

__all__ = [
    "BUFFER_HIGH_WATER", "BUFFER_LOW_WATER", "LACKING", "STREAM_ID", "ASGIHTTPState", "ASGIWebsocketState",
    "AsyncioSingleTask", "Body", "BufferCompleteError", "ChunkedWriter", "Closed", "Connection", "ConnectionState",
    "ConnectionType", "Data", "EndBody", "FrameTooLargeError", "H2Protocol", "H2ProtocolAssumedError", "H11Protocol",
    "H11WSConnection", "HTTPStream", "ProtocolWrapper", "RawData", "RequestHead", "ResponseHead", "StreamBuffer",
    "StreamClosed", "TCPServer", "TaskGroup", "Updated", "WSStream", "WorkerContext", "h2_serving", "h11_serving",
    "handle_in_task", "protocols", "running", "suppress_body", "tcp_serving",
]  # fmt: skip


class _Absent:
    """A stand-in for a class that the installed release lacks; nothing that is served is an instance of it."""

    def __init__(self, *_: object, **__: object) -> None:
        """Be nothing."""


try:
    import hypercorn.asyncio.run as running
    import hypercorn.asyncio.tcp_server as tcp_serving
    import hypercorn.protocol.h2 as h2_serving
    import hypercorn.protocol.h11 as h11_serving
    from h11._writers import ChunkedWriter
    from hypercorn import protocol as protocols
    from hypercorn.asyncio.task_group import TaskGroup
    from hypercorn.asyncio.task_group import _handle as handle_in_task
    from hypercorn.asyncio.tcp_server import TCPServer
    from hypercorn.asyncio.worker_context import AsyncioSingleTask, WorkerContext
    from hypercorn.events import Closed, RawData, Updated
    from hypercorn.protocol import ProtocolWrapper
    from hypercorn.protocol.events import Body, Data, EndBody, StreamClosed
    from hypercorn.protocol.events import Request as RequestHead
    from hypercorn.protocol.events import Response as ResponseHead
    from hypercorn.protocol.h2 import (
        BUFFER_HIGH_WATER,
        BUFFER_LOW_WATER,
        BufferCompleteError,
        H2Protocol,
        StreamBuffer,
    )
    from hypercorn.protocol.h11 import STREAM_ID, H2ProtocolAssumedError, H11Protocol, H11WSConnection
    from hypercorn.protocol.http_stream import ASGIHTTPState, HTTPStream
    from hypercorn.protocol.ws_stream import ASGIWebsocketState, FrameTooLargeError, WSStream
    from hypercorn.utils import suppress_body
    from wsproto.connection import Connection, ConnectionState, ConnectionType
except ImportError as error:
    _lacking = str(error)
    globals().update(dict.fromkeys(__all__, _Absent))
else:
    _lacking = ""

LACKING: Final = _lacking
"""A description of what the installed release lacks; empty where it has everything."""
