"""What can be done with the records of the clinic, the same for every kind: make, change, remove, look up.

The service checks the fields, loads what is referred to, lets the kind's policy decide, writes through the journal: one
unit of work a change. It answers with what the wire carries and knows nothing of connections.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from quart_app.domains.clinic import rules
from quart_app.domains.clinic.entities import ENTITIES
from quart_app.domains.clinic.entity import Draft, Entity, Row
from quart_app.domains.clinic.journal import Journal
from quart_app.realtime import Identity, Refused, wrong_fields
from quart_app.storage.idempotency import IdempotencyKey
from quart_app.storage.unit_of_work import Committer, UnitOfWork

Shown = dict[str, Any]
"""A record as the wire carries it."""


@dataclass(frozen=True, slots=True)
class RecordsFound:
    """A page of records; `after` is the id to ask on from, None at the end."""

    records: list[Shown]
    after: int | None


class Clinic:
    """The use cases, the same for every kind of record."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer

    async def create(self, entity: Entity[Row], new: msgspec.Struct, who: Identity, *, key: str | None = None) -> Shown:
        """Make a record. With a `key` (the client's own) it is made once.

        Raise Refused: 400 with the fields that are wrong (a broken reference is one), 403, 409 where it collides.
        """
        require_staff(who)

        async def unit(work: UnitOfWork) -> Shown:
            return await insert(Journal(work, who), entity, new)

        return await self._committer.commit(unit, key=IdempotencyKey.of(f"clinic/{entity.name}", who, key, new))

    async def update(
        self, entity: Entity[Row], id: int | None, change: msgspec.Struct, who: Identity, *, key: str | None = None
    ) -> Shown:
        """Change the fields that are given; with a `key` once.

        Raise Refused as `create` does, 404, and 409 where the `version` of the change is not the record's any more.
        """
        require_staff(who)
        fields = _kept(entity, change)
        version = fields.pop("version", None)

        async def unit(work: UnitOfWork) -> Shown:
            row = await _row(entity, id)
            if version not in {None, row.version}:
                raise Refused(
                    "version_conflict",
                    f"it has changed since: version {row.version} by now",
                    status=409,
                    fields={"version": f"{row.version} by now"},
                )
            draft = await _drafted(entity, row, fields)
            return await Journal(work, who).update(entity.name, row, draft.fields)

        scoped = IdempotencyKey.of(f"clinic/{entity.name}/{id} update", who, key, change)
        return await self._committer.commit(unit, key=scoped)

    async def delete(self, entity: Entity[Row], id: int | None, who: Identity, *, key: str | None = None) -> Shown:
        """Remove a record and return it as it was; with a `key` once.

        Raise Refused: 403, 404, 409 where something refers to it.
        """
        require_staff(who)

        async def unit(work: UnitOfWork) -> Shown:
            row = await _row(entity, id)
            if users := await _referring(entity, row.id):
                said = ", ".join(f"{count} of {name}" for name, count in users.items())
                fields = {name: f"{count} refer to it" for name, count in users.items()}
                raise Refused("in_use", f"referred to by {said}", status=409, fields=fields)
            return await Journal(work, who).remove(entity, row)

        scoped = IdempotencyKey.of(f"clinic/{entity.name}/{id} delete", who, key, None)
        return await self._committer.commit(unit, key=scoped)

    async def get(self, entity: Entity[Row], id: int | None, who: Identity) -> Shown:
        """Return one record. Raise Refused: 404, also where it belongs to somebody else; 403."""
        return _shown(entity, await _row(entity, id, **_own(entity, who)), who)

    async def list(
        self, entity: Entity[Row], who: Identity, *, asked: Mapping[str, Any], limit: int, after: int | None = None
    ) -> RecordsFound:
        """Return a page of records in the kind's order, by id.

        `asked` holds values by the names of the kind's `lookups`, as they are kept. Raise Refused (403).
        """
        rows = entity.model.filter(**{entity.lookups[name]: value for name, value in asked.items()})
        rows = rows.filter(**_own(entity, who))
        if after is not None:
            rows = rows.filter(**{"id__lt" if entity.newest_first else "id__gt": after})
        page = await rows.order_by("-id" if entity.newest_first else "id").limit(limit + 1)
        more = len(page) > limit
        found = [_shown(entity, row, who) for row in page[:limit]]
        return RecordsFound(found, page[limit - 1].id if more else None)


async def insert(journal: Journal, entity: Entity[Row], new: msgspec.Struct) -> Shown:
    """Check and make a record inside a unit of work. Raise Refused, before anything is written."""
    draft = await _drafted(entity, None, _kept(entity, new))
    return await journal.insert(entity, draft.fields)


def require_staff(who: Identity) -> None:
    """Raise Refused (`forbidden`, 403) unless `who` works at the clinic."""
    if not rules.is_staff(who):
        raise Refused("forbidden", "this is for those who work at the clinic", status=403)


def _own(entity: Entity[Row], who: Identity) -> dict[str, str]:
    """Return the condition that leaves the records that `who` may read."""
    if entity.readers == "everybody" or rules.is_staff(who):
        return {}
    if entity.readers == "staff":
        require_staff(who)
    return {entity.lookups["of_user"]: who.user_id}


def _shown(entity: Entity[Row], row: Row, who: Identity) -> Shown:
    """Return a record as `who` may read it."""
    shown = entity.shown(row)
    if entity.private and not rules.is_staff(who):
        for name in entity.private:
            del shown[name]
    return shown


def _kept(entity: Entity[Row], body: msgspec.Struct) -> dict[str, Any]:
    """Return the fields that `body` gives, as they are kept. A null counts as not given where the column needs a
    value."""
    fields = {}
    wrong: dict[str, str] = {}
    for name in body.__struct_fields__:
        value = getattr(body, name)
        if value is UNSET or (value is None and not _nullable(entity, name)):
            continue
        try:
            fields[name] = rules.FIELDS[name].keep(value) if name in rules.FIELDS and value is not None else value
        except rules.WrongParts as error:
            wrong |= {f"{name}{place}": reason for place, reason in error.parts.items()}
        except ValueError as error:
            wrong[name] = str(error)
    if wrong:
        raise wrong_fields(wrong)
    return fields


def _nullable(entity: Entity[Row], name: str) -> bool:
    column = entity.model._meta.fields_map.get(name)
    return column is not None and column.null


async def _drafted(entity: Entity[Row], row: Row | None, fields: Mapping[str, Any]) -> Draft[Row]:
    """Return the record as it is to become, its references and rules checked. Raise Refused."""
    draft = Draft(row, dict(fields))
    wrong: dict[str, str] = {}
    for name, of in entity.references.items():
        if (id := draft.value(name)) is None:
            continue
        if (found := await ENTITIES[of].model.get_or_none(id=id)) is None:
            wrong[name] = f"there is no {ENTITIES[of].singular} {id}"
        draft.related[name] = found
    if wrong:
        raise wrong_fields(wrong)
    await entity.policy.prepare(draft)
    return draft


async def _row(entity: Entity[Row], id: int | None, **conditions: str) -> Row:
    row = None if id is None else await entity.model.filter(id=id, **conditions).first()
    if row is None:
        name = entity.singular.replace("_", " ")
        raise Refused(f"{entity.singular}_not_found", f"there is no such {name}", status=404)
    return row


async def _referring(entity: Entity[Row], id: int) -> dict[str, int]:
    """Return how many records of each kind refer to this one."""
    counts = {}
    for other in ENTITIES.values():
        for name, of in other.references.items():
            if of == entity.name and (count := await other.model.filter(**{name: id}).count()):
                counts[other.name] = count
    return counts
