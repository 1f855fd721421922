"""Which rung, and when: the decisions alone, by a clock that the tests turn."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from quart_app.client.endings import Ending, Kind
from quart_app.client.ladder import Ladder
from quart_app.client.options import TRANSPORTS, Options

UNREACHABLE = Ending(Kind.UNREACHABLE, "connection refused")
BLOCKED = Ending(Kind.BLOCKED, "HTTP 403 instead of a WebSocket")
SILENT = Ending(Kind.SILENT, "the heartbeats stayed away")
DIED = Ending(Kind.DIED, "closed 1006")
LATER = Ending(Kind.LATER, "bye", retry_after=1.5)
OPTIONS = Options()


@dataclass
class Climber:
    """A ladder with its clock; the jitter always takes the longest wait."""

    ladder: Ladder = field(default_factory=lambda: Ladder(TRANSPORTS, OPTIONS, lambda _low, high: high))
    now: float = 1000.0

    def opened(self) -> None:
        self.ladder.opened(self.now)

    def lived(self, seconds: float, ending: Ending) -> float:
        self.now += seconds
        return self.ladder.ended(ending, self.now)

    def failed(self, ending: Ending) -> float:
        return self.ladder.ended(ending, self.now)


@pytest.fixture
def climber() -> Climber:
    return Climber()


def test_a_blocked_rung_is_left_at_once(climber: Climber) -> None:
    assert climber.failed(BLOCKED) == 0
    assert climber.ladder.rung == "sse"
    assert climber.failed(BLOCKED) == 0
    assert climber.ladder.rung == "poll"


def test_a_server_that_is_down_costs_no_rung_and_ever_longer_waits(climber: Climber) -> None:
    waits = [climber.failed(UNREACHABLE) for _ in range(7)]
    assert waits == [1, 2, 4, 8, 16, 30, 30]
    assert climber.ladder.rung == "ws"


def test_when_every_rung_is_blocked_the_next_round_starts_at_the_top(climber: Climber) -> None:
    climber.failed(BLOCKED)
    climber.failed(BLOCKED)
    assert climber.failed(BLOCKED) > 0
    assert climber.ladder.rung == "ws"


def test_a_server_going_down_half_way_down_the_ladder_costs_no_rung(climber: Climber) -> None:
    climber.failed(BLOCKED)
    climber.failed(UNREACHABLE)
    assert climber.ladder.rung == "ws"


def test_two_missed_heartbeats_demote(climber: Climber) -> None:
    climber.opened()
    assert climber.lived(100, SILENT) == 0
    assert climber.ladder.rung == "sse"


def test_the_third_early_death_demotes(climber: Climber) -> None:
    rungs = []
    for _ in range(3):
        climber.opened()
        climber.lived(1, DIED)
        rungs.append(climber.ladder.rung)
    assert rungs == ["ws", "ws", "sse"]


def test_a_long_life_forgives_early_deaths(climber: Climber) -> None:
    for lifetime in (1, 1, 100, 1, 1):
        climber.opened()
        climber.lived(lifetime, DIED)
    assert climber.ladder.rung == "ws"


def test_deaths_on_the_lowest_rung_back_off(climber: Climber) -> None:
    climber.ladder = Ladder(["poll"], OPTIONS, lambda _low, high: high)
    waits = []
    for _ in range(4):
        climber.opened()
        waits.append(climber.lived(1, DIED))
    assert waits == [1, 2, 4, 8]
    assert climber.ladder.rung == "poll"


def test_the_server_s_wish_is_obeyed_and_costs_no_rung(climber: Climber) -> None:
    for _ in range(5):
        climber.opened()
        assert climber.lived(0.1, LATER) == 1.5
    assert climber.failed(LATER) == 1.5
    assert climber.ladder.rung == "ws"


def test_a_better_rung_is_tried_again_with_growing_patience(climber: Climber) -> None:
    climber.failed(BLOCKED)
    climber.opened()
    assert climber.ladder.better == ("ws",)
    waits = []
    for _ in range(6):
        assert climber.ladder.upgrade_at is not None
        waits.append(climber.ladder.upgrade_at - climber.now)
        climber.now = climber.ladder.upgrade_at
        climber.ladder.upgrade_failed(climber.now)
    assert waits == [20, 40, 80, 160, 300, 300]


def test_there_is_nothing_better_than_the_top(climber: Climber) -> None:
    climber.opened()
    assert climber.ladder.better == ()
    assert climber.ladder.upgrade_at is None


def test_a_better_rung_that_dies_young_is_left_at_the_first_time(climber: Climber) -> None:
    climber.failed(BLOCKED)
    climber.failed(BLOCKED)
    climber.opened()
    climber.now += 20
    climber.ladder.upgraded("ws", climber.now)
    assert climber.ladder.rung == "ws"
    assert climber.lived(1, DIED) == 0
    assert climber.ladder.rung == "poll"
    climber.opened()
    assert climber.ladder.upgrade_at == climber.now + 40


def test_a_better_rung_that_lasted_may_die_without_losing_its_place(climber: Climber) -> None:
    climber.failed(BLOCKED)
    climber.opened()
    climber.ladder.upgraded("ws", climber.now)
    climber.lived(120, DIED)
    assert climber.ladder.rung == "ws"


@given(st.lists(st.sampled_from([UNREACHABLE, LATER]), max_size=30))
def test_no_trouble_of_the_server_ever_costs_a_rung(endings: list[Ending]) -> None:
    climber = Climber()
    for ending in endings:
        climber.failed(ending)
        assert climber.ladder.rung == "ws"


class LadderMachine(RuleBasedStateMachine):
    """Anything may happen in any order: the waits stay bounded, and rungs are left for their reasons only."""

    def __init__(self) -> None:
        super().__init__()
        self.climber = Climber()
        self.connected = False

    @rule()
    @precondition(lambda self: not self.connected)
    def opens(self) -> None:
        self.climber.opened()
        self.connected = True

    @rule(ending=st.sampled_from([UNREACHABLE, BLOCKED, LATER]))
    @precondition(lambda self: not self.connected)
    def fails(self, ending: Ending) -> None:
        before = self.climber.ladder.rung
        wait = self.climber.failed(ending)
        assert 0 <= wait <= OPTIONS.backoff_cap
        if ending is BLOCKED and before != TRANSPORTS[-1]:
            assert wait == 0

    @rule(ending=st.sampled_from([SILENT, DIED, LATER, UNREACHABLE]), seconds=st.sampled_from([0.1, 4, 6, 90]))
    @precondition(lambda self: self.connected)
    def ends(self, ending: Ending, seconds: float) -> None:
        before = TRANSPORTS.index(self.climber.ladder.rung)
        wait = self.climber.lived(seconds, ending)
        after = TRANSPORTS.index(self.climber.ladder.rung)
        self.connected = False
        assert 0 <= wait <= OPTIONS.backoff_cap
        assert after >= before
        if ending in (LATER, UNREACHABLE):
            assert after == before

    @rule(works=st.booleans())
    @precondition(lambda self: self.connected and self.climber.ladder.upgrade_at is not None)
    def upgrade_falls_due(self, works: bool) -> None:
        ladder, due = self.climber.ladder, self.climber.ladder.upgrade_at
        assert due is not None
        assert ladder.better
        self.climber.now = max(self.climber.now, due)
        if works:
            better = ladder.better[0]
            ladder.upgraded(better, self.climber.now)
            assert ladder.rung == better
        else:
            ladder.upgrade_failed(self.climber.now)
            assert ladder.upgrade_at is not None
            assert ladder.upgrade_at > self.climber.now

    @invariant()
    def upgrades_are_due_exactly_below_the_top(self) -> None:
        ladder = self.climber.ladder
        assert (ladder.upgrade_at is not None) == (self.connected and bool(ladder.better))


TestLadderMachine = LadderMachine.TestCase
