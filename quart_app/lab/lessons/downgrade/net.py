"""The net of a phone: what a strategy has in hand. It opens connections, one at a time, and shows what they bring."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from quart_app.client import Live
from quart_app.client.status import State, Status
from quart_app.lab.lessons.downgrade.school import SAID, TOPIC, position, told
from quart_app.lab.world.roads import Cut, End, Unreachable
from quart_app.lab.world.serving import PING, PONG, Answer, Request
from quart_app.lab.world.world import World
from quart_app.realtime import Identity

PROBE = 1.0
"""The time after which the real client looks again for a better rung; 5 s outside, where a lesson has more time (s)."""
MISSED = 2.25
"""The heartbeats after which silence is taken for an end, as by the real client."""


class Net:
    """The net of the phone of a world, whose server sends a heartbeat each `heartbeat` s."""

    def __init__(self, world: World, heartbeat: float) -> None:
        self.patience = MISSED * heartbeat
        self._world = world
        self._road = world.road("phone", "server")
        self._road.watch = self._watch
        self._asked: dict[str, str | None] = {}
        self._rung = "none"
        self._client = world.client("phone", [TOPIC], since="0", on_status=self._changed, probe_first=PROBE)
        self.process = self._client.process

    def _watch(self, item: Any) -> dict[str, Any] | None:
        if isinstance(item, Request):
            self._asked[item.kind] = item.since
        return told(item)

    def _stand(self, rung: str) -> None:
        """Note the rung on which the phone stands now, and from where it goes on there."""
        if rung != self._rung:
            self._rung = rung
            self._world.trace.note("phone", "rung", rung=rung, since=position(self._asked.get(rung)))

    def _changed(self, status: Status) -> None:
        self._stand(str(status.transport) if status.state is State.CONNECTED else "none")

    # What a strategy may do

    def client(self) -> Live:
        """Return the real client: it climbs its ladder, and says with each connection from where it goes on,
        with the first one from the beginning."""
        return self._client.live

    async def open(self, kind: str, since: str | None = None) -> AsyncIterator[dict[str, Any]]:
        """Yield the messages of a new connection (`ws`, `sse` or `poll`), those after the cursor `since` or from now
        on. It ends where it is not let through, is cut, or is silent for `patience` s."""
        request = Request(kind, Identity("phone", "phone"), (TOPIC,), since)
        end: End | None = None
        try:
            while True:
                async with asyncio.timeout(self.patience):
                    if end is None or request.kind == "poll":
                        end = await self._dial(request)
                    item = await end.receive()
                if item == PING:
                    end.put(PONG)
                    continue
                arrived = [json.loads(one) for one in (item.messages if isinstance(item, Answer) else [item])]
                request = self._next(request, item, arrived)
                self._stand(kind)
                for message in arrived:
                    if message["type"] == SAID:
                        yield message
        except (Cut, TimeoutError, Unreachable):
            return
        finally:
            self._stand("none")
            if end is not None:
                end.connection.cut()

    async def _dial(self, request: Request) -> End:
        end = await self._road.connect(self.process, self._world.nodes["server"], request.kind)
        end.put(request)
        return end

    def _next(self, request: Request, item: Any, arrived: list[dict[str, Any]]) -> Request:
        """Return the request of the next poll, which goes on where this one has ended."""
        if not isinstance(item, Answer):
            return request
        known = next((one["connection_id"] for one in arrived if "connection_id" in one), request.connection_id)
        return Request("poll", request.identity, request.topics, item.cursor, (), known, self.patience / 2)

    def show(self, message: dict[str, Any]) -> None:
        """Show a message."""
        if message["type"] == SAID:
            self._world.trace.note("phone", "show", msg=f"m{message['data']}", pos=message["data"])

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    def now(self) -> float:
        """Return the seconds since the run has begun."""
        return self._world.loop.time()

    def say(self, text: str) -> None:
        """Write a note into the run."""
        self._world.trace.note("phone", "say", text=str(text)[:200])
