"""The client's side of the wire, message by message, without a connection."""

import secrets

import pytest

from quart_app.client.endings import EndingKind, LinkEnded, LinkEnding, ending_of_refusal
from quart_app.client.messages import Message
from quart_app.client.outbox import Outbox, Pending
from quart_app.client.session import Session
from quart_app.client.topics import Topics

WELCOME = {"connection_id": "c1", "transport": "ws", "heartbeat": 30.0}


def session_on(*topics: str, since: str | None = None) -> Session:
    session = Session(Topics(topics, known=since is not None), since, Outbox(10, 60.0), secrets.token_urlsafe)
    session.begin(session.request("ws"))
    return session


def take(session: Session, **message: object) -> Message | None:
    return session.receive(dict(message), now=0.0)


def test_the_welcome_of_a_first_connection_gives_the_cursor() -> None:
    session = session_on("rooms/1")
    welcome = {"type": "connected", "topic": "rooms/1", "id": "e-7", **WELCOME}
    assert session.receive(welcome, 0.0) == welcome
    assert session.request("ws").since == "e-7"
    assert session.heartbeat == 30.0


def test_a_welcome_newer_than_since_waits_for_its_reset() -> None:
    """Lost in between, the connection would come back from the head and nobody would know of the gap."""
    session = session_on("rooms/1", since="old-5")
    take(session, type="connected", topic="rooms/1", id="new-90", **WELCOME)
    assert session.request("ws").since == "old-5"
    take(session, type="reset", id="new-90", data={"reason": "unknown_log"})
    assert session.request("ws").since == "new-90"
    assert session.bookmark.gaps == 1


def test_durable_messages_move_the_cursor_and_come_once() -> None:
    session = session_on("log/a")
    take(session, type="connected", topic="log/a", id="e-1", **WELCOME)
    assert take(session, type="x", topic="log/a", id="e-2") is not None
    assert take(session, type="x", topic="log/a", id="e-2") is None
    assert session.request("ws").since == "e-2"


def test_a_heartbeat_moves_the_cursor_and_is_not_for_the_user() -> None:
    session = session_on("log/a")
    take(session, type="connected", topic="log/a", id="e-1", **WELCOME)
    assert take(session, type="heartbeat", id="e-40") is None
    assert session.request("ws").since == "e-40"


def test_an_acknowledgement_does_not_move_the_cursor() -> None:
    """It may be told before the events in front of it: coming back from there would lose those."""
    session = session_on("log/a")
    take(session, type="connected", topic="log/a", id="e-1", **WELCOME)
    outcomes: list[object] = []
    session.outbox.add(Pending("k", "log/a", {"key": "k"}, outcomes.append))
    assert take(session, type="published", topic="log/a", id="e-9", key="k") is None
    assert outcomes
    assert session.request("ws").since == "e-1"


def test_a_bye_ends_the_connection_with_its_delay() -> None:
    session = session_on("log/a")
    with pytest.raises(LinkEnded) as ended:
        take(session, type="bye", data={"reason": "shutdown", "retry_after": 1500})
    assert ended.value.ending == LinkEnding(EndingKind.LATER, "bye: shutdown", retry_after=1.5)


@pytest.mark.parametrize("type", ["bye", "reset", "heartbeat", "connected"])
def test_what_people_publish_under_the_server_s_names_is_theirs(type: str) -> None:
    session = session_on("log/a")
    take(session, type="connected", topic="log/a", id="e-1", **WELCOME)
    published = {"type": type, "topic": "log/a", "id": "e-2", "data": {}}
    assert session.receive(published, 0.0) == published
    signal = {"type": type, "topic": "live/a", "data": {}}
    assert session.receive(signal, 0.0) == signal
    assert session.bookmark.gaps == 0


def test_a_gap_is_counted_and_told() -> None:
    session = session_on("live/a")
    take(session, type="connected", topic="live/a", id="e-1", **WELCOME)
    assert take(session, type="gap", topic="live/a", data={"dropped": 3}) is not None
    assert (session.bookmark.gaps, session.bookmark.dropped) == (0, 3)


def test_a_pong_gives_the_round_trip() -> None:
    session = session_on("live/a")
    ping = session.ping(now=10.0)
    assert session.receive({"type": "pong", "key": ping["key"]}, now=10.025) is None
    assert session.rtt == pytest.approx(25.0)


def test_new_topics_are_asked_for_and_their_welcome_is_a_snapshot() -> None:
    session = session_on("a")
    take(session, type="connected", topic="a", id="e-1", **WELCOME)
    session.topics.add("b")
    session.reconcile()
    assert [(control["type"], control["topic"]) for control in session.controls] == [("subscribe", "b")]
    assert not session.outdated
    assert take(session, type="initial", topic="b", id="e-9", key=session.controls[0]["key"]) is not None
    assert session.request("ws").since == "e-1"
    assert take(session, type="update", topic="b", id="e-5") is None, "the snapshot holds it"
    assert take(session, type="update", topic="b", id="e-10") is not None


def test_a_topic_that_was_never_welcomed_is_opened_fresh() -> None:
    session = session_on("a")
    take(session, type="connected", topic="a", id="e-1", **WELCOME)
    session.topics.add("b")
    assert session.outdated
    assert session.request("ws").fresh == ("b",)
    session.begin(session.request("ws"))
    take(session, type="connected", id="e-1", **WELCOME)
    take(session, type="connected", topic="a")
    take(session, type="initial", topic="b")
    assert session.request("ws").fresh == ()


