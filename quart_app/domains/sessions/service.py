"""Ending sessions: of one token, or of all that a user has, with the connections that were opened by them."""

import time
from typing import Any

from quart_app.domains.sessions import rules
from quart_app.domains.sessions.models import Revocation
from quart_app.realtime import Hub, Identity
from quart_app.storage.unit_of_work import Committer, UnitOfWork
from quart_app.surroundings import now

_MS = 1000
_REVOKED = "revoked"


class Sessions:
    """The sessions of a server: what is revoked is told to the hub of every node, which asks at every request, and
    stored by `committer`."""

    def __init__(self, hub: Hub, committer: Committer) -> None:
        self._hub = hub
        self._committer = committer
        self._revocations = hub.revocations
        hub.nodes.answer(_REVOKED, self._revoked)
        hub.nodes.on_missed.append(self._catch_up)

    async def load(self) -> None:
        """Know again what was revoked before this start, and forget what has expired by itself."""
        await self._read()
        expired = _expired()
        if await expired.exists():
            await self._committer.commit(lambda _work: expired.delete())

    async def _read(self) -> None:
        for row in await Revocation.all():
            self._note(row.kind, row.name, row.at)

    async def _catch_up(self) -> None:
        """Learn what was revoked while other nodes could not tell."""
        await self._read()
        self._end_revoked()

    async def end(self, identity: Identity) -> int:
        """End the session of `identity`, whose token is good no more; return the number of its connections. Raise
        Refused where there is no token."""
        rules.require_token(identity)
        if not identity.token_ids:
            return 0  # it was made elsewhere without a name, so that nothing can be said about it alone
        assert identity.expires_at is not None  # noqa: S101 - it has a token
        return await self._revoke(rules.TOKEN, identity.token_ids[0], identity.expires_at * _MS)

    async def end_token(self, token_id: str, lifetime: float) -> int:
        """Revoke the token of that id, which lasts `lifetime` seconds at most; return the number of its connections.
        Raise Refused."""
        until = int((time.time() + lifetime) * _MS)
        return await self._revoke(rules.TOKEN, rules.checked_name(token_id), until)

    async def end_user(self, user_id: str) -> int:
        """Revoke all tokens that a user has up to now; return the number of their connections. Raise Refused."""
        return await self._revoke(rules.USER, rules.checked_name(user_id), now())

    async def _revoke(self, kind: str, name: str, at: int) -> int:
        forgets = self._revocations.forget(time.time())

        async def unit(_work: UnitOfWork) -> None:
            if forgets:
                await _expired().delete()
            await Revocation.update_or_create({"at": at}, kind=kind, name=name)

        await self._committer.commit(unit, on_commit=lambda _: self._note(kind, name, at))
        return sum((await self._hub.nodes.survey(_REVOKED, kind, name, at)).answers)

    async def _revoked(self, kind: str, name: str, at: int) -> int:
        self._note(kind, name, at)
        return self._end_revoked()

    def _end_revoked(self) -> int:
        """End the connections that were opened by what was revoked; return their number."""
        ended = [one for one in self._hub.connections.values() if self._revocations.covers(one.identity)]
        for connection in ended:
            connection.refuse("the token was revoked; come back with a new one")
        return len(ended)

    def _note(self, kind: str, name: str, at: int) -> None:
        if kind == rules.USER:
            self._revocations.revoke_user(name, at / _MS)
        else:
            self._revocations.revoke_token(name, at / _MS)


def _expired() -> Any:
    """Return the query of single tokens that have expired by themselves."""
    return Revocation.filter(kind=rules.TOKEN, at__lt=now())
