"""Reactions of several processes on one log: each event is heard by one of them, and none is left out."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quart_app.functions.bounds import PLACE_IDLE
from quart_app.functions.calling import Function
from quart_app.functions.declaring import Declaration
from quart_app.functions.places import reader_name
from quart_app.functions.reacting import Reaction
from quart_app.realtime import Kind, Refused, leading
from quart_app.realtime.flow.log import MemoryLog
from quart_app.realtime.hub import Hub
from quart_app.realtime.limits import LEASE, LEASE_RENEWED
from quart_app.wire import Cursor
from tests.realtime.clock import clock, skipping_time
from tests.realtime.hubs import Talk
from tests.realtime.test_leases import Keeper, Shared

TOPIC, SIGNALS = "talk/1", "signals"


async def react(message: Any) -> None:
    """Be what is declared."""


DECLARATION = Declaration("on", TOPIC, react, None)
NAME = reader_name(DECLARATION)


class Log(MemoryLog):
    """Fails as often as `fails` says, and answers then."""

    fails = 0

    async def read(self, *arguments: Any) -> Any:
        if self.fails:
            self.fails -= 1
            raise OSError("the disk is gone")
        return await super().read(*arguments)

    def lose(self, head: int) -> None:
        """Have nothing any more above this position; what comes next is another history."""
        del self._events[head - self._floor :]
        self.terms.coming = "e1"


class World:
    """Processes on one log. `heard` is what their functions have heard and by which process, `kept` where the readers
    are."""

    def __init__(self) -> None:
        self.log = Log("e0")
        self.leases = Shared()
        self.kept: dict[str, Cursor] = {}
        self.heard: list[tuple[str, Any]] = []
        self.said = 0

    async def hub(self) -> Hub:
        hub = Hub()
        hub.channels.add("talk/*", Talk())
        signals = Talk()
        signals.kind = Kind.SIGNAL
        hub.channels.add(SIGNALS, signals)
        await hub.start(self.log)
        return hub

    def say(self, *hubs: Hub, topic: str = TOPIC) -> None:
        """Append the next number to the log, and hand it to these."""
        self.said += 1
        event = self.log.append(topic, "said", data=self.said)
        for hub in hubs:
            hub.relay.take([event])

    @property
    def numbers(self) -> list[Any]:
        return [number for _, number in self.heard]


class Places:
    """The places of the readers, as the process of a keeper reaches them."""

    def __init__(self, world: World, keeper: Keeper | None = None) -> None:
        self._world = world
        self._keeper = keeper
        self.broken = False

    def _check(self) -> None:
        if self.broken or (self._keeper is not None and self._keeper.cut):
            raise ConnectionError("cut off")

    async def begin(self, names: Collection[str], place: Cursor) -> None:
        self._check()
        for name in names:
            self._world.kept.setdefault(name, place)

    async def place_of(self, name: str) -> Cursor | None:
        self._check()
        return self._world.kept.get(name)

    async def keep(self, name: str, place: Cursor) -> None:
        await asyncio.sleep(0.01)
        self._check()
        work = leading.get()
        if work is not None and self._world.leases.rows[work.name][1] != work.term:
            raise Refused("not_leading", "another one does")
        self._world.kept[name] = place

    async def depths(self, first: int, last: int) -> Mapping[int, int]:
        return {}


@dataclass
class Hearing:
    """A function that takes its time over what it hears, and then keeps it."""

    world: World
    process: str = ""
    takes: float = 0.0
    declaration: Declaration = DECLARATION

    async def call(self, message: Any, *, depth: int, cause: Any) -> None:
        await asyncio.sleep(self.takes)
        self.world.heard.append((self.process, message["data"]))

    def failed(self, error: BaseException) -> str:
        raise AssertionError(error)

    def worked(self) -> None:
        """It always does."""


@dataclass
class Process:
    """A process with a reaction."""

    hub: Hub
    keeper: Keeper
    reaction: Reaction

    async def stop(self) -> None:
        self.keeper.cut = False
        await self.reaction.stop()
        await self.hub.stop()


async def start(world: World, name: str, takes: float = 0.0, topic: str = TOPIC) -> Process:
    hub, keeper = await world.hub(), Keeper(world.leases, name)
    hub.leases.start(keeper)
    hearing = Hearing(world, name, takes, Declaration("on", topic, react, None))
    return Process(hub, keeper, Reaction(cast("Function", hearing), hub, Places(world, keeper), lambda: None))


def alone(world: World, hub: Hub) -> Reaction:
    return Reaction(cast("Function", Hearing(world)), hub, Places(world), lambda: None)


@skipping_time
async def test_it_goes_on_when_the_log_answers_again() -> None:
    world = World()
    hub = await world.hub()
    reaction = alone(world, hub)
    await asyncio.sleep(1)
    world.log.fails = 1
    world.say()
    hub.bus.skip_to(1)  # it was not handed over, and so has to be read
    await asyncio.sleep(60)
    assert world.numbers == [1]
    await reaction.stop()


@skipping_time
async def test_after_a_restart_it_goes_on_where_it_was() -> None:
    world = World()
    world.say()  # before there was a reaction
    for numbers in ([2, 3], [2, 3, 4, 5]):
        hub = await world.hub()
        reaction = alone(world, hub)
        await asyncio.sleep(1)
        world.say(hub)
        world.say(hub)
        await asyncio.sleep(1)
        assert world.numbers == numbers
        await reaction.stop()
        await hub.stop()
    world.say()  # while nothing runs
    reaction = alone(world, await world.hub())
    await asyncio.sleep(1)
    assert world.numbers == [2, 3, 4, 5, 6]
    await reaction.stop()


@skipping_time
async def test_one_process_hears_and_the_next_one_goes_on_after_its_end() -> None:
    world = World()
    first = await start(world, "first", takes=0.3)
    await asyncio.sleep(1)
    second = await start(world, "second")
    for _ in range(30):
        world.say(first.hub, second.hub)
    await asyncio.sleep(2.9)  # in the middle of a call, which may end
    await first.stop()
    assert world.kept[NAME].position == 10
    await asyncio.sleep(LEASE_RENEWED)
    assert world.numbers == list(range(1, 31))
    by_first = [number for process, number in world.heard if process == "first"]
    assert by_first == list(range(1, 11))
    await second.stop()
    assert world.kept[NAME].position == 30
    assert asyncio.all_tasks() == {asyncio.current_task()}


@skipping_time
async def test_whoever_is_cut_off_stops_and_notes_nothing_more() -> None:
    world = World()
    first = await start(world, "first", takes=0.3)
    await asyncio.sleep(1)
    second = await start(world, "second", takes=0.3)
    for _ in range(60):
        world.say(first.hub, second.hub)
    await asyncio.sleep(1)
    cut_at = clock()
    first.keeper.cut = True
    await asyncio.sleep(LEASE + LEASE_RENEWED + 20)
    assert cut_at < clock()
    by_first = [number for process, number in world.heard if process == "first"]
    by_second = [number for process, number in world.heard if process == "second"]
    # Of what the first has heard since, nobody could know.
    assert by_first[:3] == [1, 2, 3]
    assert by_second == list(range(4, 61))
    first.keeper.cut = False
    await asyncio.sleep(10)
    assert world.kept[NAME].position == 60
    assert len(world.heard) == len(by_first) + len(by_second)
    await first.stop()
    await second.stop()


@pytest.mark.parametrize(
    ("kept", "heard", "said"),
    [
        (Cursor("e0", 5), [6, 7, 8], None),
        (Cursor("e0", 1), [4, 5, 6, 7, 8], "it was at e0-1, and events up to 3 were removed: it goes on there"),
        (Cursor("e0", 20), [], "it was at e0-20, and the log has lost what follows 8: it goes on there"),
        (Cursor("x0", 5), [], "it was at x0-5, which is of another log: it begins now"),
        (None, [], None),
    ],
)
def test_wherever_it_was_it_goes_on_sensibly_and_says_so(
    kept: Cursor | None, heard: list[int], said: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    @skipping_time
    async def run() -> None:
        world = World()
        for _ in range(8):
            world.say()
        world.log.trim(3)
        if kept is not None:
            world.kept[NAME] = kept
        hub = await world.hub()
        reaction = alone(world, hub)
        await asyncio.sleep(1)
        assert world.numbers == heard
        if not heard:
            assert world.kept[NAME] == Cursor("e0", 8)
        world.say(hub)
        await asyncio.sleep(1)
        assert world.numbers == [*heard, 9]
        await reaction.stop()

    run()
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == ([] if said is None else [f"{NAME}: {said}"])


@skipping_time
async def test_when_events_are_removed_before_it_has_heard_them_it_hears_the_rest() -> None:
    world = World()
    hub = await world.hub()
    reaction = alone(world, hub)
    await asyncio.sleep(1)
    for _ in range(20):
        world.say()
    world.log.trim(10)
    hub.bus.skip_to(20)
    await asyncio.sleep(1)
    assert world.numbers == list(range(11, 21))
    await reaction.stop()


@skipping_time
async def test_of_a_log_that_has_gone_back_it_hears_the_new_history() -> None:
    world = World()
    hub = await world.hub()
    reaction = alone(world, hub)
    await asyncio.sleep(1)
    for _ in range(5):
        world.say(hub)
    await asyncio.sleep(1)
    world.log.lose(3)
    hub.log_went_back(3)
    for _ in range(4):
        world.say(hub)
    await asyncio.sleep(1)
    assert world.numbers == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    await reaction.stop()
    assert world.kept[NAME] == Cursor("e1", 7)


@skipping_time
async def test_it_moves_on_past_the_events_of_other_topics() -> None:
    world = World()
    hub = await world.hub()
    reaction = alone(world, hub)
    await asyncio.sleep(1)
    for _ in range(100):
        world.say(hub, topic="talk/2")
    await asyncio.sleep(PLACE_IDLE + 1)
    assert world.kept[NAME].position == 100
    assert world.heard == []
    await reaction.stop()


@skipping_time
async def test_signals_are_heard_by_the_process_that_leads() -> None:
    world = World()
    processes = [await start(world, name, topic=SIGNALS) for name in ("first", "second")]

    def signal(number: int) -> None:
        for process in processes:  # as a backplane does
            process.hub.broadcast(SIGNALS, "signal", data=number)

    await asyncio.sleep(1)
    signal(1)
    await asyncio.sleep(1)
    await processes[0].stop()
    signal(2)  # while nobody leads
    await asyncio.sleep(LEASE_RENEWED + 1)
    signal(3)
    await asyncio.sleep(1)
    assert world.heard == [("first", 1), ("second", 3)]
    await processes[1].stop()
    assert world.kept == {}


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(["cut", "heal", "restart", "say"]), st.floats(0.05, 9.0)),
        max_size=15,
    )
)
def test_whatever_happens_every_event_is_heard_and_doubled_only_by_who_was_cut_off(
    acts: list[tuple[int, str, float]],
) -> None:
    @skipping_time
    async def run() -> None:
        world = World()
        processes = [await start(world, f"{number}", takes=0.2) for number in range(3)]
        await asyncio.sleep(1)
        lost_track: set[str] = set()
        for number, act, seconds in acts:
            process = processes[number]
            match act:
                case "cut":
                    process.keeper.cut = True
                    lost_track.add(f"{number}")
                case "heal":
                    process.keeper.cut = False
                case "restart":
                    await process.stop()
                    processes[number] = await start(world, f"{number}", takes=0.2)
                case "say":
                    for _ in range(20):
                        world.say(*(one.hub for one in processes))
            await asyncio.sleep(seconds)
        for process in processes:
            process.keeper.cut = False
        await asyncio.sleep(LEASE + LEASE_RENEWED + 0.2 * world.said)
        assert set(world.numbers) == set(range(1, world.said + 1))
        known = [number for process, number in world.heard if process not in lost_track]
        assert known == sorted(set(known)), "who was never cut off has told what it has heard"
        for process in processes:
            await process.stop()
        assert world.kept[NAME].position == world.said

    run()
