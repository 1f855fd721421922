"""The identity of a speaker, as the engine and the domains know it; how it is proved is not their business."""

from dataclasses import dataclass, field
from typing import Any, Final

ADMIN: Final = "admin"


@dataclass(frozen=True, slots=True)
class Identity:
    """A speaker: `user_id` is unique, `username` is shown, `role` is what the token says.

    `nameless` tells that the id was made up for a guest, who has another one the next time. `expires_at` is when the
    token ends (s since the Unix epoch), and with it every connection that was opened by it.
    """

    user_id: str
    username: str
    role: str = "user"
    nameless: bool = False
    expires_at: int | None = field(default=None, compare=False)

    @property
    def key_owner(self) -> str:
        """The owner of this speaker's idempotency keys. All guests share one, because a guest who repeats a command
        after a reconnect is another guest by then."""
        return "" if self.nameless else self.user_id

    @property
    def wire_id(self) -> int | str:
        """The `user_id` as it goes out: a JSON number when it is all digits."""
        return int(self.user_id) if _is_number(self.user_id) else self.user_id

    @property
    def is_admin(self) -> bool:
        """Tell whether this speaker may see and do everything, as everybody may in open mode."""
        return self.role == ADMIN

    @property
    def user(self) -> dict[str, Any]:
        """The `{user_id, username}` of the wire."""
        return {"user_id": self.wire_id, "username": self.username}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15 and (text == "0" or text[0] != "0")
