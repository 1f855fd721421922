"""The measurements of what lies between here and a server: each rung by itself, then the whole ladder under cuts.

They work on a fresh topic of the server's open `log/` namespace and return evidence; the caller decides how it is
shown.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Self

from quart_app.client.address import Address, StreamRequest
from quart_app.client.endings import STATUS_TO_CODE, EndingKind, LinkEnded, LinkEnding, failed
from quart_app.client.errors import ClientError, SendRefused
from quart_app.client.links import Link, Postponed, RequestFailed, ServerFailed
from quart_app.client.live import Live, connect
from quart_app.client.messages import Message, is_welcome
from quart_app.client.options import Options
from quart_app.client.status import State
from quart_app.client.transports import Network

PINGS = 30
PUBLISHED = 10
AT_ONCE = 1.0
"""The seconds after which a published message counts as held back."""
PADDING = 4096
"""The bytes pushed at a time to find out how many it takes until something in between lets go."""
MOST_PADDING = 256 * 1024
PATIENCE = 5.0
PUSH_PAUSE = 0.02
SEGMENT = 40
"""The number of messages published before, and again during, each disturbance."""
LADDER_PATIENCE = 60.0
PATHS = ("/api/publish", "/ws", "/sse", "/poll", "/send")
"""The paths that are used here."""
NOT_FOUND = "not_found"

Progress = Callable[[str], None]


class NotOffered(ClientError):
    """The error of a door that does not offer `paths`, which are used here."""

    def __init__(self, paths: str) -> None:
        super().__init__(
            f"this door does not offer {paths}: add that to its paths= in ENVIVO_DOOR (--door), or test the first door"
        )


@dataclass(slots=True)
class RungEvidence:
    """The evidence of one transport, with times in milliseconds, None for what was not reached.

    `held` is the number of bytes that something in between kept back until more came: it should be 0, and -1 means
    that nothing came out at all.
    """

    transport: str
    opened: float | None = None
    first_message: float | None = None
    rtt_p50: float | None = None
    rtt_p99: float | None = None
    delivery_p50: float | None = None
    held: int = 0
    repeated: int = 0
    problem: str = ""

    @property
    def fine(self) -> bool:
        """Tell whether this rung works as it should."""
        return not (self.problem or self.held or self.repeated)


@dataclass(slots=True)
class LadderEvidence:
    """The fate of numbered messages while the client was cut off and pushed down.

    `transports` are those before, between and after the disturbances; `away` holds the milliseconds that each
    disturbance cost.
    """

    transports: list[str] = field(default_factory=list)
    away: list[float] = field(default_factory=list)
    published: int = 0
    lost: int = 0
    repeated: int = 0
    disordered: int = 0
    problem: str = ""

    @property
    def fine(self) -> bool:
        """Tell whether everything came once and in order."""
        return not (self.problem or self.lost or self.repeated or self.disordered)

    def count(self, numbers: Sequence[int]) -> None:
        """Count what is lost, repeated and out of order in `numbers`, which stand as they arrived."""
        self.lost = self.published - len(set(numbers))
        self.repeated = len(numbers) - len(set(numbers))
        self.disordered = sum(later < earlier for earlier, later in pairwise(numbers))


def fresh_topic() -> str:
    """Return a topic nobody else uses."""
    return f"log/selftest-{secrets.token_hex(6)}"


class Prober:
    """A prober that measures one server for one speaker; it is to be closed."""

    def __init__(self, url: str, params: dict[str, object], options: Options, progress: Progress) -> None:
        """Make a prober from the parameters of `connect`; `progress` is told what is going on. Raise ValueError for
        a bad URL."""
        self._url = url
        self._params = params
        self._options = options
        self._progress = progress
        self._dialer = Network(Address.of(url, params), options)

    async def close(self) -> None:
        """Close the connections."""
        await self._dialer.close()

    async def reach(self) -> None:
        """Return once the server has let us publish; raise ClientError where it cannot be reached or refuses,
        NotOffered where its door does not offer what is used here."""
        self._progress(f"{self._url}: reaching the server")
        try:
            await self._publish(fresh_topic(), 0)
        except SendRefused as error:
            if error.code == NOT_FOUND:
                raise NotOffered("+".join(PATHS)) from error
            raise

    async def rung(self, transport: str) -> RungEvidence:
        """Measure one transport and return the evidence."""
        evidence = RungEvidence(transport)
        self._progress(f"{transport}: opening")
        topic = fresh_topic()
        try:
            async with FollowedTopic(self._dialer.open(transport, StreamRequest((topic,), None, ()))) as stream:
                await self._measure(stream, topic, evidence)
        except LinkEnded as error:
            missing = error.ending.code == STATUS_TO_CODE + 404
            evidence.problem = str(NotOffered(f"/{transport}")) if missing else error.ending.seen
        except SendRefused as error:
            evidence.problem = str(NotOffered("/send") if error.code == NOT_FOUND else error)
        except (ClientError, Postponed, ServerFailed, RequestFailed) as error:
            evidence.problem = str(error)
        return evidence

    async def _measure(self, stream: FollowedTopic, topic: str, evidence: RungEvidence) -> None:
        heard = await stream.until(lambda: stream.heard is not None, self._options.open_within(evidence.transport))
        if not heard:
            self._progress(f"{evidence.transport}: no first message, looking for what it takes to come out")
            evidence.held = await self._push(topic, lambda: stream.heard is not None)
            evidence.opened = stream.opened
            evidence.problem = "the first message is held back" if evidence.held > 0 else "nothing comes through"
            return
        evidence.opened, evidence.first_message = stream.opened, stream.heard
        self._progress(f"{evidence.transport}: {PINGS} round trips")
        trips = [await stream.round_trip(topic) for _ in range(PINGS)]
        evidence.rtt_p50, evidence.rtt_p99 = percentile(trips, 50), percentile(trips, 99)
        self._progress(f"{evidence.transport}: {PUBLISHED} messages, each published when the one before has arrived")
        delays: list[float] = []
        for number in range(PUBLISHED):
            sent = time.monotonic()
            await self._publish(topic, number)
            if not await stream.until(lambda: len(set(stream.numbers)) > len(delays), AT_ONCE):
                self._progress(f"{evidence.transport}: held back, looking for what it takes to come out")
                evidence.held = await self._push(topic, lambda: len(set(stream.numbers)) > len(delays))
                break
            delays.append(_milliseconds_since(sent))
        evidence.delivery_p50 = percentile(delays, 50) if delays else None
        evidence.repeated = len(stream.numbers) - len(set(stream.numbers))

    async def _push(self, topic: str, released: Callable[[], bool]) -> int:
        """Publish padding until `released()` is true; return the number of bytes that it took, -1 where it stayed
        false."""
        for pushed in range(PADDING, MOST_PADDING + 1, PADDING):
            await self._publish(topic, -1, "x" * PADDING)
            await asyncio.sleep(PUSH_PAUSE)
            if released():
                return pushed
        return -1

    async def _publish(self, topic: str, number: int, padding: str = "") -> None:
        message = {"topic": topic, "type": "selftest", "data": {"number": number, "padding": padding}}
        await self._dialer.call("POST", "api/publish", message)

    async def ladder(self) -> LadderEvidence:
        """Return the evidence of numbered messages across a lost connection and two forced steps down."""
        evidence = LadderEvidence()
        topic = fresh_topic()
        live = connect(self._url, [topic], params=self._params, options=self._options)
        disturbances = (live.interrupt, live.step_down, live.step_down)
        numbers: list[int] = []
        try:
            async with live, asyncio.timeout(LADDER_PATIENCE):
                status = await live.opened()
                evidence.transports.append(str(status.transport))
                reading = asyncio.create_task(_collect(live, numbers, 2 * SEGMENT * len(disturbances)))
                try:
                    for disturb in disturbances:
                        self._progress(f"ladder: {disturb.__name__} while messages flow")
                        await self._publish_segment(topic, evidence)
                        returning = asyncio.create_task(_come_back(live, disturb))
                        await self._publish_segment(topic, evidence)
                        evidence.away.append(await returning)
                        evidence.transports.append(str(live.status.transport))
                    await reading
                finally:
                    reading.cancel()
                    await asyncio.gather(reading, return_exceptions=True)
        except TimeoutError:
            evidence.problem = f"not done within {LADDER_PATIENCE:g} s"
        except ClientError as error:
            evidence.problem = str(error)
        evidence.count(numbers)
        return evidence

    async def _publish_segment(self, topic: str, evidence: LadderEvidence) -> None:
        for _ in range(SEGMENT):
            await self._publish(topic, evidence.published)
            evidence.published += 1


class FollowedTopic:
    """A connection that is opened and then read all the time; it collects what the measurements wait for.

    `opened` and `heard` are the milliseconds until it was open, and until its first message.
    """

    def __init__(self, opening: Coroutine[Any, Any, Link]) -> None:
        self.opened: float | None = None
        self.heard: float | None = None
        self.numbers: list[int] = []
        self._opening = opening
        self._began = time.monotonic()
        self._link: Link | None = None
        self._answered: set[str] = set()
        self._ended: LinkEnded | None = None
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        if self._link is not None:
            await self._link.close(orderly=True)

    async def until(self, reached: Callable[[], bool], limit: float) -> bool:
        """Return whether `reached()` is true within `limit` seconds; raise LinkEnded when it cannot be any more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                while not reached():
                    if self._ended is not None:
                        raise self._ended
                    self._changed.clear()
                    await self._changed.wait()
        return reached()

    async def round_trip(self, topic: str) -> float:
        """Return the milliseconds from a ping to its pong; raise LinkEnded if there is none."""
        key = secrets.token_urlsafe(12)
        began = time.monotonic()
        if self._link is None:
            raise failed("not open")
        for reply in await self._link.send(topic, {"type": "ping", "key": key}) or ():
            self._take(reply)
        if not await self.until(lambda: key in self._answered, PATIENCE):
            raise LinkEnded(LinkEnding(EndingKind.STALLED, "no answer to a ping"))
        self._answered.discard(key)
        return _milliseconds_since(began)

    async def _read(self) -> None:
        try:
            self._link = link = await self._opening
            self.opened = _milliseconds_since(self._began)
            while True:
                for message in (await link.receive()).messages:
                    self._take(message)
        except LinkEnded as error:
            self._ended = error
            self._changed.set()

    def _take(self, message: Message) -> None:
        if self.heard is None and is_welcome(message):
            self.heard = _milliseconds_since(self._began)
        if "key" in message:
            self._answered.add(str(message["key"]))
        number = numbered(message)
        if number is not None:
            self.numbers.append(number)
        self._changed.set()


async def _collect(live: Live, numbers: list[int], expected: int) -> None:
    """Append the numbers as they come, until there are `expected` different ones."""
    async for message in live:
        number = numbered(message)
        if number is not None:
            numbers.append(number)
        if len(set(numbers)) >= expected:
            return


async def _come_back(live: Live, disturb: Callable[[], None]) -> float:
    """Disturb the connection; return the milliseconds until there is one again."""
    began = time.monotonic()
    disturb()
    status = await live.changed()
    while status.state is State.CONNECTED:
        status = await live.changed()
    await live.opened()
    return _milliseconds_since(began)


def numbered(message: Message) -> int | None:
    """Return the number of one of our messages, None where it has none, as padding."""
    data = message.get("data")
    number = data.get("number") if message.get("type") == "selftest" and isinstance(data, dict) else None
    return number if isinstance(number, int) and number >= 0 else None


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile of `values` (at least one)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def _milliseconds_since(began: float) -> float:
    return (time.monotonic() - began) * 1000
