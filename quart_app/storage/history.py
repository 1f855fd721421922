"""The history of the schema: Tortoise's own migrations, applied so that a crash costs nothing.

Each migration and the record that it was applied are one transaction, with foreign keys not enforced: SQLite rebuilds a
table by dropping it, which would empty the tables that refer to it. The machinery is large, so this module is imported
only where there is something to apply. It knows nothing of files, locks and backups.
"""

import gc
import pkgutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.connection import get_connection
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget
from tortoise.migrations.graph import MigrationKey
from tortoise.migrations.loader import MigrationLoader
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.transactions import in_transaction

from quart_app.storage.connections import APP, WRITER, unit_scope
from quart_app.storage.errors import MigrationFailed

_MIGRATION_LOCK = 0x656E7669766D  # PostgreSQL's advisory lock: one process migrates at a time


class DiskLoader(MigrationLoader):
    """A loader that imports the migrations. Tortoise's own one reloads their package, which only works where it is on
    the import path."""

    def load_disk(self) -> None:
        self.disk_migrations = {}
        for label, app in self.apps_config.items():
            self.migrated_apps.add(label)
            for module in pkgutil.iter_modules(import_module(app["migrations"]).__path__):
                migration = import_module(f"{app['migrations']}.{module.name}").Migration(module.name, label)
                self.disk_migrations[MigrationKey(label, module.name)] = migration


def executor(client: BaseDBAsyncClient, apps: dict[str, Any]) -> MigrationExecutor:
    """Return the executor that applies the migrations of `apps` to the database of `client`."""
    made = MigrationExecutor(client, apps)
    made.loader = DiskLoader(apps, made.recorder)
    return made


async def pending(apps: dict[str, Any]) -> list[str]:
    """Return the names of the migrations that the open database lacks, in the order to apply them in."""
    return [step.migration.name for step in await executor(get_connection(WRITER), apps).plan()]


async def apply(names: Sequence[str], apps: dict[str, Any], report: Callable[[str], object]) -> None:
    """Apply these migrations to the open database; `report` gets a line about each before it begins.

    Raise MigrationFailed where one fails; those before it stay applied.
    """
    gc.enable()  # a start does without until here; but migrations leave 20 MB that refer to themselves
    with unit_scope():
        async with _without_foreign_keys(get_connection(WRITER)):
            async with _exclusively() as exclusive:
                await _make_record(executor(exclusive, apps))
            for name in names:
                report(f"Applying migration {name}")
                try:
                    await _apply(name, apps)
                except Exception as error:
                    raise MigrationFailed(f"migration {name} failed, nothing of it was kept: {error}") from error


@asynccontextmanager
async def _without_foreign_keys(client: BaseDBAsyncClient) -> AsyncIterator[None]:
    if client.capabilities.dialect != "sqlite":
        yield
        return
    await client.execute_query("PRAGMA foreign_keys = OFF")  # has no effect inside a transaction
    try:
        yield
    finally:
        await client.execute_query("PRAGMA foreign_keys = ON")


@asynccontextmanager
async def _exclusively() -> AsyncIterator[BaseDBAsyncClient]:
    """Give a transaction while no other process migrates; a SQLite file is locked already."""
    async with in_transaction(WRITER) as client:
        if client.capabilities.dialect == "postgres":
            await client.execute_query(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
        yield client


async def _make_record(history: MigrationExecutor) -> None:
    """Make the table of applied migrations where there is none. `migrate` would look into it first."""
    await history.recorder.ensure_schema(history._schema_editor(atomic=False))


class _Recorder(MigrationRecorder):
    """A recorder that makes no table: making it again, as a script, would end the transaction on SQLite."""

    async def ensure_schema(self, schema_editor: Any) -> None:
        """Do nothing: the table is there."""


async def _apply(name: str, apps: dict[str, Any]) -> None:
    async with _exclusively() as client:
        history = executor(client, apps)
        history.recorder = _Recorder(client)
        if MigrationKey(APP, name) in await history.recorder.applied_migrations():
            return  # another process has applied it since we looked
        # Tortoise's transaction and its record are both inside of ours.
        await history.migrate([MigrationTarget(APP, name)], direction="forward")
        if client.capabilities.dialect == "sqlite":
            _, orphans = await client.execute_query("PRAGMA foreign_key_check")
            if orphans:
                raise MigrationFailed(f"{len(orphans)} rows would refer to rows that are not there")
