"""The tables of readings and alerts, and how their rows get ids. Times are ms since the Unix epoch."""

from tortoise.fields import BigIntField, BooleanField, CharField, FloatField
from tortoise.indexes import Index
from tortoise.models import Model

from quart_app.domains.telemetry.rules import RESERVOIR_ID_CHARACTERS


class Reading(Model):
    """What a reservoir's sensors said at one moment; units as in `rules.MEASURES`.

    Ids are given by the one writer, in the order in which readings come in; `at` may be in another.
    """

    id = BigIntField(primary_key=True)
    reservoir_id = CharField(max_length=RESERVOIR_ID_CHARACTERS)
    temperature = FloatField()
    ph = FloatField()
    conductivity = FloatField()
    water_level = FloatField()
    at = BigIntField()

    class Meta:
        table = "readings"
        indexes = (
            Index(fields=("reservoir_id", "at"), name="readings_reservoir"),
            Index(fields=("at",), name="readings_at"),
        )


class Alert(Model):
    """Something that was out of range, or worth knowing; `measure` is null where it is about the reservoir as a whole.

    `value` is the one that raised it, or changed its severity last. `standing` tells that its condition has not passed:
    that is so of every open alert, and may be so of a dismissed one. Of one measure of a reservoir one alert stands at
    most.
    """

    id = BigIntField(primary_key=True)
    reservoir_id = CharField(max_length=RESERVOIR_ID_CHARACTERS)
    measure = CharField(max_length=20, null=True)
    cause = CharField(max_length=20)
    severity = CharField(max_length=10)
    peak = CharField(max_length=10)
    value = FloatField(null=True)
    threshold = FloatField(null=True)
    raised_at = BigIntField()
    changed_at = BigIntField()
    closed_at = BigIntField(null=True)
    closed_by = CharField(max_length=20, null=True)
    standing = BooleanField(default=True)

    class Meta:
        table = "telemetry_alerts"
        indexes = (
            Index(fields=("standing", "reservoir_id"), name="telemetry_alerts_standing"),
            Index(fields=("closed_at",), name="telemetry_alerts_closed"),
        )


async def newest_id(model: type[Model]) -> int:
    """Return the largest id in the table, 0 where it is empty.

    Inside a unit of work the next ids are those after it; none is given twice as long as the newest row is never
    deleted.
    """
    newest = await model.all().order_by("-id").first()
    return 0 if newest is None else int(newest.pk)
