"""The checker accepts every honest history, and finds every wrong that is done to one."""

from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from itertools import count
from pathlib import Path
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.cluster import history
from tests.cluster.case import Case
from tests.cluster.checker import CHECKS, judge
from tests.cluster.rows import Rows
from tests.cluster.simulated import Simulation
from tests.cluster.wrongs import WRONGS, NoVictim, Victim

STEPS = 3_000

simulated = lru_cache(maxsize=64)(Simulation)


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), steps=st.integers(0, STEPS))
def test_an_honest_history_is_accepted(seed: int, steps: int) -> None:
    honest = Simulation(seed, steps)
    assert [str(verdict) for verdict in judge(honest.lines, honest.rows) if verdict.first] == []


def test_every_check_has_something_to_look_at() -> None:
    honest = simulated(1, STEPS)
    assert all(verdict.looked_at > 10 for verdict in judge(honest.lines, honest.rows))
    assert set(WRONGS.values()) == CHECKS.keys()


@pytest.mark.parametrize("wrong", WRONGS, ids=lambda wrong: wrong.__name__)
@settings(max_examples=8, database=None)
@given(seed=st.integers(0, 40), chance=st.integers(0, 10**6))
def test_a_wrong_is_found(wrong: Callable[[Victim], None], seed: int, chance: int) -> None:
    victim = Victim.of(simulated(seed, STEPS), Random(chance))
    try:
        wrong(victim)
    except NoVictim:
        assume(False)
    found = list(CHECKS[WRONGS[wrong]].find(Case(victim.lines, victim.rows)))
    assert found, "nobody would notice"


@pytest.mark.parametrize("was_cut", [True, False])
def test_who_comes_to_a_node_that_was_cut_off_hears_late_of_who_left_before(was_cut: bool) -> None:
    at = count(1.0, 0.1)
    told = history.History(clock=lambda: next(at))
    ana = told.connect("ana", "ws", ["rooms/1"], "ana")
    told.welcome(ana, "e-1", node=0)
    if was_cut:
        told.fault(1, "cut")
    told.leaving(ana, orderly=True)
    told.gone(ana, "over", clean=True)
    back = told.connect("ana", "ws", ["rooms/1"], "ana")
    told.welcome(back, "e-1", node=0)
    luz = told.connect("luz", "ws", ["rooms/1"], "luz")
    told.welcome(luz, "e-1", node=1)
    told.present(luz, "rooms/1", ["ana", "luz"])
    if was_cut:
        told.fault(1, "heal")
    for type in ("user_left", "user_joined"):
        told.event(luz, "rooms/1", type, {"user_id": "ana", "username": "ana"})
    found = list(CHECKS[10].find(Case(told.lines, Rows([], tables={}, terms=[]))))
    assert bool(found) is not was_cut


@pytest.mark.parametrize("was_cut", [True, False])
def test_of_who_comes_to_a_node_that_is_cut_off_the_others_cannot_know(was_cut: bool) -> None:
    at = count(1.0, 0.1)
    told = history.History(clock=lambda: next(at))
    lost = told.connect("ana", "ws", ["rooms/1"], "ana")
    told.welcome(lost, "e-1", node=0)
    told.leaving(lost, orderly=True)
    told.gone(lost, "over", clean=True)
    if was_cut:
        told.fault(1, "cut")
    back = told.connect("ana", "ws", ["rooms/1"], "ana")
    told.welcome(back, "e-1", node=1)
    luz = told.connect("luz", "ws", ["rooms/1"], "luz")
    told.welcome(luz, "e-1", node=0)
    told.present(luz, "rooms/1", ["ana", "luz"])  # by way of a node that is gone, and not buried yet
    told.event(luz, "rooms/1", "user_left", {"user_id": "ana", "username": "ana"})
    found = list(CHECKS[10].find(Case(told.lines, Rows([], tables={}, terms=[]))))
    assert bool(found) is not was_cut


def test_a_verdict_says_what_is_wrong_and_shows_the_lines_that_it_takes() -> None:
    honest = simulated(3, STEPS)
    victim = Victim.of(honest, Random(0))
    event = victim.events()[5]
    number = honest.lines.index(event) + 1
    reader = next(one.connect.process for one in victim.case.connections if event in one.heard)
    victim.replace(event, event, history.changed(event))
    wrong, line = str(judge(victim.lines, victim.rows)[1]).splitlines()
    position = str(event.cursor).partition("-")[2]
    assert wrong == f" 2 WRONG {CHECKS[2].promise}: {reader} got position {position} after {position}"
    assert line == f"      line {number + 1}: {history.shown(event)}"


def test_a_history_comes_back_from_its_file(tmp_path: Path) -> None:
    honest = simulated(4, 500)
    path = tmp_path / "history.jsonl"
    history.write(path, honest.lines)
    with path.open("ab") as file:
        file.write(b'{"is":"invo')  # its recorder was killed in the middle of a line
    again = history.read(path)
    assert [history.shown(line) for line in again] == [history.shown(line) for line in honest.lines]
    assert all(verdict.first is None for verdict in judge(again, honest.rows))


def test_a_recorder_writes_each_line_as_it_happens() -> None:
    file = BytesIO()
    recorder = history.History(file, clock=lambda: 1.5)
    recorder.unknown(recorder.invoke("w", "chat.say", {"room": 1, "content": "a"}, "k"), "lost")
    assert file.getvalue().splitlines()[1] == b'{"is":"unknown","op":1,"why":"lost","at":1.5}'
