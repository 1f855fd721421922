"""What is remembered of tokens that were revoked, and for how long."""

from quart_app.realtime import Identity
from quart_app.realtime.clients.revocations import Revocations


def of(token_id: str) -> Identity:
    return Identity("1", "Ana", expires_at=2**40, issued_at=1.0, token_ids=(token_id, "first"))


def test_what_has_expired_is_forgotten_and_nothing_else() -> None:
    revoked = Revocations()
    revoked.revoke_token("kept", 1_000_000.0)
    looks = 0
    for now in range(100_000):
        looks += revoked.forget(float(now))
        revoked.revoke_token(str(now), now + 10.0)
        assert len(revoked) < 3_000
    assert looks < 200, "a look at all of them is worth it now and then only"
    assert revoked.covers(of("kept"))
    assert not revoked.covers(of("1"))
    assert revoked.covers(of("99999"))


def test_many_that_are_good_for_long_are_all_remembered_and_not_looked_at_each_time() -> None:
    revoked = Revocations()
    looks = 0
    for number in range(20_000):
        looks += revoked.forget(1.0)
        revoked.revoke_token(str(number), 2.0)
    assert len(revoked) == 20_000
    assert looks < 20
    assert revoked.covers(of("0"))
