"""The clinic on a database of its own, without a server: its service, its tables, and what its streams tell."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from quart_app.domains import clinic
from quart_app.domains.clinic.entities import ENTITIES, KEPT
from quart_app.domains.clinic.service import Clinic
from quart_app.realtime.clients.identity import Identity
from quart_app.realtime.messages.event import Event
from quart_app.realtime.messages.validation import checked
from quart_app.storage.database import Database
from quart_app.storage.event_log import TortoiseEventLog
from quart_app.storage.writer import Writer
from tests.storage.store import ToldHub
from tests.stores import database_url

Json = dict[str, Any]
Tables = dict[str, dict[int, Json]]
"""Records as they go out, by kind and id."""

ANA = Identity("7", "Ana", "employee")


@dataclass
class Store:
    service: Clinic
    writer: Writer
    log: TortoiseEventLog

    async def create(self, kind: str, body: Json) -> Json:
        shape = ENTITIES[kind].new
        assert shape is not None
        return await self.service.create(ENTITIES[kind], checked(body, shape), ANA)

    async def update(self, kind: str, id: int, body: Json) -> Json:
        shape = ENTITIES[kind].change
        assert shape is not None
        return await self.service.update(ENTITIES[kind], id, checked(body, shape), ANA)

    async def delete(self, kind: str, id: int) -> Json:
        return await self.service.delete(ENTITIES[kind], id, ANA)

    async def tables(self) -> Tables:
        """Everything that is stored."""
        tables = {}
        for kind, entity in ENTITIES.items():
            found = await self.service.list(entity, ANA, asked={}, limit=100_000)
            tables[kind] = {record[entity.id_name]: record for record in found.records}
        return tables

    async def events(self, after: int = 0) -> Sequence[Event]:
        """Everything that was told after a position, in order."""
        return await self.log.read(None, after, await self.log.head(), 1_000_000)


def replay(events: Sequence[Event], tables: Tables) -> None:
    """Make of `tables` what a client makes of them that follows all kinds; it checks what it is told on the way."""
    for event in events:
        if event.topic not in ENTITIES:
            continue
        told = msgspec.json.decode(event.json)
        assert (told["type"], told["entity_type"]) == ("realtime_update", event.topic)
        id, table = told["data"][ENTITIES[event.topic].id_name], tables[event.topic]
        if told["action"] == "created":
            assert id not in table
        else:
            assert id in table
        if told["action"] == "deleted":
            assert table.pop(id) == told["data"]
        else:
            table[id] = told["data"]


@asynccontextmanager
async def opened() -> AsyncIterator[Store]:
    """An empty practice."""
    with TemporaryDirectory() as folder:
        async with _opened(database_url(Path(folder) / "envivo.db", migrated=True)) as store:
            yield store


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Store]:
    database = await Database.open(url, [clinic.MODELS])
    log = await TortoiseEventLog.load()
    writer = Writer(log, ToldHub())
    writer.start()
    try:
        yield Store(Clinic(writer), writer, log)
    finally:
        await writer.stop()
        await database.close()


KINDS_KEPT = tuple(entity.name for entity in KEPT)
