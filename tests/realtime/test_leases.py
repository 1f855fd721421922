"""One of several processes does what only one may do, and another goes on when it is gone."""

import asyncio
from collections.abc import Collection, Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from quart_app.realtime.clients.feed import Feed
from quart_app.realtime.clients.leases import Leases, leading
from quart_app.realtime.limits import LEASE, LEASE_MARGIN, LEASE_RENEWED
from tests.realtime.clock import clock, skipping_time


class Shared:
    """The leases of all processes, by the clock of the test."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[str, int, float]] = {}


class Keeper:
    """The keeper of one process; while it is `cut` off nothing reaches the others."""

    def __init__(self, shared: Shared, holder: str) -> None:
        self._shared = shared
        self._holder = holder
        self.cut = False

    async def take(self, name: str) -> int | None:
        self._check()
        holder, term, ends = self._shared.rows.get(name, ("", 0, 0.0))
        if holder != self._holder and clock() < ends:
            return None
        self._shared.rows[name] = self._holder, term + 1, clock() + LEASE
        return term + 1

    async def renew(self, held: Mapping[str, int]) -> Collection[str]:
        self._check()
        mine = {name for name, (holder, term, _) in self._shared.rows.items() if holder == self._holder}
        mine = {name for name in mine if held.get(name) == self._shared.rows[name][1]}
        for name in mine:
            self._shared.rows[name] = self._holder, held[name], clock() + LEASE
        return mine

    async def release(self, name: str, term: int) -> None:
        self._check()
        holder, there, _ = self._shared.rows[name]
        if (holder, there) == (self._holder, term):
            self._shared.rows[name] = holder, term, 0.0

    def _check(self) -> None:
        if self.cut:
            raise ConnectionError("cut off")


class Node:
    """A process that produces for a topic once a second while it leads."""

    def __init__(self, shared: Shared, name: str, produced: list[tuple[float, str, int]]) -> None:
        self.keeper = Keeper(shared, name)
        self.leases = Leases()
        self.leases.start(self.keeper)
        self._name = name
        self._produced = produced
        self.feed = Feed("sensors", 1.0, self._produce)
        self.feed.want = self.leases.want
        self.feed.demand(True)

    async def _produce(self) -> None:
        work = leading.get()
        assert work is not None
        self._produced.append((clock(), self._name, work.term))

    async def stop(self) -> None:
        self.feed.stop()
        await asyncio.sleep(0)
        await self.leases.stop()


@skipping_time
async def test_one_produces_for_all_and_the_next_one_when_it_stops() -> None:
    shared, produced = Shared(), list[tuple[float, str, int]]()
    first = Node(shared, "first", produced)
    await asyncio.sleep(0.5)
    second = Node(shared, "second", produced)
    await asyncio.sleep(20)
    assert {name for _, name, _ in produced} == {"first"}
    assert len(produced) == 21
    await first.stop()
    stopped_at = clock()
    await asyncio.sleep(10)
    [(begun_at, name, term), *_] = [one for one in produced if one[0] > stopped_at]
    assert (name, term) == ("second", 2)
    assert begun_at - stopped_at <= LEASE_RENEWED
    await second.stop()


@skipping_time
async def test_whoever_is_cut_off_stops_before_another_begins() -> None:
    shared, produced = Shared(), list[tuple[float, str, int]]()
    nodes = [Node(shared, name, produced) for name in ("first", "second")]
    await asyncio.sleep(10)
    nodes[0].keeper.cut = True
    await asyncio.sleep(20)
    last = max(at for at, name, _ in produced if name == "first")
    begun = min(at for at, name, _ in produced if name == "second")
    assert last <= 10 + LEASE - LEASE_MARGIN < begun
    assert begun - 10 <= LEASE + LEASE_RENEWED
    nodes[0].keeper.cut = False
    await asyncio.sleep(20)
    assert [name for _, name, _ in produced[-3:]] == ["second"] * 3
    for node in nodes:
        await node.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.floats(0.1, 9.0)), max_size=12))
def test_never_do_two_produce_at_once(acts: list[tuple[int, bool, float]]) -> None:
    @skipping_time
    async def run() -> None:
        shared, produced = Shared(), list[tuple[float, str, int]]()
        nodes = [Node(shared, f"node {number}", produced) for number in range(3)]
        for number, cut, seconds in acts:
            nodes[number].keeper.cut = cut
            await asyncio.sleep(seconds)
        for node in nodes:
            node.keeper.cut = False
        await asyncio.sleep(LEASE + LEASE_RENEWED)
        held = [set(node.leases.held) for node in nodes]
        assert sum(map(len, held)) == 1
        for node in nodes:
            await node.stop()
        terms = [term for _, _, term in produced]
        assert terms == sorted(terms)
        assert len({(name, term) for _, name, term in produced}) == len(set(terms))

    run()
