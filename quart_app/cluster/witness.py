"""The witness: writers that repeat until they are acknowledged, and a reader on each transport, all by the balancer."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import httpx

from quart_app.client import TRANSPORTS, Live, Message, Options, State, Status, connect
from quart_app.cluster.ledger import Ledger
from quart_app.cluster.timeline import Timeline
from quart_app.wire import Cursor

FACTS, SIGNALS = "log/witness", "live/witness"

logger = logging.getLogger(__name__)

_WRITERS: Final = 3
_THINKS: Final = 0.2  # s between two messages of a writer
_AGAIN: Final = 0.1  # s before a message is repeated
_PATIENCE: Final = 4.0  # s for an answer
_NOTED_PAUSE: Final = 1.0  # s
_TYPE: Final = "written"
_OPTIONS: Final = partial(
    Options,
    ws_open=2.0,
    sse_open=2.0,
    poll_open=3.0,
    backoff_base=0.1,
    backoff_cap=0.5,
    ping=5.0,
    poll_wait=5,
    request=3.0,
    early_deaths=1_000_000,  # each reader has one transport and keeps to it
)


class Witness:
    """All that write and read, and the `ledger` of it. It knows its own messages by a mark."""

    def __init__(self, url: str, timeline: Timeline) -> None:
        self.ledger = Ledger(TRANSPORTS, time.monotonic())
        self._url = url
        self._timeline = timeline
        self._mark = secrets.token_hex(6)
        self._failed: str | None = None
        self._states: dict[str, str] = {}
        self._left: dict[str, float] = {}
        self._repeats = dict.fromkeys(TRANSPORTS, 0)
        # No connection is used twice, so that the balancer chooses anew for each request.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._http = httpx.AsyncClient(timeout=_PATIENCE, limits=limits, trust_env=False)

    def told(self) -> dict[str, Any]:
        """Return the account and the states of the readers, as JSON has them."""
        told = self.ledger.told(time.monotonic()) | {"failed": self._failed}
        for name, reader in told["readers"].items():
            reader["state"] = self._states.get(name, State.CONNECTING)
        return told

    async def run(self, lives: list[Live]) -> None:
        """Write and read until this is cancelled."""
        try:
            async with self._http:
                await self._write_and_read(lives)
        except Exception as error:
            logger.exception("the witness has failed")
            self._failed = repr(error)

    async def _write_and_read(self, lives: list[Live]) -> None:
        """Follow what is written, on each transport; write once all readers are there."""
        async with asyncio.TaskGroup() as tasks:
            for name, live in zip(TRANSPORTS, lives, strict=True):
                tasks.create_task(self._read(name, live))
            for live in lives:
                await live.opened()
            for writer in range(_WRITERS):
                tasks.create_task(self._write(writer))
            tasks.create_task(self._signal())

    def client(self, name: str) -> Live:
        """Return a client that keeps to one transport."""
        options = _OPTIONS(on_status=partial(self._status, name))
        user = {"user_id": f"witness-{name}", "username": f"Witness {name}"}
        return connect(self._url, [FACTS, SIGNALS], params=user, transports=(name,), options=options)

    def _status(self, name: str, status: Status) -> None:
        before, self._states[name] = self._states.get(name), status.state
        reader = self.ledger.readers[name]
        reader.twice += status.repeats - self._repeats[name]  # what the client has kept from its user
        self._repeats[name] = status.repeats
        if before == State.CONNECTED and status.state is State.WAITING:
            self._left[name] = time.monotonic()
            self._timeline.note("reader_left", reader=name, why=status.why[-1].seen if status.why else "")
        elif status.state is State.CONNECTED and name in self._left:
            self._timeline.note("reader_back", reader=name, s=f"{time.monotonic() - self._left.pop(name):.1f}")

    async def _read(self, name: str, live: Live) -> None:
        ledger = self.ledger
        async for message in live:
            reader, data = ledger.readers[name], message.get("data")
            wrong = reader.wrong
            if message["type"] == "gap" and isinstance(data, dict):
                reader.told_lost += data["dropped"]
                self._timeline.note("gap", reader=name, n=data["dropped"])
            elif message["type"] == "reset":
                reader.resets += 1
            elif message["type"] == _TYPE and isinstance(data, dict) and data.get("run") == self._mark:
                self._take(name, message, data)
            if reader.wrong > wrong:
                self._timeline.note("wrong", reader=name, n=reader.wrong)

    def _take(self, name: str, message: Message, data: dict[str, Any]) -> None:
        if message["topic"] == SIGNALS:
            self.ledger.readers[name].signals += 1
            return
        position = Cursor.parse(message["id"]).position
        paused = self.ledger.see(name, data["writer"], data["number"], position, time.monotonic())
        if paused > _NOTED_PAUSE:
            self._timeline.note("pause", reader=name, s=f"{paused:.1f}")

    async def _write(self, writer: int) -> None:
        number = 0
        while True:
            await asyncio.sleep(_THINKS)
            if self.ledger.is_full:
                continue
            number += 1
            self.ledger.written += 1
            position = await self._until_acknowledged({"writer": writer, "number": number})
            self.ledger.acknowledge(writer, number, position, time.monotonic())

    async def _until_acknowledged(self, data: dict[str, Any]) -> int:
        """Publish a message, over and over with the same key, until it is acknowledged; return its position."""
        key = secrets.token_hex(12)
        while (cursor := await self._publish(FACTS, data, key)) is None:
            self.ledger.repeated += 1
            await asyncio.sleep(_AGAIN)
        return Cursor.parse(cursor).position

    async def _signal(self) -> None:
        while True:
            await asyncio.sleep(_THINKS)
            if await self._publish(SIGNALS, {}, None) is not None:
                self.ledger.signals += 1

    async def _publish(self, topic: str, data: dict[str, Any], key: str | None) -> str | None:
        """Ask once; return the cursor of the answer, None where there was none."""
        body = {"topic": topic, "type": _TYPE, "data": {**data, "run": self._mark}}
        headers = {} if key is None else {"Idempotency-Key": key}
        try:
            answer = await self._http.post(f"{self._url}/api/publish", json=body, headers=headers)
        except httpx.HTTPError:
            return None
        return str(answer.json()["id"]) if answer.is_success else None


@asynccontextmanager
async def witness(url: str, timeline: Timeline) -> AsyncIterator[Witness]:
    """Give a witness that writes and reads until the end of this."""
    seeing = Witness(url, timeline)
    lives = [seeing.client(name) for name in TRANSPORTS]
    for live in lives:
        await live.__aenter__()
    running = asyncio.create_task(seeing.run(lives))
    try:
        yield seeing
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await asyncio.gather(*(live.close() for live in lives), return_exceptions=True)
