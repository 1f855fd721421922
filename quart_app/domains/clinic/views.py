"""REST of the clinic: the same five operations for every kind of record, made from its description.

A view reads the request, asks the service and answers; every list carries the cursor that was read before its data.
"""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any

from quart import Blueprint, Response

from quart_app.domains import Program
from quart_app.domains.clinic import rules
from quart_app.domains.clinic.entities import ENTITIES
from quart_app.domains.clinic.entity import Entity
from quart_app.domains.clinic.requests import Once, RecordQuery
from quart_app.domains.clinic.service import Clinic
from quart_app.realtime import Hub, checked, row_id, wrong_fields
from quart_app.web.context import speaker
from quart_app.web.operations import Operation
from quart_app.web.rest import idempotency_key, json_body, query_as, success

Handling = Callable[..., Awaitable[Response]]

_TAG = "clinic"


def routes(program: Program, clinic: Clinic) -> Blueprint:
    """Return `/api/<name>` and `/api/<name>/<id>` of every kind."""
    blueprint = Blueprint("clinic", __name__)
    for entity in ENTITIES.values():
        resource = _Resource(program.hub, clinic, entity)
        all, one = f"/api/{entity.name}", f"/api/{entity.name}/<id>"
        blueprint.add_url_rule(all, f"list-{entity.name}", resource.listing(), methods=["GET"])
        blueprint.add_url_rule(one, f"get-{entity.name}", resource.getting(), methods=["GET"])
        if entity.new is not None and entity.change is not None:
            blueprint.add_url_rule(all, f"create-{entity.name}", resource.creating(entity.new), methods=["POST"])
            blueprint.add_url_rule(one, f"update-{entity.name}", resource.updating(entity.change), methods=["PUT"])
            blueprint.add_url_rule(one, f"delete-{entity.name}", resource.deleting(), methods=["DELETE"])
    return blueprint


class _Resource:
    """The maker of one kind's handlers, each with the mark that documents it."""

    def __init__(self, hub: Hub, clinic: Clinic, entity: Entity[Any]) -> None:
        self._hub = hub
        self._clinic = clinic
        self._entity = entity

    def listing(self) -> Handling:
        entity = self._entity

        async def handler() -> Response:
            who = speaker()
            query, asked = _asked(entity)
            cursor = self._hub.cursor
            found = await self._clinic.list(entity, who, asked=asked, limit=query.limit, after=query.after)
            return success(found.records, cursor=cursor, after=found.after)

        order = "the newest first" if entity.newest_first else "in the order of their ids"
        handler.__doc__ = (
            f"List the {entity.name.replace('-', ' ')}, {order}: `after` is the id to ask on from, null at the end;"
            f" `cursor` is where the topic `{entity.name}` goes on from this answer."
        )
        beside = (("cursor", str), ("after", int | None))
        return Operation(tag=_TAG, answer=list[entity.record], query=entity.query, beside=beside)(handler)  # type: ignore[name-defined]  # the shape is what is told

    def getting(self) -> Handling:
        async def handler(id: str) -> Response:
            who = speaker()
            return success(await self._clinic.get(self._entity, row_id(id), who))

        handler.__doc__ = f"Return {self._entity.called}."
        return Operation(tag=_TAG, answer=self._entity.record, refusals=(404,))(handler)

    def creating(self, shape: type[Any]) -> Handling:
        async def handler() -> Response:
            who = speaker()
            new = checked(await json_body(), shape)
            return success(await self._clinic.create(self._entity, new, who, key=idempotency_key()), status=201)

        handler.__doc__ = (
            f"Make {self._entity.called}. A reference to what does not exist is refused by its field (400)."
        )
        return Operation(tag=_TAG, body=shape, answer=self._entity.record, status=201, refusals=(409,))(handler)

    def updating(self, shape: type[Any]) -> Handling:
        async def handler(id: str) -> Response:
            who = speaker()
            change = checked(await json_body(), shape)
            return success(await self._clinic.update(self._entity, row_id(id), change, who, key=idempotency_key()))

        handler.__doc__ = (
            f"Change those fields of {self._entity.called} that are given; 409 where `version` is an older one."
        )
        return Operation(tag=_TAG, body=shape, headers=Once, answer=self._entity.record, refusals=(404, 409))(handler)

    def deleting(self) -> Handling:
        async def handler(id: str) -> Response:
            who = speaker()
            return success(await self._clinic.delete(self._entity, row_id(id), who, key=idempotency_key()))

        handler.__doc__ = f"Remove {self._entity.called} and return it as it was; 409 where something refers to it."
        return Operation(tag=_TAG, headers=Once, answer=self._entity.record, refusals=(404, 409))(handler)


def _asked(entity: Entity[Any]) -> tuple[RecordQuery, dict[str, Any]]:
    """Return the page that is asked for, and the values to look for, as they are kept. Raise Refused."""
    page: Any = query_as(entity.query)
    asked = {}
    for attribute, name in zip(page.__struct_fields__, page.__struct_encode_fields__, strict=True):
        value = getattr(page, attribute)
        if name not in entity.lookups or value is None:
            continue
        try:
            asked[name] = _kept(value)
        except ValueError as error:
            raise wrong_fields({name: str(error)}) from error
    return page, asked


def _kept(value: Any) -> Any:
    if isinstance(value, datetime):
        return rules.moment(value)
    return rules.day(value) if isinstance(value, date) else value
