"""The clinic's topics: who may follow them, and what becomes of what a client says there."""

from typing import Any

from quart_app.domains.clinic import events
from quart_app.domains.clinic.entity import Entity
from quart_app.domains.clinic.requests import ClinicMessage
from quart_app.domains.clinic.rules import is_staff
from quart_app.domains.clinic.service import require_staff
from quart_app.realtime import Channel, Identity, Peer, Refused, checked


class ClinicChannel(Channel):
    """A topic where what a client says is validated and acknowledged; changes are made by REST."""

    def handle_now(self, peer: Peer, body: dict[str, Any]) -> bool:
        """Acknowledge a message that is well-formed. Raise Refused."""
        said = checked(body, ClinicMessage)
        peer.reply("ack", received=said.type)
        return True


class EntityChannel(ClinicChannel):
    """The topic of all records of one kind, whoever they belong to and with all their fields; so staff alone follow
    those that have owners or private fields."""

    def __init__(self, entity: Entity[Any]) -> None:
        self._entity = entity

    async def authorize(self, identity: Identity, topic: str) -> None:
        """Let staff follow the records, and everybody where the kind is for everybody. Raise Refused (`forbidden`,
        403)."""
        if self._entity.readers != "everybody" or self._entity.private:
            require_staff(identity)


class UserChannel(ClinicChannel):
    """The topics `user/{user_id}`, each for that user and for the staff."""

    async def authorize(self, identity: Identity, topic: str) -> None:
        """Let the user and the staff follow the notices. Raise Refused: `forbidden` (403), `topic_not_found` (404)."""
        user_id = topic.removeprefix(events.USERS)
        if "/" in user_id:
            raise Refused("topic_not_found", f"there is no topic {topic}", status=404)
        if identity.user_id != user_id and not is_staff(identity):
            raise Refused("forbidden", "these are somebody else's notices", status=403)
