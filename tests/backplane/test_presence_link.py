"""What a room is told when nodes end, stand still, or are away, and when the server loses its data: one case each."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from quart_app.backplane import Lost
from quart_app.backplane.attendance import Attendance
from quart_app.backplane.messages import Known, Present
from quart_app.lab.soak.channels import JOINED, LEFT
from quart_app.lab.world.redis import Server
from quart_app.realtime import Count, limits
from quart_app.realtime.clients.identity import Identity
from quart_app.surroundings import REAL
from tests.backplane.rooms import ROOM, Guest, Rooms
from tests.realtime.clock import clock, skipping_time

BURIED = limits.NODE_LEASE + limits.PROBE + 0.1
"""The seconds after which it is known everywhere that a node is gone."""


async def started(nodes: int = 2) -> tuple[Server, Rooms]:
    server = Server()
    cluster = Rooms(lambda: server.connect)
    await cluster.start(nodes)
    await asyncio.sleep(limits.NODE_LEASE)  # the server's data are not new any more
    return server, cluster


async def until(predicate: Callable[[], bool]) -> float:
    """Let time pass until something is so, for a minute at most; return the time."""
    async with asyncio.timeout(60):
        while not predicate():
            await asyncio.sleep(0.01)
    return clock()


async def part(server: Server, cluster: Rooms, *nodes: int) -> None:
    """Let nodes not reach the server."""
    for node in nodes:
        server.refused.add(cluster.link(node).tag)
        server.lines[cluster.link(node).tag].cut()
    await until(lambda: all(cluster.link(node).away_since is not None for node in nodes))


async def heal(server: Server, cluster: Rooms) -> None:
    server.refused.clear()
    await until(lambda: all(hub.backplane.away_since is None for hub in cluster.hubs))
    await asyncio.sleep(0.1)


async def well(cluster: Rooms) -> None:
    """Assert that everybody knows who is there."""
    await asyncio.sleep(0.1)
    cluster.check()
    assert cluster.agree(), [guest.here for guest in cluster.guests]


async def watched(cluster: Rooms, *users: str) -> list[Guest]:
    """Return guests on nodes 0, 1 and so on who have been told nothing yet but who is there."""
    guests = [await cluster.come(node, user) for node, user in enumerate(users)]
    await asyncio.sleep(0.1)
    for guest in guests:
        guest.told.clear()
    return guests


@skipping_time
async def test_a_user_on_two_nodes_comes_once_and_goes_once() -> None:
    _, cluster = await started()
    (watch,) = await watched(cluster, "watch")
    for node in (1, 0, 1):
        await cluster.come(node, "ana")
        await asyncio.sleep(0.1)
    assert watch.told == [(JOINED, "ana")]
    for guest in [one for one in cluster.guests if one.user == "ana"]:
        assert watch.told == [(JOINED, "ana")]
        await cluster.leave(guest, orderly=True)
        await asyncio.sleep(0.1)
    assert watch.told == [(JOINED, "ana"), (LEFT, "ana")]
    await well(cluster)
    await cluster.stop()


@skipping_time
async def test_who_is_on_a_node_that_is_killed_leaves_unless_they_come_back_elsewhere() -> None:
    _, cluster = await started(3)
    watch, *_ = await watched(cluster, "watch", "ana", "eva")
    await cluster.come(1, "eva")
    began = clock()
    await cluster.kill(1)
    await asyncio.sleep(3)
    await cluster.come(2, "juan")
    await until(lambda: (LEFT, "ana") in watch.told)
    assert limits.NODE_LEASE - limits.PROBE <= clock() - began <= BURIED
    assert watch.told == [(JOINED, "juan"), (LEFT, "ana")]
    await cluster.begin(1)
    await well(cluster)
    await cluster.stop()


@skipping_time
async def test_who_is_on_a_node_that_ends_has_left_nobody_who_comes_back_within_the_linger() -> None:
    server, cluster = await started()
    watch, _ = await watched(cluster, "watch", "ana")
    await cluster.come(1, "eva")
    await asyncio.sleep(0.1)
    await cluster.end(1)
    began = clock()
    await asyncio.sleep(limits.PROBE + 0.1)
    assert cluster.link(0).nodes == ["node 0"]
    assert len(server.attendance.nodes) == 2
    await asyncio.sleep(limits.LINGER - 2)
    await cluster.come(0, "ana")
    gone = await until(lambda: (LEFT, "eva") in watch.told)
    assert limits.LINGER <= gone - began <= limits.LINGER + limits.PROBE + 0.1
    await cluster.begin(1)
    await well(cluster)
    assert watch.told == [(JOINED, "eva"), (LEFT, "eva")]
    await cluster.stop()


@skipping_time
async def test_nobody_is_buried_before_those_who_were_away_have_told_who_came_to_them() -> None:
    server, cluster = await started()
    _, watch = await watched(cluster, "ana", "watch")
    ana = cluster.guests[0]
    retired = clock()
    await cluster.end(ana.node)
    await cluster.begin(0)
    await asyncio.sleep(retired + limits.LINGER - 0.1 - clock())
    for line in list(server.lines.values()):
        line.cut()
    await until(lambda: cluster.link(0).away_since is not None)
    await cluster.come(0, "ana")
    await asyncio.sleep(BURIED)
    assert watch.told == []
    await well(cluster)
    await cluster.stop()


@skipping_time
async def test_a_node_that_was_taken_for_gone_brings_its_users_back() -> None:
    server, cluster = await started()
    watch, ana = await watched(cluster, "watch", "ana")
    await part(server, cluster, 1)
    await cluster.come(1, "eva")
    await asyncio.sleep(BURIED)
    assert watch.told == [(LEFT, "ana")]
    await heal(server, cluster)
    await asyncio.sleep(limits.RESTORED)
    assert watch.told == [(LEFT, "ana"), (JOINED, "ana"), (JOINED, "eva")]
    assert not ana.certain, "it was told that it has missed something"
    await well(cluster)
    await cluster.stop()


@skipping_time
async def test_a_node_that_was_buried_finds_that_out() -> None:
    server, cluster = await started()
    watch, _ = await watched(cluster, "watch", "ana")
    (presented,) = (one for one in server.attendance.nodes if one.endswith("node 1"))
    server.bury(presented)
    await asyncio.sleep(limits.PROBE + 0.1)  # until it says that it is there
    assert watch.told == [(LEFT, "ana"), (JOINED, "ana")]
    server.bury(presented)
    await cluster.come(1, "eva")
    await asyncio.sleep(0.1)  # until it has something to say
    assert watch.told[2:] == [(LEFT, "ana"), (JOINED, "ana"), (JOINED, "eva")]
    await well(cluster)
    assert all(guest.certain for guest in cluster.guests), "nothing was missed"
    await cluster.stop()


@skipping_time
async def test_a_line_that_is_lost_while_its_node_takes_stock_costs_nothing() -> None:
    server, cluster = await started()
    watch, _ = await watched(cluster, "watch", "ana")
    errors: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, error: errors.append(error))
    take_stock = server._stock

    def fail(*_: Any) -> None:
        server._stock = take_stock  # type: ignore[method-assign]  # once is enough
        raise Lost("it was cut")

    server._stock = fail  # type: ignore[method-assign,assignment]  # where a line is lost is a matter of chance
    await part(server, cluster, 1)
    await cluster.come(1, "eva")
    await heal(server, cluster)
    await asyncio.sleep(2 * limits.RESTORED)
    assert watch.told == [(JOINED, "eva")]
    assert server._stock == take_stock
    assert errors == []
    await well(cluster)
    await cluster.stop()


@pytest.mark.parametrize("first", [0, 1])
@skipping_time
async def test_of_two_nodes_that_tell_an_empty_server_the_one_that_was_told_more_is_right(first: int) -> None:
    server, cluster = await started()
    watch, ana = await watched(cluster, "watch", "ana")
    eva = await cluster.come(0, "eva")
    await asyncio.sleep(0.1)
    await part(server, cluster, 1)
    await cluster.leave(eva, orderly=True)
    await asyncio.sleep(0.1)
    await part(server, cluster, 0)
    server.forget()
    for node in (first, 1 - first):
        server.refused.discard(cluster.link(node).tag)
        await until(lambda node=node: cluster.link(node).away_since is None)  # type: ignore[misc]
    await asyncio.sleep(2 * BURIED)
    assert watch.told == [(JOINED, "eva"), (LEFT, "eva")]
    assert "eva" not in ana.knows()
    await well(cluster)
    await cluster.stop()


@skipping_time
async def test_who_has_missed_a_leave_before_the_server_lost_its_data_is_told_so() -> None:
    server, cluster = await started(3)
    leo = await cluster.come(2, "leo")
    eva, ana = await cluster.come(2, "eva"), await cluster.come(1, "ana")
    await asyncio.sleep(0.1)
    await part(server, cluster, 1)
    await cluster.leave(eva, orderly=True)
    await asyncio.sleep(0.1)
    await part(server, cluster, 0)
    server.forget()
    await cluster.kill(2)  # only a node on which nobody is knows that she has left
    server.refused.discard(cluster.link(0).tag)
    await until(lambda: cluster.link(0).away_since is None)
    await cluster.begin(2)
    await heal(server, cluster)
    await asyncio.sleep(2 * BURIED)
    assert not {eva.user, leo.user} & ana.knows()
    await well(cluster)
    await cluster.stop()


@skipping_time
async def test_a_node_that_was_away_for_long_brings_nobody_back_whose_leave_was_told() -> None:
    server, cluster = await started()
    await cluster.come(0, "ana")
    await asyncio.sleep(0.1)
    await part(server, cluster, 0)
    await cluster.come(0, "eva")
    await asyncio.sleep(BURIED)
    server.forget()
    watch = await cluster.come(1, "eva")
    await heal(server, cluster)
    await asyncio.sleep(2 * BURIED)
    assert watch.told == [(JOINED, "ana")]
    await well(cluster)
    await cluster.stop()


def test_topics_that_everybody_has_left_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TOPICS_LEFT", 2)
    attendance = Attendance("here", "this node", lambda: None, REAL)
    for topic in ("rooms/1", "rooms/2", "rooms/3", "rooms/2"):
        attendance.take_over(Present([(topic, Count(0, 1), {})], restored=False))
    assert list(attendance._left) == ["rooms/3", "rooms/2"]


def test_what_was_restored_by_a_node_that_knows_less_is_passed_over() -> None:
    attendance = Attendance("t", "node", lambda: None, REAL)
    ana, eva = {"ana": Known("Ana", b"")}, {"eva": Known("Eva", b"")}
    for number, people, restored, there in (
        (5, ana, False, ["ana"]),
        (4, eva, True, ["ana"]),
        (5, eva, True, ["eva"]),
        (4, ana, False, ["ana"]),
    ):
        attendance.take_over(Present([(ROOM, Count(1, number), people)], restored))
        assert list(attendance.present(ROOM)) == there


@skipping_time
async def test_a_server_that_was_away_for_long_takes_nobody_for_gone() -> None:
    server, cluster = await started(3)
    watch, ana, eva = await watched(cluster, "watch", "ana", "eva")
    await part(server, cluster, 0, 1, 2)
    await asyncio.sleep(60)
    await cluster.leave(ana, orderly=True)
    await cluster.come(2, "ana")
    await cluster.leave(eva, orderly=True)
    await cluster.come(1, "juan")
    assert [room.people() for room in cluster.rooms] == [["watch", "ana", "eva"]] * 3
    await heal(server, cluster)
    await asyncio.sleep(2 * BURIED)
    assert sorted(watch.told) == [(JOINED, "juan"), (LEFT, "eva")]
    await well(cluster)
    await cluster.stop()


@skipping_time
async def test_a_server_that_lost_its_data_is_told_by_the_nodes_who_is_there_and_who_was() -> None:
    server, cluster = await started(3)
    watch, ana, _ = await watched(cluster, "watch", "ana", "eva")
    await cluster.come(2, "leo")
    await asyncio.sleep(0.1)
    await part(server, cluster, 0, 1, 2)
    server.forget()
    await cluster.kill(2)  # so nobody can say that its users have left
    await cluster.leave(ana, orderly=True)
    await cluster.come(0, "ana")
    await cluster.come(1, "juan")
    await cluster.begin(2)
    await heal(server, cluster)
    began = clock()
    await asyncio.sleep(2 * limits.RESTORED)
    assert watch.told == [(JOINED, "leo"), (JOINED, "juan")]
    await until(lambda: len(watch.told) == 4)
    assert clock() - began <= BURIED
    assert sorted(watch.told[2:]) == [(LEFT, "eva"), (LEFT, "leo")]
    await asyncio.sleep(2 * BURIED)
    assert len(watch.told) == 4
    assert set(cluster.rooms[2].people()) == {"watch", "ana", "juan"}
    await well(cluster)
    await cluster.stop()


@skipping_time
async def test_a_node_that_starts_beside_an_empty_server_waits_for_those_who_know() -> None:
    server, cluster = await started()
    watch, _ = await watched(cluster, "watch", "ana")
    await part(server, cluster, 0, 1)
    server.forget()
    await cluster.kill(1)

    async def begin() -> None:
        await cluster.begin(1)  # it is the first one that comes to the server
        await cluster.come(1, "ana")

    beginning = asyncio.create_task(begin())
    await asyncio.sleep(limits.RESTORED / 2)
    await heal(server, cluster)
    await beginning
    await asyncio.sleep(2 * BURIED)
    assert watch.told == []
    assert watch.certain, "it was told to have missed something"
    await well(cluster)
    await cluster.stop()


@skipping_time
async def test_the_newest_name_is_known_everywhere() -> None:
    server, cluster = await started()
    await watched(cluster, "watch", "ana")

    async def rename(node: int, name: str) -> None:
        cluster.rooms[node].presence.enter(ROOM, Identity("ana", name), "tab")
        await asyncio.sleep(0.1)

    def names() -> list[str]:
        return [user["username"] for room in cluster.rooms for user in room.presence.present(ROOM)]

    await rename(0, "Ana")
    assert names() == ["watch", "Ana"] * 2
    await rename(1, "Ana María")
    assert names() == ["watch", "Ana María"] * 2
    await part(server, cluster, 1)
    await rename(1, "Anita")
    await heal(server, cluster)
    await asyncio.sleep(limits.RESTORED)
    assert names() == ["watch", "Anita"] * 2
    await cluster.stop()
