"""The clinic's topics: who may follow them, and what becomes of what a client says there."""

from typing import Any

from quart_app.domains.clinic import events
from quart_app.domains.clinic.entity import Entity
from quart_app.domains.clinic.requests import ClinicMessage
from quart_app.domains.clinic.rules import is_staff
from quart_app.domains.clinic.service import require_staff
from quart_app.realtime import Channel, Identity, Peer, Refused, checked


class ClinicChannel(Channel):
    """What a client says is validated and acknowledged; changes are made by REST."""

    async def handle(self, peer: Peer, body: dict[str, Any]) -> None:
        said = checked(body, ClinicMessage)
        peer.reply("ack", received=said.type)


class EntityChannel(ClinicChannel):
    """All records of one kind, whoever they belong to; so those with owners are followed by staff alone."""

    def __init__(self, entity: Entity[Any]) -> None:
        self._entity = entity

    async def authorize(self, identity: Identity, topic: str) -> None:
        if self._entity.audience != "everybody":
            require_staff(identity)


class UserChannel(ClinicChannel):
    """`user/{user_id}`: that user's own, and the staff's."""

    async def authorize(self, identity: Identity, topic: str) -> None:
        user_id = topic.removeprefix(events.USERS)
        if "/" in user_id:
            raise Refused("topic_not_found", f"there is no topic {topic}", status=404)
        if identity.user_id != user_id and not is_staff(identity):
            raise Refused("forbidden", "these are somebody else's notices", status=403)
