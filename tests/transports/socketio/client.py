"""The socket.io-client of npm in a process of its own, and what it tells of itself."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.running import NODE_CLIENTS, eventually, find_node

Json = dict[str, Any]
GOODBYE = 5.0  # s that a client has to say it


class SocketIoClient:
    """`told` is everything that happened to it, in order."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.told: list[Json] = []

    async def listen(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self.told.append(json.loads(line))

    def all(self, kind: str) -> list[Any]:
        """Every `connect` (the transport), `upgrade`, `disconnect` (the reason), `refused`, `answer`."""
        return [what[kind] for what in self.told if kind in what]

    def events(self, *names: str) -> list[list[Any]]:
        """The arguments of the events of these names."""
        return [what["args"] for what in self.told if what.get("event") in names]

    async def until(self, predicate: Callable[[], Any], deadline: float = 10.0) -> Any:
        try:
            return await eventually(predicate, deadline)
        except AssertionError as failure:
            failure.add_note(f"told last: {self.told[-5:]}")
            raise

    async def connected(self, times: int = 1) -> None:
        await self.until(lambda: len(self.events("connected")) >= times)

    def do(self, what: Json) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")

    def stop(self) -> None:
        """It takes nothing any more, as a computer that was suspended."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def die(self) -> None:
        """It is killed while it is connected: if it polls, then not between two polls."""
        self.do({"die": True})


@asynccontextmanager
async def socketio_client(url: str, **options: Any) -> AsyncIterator[SocketIoClient]:
    """A client that connects to `url`; `options` as socket.io-client has them. It says goodbye at the end."""
    node = find_node()
    assert node is not None
    script = str(NODE_CLIENTS / "socketio-client.mjs")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        node, script, url, json.dumps(options), stdin=pipe, stdout=pipe, limit=2**24
    )
    client = SocketIoClient(process)
    listening = asyncio.create_task(client.listen())
    try:
        yield client
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), GOODBYE)
        except TimeoutError:
            process.kill()
            await process.wait()
        await listening
