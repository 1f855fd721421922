"""The writes of one unit of work: each changes a row and records what happened, for everybody whom it concerns.

A change is an event on the topic of its kind, a line in the activity log with an event of its own, and a notice to the
user it belongs to. What may be written was decided before.
"""

from collections.abc import Mapping
from typing import Any

from quart_app.domains.clinic import events, rules
from quart_app.domains.clinic.entities import ACTIVITY_LOGS, ENTITIES
from quart_app.domains.clinic.entity import About, Entity, Row
from quart_app.domains.clinic.models import Activity, Kept
from quart_app.domains.clinic.shapes import Action
from quart_app.realtime import Identity
from quart_app.storage.unit_of_work import UnitOfWork
from quart_app.surroundings import now


class Journal:
    """A writer of records for `who`, in the unit `work`; each change returns the record as on the wire."""

    def __init__(self, work: UnitOfWork, who: Identity) -> None:
        self._work = work
        self._who = who

    async def insert(self, entity: Entity[Row], fields: Mapping[str, Any]) -> dict[str, Any]:
        """Make a row, tell of it, and return the record as on the wire."""
        at = now()
        row = await entity.model.create(**fields, version=1, created_at=at, updated_at=at)
        about = await entity.policy.about(row)
        shown = await self._tell(entity, "created", row, (about,))
        await entity.policy.follow(row, self)
        return shown

    async def update(self, entity_type: str, row: Kept, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Give a row new values and return the record as on the wire; nothing happens where no value changes."""
        entity = ENTITIES[entity_type]
        changed = [name for name, value in fields.items() if getattr(row, name) != value]
        if not changed:
            return entity.shown(row)
        before = await entity.policy.about(row)
        for name in changed:
            setattr(row, name, fields[name])
        row.version += 1
        row.updated_at = now()
        await row.save(update_fields=[*changed, "version", "updated_at"])
        about = await entity.policy.about(row)
        shown = await self._tell(entity, "updated", row, (about, before), changed)
        await entity.policy.follow(row, self)
        return shown

    async def remove(self, entity: Entity[Row], row: Row) -> dict[str, Any]:
        """Delete a row, tell of it, and return the record as it was."""
        about = await entity.policy.about(row)
        await row.delete()
        shown = await self._tell(entity, "deleted", row, (about,))
        await entity.policy.follow(row, self)
        return shown

    async def _tell(
        self, entity: Entity[Row], action: Action, row: Row, abouts: tuple[About, ...], changed: list[str] | None = None
    ) -> dict[str, Any]:
        """Record an event, a line of the log and the notices. `abouts` is what the row is about, and what it was about
        before."""
        shown = entity.shown(row)
        self._record(entity, action, shown)
        self._work.attribute(self._who, action, f"{entity.name}/{row.id}", ", ".join(sorted(changed or [])))
        await self._log(entity, action, row, abouts[0].label, changed or [])
        for user_id in dict.fromkeys(about.user_id for about in abouts if about.user_id is not None):
            notice = entity.notice(row, abouts[0].pet)
            type = f"{entity.singular}_{action}"
            topic = events.user_topic(user_id)
            self._work.record(topic, events.NOTIFICATION, notice, notification_type=type, user_id=user_id)
        return shown

    def _record(self, entity: Entity[Any], action: Action, shown: dict[str, Any]) -> None:
        self._work.record(entity.name, events.UPDATE, shown, entity_type=entity.name, action=action)

    async def _log(self, entity: Entity[Row], action: Action, row: Row, label: str, changed: list[str]) -> None:
        line = await Activity.create(
            user_id=self._who.user_id,
            username=self._who.username,
            entity_type=entity.name,
            entity_id=row.id,
            action=action,
            summary=label[: rules.LABEL_CHARACTERS],
            changed=sorted(changed),
            created_at=now(),
        )
        self._record(ACTIVITY_LOGS, "created", ACTIVITY_LOGS.shown(line))
        if line.id % rules.TRIM_EVERY == 0:  # where PostgreSQL skips that one, the next turn removes more
            await _trim(line.id)


async def _trim(newest: int) -> None:
    """Remove the oldest lines that are too many, TRIM_BATCH at most; nobody is told."""
    past = Activity.filter(id__lte=newest - rules.LINES_KEPT).order_by("id").limit(rules.TRIM_BATCH)
    if due := await past.values_list("id", flat=True):
        await Activity.filter(id__in=due).delete()
