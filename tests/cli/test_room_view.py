"""A room as lines of text."""

from typing import Any

import pytest

from quart_app.cli.room_view import RoomView, printable

ANA: dict[str, Any] = {"user_id": 1, "username": "Ana"}
LUIS: dict[str, Any] = {"user_id": 2, "username": "Luis"}


def said(id: int, user: dict[str, Any], content: str) -> dict[str, Any]:
    return {"id": id, **user, "content": content, "created_at": "2026-01-02T03:04:05.678Z"}


@pytest.fixture
def view() -> RoomView:
    view = RoomView(me="1")
    take(view, "connected", room_id=1, active_users=[ANA])
    return view


def take(view: RoomView, type: str, now: float = 0.0, **data: Any) -> list[str]:
    return view.take({"type": type, "data": data}, now)


def test_a_newcomer_sees_who_is_here_and_what_was_said() -> None:
    view = RoomView(me="1")
    assert take(view, "connected", room_id=1, active_users=[ANA, LUIS]) == ["— room 1: Ana, Luis"]
    lines = take(view, "history", messages=[said(1, LUIS, "Hola"), said(2, ANA, "¿Qué tal?")])
    assert [line.split(" ", 1)[1] for line in lines] == ["Luis: Hola", "Ana: ¿Qué tal?"]


def test_a_reconnect_repeats_neither_the_greeting_nor_the_history(view: RoomView) -> None:
    take(view, "message", **said(5, LUIS, "one"))
    assert take(view, "connected", room_id=1, active_users=[ANA, LUIS]) == []
    assert len(take(view, "history", messages=[said(5, LUIS, "one"), said(6, LUIS, "two")])) == 1


def test_people_come_and_go(view: RoomView) -> None:
    assert take(view, "user_joined", **LUIS) == ["→ Luis joined"]
    assert take(view, "user_joined", **LUIS) == []
    assert view.summary(0.0) == "Ana, Luis"
    assert take(view, "user_left", **LUIS) == ["← Luis left"]
    assert view.summary(0.0) == "Ana"


def test_typing_is_shown_until_the_message_or_for_some_seconds(view: RoomView) -> None:
    take(view, "user_joined", **LUIS)
    take(view, "typing", now=10.0, **LUIS, is_typing=True)
    assert "Luis typing…" in view.summary(12.0)
    assert "typing" not in view.summary(20.0)
    take(view, "typing", now=30.0, **LUIS, is_typing=True)
    take(view, "message", **said(1, LUIS, "Hola"))
    assert "typing" not in view.summary(30.0)


def test_readers_of_the_newest_message_are_shown(view: RoomView) -> None:
    take(view, "message", **said(1, ANA, "Hola"))
    take(view, "read", **LUIS, message_id=1)
    take(view, "read", **ANA, message_id=1)
    assert view.summary(0.0) == "Ana · read by Luis"
    take(view, "message", **said(2, ANA, "¿Estás?"))
    assert "read by" not in view.summary(0.0)


def test_what_others_said_is_to_be_reported_as_read(view: RoomView) -> None:
    take(view, "message", **said(1, ANA, "mine"))
    assert view.unread is None
    take(view, "message", **said(2, LUIS, "theirs"))
    assert view.unread == 2


def test_nothing_said_can_command_the_terminal(view: RoomView) -> None:
    evil = {"user_id": 3, "username": "\x1b]0;owned\x07Eve"}
    (line,) = take(view, "message", **said(1, evil, "\x1b[2Jgone\r\nforged: line"))
    assert "\x1b" not in line
    assert "\x07" not in line
    assert "\n    forged: line" in line


def test_errors_and_resets_are_told(view: RoomView) -> None:
    assert take(view, "error", code="x", message="no room") == ["! no room"]
    assert "may be missing" in take(view, "reset", reason="trimmed")[0]


def test_what_it_does_not_know_is_no_line(view: RoomView) -> None:
    assert take(view, "sensor_update", temperature=3) == []
    assert view.take({"type": "message"}, 0.0) == []
    assert printable("") == ""
