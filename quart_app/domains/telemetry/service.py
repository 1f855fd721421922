"""The use cases of readings: store them, show them, read them again.

A reading is committed first, with the alerts that it raises, and broadcast after that. Old readings are removed as new
ones come, a few at a time.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from quart_app.domains.telemetry import rules
from quart_app.domains.telemetry.alerts import Alerts
from quart_app.domains.telemetry.events import SENSORS, sensor_update
from quart_app.domains.telemetry.models import Reading, newest_id
from quart_app.domains.telemetry.rules import MEASURES, Measures
from quart_app.domains.telemetry.shapes import SensorState, StoredReading
from quart_app.domains.telemetry.simulation import SIMULATED, simulated
from quart_app.realtime import Hub, Identity, Refused, timestamp
from quart_app.storage.connections import reading as reading_connection
from quart_app.storage.connections import sql
from quart_app.storage.idempotency import IdempotencyKey
from quart_app.storage.unit_of_work import Committer, UnitOfWork
from quart_app.surroundings import now

logger = logging.getLogger(__name__)

# This goes from one reservoir to the next in the index; DISTINCT would walk through every reading there is.
_LATEST: Final = """
    WITH RECURSIVE reservoirs (name) AS (
        SELECT min(reservoir_id) FROM readings
        UNION ALL
        SELECT (SELECT min(reservoir_id) FROM readings WHERE reservoir_id > name) FROM reservoirs WHERE name IS NOT NULL
    )
    SELECT readings.* FROM reservoirs JOIN readings ON readings.id = (
        SELECT id FROM readings WHERE reservoir_id = name ORDER BY at DESC, id DESC LIMIT 1
    ) ORDER BY name
