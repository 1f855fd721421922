"""Hand-overs from one connection to the next, for the two clients to be compared by.

The old connection brings `before`, and `meanwhile` once the other one is asked for; that brings `held`, takes over, and
brings `after`. `told` are the numbers (field `n`) of what its user is told from the take-over on.
"""

import secrets
from typing import Any

from quart_app.client.outbox import Outbox
from quart_app.client.session import Session
from quart_app.client.topics import Topics

Json = dict[str, Any]


def made() -> list[Json]:
    """Return the hand-overs."""
    return [_handover(name, topics, *parts) for name, (topics, *parts) in _CASES.items()]


def _handover(
    name: str, topics: list[str], before: list[Json], meanwhile: list[Json], held: list[Json], after: list[Json]
) -> Json:
    session = Session(Topics(topics, known=False), None, Outbox(1, 60.0), secrets.token_urlsafe)
    session.begin(session.request("sse"))
    for message in before:
        session.receive(message, 0.0)
    request = session.request("ws")
    session.overlap()
    for message in meanwhile:
        session.receive(message, 0.0)
    session.begin(request, held)
    told = [message["n"] for message in (*held, *after) if session.receive(message, 0.0) is not None]
    parts = {"before": before, "meanwhile": meanwhile, "held": held, "after": after}
    return {"name": name, "topics": topics, **parts, "told": told, "cursor": session.bookmark.cursor}


def _opening(n: int, topic: str | None = None, id: str = "e-5") -> Json:
    named = {} if topic is None else {"topic": topic}
    return {"type": "connected", **named, "connection_id": f"c{n}", "heartbeat": 30.0, "id": id, "n": n}


def _welcome(n: int, topic: str, type: str = "connected") -> Json:
    return {"type": type, "topic": topic, "data": {"active_users": []}, "n": n}


def _joined(n: int, topic: str = "rooms/1") -> Json:
    return {"type": "user_joined", "topic": topic, "data": {"user_id": str(n)}, "n": n}


def _durable(n: int, position: int, topic: str = "rooms/1") -> Json:
    return {"type": "message", "topic": topic, "id": f"e-{position}", "n": n}


def _value(n: int, value: int) -> Json:
    return {"type": "value", "topic": "state/a", "data": value, "n": n}


_ROOM = [_opening(1, "rooms/1")]
_BOTH = ["rooms/1", "rooms/2"]
_TWO = [_opening(1), _welcome(2, "rooms/1"), _welcome(3, "rooms/2")]
_NEW = [_opening(11), _welcome(12, "rooms/1"), _welcome(13, "rooms/2")]

_CASES: dict[str, tuple[Any, ...]] = {
    "nothing told meanwhile": (["rooms/1"], _ROOM, [], [_opening(11, "rooms/1"), _joined(20)], []),
    "told meanwhile, and in the welcome": (["rooms/1"], _ROOM, [_joined(20)], [_opening(11, "rooms/1")], [_joined(21)]),
    "the welcome is older": (
        ["rooms/1"], _ROOM, [_joined(20)], [_opening(11, "rooms/1"), _joined(20), _joined(21)], [_joined(22)],
    ),
    "the signal was told before the overlap": (
        ["rooms/1"], [*_ROOM, _joined(20)], [], [_opening(11, "rooms/1"), _joined(21)], [],
    ),
    "of two topics one welcome is older": (
        _BOTH, _TWO, [_joined(20, "rooms/2"), _joined(21)], [*_NEW, _joined(20, "rooms/2")], [_joined(22)],
    ),
    "the welcome has a type of its own": (
        _BOTH, _TWO, [_joined(20)], [_opening(11), _welcome(12, "rooms/1", "initial"), _welcome(13, "rooms/2"),
        _joined(20)], [],
    ),
    "what was told comes only after the welcome was taken": (
        _BOTH, _TWO, [_joined(20), _joined(21, "rooms/2")], [_opening(11), _welcome(12, "rooms/1")],
        [_joined(20), _welcome(13, "rooms/2"), _joined(21, "rooms/2")],
    ),
    "what was told comes after a welcome that says nothing": (
        ["rooms/1"], _ROOM, [_joined(20)], [_opening(11, "rooms/1")], [_joined(20), _joined(21)],
    ),
    "a stored event follows that was told": (
        ["rooms/1"], _ROOM, [_durable(20, 6), _durable(21, 7)],
        [_opening(11, "rooms/1"), _durable(20, 6), _durable(21, 7), _durable(22, 8)], [_durable(23, 9)],
    ),
    "stored events follow of which none was told": (
        ["rooms/1"], _ROOM, [], [_opening(11, "rooms/1"), _durable(20, 6)], [],
    ),
    "a stored event of another topic was told": (
        _BOTH, _TWO, [_durable(20, 6, "rooms/2")], [*_NEW, _durable(20, 6, "rooms/2"), _joined(21)], [],
    ),
    "a reset": (
        ["rooms/1"], _ROOM, [_joined(20), _durable(21, 6)],
        [_opening(11, "rooms/1", "f-3"), {"type": "reset", "id": "f-3", "data": {}, "n": 12}, _joined(20),
         _durable(22, 4)], [],
    ),
    "a state's value": (
        ["state/a"], [_opening(1, "state/a")], [_value(20, 1)], [_opening(11, "state/a"), _value(20, 1), _value(21, 2)],
        [],
    ),
    "a state's value of before": (
        ["state/a"], [_opening(1, "state/a"), _value(20, 1)], [_value(21, 2)],
        [_opening(11, "state/a"), _value(20, 1), _value(21, 2)], [],
    ),
}  # fmt: skip
