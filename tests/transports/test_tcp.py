"""Requests over HTTP/1.1 as they are served without what no request needs: the same answers, the same ends."""

import asyncio
import contextlib
import gc
import socket
import struct
from collections.abc import AsyncIterator, Callable
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart, Response, request

from quart_app.transports.below import http
from quart_app.transports.below.http import CutOffConnection, ReceivedRequest
from quart_app.transports.below.tcp import INSTEAD
from quart_app.transports.guards.body import BodyLimit
from quart_app.web.lean import LeanQuart
from tests.inside import serving
from tests.transports.drivers import SseStream

DEADLINE = 5.0  # s
SHORT = 0.3  # s that an idle connection stays open where a test waits for its end
FRAMING = {"date", "transfer-encoding", "content-length"}
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
BIG = b"x" * 200_000

REQUESTS = {
    "get": [b"GET /echo?a=1&a=2 HTTP/1.1\r\nHost: h\r\nX-Twice: 1\r\nX-Twice: 2\r\nCookie: c=d\r\n\r\n"],
    "get with a body": [b"GET /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"],
    "post": [b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: Text/Plain; a=b\r\nContent-Length: 4\r\n\r\nbody"],
    "post in parts": [b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbo", b"dy"],
    "post in chunks": [b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"],
    "a large post": [b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n" + BIG],
    "one that is too large": [b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 200001\r\n\r\nx" + BIG],
    "a form": [b"POST /form HTTP/1.1\r\nHost: h\r\n" + FORM + b"Content-Length: 5\r\n\r\na=b+c"],
    "head": [b"HEAD /echo HTTP/1.1\r\nHost: h\r\n\r\n"],
    "options": [b"OPTIONS /echo HTTP/1.1\r\nHost: h\r\n\r\n"],
    "another method": [b"BREW /echo HTTP/1.1\r\nHost: h\r\n\r\n"],
    "nothing": [b"GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n"],
    "not there": [b"GET /where HTTP/1.1\r\nHost: h\r\n\r\n"],
    "a slash too many": [b"GET /places/ HTTP/1.1\r\nHost: h\r\n\r\n"],
    "a place": [b"GET /places/a%2Fb%20%C3%B1 HTTP/1.1\r\nHost: h\r\n\r\n"],
    "a whole address": [b"GET http://other/echo HTTP/1.1\r\nHost: other\r\n\r\n"],
    "stream": [b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n"],
    "cookies": [b"GET /cookies HTTP/1.1\r\nHost: h\r\n\r\n"],
    "broken": [b"GET /broken HTTP/1.1\r\nHost: h\r\n\r\n"],
    "close": [b"GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"],
    "keep-alive": [b"GET /echo HTTP/1.1\r\nHost: h\r\nConnection: Keep-Alive\r\n\r\n"],
    "both": [b"GET /echo HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n"],
    "http/1.0 that stays": [b"GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"],
    "http/1.0": [b"GET /echo HTTP/1.0\r\n\r\n"],
    "no host": [b"GET /echo HTTP/1.1\r\n\r\n"],
    "nonsense": [b"nonsense\r\n\r\n"],
    "too long": [b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n"],
    "continue": [b"POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n", b"body"],
    "one while another is answered": [
        b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbo",
        b"dyGET /slow HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n",
    ],
    "a length of another kind": [b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: +4\r\n\r\nbody"],
    "two lengths": [b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nbody"],
    "two hosts": [b"GET /echo HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n"],
    "a header in two lines": [b"GET /echo HTTP/1.1\r\nHost: h\r\nX-A: b\r\n c\r\n\r\n"],
    "a space before a colon": [b"GET /echo HTTP/1.1\r\nHost : h\r\n\r\n"],
    "a line that ends in LF": [b"GET /echo HTTP/1.1\r\nHost: h\n\r\n"],
    "an octet that is no text": [b"GET /echo HTTP/1.1\r\nHost: h\r\nX-A: \x01\r\n\r\n"],
    "several at once": [
        (
            b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n1"
            b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n"
            b"GET /echo HTTP/1.1\r\nHost: h\r\n\r\n"
            b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n22"
        )
    ],
}


def _routes(app: Quart) -> None:
    @app.route("/echo", methods=["GET", "POST"])
    async def echo() -> dict[str, Any]:
        body: bytes = await request.get_data(as_text=False)  # type: ignore[assignment]
        headers = [(name, value) for name, value in request.headers if name != "Remote-Addr"]
        known = [request.headers.get(name) for name in ("x-twice", "Content-Type", "nowhere")]
        said = [request.method, request.path, request.query_string.decode(), request.args.to_dict(flat=False)]
        return {"said": [*said, dict(request.cookies), request.mimetype, headers, known], "body": body.decode()}

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(0.05)
        return "slow"

    @app.post("/form")
    async def form() -> dict[str, str]:
        return (await request.form).to_dict()

    @app.get("/nothing")
    async def nothing() -> tuple[str, int]:
        return "", 204

    @app.get("/places/<path:name>")
    async def place(name: str) -> dict[str, str]:
        return {"name": name}

    @app.get("/stream")
    async def stream() -> Any:
        async def parts() -> AsyncIterator[bytes]:
            yield b"one"
            yield b"two"

        return parts()

    @app.get("/cookies")
    async def cookies() -> Response:
        response = Response("biscuits")
        response.set_cookie("a", "b")
        response.set_cookie("c", "d")
        return response

    @app.get("/broken")
    async def broken() -> str:
        raise RuntimeError


class Lean(LeanQuart):
    asgi_http_class = CutOffConnection
    request_class = ReceivedRequest


@pytest.fixture
def tidy(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Return a function that has Hypercorn serve by our classes, or by its own."""

    def choose(ours: bool) -> None:
        for module, name, one in INSTEAD:
            monkeypatch.setattr(module, name, one if ours else one.__mro__[1])

    choose(True)
    return choose


class Served:
    """A server at `port`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers.append(writer)
        return reader, writer

    def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def served(app: Any, **settings: Any) -> AsyncIterator[Served]:
    """Serve `app` by Hypercorn."""
    listener = socket.create_server(("127.0.0.1", 0))
    there = Served(listener.getsockname()[1])
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = None
    for name, value in settings.items():
        setattr(config, name, value)
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(app, config, shutdown_trigger=stop.wait, mode="asgi"))
    try:
        yield there
    finally:
        stop.set()
        await asyncio.wait_for(serving, DEADLINE)
        there.close()


class _Wire:
    """A connection whose answers are read one after another."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), DEADLINE)
        self._file = self.socket.makefile("rb")
        self._close, self._file.close = self._file.close, lambda: None  # type: ignore[method-assign]

    def makefile(self, _mode: str) -> Any:
        return self._file

    def answer(self, method: str) -> tuple[int, list[tuple[str, str]], bytes, bool]:
        """Return the status, the headers, the body, and whether this answer is said to be the last."""
        response = HTTPResponse(self, method=method)  # type: ignore[arg-type]
        response.begin()
        headers = sorted((name.lower(), value) for name, value in response.getheaders() if name.lower() not in FRAMING)
        return response.status, headers, response.read(), response.will_close

    def at_end(self) -> bool:
        return self._file.read(1) == b""

    def close(self) -> None:
        self._close()
        self.socket.close()


def exchange(port: int, parts: list[bytes]) -> list[Any]:
    """Return what a server answers to requests, and what it answers to one more, if it still listens."""
    wire = _Wire(port)
    methods = [b"HEAD" if line.startswith(b"HEAD") else b"GET" for part in parts for line in part.split(b"\r\n")
               if line.endswith((b" HTTP/1.1", b" HTTP/1.0")) or line == b"nonsense"]  # fmt: skip
    try:
        for part in parts:
            wire.socket.sendall(part)
        said: list[Any] = [wire.answer(method.decode()) for method in methods]
        if said[-1][-1]:
            return [*said, wire.at_end()]
        wire.socket.sendall(b"GET /places/still HTTP/1.1\r\nHost: h\r\n\r\n")
        return [*said, wire.answer("GET")]
    finally:
        wire.close()


@pytest.mark.parametrize("name", REQUESTS)
async def test_every_answer_is_the_same_as_ever(name: str, tidy: Callable[[bool], None]) -> None:
    said = []
    for ours in (False, True):
        tidy(ours)
        app: Quart = Lean("small") if ours else Quart("small")
        _routes(app)
        app.asgi_app = BodyLimit(app.asgi_app, len(BIG))  # type: ignore[method-assign]  # Quart's documented way
        async with served(app, h11_max_incomplete_size=32_768) as there:
            said.append(await asyncio.to_thread(exchange, there.port, REQUESTS[name]))
    assert said[1] == said[0]


async def _get(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str = "/") -> bytes:
    """Return the body of an answer that says how long it is."""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length: "))
    return await reader.readexactly(int(length.rpartition(b" ")[2]))


class Slow(Lean):
    """An application whose `/slow` takes as long as the test says; `ends` tells how each request for it ended."""

    def __init__(self) -> None:
        super().__init__("slow")
        self.begun, self.go, self.ends = asyncio.Event(), asyncio.Event(), asyncio.Queue[str]()
        self.get("/slow")(self.slow)
        self.get("/large")(self.large)
        self.get("/")(self.quick)

    async def slow(self) -> str:
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.ends.put_nowait("cancelled")
            raise
        self.ends.put_nowait("answered")
        return "slow"

    async def large(self) -> Any:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield BIG

        return parts()

    async def quick(self) -> str:
        return "quick"


async def test_a_handler_is_cancelled_when_the_peer_is_lost(tidy: Callable[[bool], None]) -> None:
    app = Slow()
    async with served(app) as there, asyncio.timeout(DEADLINE):
        _, writer = await there.connect()
        writer.write(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
        await app.begun.wait()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()
        assert await app.ends.get() == "cancelled"


async def test_a_peer_that_says_no_more_gets_its_answer(tidy: Callable[[bool], None]) -> None:
    async with served(Slow()) as there, asyncio.timeout(DEADLINE):
        reader, writer = await there.connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        writer.write_eof()
        assert (await reader.read()).startswith(b"HTTP/1.1 200")


async def test_the_head_and_the_body_are_written_as_one(tidy: Callable[[bool], None]) -> None:
    async with served(Slow()) as there, asyncio.timeout(DEADLINE):
        reader, writer = await there.connect()
        for _ in range(3):
            writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            assert (await reader.read(65_536)).endswith(b"\r\n\r\nquick")


async def test_an_idle_connection_is_closed_and_no_other(tidy: Callable[[bool], None]) -> None:
    app, now = Slow(), asyncio.get_running_loop().time
    async with (
        served(app, keep_alive_timeout=SHORT, keep_alive_max_requests=1_000_000) as there,
        asyncio.timeout(DEADLINE),
    ):
        silent, busy, waiting = [await there.connect() for _ in range(3)]
        waiting[1].write(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
        begun = now()
        while now() < begun + 2 * SHORT:
            assert await _get(*busy) == b"quick"
        spoken = now()
        assert await silent[0].read() == b""
        assert await busy[0].read() == b""
        assert now() - spoken > SHORT - 0.05
        app.go.set()
        assert b"slow" in await waiting[0].readuntil(b"slow")
        assert await waiting[0].read() == b""


async def test_idle_connections_do_not_hold_up_the_end(tidy: Callable[[bool], None]) -> None:
    async with asyncio.timeout(DEADLINE):
        async with served(Slow(), keep_alive_timeout=10 * DEADLINE, graceful_timeout=10 * DEADLINE) as there:
            connections = [await there.connect() for _ in range(5)]
            assert [await _get(*connection) for connection in connections] == [b"quick"] * 5
            served_so_far = connections
        assert [await reader.read() for reader, _ in served_so_far] == [b""] * 5


async def test_the_last_request_of_a_connection_is_told_so(tidy: Callable[[bool], None]) -> None:
    async with served(Slow(), keep_alive_max_requests=2) as there, asyncio.timeout(DEADLINE):
        reader, writer = await there.connect()
        heads = []
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            heads.append(await reader.readuntil(b"quick"))
        assert [b"connection: close" in head.lower() for head in heads] == [False, True]
        assert await reader.read() == b""


async def test_who_takes_nothing_for_too_long_is_cut_off(
    tidy: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "ANSWER_TIMEOUT", SHORT)
    async with served(Slow()) as there, asyncio.timeout(DEADLINE):
        reader, writer = await there.connect()
        writer.write(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
        await asyncio.sleep(2 * SHORT)  # it takes nothing, for that long
        taken = 0
        with contextlib.suppress(ConnectionError):
            while part := await reader.read(65_536):
                taken += len(part)
        assert taken < len(BIG) * 100


async def test_an_event_stream_takes_as_long_as_it_likes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "ANSWER_TIMEOUT", SHORT)
    async with serving(tmp_path / "envivo.db") as (app, url), asyncio.timeout(DEADLINE):
        assert app.config["RESPONSE_TIMEOUT"] is None  # Quart's own would end it after a minute
        stream = SseStream(url, None, ("live/n",), {})
        await stream.open()
        await asyncio.sleep(2 * SHORT)
        app.hub.broadcast("live/n", "n", data=1)
        assert (await stream.next("n"))["data"] == 1
        await stream.leave()


async def test_a_request_leaves_nothing_to_the_collector(tidy: Callable[[bool], None]) -> None:
    async with served(Slow()) as there, asyncio.timeout(DEADLINE):
        connection = await there.connect()
        assert await _get(*connection) == b"quick"
        gc.collect()
        gc.disable()
        try:
            for _ in range(10):
                assert await _get(*connection) == b"quick"
            assert gc.collect() < 10
        finally:
            gc.enable()