"""


@dataclass(frozen=True, slots=True)
class NewReading:
    """A reading that comes in; `at` (ms since the Unix epoch) is None for now."""

    reservoir_id: str
    measures: Measures
    at: int | None = None


class Telemetry:
    """The use cases of readings."""

    def __init__(self, hub: Hub, committer: Committer, alerts: Alerts) -> None:
        self._hub = hub
        self._committer = committer
        self._alerts = alerts

    async def record(
        self, readings: Sequence[NewReading], key: IdempotencyKey | None = None, *, by: Identity | None = None
    ) -> list[Any]:
        """Store readings, let them raise and close alerts, and show the newest of each reservoir. They are `by`
        somebody, or simulated.

        Return them as they are stored, StoredReadings; with a `key`, as JSON's own types. With one that was seen
        before, the first answer comes back and nothing else happens. Raise Refused (`too_many_reservoirs`, 409), and
        what the writer raises.
        """
        news: list[Reading] = []

        async def unit(work: UnitOfWork) -> list[StoredReading]:
            news.clear()
            stored, newest = await self.take(work, readings)
            news.extend(newest)
            if by is not None:
                of = ", ".join(sorted({reading.reservoir_id for reading in stored}))
                work.attribute(by, "record", SENSORS, f"{len(stored)}: {of}")
            return [_stored(reading) for reading in stored]

        return await self._committer.commit(unit, key=key, on_commit=lambda _: self._show(news))

    async def take(self, work: UnitOfWork, readings: Sequence[NewReading]) -> tuple[list[Reading], list[Reading]]:
        """Store readings, inside a unit of work; return all of them, and the newest of each reservoir that is news.

        A reading that is older than the latest stored one of its reservoir is kept, but it is no news and raises no
        alert.
        """
        at = now()
        before = await _heard({reading.reservoir_id for reading in readings}, at)
        await _check_room(before)
        first = await newest_id(Reading) + 1
        stored = [
            Reading(
                id=id,
                reservoir_id=reading.reservoir_id,
                at=at if reading.at is None else reading.at,
                **rules.rounded(reading.measures),
            )
            for id, reading in enumerate(readings, start=first)
        ]
        await Reading.bulk_create(stored)
        news = [reading for reading in stored if reading.at >= (before[reading.reservoir_id] or 0)]
        news.sort(key=lambda reading: reading.at)
        await self._alerts.judge(work, news, before)
        if first // rules.TRIM_EVERY != (first + len(stored)) // rules.TRIM_EVERY:
            await _trim(first, at)
            await self._alerts.trim(work, at)
        return stored, list({reading.reservoir_id: reading for reading in news}.values())

    async def simulate(self) -> None:
        """Record what the sensors of the simulated reservoirs say now."""
        at = now()
        await self.record([NewReading(reservoir_id, simulated(reservoir_id, at), at) for reservoir_id in SIMULATED])

    async def show_latest(self) -> None:
        """Broadcast what is stored, so that a newcomer gets it although nothing has come since the start."""
        self._show(await _latest())

    async def latest(self) -> list[StoredReading]:
        """Return the newest reading of each reservoir, by its name."""
        return [_stored(reading) for reading in await _latest()]

    async def history(self, reservoir_id: str | None, since: int | None, limit: int) -> list[StoredReading]:
        """Return readings, oldest first, of one reservoir or of all.

        They are the first `limit` from `since` on (ms since the Unix epoch), without it the newest `limit`.
        """
        query = Reading.all() if reservoir_id is None else Reading.filter(reservoir_id=reservoir_id)
        if since is None:
            readings = (await query.order_by("-at", "-id").limit(limit))[::-1]
        else:
            readings = await query.filter(at__gte=since).order_by("at", "id").limit(limit)
        return [_stored(reading) for reading in readings]

    async def thinned(self, reservoir_id: str, since: int | None, limit: int, every: int) -> list[StoredReading]:
        """Return readings of one reservoir, oldest first: the last stored one of each step of `every` ms that has any.

        They are of the first `limit` steps from `since` on (ms since the Unix epoch), without it of the last `limit`
        steps.
        """
        start = now() - (limit - 1) * every if since is None else since
        start -= start % every
        client = reading_connection()
        statement = (
            "SELECT max(id) AS id FROM readings WHERE reservoir_id = ? AND at >= ? AND at < ? GROUP BY (at - ?) / ?"
        )
        parameters = [reservoir_id, start, start + limit * every, start, every]
        _, rows = await client.execute_query(sql(statement, client), parameters)
        readings = await Reading.filter(id__in=[row["id"] for row in rows]).order_by("at", "id")
        return [_stored(reading) for reading in readings]

    def _show(self, readings: list[Reading]) -> None:
        try:
            for reading in readings:
                state = SensorState(reservoir_id=reading.reservoir_id, **_measures(reading))
                self._hub.publish(sensor_update(state, reading.at))
        except Refused as refused:
            # A reservoir that is not kept any more holds its place in the topic until the next start.
            logger.warning("a reading is stored and not shown: %s: %s", SENSORS, refused.message)


async def _latest() -> list[Reading]:
    return list(await Reading.raw(_LATEST))


async def _heard(reservoir_ids: Collection[str], at: int) -> dict[str, int | None]:
    """Return when each reservoir was heard of last up to `at` (ms since the Unix epoch), None where never.

    Readings that a wrong clock has dated after `at` are left out, so that the ones that follow do not count as late.
    """
    client = reading_connection()
    wanted = ", ".join(["(?)"] * len(reservoir_ids))
    statement = (
        f"WITH wanted (name) AS (VALUES {wanted})"  # noqa: S608 - only placeholders
        " SELECT name, (SELECT max(at) FROM readings WHERE reservoir_id = name AND at <= ?) AS at FROM wanted"
    )
    _, rows = await client.execute_query(sql(statement, client), [*reservoir_ids, at])
    return {row["name"]: row["at"] for row in rows}


async def _check_room(heard: Mapping[str, int | None]) -> None:
    """Raise Refused (`too_many_reservoirs`, 409) for a reservoir too many; the simulated ones always have their
    place."""
    strangers = {reservoir_id for reservoir_id, at in heard.items() if at is None} - SIMULATED.keys()
    if not strangers:
        return
    known = {reading.reservoir_id for reading in await _latest()} | SIMULATED.keys()
    if len(known) + len(strangers) > rules.RESERVOIRS:
        raise Refused(
            "too_many_reservoirs",
            f"there are {len(known)} reservoirs, {rules.RESERVOIRS} at most; new: {', '.join(sorted(strangers)[:5])}",
            status=409,
            fields={"reservoir_id": f"one of the {len(known)} that have readings"},
        )


async def _trim(newest: int, at: int) -> None:
    """Remove readings that are past number or age, a batch of each at most."""
    many = Reading.filter(id__lte=newest - rules.READINGS_KEPT).order_by("id")
    old = Reading.filter(at__lt=at - rules.READINGS_AGE, id__lt=newest).order_by("at")
    for due in (many, old):
        ids = await due.limit(rules.TRIM_BATCH).values_list("id", flat=True)
        if ids:
            await Reading.filter(id__in=ids).delete()


def _measures(reading: Reading) -> Measures:
    return {name: getattr(reading, name) for name in MEASURES}


def _stored(reading: Reading) -> StoredReading:
    return StoredReading(
        id=reading.id, reservoir_id=reading.reservoir_id, timestamp=timestamp(reading.at), **_measures(reading)
    )