def test_a_refused_topic_is_given_up() -> None:
    session = session_on("a")
    session.topics.add("b")
    session.reconcile()
    key = session.controls[0]["key"]
    assert take(session, type="error", key=key, data={"code": "forbidden", "message": "no"}) is not None
    assert session.topics.wanted == ("a",)
    assert not session.outdated


def test_an_unwanted_topic_is_told() -> None:
    session = session_on("a", "b")
    session.topics.drop("b")
    session.reconcile()
    assert [(control["type"], control["topic"]) for control in session.controls] == [("unsubscribe", "b")]
    assert take(session, type="unsubscribed", topic="b", key=session.controls[0]["key"]) is None


def test_a_refusal_says_why_and_until_when() -> None:
    closed = LinkEnding(EndingKind.LATER, "closed 1001", 1001)
    error = {"type": "error", "data": {"message": "the server is full", "retry_after": 5000}}
    told = ending_of_refusal(closed, [error])
    assert told == LinkEnding(EndingKind.LATER, "the server is full", 1001, 5.0)
    assert ending_of_refusal(closed, []) == closed


# A hand-over: what the new connection brought while the old one went on

JOINED = {"type": "user_joined", "topic": "rooms/1", "timestamp": "t1", "data": {"user_id": "2"}}
ALONE = {"type": "connected", "topic": "rooms/1", "id": "e-1", "data": {"active_users": []}, **WELCOME}


def handed_over(session: Session, old: list[Message], held: list[Message]) -> list[Message]:
    """Return what the user is told of `held`, which a new connection brought while the old one brought `old`."""
    request = session.request("ws")
    session.overlap()
    for message in old:
        session.receive(dict(message), 0.0)
    session.begin(request, held)
    return [message for message in held if session.receive(dict(message), 0.0) is not None]


def test_a_welcome_older_than_what_was_told_is_passed_over_and_entered_in_the_books() -> None:
    session = session_on("rooms/1")
    session.receive(dict(ALONE), 0.0)
    left = {**JOINED, "type": "user_left", "timestamp": "t2"}
    assert handed_over(session, [JOINED], [{**ALONE, "heartbeat": 7.0}, JOINED, left]) == [left]
    assert session.heartbeat == 7.0
    assert session.topics.fresh == ()
    assert session.request("ws").since == "e-1"


def test_a_welcome_that_holds_what_was_told_is_for_the_user() -> None:
    session = session_on("rooms/1")
    session.receive(dict(ALONE), 0.0)
    welcome = {**ALONE, "data": {"active_users": [JOINED["data"]]}}
    assert handed_over(session, [JOINED], [welcome]) == [welcome]


def test_a_welcome_is_passed_over_where_a_stored_event_follows_that_was_told() -> None:
    """The balance in the welcome of an account is that of the cursor; what was told since does not come again."""
    session = session_on("accounts/1")
    welcome = {"type": "connected", "topic": "accounts/1", "id": "e-1", "data": {"balance": 5}, **WELCOME}
    session.receive(dict(welcome), 0.0)
    changes = [{"type": "balance_updated", "topic": "accounts/1", "id": f"e-{at}"} for at in (2, 3)]
    assert handed_over(session, changes[:1], [welcome, *changes]) == changes[1:]


def test_only_the_welcome_of_the_topic_that_was_told_of_is_passed_over_and_only_once() -> None:
    session = session_on("rooms/1", "rooms/2")
    opening = {"type": "connected", "id": "e-1", **WELCOME}
    welcomes: list[Message] = [{"type": "connected", "topic": topic} for topic in ("rooms/1", "rooms/2")]
    for message in (opening, *welcomes):
        session.receive(dict(message), 0.0)
    assert handed_over(session, [JOINED], [opening, *welcomes, JOINED]) == [opening, welcomes[1]]
    session.topics.drop("rooms/1")
    session.reconcile()
    session.topics.add("rooms/1")
    session.reconcile()
    assert session.receive(dict(welcomes[0]), 0.0) is not None


def test_a_reset_leaves_the_welcome() -> None:
    session = session_on("rooms/1")
    session.receive(dict(ALONE), 0.0)
    welcome, reset = {**ALONE, "id": "f-9"}, {"type": "reset", "id": "f-9", "data": {"reason": "unknown_log"}}
    assert handed_over(session, [JOINED], [welcome, reset, JOINED]) == [welcome, reset, JOINED]


def test_a_topic_that_comes_with_the_new_connection_loses_no_event_that_is_older_than_the_last_one_told() -> None:
    session = session_on("a")
    take(session, type="connected", topic="a", id="e-1", **WELCOME)
    session.topics.add("b")
    opening: Message = {"type": "connected", "id": "e-1", **WELCOME}
    welcomes: list[Message] = [{"type": "connected", "topic": topic} for topic in "ab"]
    events = [{"type": "x", "topic": topic, "id": f"e-{at}"} for topic, at in (("b", 2), ("a", 3), ("b", 4))]
    held = [opening, *welcomes, *events]
    assert handed_over(session, [events[1]], held) == [opening, welcomes[1], events[0], events[2]]
    assert (session.bookmark.cursor, session.bookmark.repeats) == ("e-4", 0)
