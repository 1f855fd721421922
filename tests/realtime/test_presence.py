"""Who is where: once per user, however many tabs; who drops out lingers."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from quart_app.realtime.clients.identity import Identity
from quart_app.realtime.clients.presence import Presence
from quart_app.realtime.flow.backplane import InProcess
from quart_app.realtime.limits import LINGER
from quart_app.realtime.messages.event import Event
from tests.realtime.clock import clock, skipping_time

ANA, JUAN = Identity("1", "Ana"), Identity("2", "Juan")
ROOM = "rooms/1"


class Recorded(InProcess):
    """The backplane of a program that is alone; it notes what it is told: (seconds, joined or left, who)."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[float, str, str]] = []

    def publish(self, events: Sequence[Event]) -> None:
        self.told += [(clock(), event.type, f"{event.fields.decode()} {event.topic}") for event in events]


def signals(topic: str, who: Identity) -> tuple[Event, Event]:
    name = who.username.encode()
    return Event(topic, "joined", name, 0), Event(topic, "left", name, 0)


class Room:
    """A presence and what it told."""

    def __init__(self) -> None:
        backplane = Recorded()
        self.told = backplane.told
        self.presence = Presence(backplane, signals, wall=lambda: 0)

    def present(self, topic: str = ROOM) -> list[str]:
        return [person["username"] for person in self.presence.present(topic)]


@skipping_time
async def test_a_user_joins_once_and_leaves_with_the_last_tab() -> None:
    room = Room()
    for tab in ("a", "b", "c"):
        room.presence.enter(ROOM, ANA, tab)
    room.presence.leave(ROOM, ANA, "a", orderly=True)
    room.presence.leave(ROOM, ANA, "c", orderly=True)
    assert room.present() == ["Ana"]
    room.presence.leave(ROOM, ANA, "b", orderly=True)
    assert room.present() == []
    assert room.told == [(0.0, "joined", "Ana rooms/1"), (0.0, "left", "Ana rooms/1")]


@skipping_time
async def test_a_dropped_connection_lingers() -> None:
    room = Room()
    room.presence.enter(ROOM, ANA, "a")
    await asyncio.sleep(7)
    room.presence.leave(ROOM, ANA, "a", orderly=False)
    await asyncio.sleep(LINGER - 0.001)
    assert room.present() == ["Ana"]
    await asyncio.sleep(1)
    assert room.present() == []
    assert room.told[1:] == [(7 + LINGER, "left", "Ana rooms/1")]


@skipping_time
async def test_who_comes_back_in_time_has_never_left() -> None:
    room = Room()
    transports = ["ws", "sse", "poll", "ws again"]
    room.presence.enter(ROOM, ANA, transports[0])
    for before, after in pairwise(transports):
        room.presence.leave(ROOM, ANA, before, orderly=False)
        await asyncio.sleep(LINGER - 0.001)
        room.presence.enter(ROOM, ANA, after)
    await asyncio.sleep(100)
    assert room.told == [(0.0, "joined", "Ana rooms/1")]


@skipping_time
async def test_the_linger_counts_from_the_last_connection_lost() -> None:
    room = Room()
    room.presence.enter(ROOM, ANA, "a")
    room.presence.enter(ROOM, ANA, "b")
    room.presence.leave(ROOM, ANA, "a", orderly=False)
    await asyncio.sleep(3)
    room.presence.leave(ROOM, ANA, "b", orderly=False)
    await asyncio.sleep(100)
    assert room.told[1:] == [(3 + LINGER, "left", "Ana rooms/1")]


@skipping_time
async def test_who_says_goodbye_is_gone_at_once_whatever_was_lost_before() -> None:
    room = Room()
    room.presence.enter(ROOM, ANA, "a")
    room.presence.enter(ROOM, ANA, "b")
    room.presence.leave(ROOM, ANA, "a", orderly=False)
    room.presence.leave(ROOM, ANA, "b", orderly=True)
    assert room.present() == []


@skipping_time
async def test_a_connection_that_has_lingered_leaves_another_one_its_own_linger() -> None:
    room = Room()
    room.presence.enter(ROOM, ANA, "parked")
    await asyncio.sleep(4)
    room.presence.enter(ROOM, ANA, "poll")
    room.presence.leave(ROOM, ANA, "poll", orderly=False)
    await asyncio.sleep(1)
    room.presence.leave(ROOM, ANA, "parked", orderly=False, lingered=True)
    assert room.present() == ["Ana"]
    await asyncio.sleep(100)
    assert room.told[1:] == [(4 + LINGER, "left", "Ana rooms/1")]
    room.presence.enter(ROOM, ANA, "parked again")
    room.presence.leave(ROOM, ANA, "parked again", orderly=False, lingered=True)
    assert room.present() == []


@skipping_time
async def test_a_lease_ends_once_and_only_for_who_has_it() -> None:
    room = Room()
    room.presence.leave(ROOM, ANA, "a", orderly=True)
    room.presence.enter(ROOM, ANA, "a")
    room.presence.leave(ROOM, ANA, "unknown", orderly=True)
    room.presence.leave(ROOM, JUAN, "a", orderly=True)
    room.presence.leave("rooms/2", ANA, "a", orderly=True)
    assert room.present() == ["Ana"]
    room.presence.leave(ROOM, ANA, "a", orderly=False)
    # A goodbye that comes after the connection was lost changes nothing: the lease is over.
    room.presence.leave(ROOM, ANA, "a", orderly=True)
    assert room.present() == ["Ana"]


@skipping_time
async def test_topics_and_users_do_not_mix_and_stand_in_order_of_arrival() -> None:
    room = Room()
    room.presence.enter(ROOM, JUAN, "j")
    room.presence.enter(ROOM, ANA, "a")
    room.presence.enter("rooms/2", ANA, "a")
    assert room.present() == ["Juan", "Ana"]
    assert room.present("rooms/2") == ["Ana"]
    room.presence.leave(ROOM, ANA, "a", orderly=True)
    assert room.present("rooms/2") == ["Ana"]


@skipping_time
async def test_the_newest_name_of_a_user_counts() -> None:
    room = Room()
    room.presence.enter(ROOM, ANA, "a")
    room.presence.enter(ROOM, Identity("1", "Ana María"), "b")
    assert room.present() == ["Ana María"]
    room.presence.leave(ROOM, ANA, "a", orderly=True)
    room.presence.leave(ROOM, ANA, "b", orderly=True)
    assert room.told[-1] == (0.0, "left", "Ana María rooms/1")


steps = st.tuples(
    st.sampled_from(["enter", "drop", "close", "let go", "wait"]), st.sampled_from("12"), st.sampled_from("ab")
)


@given(st.lists(steps, max_size=30))
@skipping_time
async def test_joined_and_left_alternate_and_agree_with_who_is_present(history: list[tuple[str, str, str]]) -> None:
    room = Room()
    for step, user, tab in history:
        identity = Identity(user, user)
        if step == "enter":
            room.presence.enter(ROOM, identity, user + tab)
        elif step == "wait":
            await asyncio.sleep(2)
        else:
            room.presence.leave(ROOM, identity, user + tab, orderly=step == "close", lingered=step == "let go")
        for name in "12":
            told = [what for _, what, who in room.told if who == f"{name} {ROOM}"]
            assert told == ["joined", "left"] * (len(told) // 2) + ["joined"] * (len(told) % 2)
            assert (name in room.present()) == (len(told) % 2 == 1)
