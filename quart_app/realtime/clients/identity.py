"""The identity of a speaker, as the engine and the domains know it; how it is proved is not their business."""

from dataclasses import dataclass, field
from typing import Any, Final

from quart_app.realtime.messages.refused import Refused
from quart_app.wire import is_covered

ADMIN: Final = "admin"


@dataclass(frozen=True, slots=True)
class TopicRights:
    """The topics that somebody may follow, and those that they may speak on, as names, prefixes with `/*`, or `*`."""

    subscribe: tuple[str, ...]
    publish: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """A speaker: `user_id` is unique, `username` is shown, `role` is what the token says.

    Where there are `rights`, a topic has to be covered by each of them. `nameless` tells that the id was made up for a
    guest, who has another one the next time. `expires_at` is when the token ends (s since the Unix epoch), and with it
    every connection that was opened by it; `issued_at` is when it began, and `token_ids` are the names of it and of
    those that it was made from. `payer` is the user on whose account is what this speaker uses of the server; it is
    empty where nobody counts, as for the machine's owner.
    """

    user_id: str
    username: str
    role: str = "user"
    nameless: bool = False
    rights: tuple[TopicRights, ...] = ()
    expires_at: int | None = field(default=None, compare=False)
    issued_at: float = field(default=0.0, compare=False)
    token_ids: tuple[str, ...] = field(default=(), compare=False)
    payer: str = field(default="", compare=False)

    @property
    def key_owner(self) -> str:
        """The owner of this speaker's idempotency keys. All guests share one, because a guest who repeats a command
        after a reconnect is another guest by then."""
        return "" if self.nameless else self.user_id

    @property
    def wire_id(self) -> int | str:
        """The `user_id` as it goes out: a JSON number when it is all digits."""
        return _on_wire(self.user_id)

    @property
    def is_admin(self) -> bool:
        """Tell whether this speaker may see and do everything, as everybody may in open mode."""
        return self.role == ADMIN

    def has_role(self, *roles: str) -> bool:
        """Tell whether this speaker has one of the roles; an administrator, as everybody is in open mode, has all."""
        return self.is_admin or self.role in roles

    def require_admin(self) -> None:
        """Raise Refused where this speaker is no administrator."""
        if not self.is_admin:
            raise Refused("forbidden", f"this is for the role {ADMIN}", status=403)

    def check_follows(self, topic: str) -> None:
        """Raise Refused where the rights do not let this speaker follow `topic`."""
        for rights in self.rights:
            if not is_covered(topic, rights.subscribe):
                raise _outside(f"follow {topic}")

    def check_speaks(self, topic: str) -> None:
        """Raise Refused where the rights do not let this speaker say anything on `topic`."""
        for rights in self.rights:
            if not is_covered(topic, rights.publish):
                raise _outside(f"publish on {topic}")

    @property
    def user(self) -> dict[str, Any]:
        """The `{user_id, username}` of the wire."""
        return user_on_wire(self.user_id, self.username)


def user_on_wire(user_id: str, username: str) -> dict[str, Any]:
    """Return the `{user_id, username}` of the wire."""
    return {"user_id": _on_wire(user_id), "username": username}


def _on_wire(user_id: str) -> int | str:
    return int(user_id) if _is_number(user_id) else user_id


def _outside(what: str) -> Refused:
    return Refused(
        "forbidden", f"you may not {what}: your token, or the door you came by, names other topics", status=403
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15 and (text == "0" or text[0] != "0")
