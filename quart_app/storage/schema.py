"""The schema of the open database is brought up to date: a new one by a script, any other by what it lacks.

This module compares names and decides; migrations are applied by `history`, which is imported for it. It knows nothing
of files, locks and backups.
"""

import pkgutil
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.connection import get_connection
from tortoise.exceptions import OperationalError

from quart_app import resources
from quart_app.storage import schema_script
from quart_app.storage.connections import WRITER
from quart_app.storage.errors import MigrationFailed, NewerDatabase

Report = Callable[[str], object]
"""The function that is given a line for the operator."""


async def upgrade(apps: dict[str, Any], *, before: Callable[[str], Awaitable[None]], report: Report) -> list[str]:
    """Apply the migrations that the open database lacks, and return their names in order.

    `apps` is as in `tortoise_config`. `before` is called once, with the name of the first migration,
    before anything is changed in a database that holds something; `report` gets a line per migration.
    Raise NewerDatabase, MigrationFailed, and what the driver raises when the database cannot be reached.
    """
    client = get_connection(WRITER)
    folder = migrations_folder()
    names = [module.name for module in pkgutil.iter_modules([str(folder)])]
    applied = await _applied(client)
    if unknown := sorted(applied - set(names)):
        raise NewerDatabase(
            f"the database was changed by a newer version of En Vivo ({', '.join(unknown)});"
            " use that version, or the backup that was made before its change"
        )
    if applied == set(names):
        return []
    if await _is_new(client) and (script := schema_script.read(folder)) is not None:
        for name in names:
            report(f"Applying migration {name}")
        await _make(client, script)
        return names

    from quart_app.storage import history

    lacking = await history.pending(apps)
    await before(lacking[0])
    await history.apply(lacking, apps, report)
    return lacking


def migrations_folder() -> Path:
    """Return the folder of the migrations."""
    return Path(import_module(resources.migrations_module()).__path__[0])


async def _applied(client: BaseDBAsyncClient) -> set[str]:
    try:
        _, rows = await client.execute_query("SELECT name FROM tortoise_migrations")
    except OperationalError:
        return set()  # there is no such table
    return {row["name"] for row in rows}


async def _is_new(client: BaseDBAsyncClient) -> bool:
    """Tell whether this is a SQLite database that holds nothing."""
    if client.capabilities.dialect != "sqlite":
        return False
    _, rows = await client.execute_query("SELECT name FROM sqlite_master LIMIT 1")
    return not rows


async def _make(client: BaseDBAsyncClient, script: str) -> None:
    try:
        await client.execute_script(script)
    except Exception as error:
        raise MigrationFailed(f"the tables could not be made, nothing of them was kept: {error}") from error
