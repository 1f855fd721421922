"""The process that runs lessons for a server: it answers, it is bounded, it may die, and it leaves when it is done."""

import asyncio
import gzip
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from quart_app.lab import laboratory as module
from quart_app.lab.laboratory import Laboratory, Request
from quart_app.lab.lesson import find
from quart_app.lab.running import run
from quart_app.lab.telling import told
from quart_app.realtime import Refused, limits
from tests.lab.processes import runners
from tests.running import eventually

LESSON = find("delivery")
KNOBS = LESSON.checked_knobs({})
# The process, in which a run of some seeds goes wrong.
WRONG = """# quart_app.lab.runner
from quart_app.lab import confined, runner
confined.limit.__defaults__ = confined.allow_more.__defaults__ = (1,)
right = runner.run
def wrong(lesson, seed, *more):
    print("this is not an answer")
    if seed == 1:
        while True:
            pass
    if seed == 4:
        bytearray(600 * 1024**2)
    return right(lesson, seed, *more)
runner.run = wrong
runner.main()
"""
# What answers as quart_app.lab.runner does, and starts at once. It dies at seed 3, never answers at seed 2, and does so
# at seed 1 the second time.
LIGHT = """# quart_app.lab.runner
import json, os, sys, time
for line in sys.stdin:
    asked = json.loads(line)
    if asked["seed"] == 3:
        os._exit(3)
    if asked["seed"] == 2 or asked["seed"] == 1 and not os.path.exists(os.environ["AT_WORK"]):
        open(os.environ["AT_WORK"], "w").close()
        time.sleep(600)
    tried = [{"seed": seed, "broken": [], "shown": 0, "events": 1} for seed in asked["seeds"]]
    print(json.dumps({"fingerprint": f"{os.getpid()} {asked['seed']}", "tried": tried, "size": 2}) + "\\n{}", end="")
    sys.stdout.flush()
"""


