"""The heads of requests and answers, as our own client and server write them.

They were recorded between the two; a test compares them with those of today. What changes from one to the next, such as
a length or a cursor, is filled in.
"""

from quart_app.client.address import Address, StreamRequest

HOST = "127.0.0.1:8000"
_address = Address.of(HOST, None)

_SAFETY = (
    "content-security-policy: default-src 'none'; script-src 'self' "
    "'sha256-hk4S8Wfop2ajo8xRzKkUyw8b/caz3tzuMOvp6uhxND8='; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n"
    "x-content-type-options: nosniff\r\nx-frame-options: DENY\r\nreferrer-policy: same-origin\r\n"
    "cross-origin-resource-policy: same-origin\r\n"
    "permissions-policy: camera=(), geolocation=(), microphone=(), payment=(), usb=()\r\n"
)
_DATE = "date: Tue, 01 Dec 2026 05:12:03 GMT\r\n"
_CLIENT = "User-Agent: python-httpx/0.28.1\r\n"

UPGRADED = (
    "HTTP/1.1 101 \r\nsec-websocket-accept: APY3VNoJhAidLkcb/wBBh+On/VY=\r\nupgrade: WebSocket\r\n"
    f"connection: Upgrade\r\n{_DATE}\r\n"
)
EVENTS = (
    "HTTP/1.1 200 \r\nconnection: close\r\nTransfer-Encoding: chunked\r\n"
    "content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache, no-transform\r\n"
    f"x-accel-buffering: no\r\n{_SAFETY}{_DATE}\r\nd\r\nretry: 3000\n\n\r\n"
)
"""The head of an event stream, and the chunk with which each begins."""


def _target(url: str) -> str:
    return url[url.index("/", url.index("//") + 2) :]


def upgrade(request: StreamRequest) -> str:
    """Return the head of the request for a WebSocket."""
    return (
        f"GET {_target(_address.websocket(request))} HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: rdsrfoaviSDBHHngLrACHw==\r\nSec-WebSocket-Version: 13\r\n"
        "User-Agent: Python/3.11 websockets/17.4\r\n\r\n"
    )


def events(request: StreamRequest) -> str:
    """Return the head of the request for an event stream."""
    return (
        f"GET {_target(_address.events(request))} HTTP/1.1\r\nHost: {HOST}\r\nConnection: keep-alive\r\n{_CLIENT}"
        "Accept: text/event-stream\r\nAccept-Encoding: identity\r\nCache-Control: no-store\r\n\r\n"
    )


def poll(request: StreamRequest, wait: float, connection_id: str) -> str:
    """Return the head of a request for what is new."""
    named = f"X-Connection-Id: {connection_id}\r\n" if connection_id else ""
    return (
        f"GET {_target(_address.poll(request, wait))} HTTP/1.1\r\nHost: {HOST}\r\nAccept: */*\r\n"
        f"Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n{_CLIENT}{named}\r\n"
    )


def polled(length: int) -> str:
    """Return the head of the answer to it, whose body has so many bytes."""
    return (
        f"HTTP/1.1 200 \r\ncontent-length: {length}\r\ncache-control: no-store\r\ncontent-type: application/json\r\n"
        f"{_SAFETY}{_DATE}\r\n"
    )
