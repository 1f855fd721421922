"""What was revoked: single tokens, and all that a user had up to some moment.

The table is in memory, because it is asked at every request; who changes it stores it as well.
"""

from quart_app.realtime.clients.identity import Identity


class Revocations:
    """The tokens that are good no more, although they are well signed and not expired."""

    def __init__(self) -> None:
        self._users: dict[str, float] = {}
        self._tokens: dict[str, float] = {}

    def revoke_user(self, user_id: str, at: float) -> None:
        """Revoke all tokens of a user that were issued up to `at` (s since the Unix epoch)."""
        self._users[user_id] = max(at, self._users.get(user_id, 0.0))

    def revoke_token(self, token_id: str, until: float) -> None:
        """Revoke one token, by its ``jti``, which expires at `until` and need not be remembered after that."""
        self._tokens[token_id] = until

    def covers(self, identity: Identity) -> bool:
        """Return whether the token that speaks for `identity` was revoked. Who has none was never given one."""
        if identity.expires_at is None:
            return False
        at = self._users.get(identity.user_id)
        return (at is not None and identity.issued_at <= at) or not self._tokens.keys().isdisjoint(identity.token_ids)

    def forget(self, now: float) -> None:
        """Forget single tokens that have expired by `now`."""
        self._tokens = {id: until for id, until in self._tokens.items() if until > now}
