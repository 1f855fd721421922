"""What nodes ask each other: who answers, who does not, and what comes of what goes wrong."""

import asyncio

import pytest

from quart_app.lab.world.redis import Server
from quart_app.realtime import Refused, limits
from quart_app.realtime.clients.nodes import Survey, Unanswered
from tests.backplane.cluster import Cluster
from tests.backplane.test_link import heal, part, started, until
from tests.realtime.clock import skipping_time


async def three() -> tuple[Server, Cluster]:
    """Return three nodes that know of each other; each of them knows its number, and node 2 something more."""
    server, cluster = await started(3)
    await until(lambda: all(len(hub.backplane.others) == 2 for hub in cluster.hubs))
    for number, hub in enumerate(cluster.hubs):

        async def told(number: int = number) -> int:
            return number

        async def owned(name: str, number: int = number) -> str | None:
            return f"{name} of {number}" if number == 2 else None

        hub.nodes.answer("number", told)
        hub.nodes.answer("owned", owned)
    return server, cluster


@skipping_time
async def test_a_survey_has_the_answers_of_all_and_names_who_is_silent() -> None:
    server, cluster = await three()
    own, *others = (await cluster.hubs[1].nodes.survey("number")).answers
    assert (own, sorted(others)) == (1, [0, 2])
    await part(server, cluster, 2)
    began = asyncio.get_running_loop().time()
    assert await cluster.hubs[1].nodes.survey("number") == Survey([1, 0], [cluster.link(2).name])
    assert asyncio.get_running_loop().time() - began < limits.ASK + 0.2
    assert await cluster.hubs[2].nodes.survey("number") == Survey([2], sorted(cluster.link(2).others.values()))
    await heal(server, cluster)
    await until(lambda: len(cluster.hubs[2].backplane.others) == 2)
    assert sorted((await cluster.hubs[2].nodes.survey("number")).answers) == [0, 1, 2]
    await cluster.stop()


@skipping_time
async def test_who_has_what_is_looked_for_is_found_and_asked_first_where_that_is_known() -> None:
    server, cluster = await three()
    nodes = cluster.hubs[0].nodes
    asked: list[int] = []
    for number, hub in enumerate(cluster.hubs):

        async def owned(number: int = number) -> bool | None:
            asked.append(number)
            return True if number == 2 else None

        hub.nodes.answer("owned at last", owned)
    assert await nodes.find("owned", "it") == "it of 2"
    assert await nodes.find("owned at last", tag=cluster.link(2).tag)
    assert asked == [2]
    await part(server, cluster, 2)
    with pytest.raises(Unanswered):
        await nodes.find("owned", "it")
    await asyncio.sleep(limits.NODE_LEASE + limits.PROBE)
    assert await nodes.find("owned", "it") is None
    await cluster.stop()


@skipping_time
async def test_a_refusal_comes_as_it_was_and_what_fails_is_no_answer() -> None:
    _, cluster = await three()
    asking, asked = cluster.hubs[0].nodes, cluster.link(1).tag

    async def refuse() -> None:
        raise Refused("forbidden", "not you", status=403, fields={"who": "somebody"}, retry_after=1.5)

    async def fail() -> None:
        raise ZeroDivisionError

    async def tell_much() -> str:
        return "x" * limits.ANSWER_BYTES

    cluster.hubs[1].nodes.answer("refused", refuse)
    cluster.hubs[1].nodes.answer("failing", fail)
    cluster.hubs[1].nodes.answer("much", tell_much)
    with pytest.raises(Refused) as refused:
        await asking.find("refused", tag=asked)
    seen = refused.value
    assert (seen.code, seen.message, seen.status, seen.fields, seen.retry_after) == (
        "forbidden",
        "not you",
        403,
        {"who": "somebody"},
        1.5,
    )
    with pytest.raises(Refused, match="too large"):
        await asking.find("much", tag=asked)
    for what in ("failing", "unheard of"):
        with pytest.raises(Unanswered):
            await asking.find(what, tag=asked)
    await cluster.stop()


@skipping_time
async def test_questions_and_answers_are_bounded_and_end_with_the_line() -> None:
    server, cluster = await three()
    asking, asked = cluster.hubs[0].nodes, cluster.link(1).tag
    waiting = asyncio.Event()
    begun = 0

    async def wait() -> bool:
        nonlocal begun
        begun += 1
        return await waiting.wait()

    cluster.hubs[1].nodes.answer("slow", wait)
    asks = [asyncio.create_task(asking.find("slow", tag=asked, wait=30)) for _ in range(limits.ASKS_WAITING + 10)]
    await until(lambda: begun == limits.ASKS_WAITING)
    await asyncio.sleep(1)
    assert begun == limits.ASKS_WAITING
    waiting.set()
    _, late = await asyncio.wait(asks, timeout=5)
    assert len(late) == 10
    await part(server, cluster, 0)
    await asyncio.wait(asks, timeout=1)
    assert all(task.done() for task in asks)
    assert sum(isinstance(task.exception(), Unanswered) for task in asks) == 10
    await cluster.stop()
