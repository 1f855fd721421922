"""One timer for all: each is called in its time and once, and nobody who has left."""

import asyncio
import gc
import logging
import weakref
from collections.abc import Iterator
from itertools import chain, pairwise, repeat
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quart_app.realtime import limits
from quart_app.realtime.clients.timers import Wheel
from tests.realtime.clock import SkippingLoop, clock, skipping_time
from tests.realtime.engine import turn

OWNERS = 7
TICK = limits.WHEEL_TICK


class Action(NamedTuple):
    """What happens: an owner enters or leaves, or the loop goes on or stands still for some seconds."""

    what: str
    owner: int
    seconds: float


class Answer(NamedTuple):
    """What an owner does when it is called: something meanwhile, and what it says then; or it fails."""

    meanwhile: Action | None
    after: float | None
    fails: bool = False


class Owner:
    """One who is `due` at a time, never where that is None, and who notes what goes against that."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.due: float | None = None
        self._said = False

    def enter(self, after: float) -> None:
        self.due, self._said = clock() + after, True
        self._world.wheel.enter(self, after)

    def leave(self) -> None:
        self.due, self._said = None, True
        self._world.wheel.leave(self)

    def ring(self, now: float) -> float | None:
        if self.due is None:
            self._world.wrong.append("called though it has left")
        elif now < self.due:
            self._world.wrong.append(f"called at {now}, before {self.due}")
        elif self._world.overdue(self.due):
            self._world.wrong.append(f"called at {clock()}, too long after {self.due}")
        answer = next(self._world.answers)
        self._said = False
        if answer.meanwhile is not None:
            self._world.act(answer.meanwhile)
        if not self._said:  # else that counts, and not the answer
            self.due = None if answer.after is None or answer.fails else now + answer.after
        if answer.fails:
            raise ValueError("a bug")
        return answer.after


class World:
    """A wheel and its owners."""

    def __init__(self, answers: Iterator[Answer]) -> None:
        self.wheel = Wheel()
        self.owners = [Owner(self) for _ in range(OWNERS)]
        self.answers = answers
        self.wrong: list[str] = []
        self._stood_still_until = 0.0

    def overdue(self, due: float) -> bool:
        """Tell whether somebody should have been called by now: a tick after its time, and after the loop's rest."""
        return clock() > max(due, self._stood_still_until) + TICK + 1e-6

    def act(self, action: Action) -> None:
        match action.what:
            case "enter":
                self.owners[action.owner].enter(action.seconds)
            case "leave":
                self.owners[action.owner].leave()
            case "stand still":
                loop = asyncio.get_running_loop()
                assert isinstance(loop, SkippingLoop)
                loop.stand_still(action.seconds)
                self._stood_still_until = clock()

    async def run(self, actions: list[Action]) -> None:
        for action in [*actions, Action("go on", 0, 5.0)]:
            self.act(action)
            if action.what == "go on":
                await asyncio.sleep(action.seconds)
                await turn()
            assert self.wrong == []
            assert not [owner.due for owner in self.owners if owner.due is not None and self.overdue(owner.due)]
            assert len(self.wheel) == sum(owner.due is not None for owner in self.owners)


seconds = st.one_of(st.sampled_from([0.0, TICK / 2, TICK, 1.0]), st.floats(0.0, 2.0), st.floats(0.0, 20.0))
owners = st.integers(0, OWNERS - 1)
deeds = st.builds(Action, st.sampled_from(["enter", "enter", "leave", "stand still"]), owners, seconds)
pauses = st.builds(Action, st.just("go on"), owners, seconds)
answers = st.builds(Answer, st.none() | deeds, st.none() | seconds, st.sampled_from([False, False, False, True]))


@given(st.lists(deeds | pauses, max_size=40), st.lists(answers, max_size=60))
def test_whatever_happens_each_is_called_in_its_time(actions: list[Action], given: list[Answer]) -> None:
    world = World(chain(given, repeat(Answer(None, None))))
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner(loop_factory=SkippingLoop) as runner:
        patch.setattr(limits, "RINGS_AT_ONCE", 3)
        logging.disable()
        try:
            runner.run(world.run(actions))
        finally:
            logging.disable(logging.NOTSET)


class Every:
    """One who wants to be called every `interval` seconds, and keeps the times when it was."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self.rung: list[float] = []

    def ring(self, now: float) -> float | None:
        self.rung.append(now)
        return self._interval


class Failing(Every):
    def ring(self, now: float) -> float | None:
        super().ring(now)
        raise ValueError("a bug")


@skipping_time
async def test_it_has_one_timer_and_wakes_once_for_all_of_a_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    wheel, loop, timers = Wheel(), asyncio.get_running_loop(), []
    set_timer = loop.call_at

    def call_at(when: float, *work: Any, **others: Any) -> asyncio.TimerHandle:
        timers.append(when)
        return set_timer(when, *work, **others)

    monkeypatch.setattr(loop, "call_at", call_at)
    many = [Every(30.0) for _ in range(100)]
    for one in many:
        wheel.enter(one, 30.0)
    alone = Every(10.0)
    wheel.enter(alone, 5.0)
    asleep = asyncio.create_task(asyncio.sleep(100.0))
    await turn()
    timers.remove(100.0)
    await asleep
    assert [one.rung for one in many] == [[30.0, 60.0, 90.0]] * 100
    assert alone.rung == [5.0 + 10.0 * number for number in range(10)]
    assert timers == [30.0, *sorted({*alone.rung, 30.0, 60.0, 90.0, 105.0})]  # the first made way for an earlier one


@skipping_time
async def test_many_at_once_leave_the_others_their_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RINGS_AT_ONCE", 10)
    wheel, many = Wheel(), [Every(30.0) for _ in range(100)]
    for one in many:
        wheel.enter(one, 1.0)
    await asyncio.sleep(1.0)
    seen = []
    while sum(len(one.rung) for one in many) < len(many):
        seen.append(sum(len(one.rung) for one in many))
        await asyncio.sleep(0)
    assert max(later - sooner for sooner, later in pairwise(seen)) <= 10
    assert clock() == 1.0


@skipping_time
async def test_a_loop_that_stood_still_calls_nobody_twice() -> None:
    wheel, one, loop = Wheel(), Every(1.0), asyncio.get_running_loop()
    wheel.enter(one, 1.0)
    assert isinstance(loop, SkippingLoop)
    loop.stand_still(60.5)
    await asyncio.sleep(2.0)
    assert one.rung == [60.5, 61.5, 62.5]


@skipping_time
async def test_one_that_fails_is_logged_and_disturbs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    wheel, failing = Wheel(), Failing(1.0)
    others = [Every(1.0), Every(1.0)]
    for one in (others[0], failing, others[1]):
        wheel.enter(one, 1.0)
    await asyncio.sleep(2.0)
    await turn()
    assert [one.rung for one in others] == [[1.0, 2.0]] * 2
    assert failing.rung == [1.0]
    assert [(record.levelno, "a bug" in record.exc_text) for record in caplog.records if record.exc_text] == [
        (logging.ERROR, True)
    ]


@skipping_time
async def test_nothing_keeps_one_that_has_left() -> None:
    wheel, one = Wheel(), Every(30.0)
    wheel.enter(one, 30.0)
    gone = weakref.ref(one)
    wheel.leave(one)
    wheel.leave(one)
    del one
    gc.collect()
    assert gone() is None
    assert len(wheel) == 0
