"""A Socket.IO session by hand, over Engine.IO 4: what no well-behaved client can be made to do."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Self

import httpx
import websockets

SEPARATOR = "\x1e"  # between the packets of one payload


class Session:
    """`events` are (name, data) as they came; `ended` once the server knows it no more; `id` is the session's."""

    def __init__(self, url: str, client: httpx.AsyncClient | None = None) -> None:
        self._url = url
        self._own = client is None
        self._client = client or httpx.AsyncClient(base_url=url, timeout=10)
        self.id = ""
        self._socket: Any = None
        self.events: list[tuple[str, Any]] = []
        self.ended = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._socket is not None:
            await self._socket.close()
        if self._own:
            await self._client.aclose()

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    async def request(self, method: str, **options: Any) -> httpx.Response:
        params = {"EIO": "4", "transport": "polling", **options.pop("params", {})}
        if self.id:
            params["sid"] = self.id
        return await self._client.request(method, "/socket.io/", params=params, **options)

    async def open(self) -> None:
        answer = await self.request("GET")
        assert answer.status_code == 200, answer.text
        self.id = json.loads(answer.text[1:])["sid"]

    async def connect(self) -> None:
        """Open a session, and connect in it."""
        await self.open()
        await self.post("40")
        await self.poll_until(lambda: "connected" in self.names)

    async def post(self, payload: str) -> httpx.Response:
        return await self.request("POST", content=payload)

    async def poll_until(self, predicate: Callable[[], Any], deadline: float = 5.0) -> None:
        async with asyncio.timeout(deadline):
            while not predicate():
                await self.poll()

    async def poll(self) -> None:
        answer = await self.request("GET")
        self.ended = answer.status_code == 400
        packets = answer.text.split(SEPARATOR) if answer.status_code == 200 else []
        for packet in packets:
            await self._take(packet)

    async def _take(self, packet: str) -> None:
        if packet.startswith("42"):
            name, data, *_ = json.loads(packet[2:])
            self.events.append((name, data))
        elif packet == "2" and self._socket is None:
            await self.post("3")
        elif packet == "2":
            await self._socket.send("3")
        elif packet == "1":
            self.ended = True

    def websocket(self) -> Any:
        """The WebSocket that would take this session over."""
        address = self._url.replace("http", "ws", 1)
        id = f"&sid={self.id}" if self.id else ""
        return websockets.connect(f"{address}/socket.io/?EIO=4&transport=websocket{id}", max_size=2**24)

    async def upgrade(self) -> None:
        """Move to a WebSocket as the protocol says: probe, wait for the last poll, take over."""
        self._socket = socket = await self.websocket()
        polling = asyncio.create_task(self.poll())
        await socket.send("2probe")
        assert await socket.recv() == "3probe"
        await polling
        await socket.send("5")

    async def read_until(self, predicate: Callable[[], Any], deadline: float = 10.0) -> None:
        async with asyncio.timeout(deadline):
            while not predicate():
                await self._take(await self._socket.recv())

    async def speak_over_websocket(self, frame: str | bytes) -> None:
        """Connect over a WebSocket of its own, say `frame`; leave once the server has answered a ping or is gone."""
        try:
            async with asyncio.timeout(5), self.websocket() as socket:
                await socket.recv()
                await socket.send("40")
                await socket.send(frame)
                await socket.send('42["ping"]')
                while "pong" not in self.names:
                    said = await socket.recv()
                    if isinstance(said, str) and said.startswith("42"):
                        self.events.append((json.loads(said[2:])[0], None))
        except websockets.ConnectionClosed:
            self.ended = True
