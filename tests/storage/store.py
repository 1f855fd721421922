"""A whole store on a real database, with one table of its own, as the tests of this folder need it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tortoise.fields import BigIntField, TextField
from tortoise.models import Model

from quart_app.realtime import Event, Hub
from quart_app.storage.connections import reading, writing
from quart_app.storage.database import Database
from quart_app.storage.event_log import TortoiseEventLog
from quart_app.storage.unit_of_work import UnitOfWork
from quart_app.storage.writer import Writer
from tests.stores import database_url

TOPIC = "rooms/1"


class Note(Model):
    """A row that a test changes beside recording an event."""

    id = BigIntField(primary_key=True)
    text = TextField()

    class Meta:
        table = "note"


@dataclass
class Store:
    database: Database
    log: TortoiseEventLog
    hub: Hub
    writer: Writer
    relayed: list[Event]
    url: str
    seen: list[str] = field(default_factory=list)

    async def events(self) -> list[Event]:
        """Every event that is stored, as a new reader gets them."""
        return list(await self.log.read(None, await self.log.floor(), await self.log.head(), 1_000_000))

    async def texts(self) -> list[str]:
        """The notes that are stored, in the order of their making."""
        return [note.text for note in await Note.all().order_by("id")]


def note(text: str, topic: str = TOPIC) -> Callable[[UnitOfWork], Awaitable[dict[str, Any]]]:
    """A unit that stores a note and records that it did."""

    async def unit(work: UnitOfWork) -> dict[str, Any]:
        row = await Note.create(text=text)
        event = work.record(topic, "noted", {"text": text})
        return {"id": row.id, "position": event.position}

    return unit


class ToldHub(Hub):
    """A hub that tells `hear` alone what it gets."""

    def __init__(self, hear: Callable[[Sequence[Event]], object] = lambda events: None) -> None:
        super().__init__()
        self._hear = hear

    def committed(self, events: Sequence[Event]) -> None:
        self._hear(events)


@asynccontextmanager
async def opened(url: str, hear: Callable[[Sequence[Event]], object] | None = None) -> AsyncIterator[Store]:
    """The store at `url`, with the table of notes and a running writer; closed again at the end.

    The writer's events go to `hear`, without it to `relayed`.
    """
    database = await Database.open(url, [Note.__module__])
    relayed: list[Event] = []
    log = await TortoiseEventLog.load()
    hub = ToldHub(hear or relayed.extend)
    writer = Writer(log, hub)
    writer.start()
    try:
        await writer.commit(_make_table)
        yield Store(database, log, hub, writer, relayed, url)
    finally:
        await writer.stop()
        await database.close()


async def _make_table(_work: UnitOfWork) -> None:
    key = "INTEGER PRIMARY KEY AUTOINCREMENT" if reading().capabilities.dialect == "sqlite" else "BIGSERIAL PRIMARY KEY"
    await writing().execute_query(f"CREATE TABLE IF NOT EXISTS note (id {key}, text TEXT NOT NULL)")


@contextmanager
def new_url() -> Iterator[str]:
    """The URL of a database that is not there yet, as each example of a property needs one."""
    with TemporaryDirectory() as folder:
        yield database_url(Path(folder) / "envivo.db", migrated=True)
