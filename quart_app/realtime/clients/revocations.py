"""What was revoked: single tokens, and all that a user had up to some moment.

The table is in memory, because it is asked at every request; who changes it stores it as well.
"""

from typing import Final

from quart_app.realtime.clients.identity import Identity
from quart_app.realtime.messages.refused import Refused

_FEW: Final = 1_000  # tokens among which it is not worth the trouble to look for some to be forgotten


class Revocations:
    """The tokens that are good no more, although they are well signed and not expired."""

    def __init__(self) -> None:
        self._users: dict[str, float] = {}
        self._tokens: dict[str, float] = {}
        self._forget_at = _FEW

    def __len__(self) -> int:
        """Return how many single tokens are remembered."""
        return len(self._tokens)

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

    def check(self, identity: Identity) -> None:
        """Raise Refused where the token that speaks for `identity` was revoked."""
        if self.covers(identity):
            raise Refused("unauthorized", "the token was revoked; ask for a new one", status=401)

    def forget(self, now: float) -> bool:
        """Forget single tokens that have expired by `now`, where there are many more than the last time; return whether
        it was time for that."""
        if len(self._tokens) < self._forget_at:
            return False
        self._tokens = {id: until for id, until in self._tokens.items() if until > now}
        self._forget_at = _FEW + 2 * len(self._tokens)
        return True