@pytest.fixture
async def laboratory() -> AsyncIterator[Laboratory]:
    made = Laboratory()
    yield made
    await made.close()
    assert runners(os.getpid()) == []


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let light processes run the lessons; return the file that one makes where it is at work for long."""
    monkeypatch.setattr(module, "COMMAND", ("-c", LIGHT))
    monkeypatch.setenv("AT_WORK", str(tmp_path / "at work"))
    return tmp_path / "at work"


def asked(seed: int = LESSON.seed, *strategies: str) -> Request:
    return Request(LESSON.slug, KNOBS, strategies or LESSON.strategies, seed)


def hunted(number: int) -> Request:
    return Request(LESSON.slug, KNOBS, ("retry",), seeds=tuple(range(1, number + 1)))


async def refused(laboratory: Laboratory, request: Request) -> Refused:
    with pytest.raises(Refused) as found:
        await laboratory.run(request)
    return found.value


async def process_of(laboratory: Laboratory, seed: int) -> int:
    """Return the id of the light process that has done a run."""
    pid, done = (await laboratory.run(asked(seed))).fingerprint.split()
    assert int(done) == seed
    return int(pid)


async def test_a_run_is_that_of_the_terminal_and_a_hunt_lets_others_have_their_turn(laboratory: Laboratory) -> None:
    assert runners(os.getpid()) == [], "nothing runs for nobody"
    ran = await laboratory.run(asked())
    own = await asyncio.to_thread(lambda: told(run(LESSON)))
    assert json.loads(gzip.decompress(ran.gzipped)) == json.loads(json.dumps(own))
    assert ran.fingerprint == own["fingerprint"]

    tried = await laboratory.tries(hunted(1_000))
    assert 1 <= len(tried) < 1_000
    (played,) = (await asyncio.to_thread(lambda: run(LESSON, 1, strategies=["retry"]))).played
    assert tried[0].broken == [verdict.rule for verdict in played.broken]
    assert tried[0].shown == min(len(verdict.breach.events) for verdict in played.broken if verdict.breach)
    assert tried[0].events == len(played.events)


async def test_a_run_that_goes_wrong_is_told(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMAND", ("-c", WRONG))
    five = await asyncio.to_thread(lambda: run(LESSON, 5))
    assert (await laboratory.run(asked(5))).fingerprint == five.fingerprint, "what is printed is no answer"
    wrong = [
        (asked(4), "this cannot be run: it takes more than 512 MB of memory"),
        (asked(5, "hope"), "this cannot be run: Unfit: there is no strategy hope: it may be once, retry or keyed"),
        (asked(1), "this cannot be run: it takes more than 5 s of processor time"),
    ]
    for request, said in wrong:
        found = await refused(laboratory, request)
        assert (found.code, found.status, found.message) == ("bad_request", 422, said)


@pytest.mark.usefixtures("light")
async def test_the_last_runs_are_kept(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LAB_RUNS", 2)
    first, second = await laboratory.run(asked(11)), await laboratory.run(asked(12))
    assert await laboratory.run(asked(11)) is first, "and is the newest again"
    await laboratory.run(asked(13))
    assert laboratory.kept(first.fingerprint) is first
    assert laboratory.kept(second.fingerprint) is None


@pytest.mark.usefixtures("light")
async def test_what_many_ask_for_is_done_once_and_no_more_wait_than_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LAB_WAITING", 1)
    laboratory = Laboratory()
    same = await asyncio.gather(*(laboratory.run(asked()) for _ in range(5)))
    assert len({one.fingerprint for one in same}) == 1
    different = await asyncio.gather(*(laboratory.run(asked(seed)) for seed in range(11, 16)), return_exceptions=True)
    full = [one for one in different if isinstance(one, Refused)]
    assert len(full) == 4
    assert all((one.code, one.status) == ("too_many", 503) and one.retry_after for one in full)
    patient = await asyncio.gather(*(laboratory.tries(hunted(number)) for number in range(1, 6)))
    assert [len(tried) for tried in patient] == [1, 2, 3, 4, 5]
    assert not laboratory._asked, "what is done is not remembered for ever"
    await laboratory.close()


async def test_it_is_started_again_where_it_has_died(laboratory: Laboratory, light: Path) -> None:
    before = await process_of(laboratory, 11)
    (process,) = runners(os.getpid())
    process.kill()
    after = await process_of(laboratory, 12)
    assert before == process.pid != after
    (process,) = runners(os.getpid())
    at_work = asyncio.create_task(process_of(laboratory, 1))
    await eventually(light.exists)
    process.kill()
    assert await at_work != after
    died = await refused(laboratory, asked(3))
    assert (died.code, died.status, bool(died.retry_after)) == ("unavailable", 503, True)
    assert await process_of(laboratory, 14)


@pytest.mark.usefixtures("light")
async def test_what_waits_for_something_real_is_ended(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    await process_of(laboratory, 11)
    monkeypatch.setattr(limits, "LAB_RUN_TIME", 0.1)
    waited = await refused(laboratory, asked(2))
    assert (waited.code, waited.status) == ("bad_request", 422)
    monkeypatch.setattr(limits, "LAB_RUN_TIME", 30.0)
    assert await process_of(laboratory, 12)


async def test_what_nobody_waits_for_any_more_is_not_gone_on_with(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch, light: Path
) -> None:
    monkeypatch.setattr(limits, "LAB_RUN_TIME", 600.0)
    before = await process_of(laboratory, 11)
    tasks = [asyncio.create_task(laboratory.run(asked(2))) for _ in range(2)]
    never = asyncio.create_task(laboratory.run(asked(3)))
    after = asyncio.create_task(process_of(laboratory, 12))
    await eventually(light.exists)
    tasks[0].cancel()
    never.cancel()
    await asyncio.wait([tasks[0], never])
    assert [one.pid for one in runners(os.getpid())] == [before], "somebody else waits for the first"
    tasks[1].cancel()
    assert await after != before
    assert tasks[1].cancelled()


async def test_it_ends_where_nothing_is_asked_for_and_when_the_server_stops(
    monkeypatch: pytest.MonkeyPatch, light: Path
) -> None:
    monkeypatch.setattr(limits, "LAB_IDLE", 0.01)
    laboratory = Laboratory()
    await process_of(laboratory, 11)
    await eventually(lambda: not runners(os.getpid()))
    monkeypatch.setattr(limits, "LAB_IDLE", 60.0)
    await process_of(laboratory, 12)
    waiting: list[asyncio.Task[Any]] = [asyncio.create_task(laboratory.run(asked(seed))) for seed in (2, 13)]
    await eventually(light.exists)
    await laboratory.close()
    assert runners(os.getpid()) == []
    for task in waiting:
        with pytest.raises(Refused) as found:
            await task
        assert found.value.code == "going_away"
    assert (await refused(laboratory, asked(14))).code == "going_away"
