"""The rules of sessions: what may be revoked, and who has a session."""

from typing import Final

from quart_app.realtime import Identity, Refused

USER: Final = "user"
TOKEN: Final = "token"
KIND_CHARACTERS: Final = 8
NAME_CHARACTERS: Final = 64


def require_token(identity: Identity) -> None:
    """Raise Refused where somebody has come without a token, by an open door."""
    if identity.expires_at is None:
        raise Refused("open_mode", "nobody is asked for a token here, so there is none to end or to change", status=409)


def checked_name(name: str) -> str:
    """Return the id of a user or of a token. Raise Refused where it cannot be one."""
    if not (0 < len(name) <= NAME_CHARACTERS and name.isprintable()):
        wrong = f"1 to {NAME_CHARACTERS} characters, without control characters"
        raise Refused("bad_request", f"id: {wrong}", fields={"id": wrong})
    return name
