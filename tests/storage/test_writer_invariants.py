"""Whatever units do, in whatever groups: an event if and only if its commit, in order, once."""

import asyncio
import contextlib
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st
from tortoise.exceptions import IntegrityError

from quart_app.realtime.messages.refused import Refused
from quart_app.storage.connections import reading
from quart_app.storage.idempotency import IdempotencyKey
from quart_app.storage.unit_of_work import UnitOfWork
from tests.storage.store import TOPIC, Note, Store, new_url, opened


@dataclass(frozen=True)
class Plan:
    """What one unit does: its steps in order, how it ends, and under which key."""

    steps: str  # w: write a row · r: record an event · d: break a constraint and catch it
    ending: str  # ok · refuse · crash
    key: int | None


_plans = st.builds(
    Plan,
    steps=st.text("wrd", max_size=4),
    ending=st.sampled_from(["ok", "ok", "ok", "refuse", "crash"]),
    key=st.none() | st.integers(1, 3),
)


async def act(work: UnitOfWork, plan: Plan, name: str) -> str:
    for step in plan.steps:
        if step == "w":
            await Note.create(text=name)
        elif step == "r":
            work.record(TOPIC, "noted", name)
        elif reading().capabilities.dialect == "sqlite":  # PostgreSQL refuses all that comes after an error
            with contextlib.suppress(IntegrityError):
                await Note.create(id=1, text="never")
    if plan.ending == "refuse":
        raise Refused("no", name)
    if plan.ending == "crash":
        raise KeyError(name)
    return name


async def run_group(store: Store, plans: list[Plan], first: int) -> list[object]:
    def named(plan: Plan, name: str) -> asyncio.Task[str]:
        key = IdempotencyKey("any", str(plan.key)) if plan.key else None
        return asyncio.create_task(store.writer.commit(lambda work: act(work, plan, name), key=key))

    tasks = [named(plan, str(first + i)) for i, plan in enumerate(plans)]
    return await asyncio.gather(*tasks, return_exceptions=True)


def expected(plans: list[Plan], first: int, answers: dict[int, str]) -> tuple[list[str], list[str], list[str]]:
    """The results (the word for an ending instead where there is none), rows and events of a group."""
    results: list[str] = []
    rows: list[str] = []
    events: list[str] = []
    for number, plan in enumerate(plans, first):
        if plan.key in answers:
            results.append(answers[plan.key])
        elif plan.ending != "ok":
            results.append(plan.ending)
        else:
            results.append(str(number))
            rows += [str(number)] * plan.steps.count("w")
            events += [str(number)] * plan.steps.count("r")
            if plan.key:
                answers[plan.key] = str(number)
    return results, rows, events


def word(result: object) -> object:
    return {Refused: "refuse", KeyError: "crash"}.get(type(result), result)


@settings(max_examples=60, deadline=None)
@given(groups=st.lists(st.lists(_plans, min_size=1, max_size=6), min_size=1, max_size=4))
def test_an_event_if_and_only_if_its_commit(groups: list[list[Plan]]) -> None:
    async def check(url: str) -> None:
        async with opened(url) as store:
            await store.writer.commit(lambda _: Note.create(text="first"))
            answers: dict[int, str] = {}
            rows, events, count = ["first"], [], 1
            for plans in groups:
                results, more_rows, more_events = expected(plans, count, answers)
                assert [word(result) for result in await run_group(store, plans, count)] == results
                rows += more_rows
                events += more_events
                count += len(plans)
            assert await store.texts() == rows
            stored = await store.events()
            assert [event.fields.decode() for event in stored] == [f'{{"data":"{name}"}}' for name in events]
            assert [event.position for event in stored] == list(range(1, len(events) + 1))
            assert [event.json for event in store.relayed] == [event.json for event in stored]

    with new_url() as url:
        asyncio.run(check(url))
