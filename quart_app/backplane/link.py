"""The link of a node to the others: the backplane over a line to Redis.

One task connects, takes stock, and goes on until the line is lost, then does it again. Taking stock finds out what was
missed meanwhile. While there is no line the link is away: durable events are found in the log, signals are counted
and told as missing afterwards, and new values of states are shown here and sent later.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import count

from quart_app.backplane import messages, scripts
from quart_app.backplane.attendance import Attendance
from quart_app.backplane.line import Connect, Line, Lost, parts
from quart_app.backplane.outbox import Batch, Outbox
from quart_app.backplane.talk import Talk
from quart_app.realtime import UNKNOWN, Count, Entry, Event, Holding, Refused, Sink, limits
from quart_app.surroundings import REAL, Surroundings

logger = logging.getLogger(__name__)


class Link:
    """The backplane of the node `name`, by lines that `connect` opens. `nodes` are the names of all that are there, and
    `others` those of the others by their tags."""

    shared = True

    def __init__(self, connect: Connect, name: str, surroundings: Surroundings = REAL) -> None:
        self._connect = connect
        self.name = name
        self._surroundings = surroundings
        self.tag = surroundings.token(18)[:6]
        self._instance = ""
        self._run = ""
        self._heard = 0
        self._line: Line | None = None
        self._stopping = False
        self._there = asyncio.Event()
        self._news = asyncio.Event()
        self._sent = asyncio.Event()
        self._ids = count(1)
        self._questions: dict[int, asyncio.Future[None]] = {}
        self._seeding: dict[str, asyncio.Future[None]] = {}
        self.away_since: float | None = None
        self.nodes: Sequence[str] = ()
        self.others: Mapping[str, str] = {}
        self._talk = Talk(self.tag, self._news.set)
        self._attendance = Attendance(self.tag, name, self._news.set, surroundings)

    async def start(self, sink: Sink, log: str) -> None:
        """Join the others, or be away where that does not succeed soon."""
        self._sink = sink
        self._prefix = f"envivo:{{{log}}}:"
        self._channel = f"{self._prefix}node:{self.tag}"
        self._outbox = Outbox(sink.is_state)
        self.away_since = asyncio.get_running_loop().time()
        self._task = asyncio.create_task(self._run_on(), name="backplane")
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.PROBE_DEADLINE):
                await self._there.wait()

    async def stop(self) -> None:
        with suppress(TimeoutError, Lost):
            async with asyncio.timeout(limits.PROBE):
                if self._line is not None:
                    self._sent.clear()
                    self._news.set()
                    await self._sent.wait()
                    await self._attendance.retire(self._line)
        self._stopping = True
        await _end({self._task})

    # What the engine has to say

    def committed(self, events: Sequence[Event]) -> None:
        self._sink.offered(events)
        if events and self.away_since is None:
            self._outbox.commit(events)
            self._news.set()

    def publish(self, events: Sequence[Event]) -> None:
        self._sink.check(events)
        if self.away_since is None:
            self._outbox.add(events)
            self._news.set()
        else:
            self._outbox.put_off(events)
            self._show([event for event in events if self._sink.is_state(event.topic)])

    async def passed_on(self) -> None:
        if self.away_since is None:
            self._news.set()
            await self._outbox.passed_on()

    def _show(self, values: Sequence[Event]) -> None:
        try:
            self._sink.shown(values)
        except Refused as refused:
            logger.info("a value is not shown: %s", refused.message)

    def count_of(self, topic: str) -> Count:
        return UNKNOWN

    async def seed(self, topics: Collection[str]) -> None:
        if self._line is None or self.away_since is not None:
            return
        new = [topic for topic in topics if topic not in self._seeding]
        if new:
            asked = asyncio.ensure_future(self._ask(self._line, [self._sink.holding(topic) for topic in new]))
            self._seeding.update(dict.fromkeys(new, asked))
            asked.add_done_callback(lambda _: self._seeded(new, asked))
        # Others may wait for the same answer, so whoever gives up waiting ends nothing.
        await asyncio.wait({self._seeding[topic] for topic in topics})

    def enter(self, entry: Entry) -> None:
        self._attendance.enter(entry)

    def leave(self, entry: Entry) -> None:
        self._attendance.leave(entry)

    def present(self, topic: str) -> Mapping[str, str]:
        return self._attendance.present(topic)

    async def ask(
        self, tags: Collection[str], what: str, body: bytes, wait: float, enough: Callable[[bytes], bool]
    ) -> Mapping[str, bytes]:
        return {} if self.away_since is not None else await self._talk.ask(tags, what, body, wait, enough)

    def _seeded(self, topics: Sequence[str], asked: asyncio.Future[None]) -> None:
        if not asked.cancelled():
            asked.exception()  # the line is lost, and then nobody knows more
        for topic in topics:
            del self._seeding[topic]

    # The line

    async def _run_on(self) -> None:
        """Have a line, again and again."""
        told = False
        while not self._stopping:
            try:
                line = await self._connect(self._prefix, self._channel)
                try:
                    await self._follow(line)
                finally:
                    told = told and self.away_since is not None
                    self._went_away()
                    await line.close()
            except Lost as lost:
                if not told:
                    logger.warning("the backplane is away: %s", lost)
                told = True
            except Exception:
                logger.exception("the backplane has failed")
            await asyncio.sleep(self._surroundings.uniform(limits.RECONNECT / 2, limits.RECONNECT))

    async def _follow(self, line: Line) -> None:
        """Listen and talk until the line is lost. Raise Lost."""
        listening = asyncio.create_task(self._listen(line))
        try:
            await _first_end(listening, self._take_stock(line))
            self._came_back(line)
            await _first_end(listening, self._beat(line), self._send(line))
        finally:
            await _end({listening})

    def _came_back(self, line: Line) -> None:
        logger.info("the backplane is there")
        self._sink.joined()
        self._line = line
        self.away_since = None
        self._there.set()
        self._news.set()

    def _went_away(self) -> None:
        self._line = None
        self._attendance.cut()
        if self.away_since is None:
            self.away_since = asyncio.get_running_loop().time()
            self._sink.interrupted()
            self._talk.cut()
            self._show(self._outbox.cut())
        questions, self._questions = self._questions, {}
        for question in questions.values():
            if not question.done():
                question.set_exception(Lost("the line is lost"))
                question.exception()  # whoever has asked may have been told by then

    async def _take_stock(self, line: Line) -> None:
        """Find out what was missed, and restore what the server has lost."""
        token = self._surroundings.token(18)
        instance, run, last, fresh = await line.call(
            scripts.HELLO, token, self._run or token.encode()[:4].hex(), self._heard, self.tag
        )
        other = instance.decode() != self._instance
        restored = other and self._instance != ""
        self._instance, self._run = instance.decode(), run.decode()
        self._sink.counting(self._run)
        self._outbox.mend(0 if other else int(last))
        await self._attendance.take_stock(line, self._channel, self._instance, fresh / 1_000)
        late = self._outbox.late()
        await self._publish_again(line, late)
        if restored:
            await self._publish_again(line, [value for one in self._sink.holdings() for value in one.values])
        shown = {value.topic for value in late}  # with numbers that nobody knows
        holdings = [one for one in self._sink.holdings() if one.followed or one.topic in shown or restored]
        for some in parts(holdings, limits.STOCK_TOPICS):
            await self._ask(line, some)

    async def _publish_again(self, line: Line, values: Sequence[Event]) -> None:
        """Publish values that the others may know, or know newer ones than."""
        for some in parts(values, limits.BUS_EVENTS):
            await self._publish(line, Batch(0, (), some), "again")
            self._outbox.sent(some)

    async def _ask(self, line: Line, holdings: Sequence[Holding]) -> None:
        """Return when topics have been found. Raise Lost."""
        id = next(self._ids)
        found = self._questions[id] = asyncio.get_running_loop().create_future()
        asked: list[str | int] = []
        for one in holdings:
            what = "" if not one.is_state else "shown" if one.counted.number else "state"
            asked += (one.topic, what, one.counted.first, one.counted.number)
        try:
            await line.call(scripts.STOCK, self._instance, self.tag, self._channel, id, *asked)
            async with asyncio.timeout(limits.PROBE_DEADLINE):
                await found
        except TimeoutError as error:
            raise Lost("an answer does not come") from error
        finally:
            self._questions.pop(id, None)

    async def _beat(self, line: Line) -> None:
        """Say that this node is there, and let it hear of itself: `_listen` waits no longer than that takes."""
        while True:
            nodes = await self._attendance.beat(line, self._channel)
            self.nodes = sorted(nodes.values())
            self.others = {tag: name for tag, name in nodes.items() if tag != self.tag}
            await asyncio.sleep(limits.PROBE)

    async def _send(self, line: Line) -> None:
        """Tell the others what has waited since the last turn of the loop, always again."""
        while True:
            await self._news.wait()
            self._news.clear()
            while commits := self._outbox.next_commits():
                await line.publish(messages.log(self.tag, commits))
            while word := self._talk.next():
                await line.publish(*word)
            has_said = await self._attendance.say(line, coming=True)
            if batch := self._outbox.next_batch():
                await self._publish(line, batch, "live")
            self._outbox.through()
            has_said |= await self._attendance.say(line, coming=False)
            (self._news if batch or has_said else self._sent).set()

    async def _publish(self, line: Line, batch: Batch, kind: str) -> None:
        packed = [messages.packed(event) for event in batch.events]
        arguments: list[str | bytes | int] = [self._instance, self.tag, batch.serial, kind, len(batch.lost)]
        for topic, lost in batch.lost:
            arguments += (topic, lost)
        arguments.append(messages.array(packed))
        for event, body in zip(batch.events, packed, strict=True):
            is_state = self._sink.is_state(event.topic)
            arguments += (event.topic, (event.key or "") if is_state else "", event.at, body if is_state else b"")
        await line.call(scripts.PUBLISH, *arguments)

    # What the others have to say

    async def _listen(self, line: Line) -> None:
        while True:
            self._hear(await line.receive())

    def _hear(self, data: bytes) -> None:
        try:
            word = messages.read(data)
        except messages.Unreadable as error:
            logger.info("a message of another node is passed over: %s", error)
            return
        match word:
            case messages.Log():
                self._hear_of_commits(word)
            case messages.Live():
                self._hear_live(word)
            case messages.Raised(sequence, lost):
                self._hear_of_losses(sequence, lost)
            case messages.Found():
                self._hear_found(word)
            case messages.Asked():
                self._sink.asked(word.what, word.body, partial(self._talk.answer, word))
            case messages.Told():
                self._talk.told(word)
            case messages.Moved() | messages.Present():
                self._hear_of_people(word)
            case messages.Probe():
                pass

    def _hear_of_commits(self, word: messages.Log) -> None:
        if word.tag == self.tag:
            return
        if word.rows is None:
            self._sink.woken(word.last)
        else:
            self._sink.offered(word.events())

    def _hear_live(self, word: messages.Live) -> None:
        self._hear_of_losses(word.sequence, word.lost)
        own = self._outbox.done(word.serial) if word.tag == self.tag else None
        events: list[Event] = []
        for event, counted in zip(word.events if own is None else own.events, word.counts, strict=True):
            if counted.number:
                event.first, event.ordinal = counted
                events.append(event)
        take = self._sink.restored if word.again else self._sink.received
        try:
            take(events)
        except Refused:
            for event in events:
                with suppress(Refused):  # there is no room for this value here
                    take([event])

    def _hear_of_losses(self, sequence: int, lost: Sequence[tuple[str, Count]]) -> None:
        self._heard = max(self._heard, sequence)
        for topic, counted in lost:
            self._sink.lost(topic, counted)

    def _hear_of_people(self, word: messages.Moved | messages.Present) -> None:
        if isinstance(word, messages.Present):
            self._attendance.take_over(word)
            for topic, counted, _ in word.topics:
                self._sink.lost(topic, counted)
        else:
            self._hear_of_losses(word.sequence, ())
            self._sink.received(self._attendance.hear(word))

    def _hear_found(self, word: messages.Found) -> None:
        for topic, counted, values in word.topics:
            self._find(topic, counted, values)
        if (question := self._questions.get(word.id)) is not None and not question.done():
            question.set_result(None)

    def _find(self, topic: str, counted: Count, values: Sequence[Event]) -> None:
        self._heard = max(self._heard, counted.number)
        try:
            self._sink.found(topic, counted, [value for value in values if not self._outbox.holds(value)])
        except Refused as refused:
            logger.info("there is no place for %s: %s", topic, refused.message)


async def _first_end(task: asyncio.Task[None], *works: Coroutine[None, None, None]) -> None:
    """Do `works` beside `task` until one of them all ends, and end the works. Raise its error; where it was cancelled,
    as the library's timeouts may do to it after the process has stood still, raise Lost."""
    beside = {asyncio.ensure_future(work) for work in works}
    try:
        done, _ = await asyncio.wait({task, *beside}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _end(beside)
    for one in done:
        if one.cancelled():
            raise Lost("what was under way was given up")
        one.result()


async def _end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended. A wait of the library that is over in the same moment swallows it once."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=limits.RECONNECT)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # one error is enough to tell of
