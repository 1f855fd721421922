"""The use cases of alerts: readings raise and close them, people dismiss and read them.

Judging happens inside the unit of work that stores the readings, so an alert and its event are committed with them, or
not at all. The decisions are `alerting`'s.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Final

from msgspec import structs
from tortoise.functions import Count

from quart_app.domains.telemetry import alerting
from quart_app.domains.telemetry.board import Board, end
from quart_app.domains.telemetry.events import ALERTS
from quart_app.domains.telemetry.models import Alert, Reading, newest_id
from quart_app.domains.telemetry.rules import TRIM_BATCH
from quart_app.domains.telemetry.shapes import AlertChange, AlertState, Counts, Summary
from quart_app.realtime import Identity, Refused, timestamp
from quart_app.storage.idempotency import IdempotencyKey
from quart_app.storage.unit_of_work import Committer, UnitOfWork
from quart_app.surroundings import now

_TIMES: Final = ("raised_at", "changed_at", "closed_at")


class Alerts:
    """The use cases of alerts."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer

    async def judge(self, work: UnitOfWork, readings: Sequence[Reading], before: Mapping[str, int | None]) -> None:
        """Let new readings, oldest first, raise, change and close alerts, inside a unit of work.

        `before` is when each reservoir was heard of last (ms since the Unix epoch), None where never. Of an alert that
        changes several times by this, the last state is told.
        """
        standing = await Alert.filter(standing=True, reservoir_id__in=list(before))
        board = Board(standing, before, count(await newest_id(Alert) + 1))
        for reading in readings:
            board.take(reading)
        for alert in board.changed:
            await alert.save()
        await Alert.bulk_create(board.raised)
        await _tell(work, [*board.changed_open, *board.raised])

    async def dismiss(self, alert_id: int, who: Identity, key: IdempotencyKey | None = None) -> Any:
        """Close an open alert, as `who` asks, and return its AlertState, which consists of JSON's own types where a
        `key` is given.

        Its condition may stand; it raises the next alert once the value has recovered and gone out again. Raise
        Refused: `alert_not_found` (404), `alert_closed` (409).
        """

        async def unit(work: UnitOfWork) -> AlertState:
            alert = await Alert.get_or_none(id=alert_id)
            if alert is None:
                raise Refused("alert_not_found", f"there is no {alerting.alert_name(alert_id)}", status=404)
            if alert.closed_at is not None:
                raise Refused("alert_closed", f"{alerting.alert_name(alert_id)} is closed already", status=409)
            alert.changed_at = alert.closed_at = now()
            alert.closed_by = "dismissed"
            alert.standing = alert.severity != "info"  # an info has no condition that could last
            await alert.save()
            await _tell(work, [alert])
            work.attribute(who, "dismiss", f"{ALERTS}/{alerting.alert_name(alert_id)}")
            return _shown(alert)

        return await self._committer.commit(unit, key=key)

    async def counts(self) -> Counts:
        """Return how many alerts are open."""
        return await _counts()

    async def summary(self) -> Summary:
        """Return the counts, and when an alert changed last."""
        counts = await _counts()
        opened = await Alert.filter(closed_at__isnull=True).order_by("-changed_at").first()
        closed = await Alert.filter(closed_at__isnull=False).order_by("-closed_at").first()  # each by an index
        last = max((alert.changed_at for alert in (opened, closed) if alert is not None), default=None)
        last_updated = None if last is None else timestamp(last)
        return Summary(**structs.asdict(counts), has_critical=counts.critical > 0, last_updated=last_updated)

    async def page(
        self, *, limit: int, open: bool | None = None, reservoir_id: str | None = None, before: int | None = None
    ) -> list[AlertState]:
        """Return the newest `limit` alerts, newest first: open or closed ones, of one reservoir, with an id below
        `before`."""
        query = Alert.all()
        if open is not None:
            query = query.filter(closed_at__isnull=open)
        if reservoir_id is not None:
            query = query.filter(reservoir_id=reservoir_id)
        if before is not None:
            query = query.filter(id__lt=before)
        return [_shown(alert) for alert in await query.order_by("-id").limit(limit)]

    async def trim(self, work: UnitOfWork, at: int) -> None:
        """Forget old alerts, a batch at most, and end those of reservoirs that are forgotten, inside a unit of work."""
        newest = await newest_id(Alert)
        past = Alert.filter(standing=False, id__lt=newest)  # the newest stays: its id must not be given again
        many = past.filter(id__lte=newest - alerting.ALERTS_KEPT).order_by("id")
        old = past.filter(closed_at__lt=at - alerting.ALERTS_AGE).order_by("closed_at")
        for due in (many, old):
            ids = await due.limit(TRIM_BATCH).values_list("id", flat=True)
            if ids:
                await Alert.filter(id__in=ids).delete()
        abandoned: list[Alert] = await Alert.raw(
            "SELECT * FROM telemetry_alerts WHERE standing = TRUE AND NOT EXISTS"
            " (SELECT 1 FROM readings WHERE readings.reservoir_id = telemetry_alerts.reservoir_id)"
        )
        for alert in abandoned:
            was_open = end(alert, at, "expired")
            await alert.save()
            await _tell(work, [alert] if was_open else [])


async def _tell(work: UnitOfWork, alerts: Sequence[Alert]) -> None:
    """Record what became of `alerts`, which are saved."""
    counts = structs.asdict(await _counts()) if alerts else {}
    for alert in alerts:
        change = AlertChange(**counts, alert=_shown(alert))
        if alert.closed_at is None:
            work.record(ALERTS, "update", change)
        else:
            work.record(ALERTS, "dismissed", change, alert_id=change.alert.id)


async def _counts() -> Counts:
    groups = Alert.filter(closed_at__isnull=True).annotate(open=Count("id")).group_by("severity")
    by = dict(await groups.values_list("severity", "open"))
    return Counts(
        total=sum(by.values()), critical=by.get("critical", 0), warning=by.get("warning", 0), info=by.get("info", 0)
    )


def _shown(alert: Alert) -> AlertState:
    row = {name: getattr(alert, name) for name in AlertState.__struct_fields__}
    times = {name: None if row[name] is None else timestamp(row[name]) for name in _TIMES}
    return AlertState(**{**row, **times, "id": alerting.alert_name(alert.id)})
