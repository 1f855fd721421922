"""The storage's own tables: the event log, its bookkeeping, and the answers kept by idempotency key.

They are read and written by SQL in `event_log.py`, `idempotency.py` and `retention.py`; the models
are what the migrations are made from. Tables of a domain are in that domain.
"""

from tortoise.fields import BigIntField, CharField, TextField
from tortoise.indexes import Index
from tortoise.models import Model


class EventRow(Model):
    """A durable event. `fields` is its JSON object, `at` is ms since the Unix epoch."""

    # The writer assigns positions; "generated" makes the column SQLite's own row number, so that
    # the table is ordered by position and needs no second index.
    position = BigIntField(primary_key=True, generated=True)
    topic = CharField(max_length=128)
    type = CharField(max_length=64)
    fields = TextField()
    at = BigIntField()
    hidden_from = TextField(null=True)

    class Meta:
        table = "event_log"
        indexes = (Index(fields=("topic", "position"), name="event_log_topic"),)


class LogTerm(Model):
    """A term of the log, begun by one start of the program with the event that follows the position `after`."""

    id = BigIntField(primary_key=True)
    name = CharField(max_length=32)
    after = BigIntField()

    class Meta:
        table = "log_terms"


class LogState(Model):
    """One value of the log's state, by its name: `floor` is the last position that was trimmed, `probe` is when it was
    last tried whether anything can be stored, and `time` is the last time that was believed. On PostgreSQL `head` is
    the position of the newest event and the name of its term, and whoever writes locks it first."""

    name = CharField(max_length=16, primary_key=True)
    value = TextField()

    class Meta:
        table = "log_state"


class LeaseRow(Model):
    """A lease: the process that held it last, in which term, and until when (ms since the Unix epoch, by the clock of
    the database)."""

    name = CharField(max_length=160, primary_key=True)
    holder = CharField(max_length=40)
    term = BigIntField()
    expires_at = BigIntField()

    class Meta:
        table = "leases"


class ReaderRow(Model):
    """A reader of the log that belongs to the program: it has everything up to `position`, which is in this `term`."""

    name = CharField(max_length=160, primary_key=True)
    term = CharField(max_length=32)
    position = BigIntField()

    class Meta:
        table = "readers"


class DepthRow(Model):
    """How many reactions, one after another, led to the event at a position, where that is not none."""

    position = BigIntField(primary_key=True, generated=True)  # as in `event_log`
    depth = BigIntField()

    class Meta:
        table = "event_depths"


class IdempotencyRow(Model):
    """The first answer given to a key, as JSON, and the fingerprint of what was asked; `created_at` is ms since the
    Unix epoch."""

    id = BigIntField(primary_key=True)
    scope = CharField(max_length=255)
    key = CharField(max_length=255)
    answer = TextField()
    fingerprint = CharField(max_length=32, null=True)
    created_at = BigIntField()

    class Meta:
        table = "idempotency_keys"
        unique_together = (("scope", "key"),)
