"""Writers that ask for one thing after the other, with keys, again and again until they are answered."""

import asyncio
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Final

import httpx

from quart_app.client import ClientError, Live, SendRefused, connect
from quart_app.client.options import Options
from tests.cluster.asking import FACT, TALK, Asking
from tests.cluster.cluster import Cluster
from tests.cluster.history import Json
from tests.cluster.requests import REQUESTS, place

PATIENCE: Final = 3.0  # s for an answer
AGAIN: Final = 0.1  # s before something is asked again
GIVES_UP: Final = 20.0  # s
ONCE_MORE: Final = 10  # of so many things one is asked for again when it was answered, for the same answer
AT_ONCE: Final = 15  # of so many things one is asked for twice at the same time
PIPELINED: Final = 8  # messages on their way at once on a WebSocket

_OPTIONS: Final = Options(ws_open=2.0, backoff_base=0.1, backoff_cap=0.5, ping=2.0)


@dataclass(eq=False)
class Writer:
    """Somebody who asks over REST; `pause` is how long they think, about."""

    cluster: Cluster
    name: str
    asking: Asking
    random: Random
    pause: float
    ended: bool = False
    _asked: int = 0

    async def run(self) -> None:
        """Ask for one thing after the other until `ended` is set; the last one is seen through."""
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            while not self.ended:
                await self.ask(client, *self.asking.command(self.name))
                await asyncio.sleep(self.pause * self.random.uniform(0, 2))

    async def ask(self, client: httpx.AsyncClient, do: str, asked: Json) -> None:
        """Ask for something until it is answered, or for too long; a signal and a look are asked for once."""
        if do in {"live.publish", "bank.balance"}:
            await self._attempt(client, do, asked, None)
            return
        key = secrets.token_hex(8)
        self._asked += 1
        if self._asked % AT_ONCE == 0:
            await asyncio.gather(*(self._attempt(client, do, asked, key) for _ in range(2)))
        ends = time.monotonic() + GIVES_UP
        while not await self._attempt(client, do, asked, key) and time.monotonic() < ends:
            await asyncio.sleep(AGAIN)
        if self._asked % ONCE_MORE == 0:
            await self._attempt(client, do, asked, key)

    async def _attempt(self, client: httpx.AsyncClient, do: str, asked: Json, key: str | None) -> bool:
        """Ask once; return whether there was an answer."""
        history, request = self.cluster.history, REQUESTS[do](asked)
        op = history.invoke(self.name, do, asked, key)
        more = {
            "params": {"user_id": self.name, "username": self.name},
            "headers": {} if key is None else {"Idempotency-Key": key},
            "json": request.body if do != "chat.send" else {**(request.body or {}), "key": key},
        }
        try:
            async with self.cluster.asked(client, request.method, request.path, **more) as (response, node):
                body = await response.aread()
        except httpx.HTTPError as error:
            history.unknown(op, repr(error))
            return False
        if response.status_code >= 500 or response.status_code == 429:
            history.unknown(op, f"{response.status_code} {body.decode()}")
            return False
        if not response.is_success:
            history.fail(op, response.json()["error"]["code"], node)
            return True
        if (answer := request.answer(response.json())) is None:
            history.unknown(op, body.decode())
            return False
        self.asking.learn(do, answer)
        history.ok(op, answer, node)
        return True


@dataclass(eq=False)
class Talker:
    """Somebody who publishes over a WebSocket, many messages at once, with the project's own client: it repeats by
    itself, with the same keys, what it got no answer to."""

    cluster: Cluster
    name: str
    random: Random
    pause: float
    ended: bool = False

    async def run(self) -> None:
        """Publish until `ended` is set, then wait for the answers."""
        params = {"user_id": self.name, "username": self.name}
        places = asyncio.Semaphore(PIPELINED)
        async with (
            connect(self.cluster.url, [TALK], params=params, transports=("ws",), options=_OPTIONS) as live,
            asyncio.TaskGroup() as group,
        ):
            reading = group.create_task(_discard(live))
            sending = set()
            number = 0
            while not self.ended:
                await places.acquire()
                number += 1
                task = group.create_task(self._send(live, f"{self.name} {number}"))
                task.add_done_callback(lambda _: places.release())
                sending.add(task)
                await asyncio.sleep(self.pause * self.random.uniform(0, 2))
            await asyncio.wait(sending)
            reading.cancel()

    async def _send(self, live: Live, mark: str) -> None:
        history, key = self.cluster.history, secrets.token_hex(8)
        op = history.invoke(self.name, "log.publish", {"topic": TALK, "mark": mark}, key)
        try:
            ack = await live.send(TALK, {"type": FACT, "data": {"mark": mark}, "key": key})
        except SendRefused as refused:
            history.fail(op, refused.code)
        except ClientError as error:
            history.unknown(op, repr(error))
        else:
            history.ok(op, place(ack["id"]))


async def _discard(live: Live) -> None:
    with suppress(ClientError):
        async for _ in live:
            pass
