"""REST of sessions: who one is, signing out, tickets for addresses, and what administrators end."""

from contextlib import suppress
from typing import Annotated

from msgspec import Meta
from quart import Blueprint, Response

from quart_app.domains.sessions import rules
from quart_app.domains.sessions.service import Sessions
from quart_app.domains.sessions.shapes import Ended, Session, Ticket
from quart_app.identity import CLOCK_SKEW, TICKET_LIFETIME, issue_ticket, token_cookie
from quart_app.realtime import Identity, Refused, timestamp
from quart_app.security_log import Act
from quart_app.web.context import note, speaker, this_door
from quart_app.web.operations import Operation
from quart_app.web.rest import success

UserId = Annotated[str, Meta(max_length=rules.NAME_CHARACTERS, examples=["7"])]
TokenId = Annotated[str, Meta(max_length=rules.NAME_CHARACTERS, description="The claim `jti` of the token.")]


def routes(sessions: Sessions) -> Blueprint:
    """Return `/session`, `POST /api/tickets`, `POST /api/users/<id>/revoke` and `DELETE /api/tokens/<id>`."""
    views = _Views(sessions)
    blueprint = Blueprint("sessions", __name__)
    blueprint.get("/api/session")(views.who)
    blueprint.delete("/session")(views.leave)
    blueprint.post("/session/end")(views.leave_by_form)
    blueprint.post("/api/tickets")(views.ticket)
    blueprint.post("/api/users/<user_id>/revoke")(views.revoke_user)
    blueprint.delete("/api/tokens/<token_id>")(views.revoke_token)
    return blueprint


class _Views:
    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @Operation(tag="sessions", answer=Session)
    async def who(self) -> Response:
        """Return who one is here."""
        return success(_session(speaker()))

    @Operation(tag="sessions", answer=Ended, refusals=(409,))
    async def leave(self) -> Response:
        """Sign out: the token is good no more, the connections that were opened by it end with 4401, and the browser
        forgets it."""
        return _without_cookie(success(Ended(connections=await self._leave())))

    @Operation(tag="pages", answer=None, status=303, answer_type="")
    async def leave_by_form(self) -> Response:
        """Sign out, as the button in the header of every page does it, and go to the beginning."""
        with suppress(Refused):  # nobody is signed in any more, or ever was
            await self._leave()
        return _without_cookie(Response(status=303, headers={"Location": "/", "Cache-Control": "no-store"}))

    async def _leave(self) -> int:
        who = speaker()
        ended = await self._sessions.end(who)
        note("sign_out", who, Act("DELETE /session"))
        return ended

    @Operation(tag="sessions", answer=Ticket, status=201, refusals=(409,))
    async def ticket(self) -> Response:
        """Make a ticket: a short-lived token that may stand in the address of a stream, as `?ticket=`, where a
        long-lived one would end up in histories and logs."""
        identity = speaker()
        rules.require_token(identity)
        ticket = issue_ticket(this_door(), identity)
        return success(Ticket(ticket=ticket, expires_in=int(TICKET_LIFETIME)), status=201)

    @Operation(tag="sessions", answer=Ended, path=(("user_id", UserId),))
    async def revoke_user(self, user_id: str) -> Response:
        """End everything that a user has: tokens issued up to now are good no more, and open connections end with
        4401."""
        who = speaker()
        who.require_admin()
        ended = await self._sessions.end_user(user_id)
        note("admin", who, Act("revoke", f"users/{user_id}", f"connections: {ended}"))
        return success(Ended(connections=ended))

    @Operation(tag="sessions", answer=Ended, path=(("token_id", TokenId),))
    async def revoke_token(self, token_id: str) -> Response:
        """End one token, by its id: it is good no more, and the connections that were opened by it end with 4401."""
        who = speaker()
        who.require_admin()
        longest = this_door().token_lifetime + 2 * CLOCK_SKEW  # where its issuer's clock is ahead of ours
        ended = await self._sessions.end_token(token_id, longest)
        note("admin", who, Act("revoke", f"tokens/{token_id}", f"connections: {ended}"))
        return success(Ended(connections=ended))


def _session(identity: Identity) -> Session:
    rights, door = identity.rights[:1], this_door()
    return Session(
        user_id=identity.wire_id,
        username=identity.username,
        role=identity.role,
        door=door.name,
        access=door.access,
        expires_at=None if identity.expires_at is None else timestamp(identity.expires_at * 1000),
        topics={"subscribe": list(rights[0].subscribe), "publish": list(rights[0].publish)} if rights else None,
    )


def _without_cookie(response: Response) -> Response:
    door = this_door()
    response.delete_cookie(token_cookie(door), httponly=True, samesite="Lax", secure=door.over_tls)
    return response
