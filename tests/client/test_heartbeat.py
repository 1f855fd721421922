"""The deadline that two missed heartbeats make."""

from quart_app.client.heartbeat import HeartbeatDeadline


def test_two_heartbeats_and_a_little_more_may_pass() -> None:
    deadline = HeartbeatDeadline(missed=2, quiet=None)
    deadline.announced(30.0)
    deadline.listening(100.0)
    assert deadline.remaining(100.0) == 65.0
    assert deadline.remaining(160.0) == 5.0
    assert deadline.remaining(200.0) == 0.0


def test_a_short_heartbeat_has_little_slack() -> None:
    deadline = HeartbeatDeadline(missed=2, quiet=None)
    deadline.announced(4.0)
    deadline.listening(0.0)
    assert deadline.remaining(0.0) == 9.0


def test_what_is_heard_starts_it_anew() -> None:
    deadline = HeartbeatDeadline(missed=2, quiet=None)
    deadline.announced(30)
    deadline.listening(100.0)
    deadline.listening(160.0)
    assert deadline.remaining(160.0) == 65.0


def test_no_limit_before_a_heartbeat_is_announced() -> None:
    deadline = HeartbeatDeadline(missed=2, quiet=None)
    for nonsense in (None, "30", 0, -1):
        deadline.announced(nonsense)
    assert deadline.remaining(1e9) is None


def test_a_transport_without_heartbeats_has_its_own_limit() -> None:
    deadline = HeartbeatDeadline(missed=2, quiet=45.0)
    deadline.announced(0.1)
    deadline.listening(0.0)
    assert deadline.remaining(0.0) == 45.0
