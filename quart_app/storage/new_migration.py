"""A new migration, made from what the models have that the history of the schema lacks.

For developers, and never part of a server: it writes a file of a checkout, and tries it on a database in memory first.
"""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext
from tortoise.fields import Field
from tortoise.fields.relational import ManyToManyFieldInstance
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.executor import MigrationTarget
from tortoise.migrations.operations import AddField, DeleteModel, Operation, RemoveField
from tortoise.migrations.schema_editor.sqlite import SqliteSchemaEditor
from tortoise.migrations.writer import MigrationWriter, format_migration_name
from tortoise.utils import get_schema_sql

from quart_app.storage import schema_script
from quart_app.storage.connections import APP, IN_MEMORY, WRITER, tortoise_config, unit_scope
from quart_app.storage.database import migrate
from quart_app.storage.errors import MigrationFailed
from quart_app.storage.history import DiskLoader, executor
from quart_app.storage.migration_text import migration_text
from quart_app.storage.schema import migrations_folder


@dataclass(frozen=True)
class NewMigration:
    """A migration file that was written: what it does, and what its author has to think of, each as a line for
    people."""

    path: Path
    does: list[str]
    cautions: list[str]

    def told(self) -> list[str]:
        """Return everything about the new file as lines for people."""
        return [
            f"Written: {self.path}",
            *(f"  {line}" for line in self.does),
            *(f"Careful: {line}." for line in self.cautions),
            "Look at it before you commit it; `envivo migrate` and the next start apply it.",
        ]


class _Index(NamedTuple):
    """An index; `what` holds its table, its columns, and whether it is unique."""

    name: str
    what: tuple[str, tuple[str, ...], bool]


async def changes(model_modules: Sequence[str]) -> list[MigrationWriter]:
    """Return the migrations that are missing for the models to agree with the history, an empty list where none is."""
    async with TortoiseContext() as context:
        detector = await _detector(context, tortoise_config(f"sqlite://{IN_MEMORY}", model_modules))
        return await detector.changes()


async def make_migration(model_modules: Sequence[str], name: str) -> NewMigration | None:
    """Write the next file of `migrations/` from what the models have that the history lacks.

    `name` describes the change in a word or two; the number is put before it (the first file is always
    `0001_initial`). Return what was written, None when there is nothing to do. Raise MigrationFailed, and write
    nothing, where the change cannot be made or written down.
    """
    for writer in await changes(model_modules):  # one at most, since all models are of one app
        number = int(writer.name.split("_", 1)[0])
        writer.name = format_migration_name(number, "initial" if writer.initial else name)
        missing = await _missing_indexes(model_modules, writer.operations)
        path = writer.path()
        try:
            path.write_text(migration_text(writer.as_string(), map(_made, missing)), "utf-8")
        except ValueError as error:  # Tortoise raises these, for a default that is a lambda, for example
            raise MigrationFailed(f"a field cannot be written down: {error}") from error
        except OSError as error:
            raise MigrationFailed(f"{path} cannot be written: {error.strerror}") from error
        does = [operation.describe() for operation in writer.operations]
        return NewMigration(path, does, [*_of_values(writer.operations), *_of_indexes(missing)])
    return None


async def write_script(model_modules: Sequence[str]) -> Path | None:
    """Write the script of the migrations anew, and return its path; None where they have not changed since.

    Raise MigrationFailed where they cannot be applied to an empty database, or the script cannot be written.
    """
    importlib.invalidate_caches()  # a migration may have been written just now
    folder = migrations_folder()
    if schema_script.read(folder) is not None:
        return None
    with TemporaryDirectory() as place:
        file = Path(place) / "new.db"
        await migrate(f"sqlite://{file}", model_modules)
        try:
            return schema_script.write(folder, file)
        except OSError as error:
            raise MigrationFailed(f"{error.filename} cannot be written: {error.strerror}") from error


async def _detector(context: TortoiseContext, config: dict[str, Any]) -> MigrationAutodetector:
    await context.init({**config, "routers": []}, init_connections=False)
    if context.apps is None:
        raise MigrationFailed("Tortoise has loaded no models")
    for model in context.apps[APP].values():
        model._meta.table_description = ""  # Tortoise's copy of the docstring; rewording one is no migration
    detector = MigrationAutodetector(context.apps, config["apps"])
    detector.loader = DiskLoader(config["apps"], detector.loader.recorder)
    return detector


async def _missing_indexes(model_modules: Sequence[str], operations: list[Operation]) -> list[_Index]:
    """Return the indexes that the models want and SQLite would not have, because Tortoise drops a table whose columns
    change, and makes it anew without its indexes.

    Both are tried in memory, the history with the `operations` behind it and the tables as the models describe them.
    """
    config = tortoise_config(f"sqlite://{IN_MEMORY}", model_modules)
    async with TortoiseContext() as context:
        got = await _after_migrating(await _detector(context, config), operations, config["apps"])
    async with TortoiseContext() as context:
        await _detector(context, config)
        client = await _connected()
        await client.execute_script(get_schema_sql(client, safe=False))
        wanted = await _indexes(client)
    known = {index.what for index in got}
    return [index for index in wanted if index.what not in known]


async def _after_migrating(
    detector: MigrationAutodetector, operations: list[Operation], apps: dict[str, Any]
) -> list[_Index]:
    """Return the indexes after the whole history and the `operations`. Raise MigrationFailed where one fails."""
    await detector.loader.build_graph()
    state = await detector._project_state()
    client = await _connected()
    with unit_scope():
        history = executor(client, apps)
        await history.migrate([MigrationTarget(APP, key.name) for key in detector._full_plan()], direction="forward")
        for operation in operations:
            try:
                await operation.run(APP, state, False, SqliteSchemaEditor(client))
            except (NotImplementedError, ValueError) as error:
                raise MigrationFailed(f"{operation.describe()}: Tortoise cannot write this change: {error}") from error
        return await _indexes(client)


async def _connected() -> BaseDBAsyncClient:
    client = get_connection(WRITER)
    await client.create_connection(with_db=True)
    return client


async def _indexes(client: BaseDBAsyncClient) -> list[_Index]:
    """Return every index of a SQLite database but those of primary keys."""
    name_for = SqliteSchemaEditor(client)._generate_index_name_for_table
    _, tables = await client.execute_query("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    found: list[_Index] = []
    for table in [row["name"] for row in tables]:
        _, listed = await client.execute_query(f'PRAGMA index_list("{table}")')
        for row in [row for row in listed if row["origin"] != "pk"]:
            _, described = await client.execute_query(f'PRAGMA index_info("{row["name"]}")')
            columns = tuple(one["name"] for one in described)
            # A UNIQUE of the table's own definition has no name; Tortoise would look for one of its making.
            name = row["name"] if row["origin"] == "c" else name_for("uid", table, list(columns))
            found.append(_Index(name, (table, columns, bool(row["unique"]))))
    return found


def _made(index: _Index) -> str:
    table, columns, unique = index.what
    what = "UNIQUE INDEX" if unique else "INDEX"
    on = ", ".join(f'"{column}"' for column in columns)
    return f'CREATE {what} IF NOT EXISTS "{index.name}" ON "{table}" ({on})'


def _of_indexes(missing: list[_Index]) -> list[str]:
    return [
        f"on SQLite Tortoise makes the table {table} anew and leaves out indexes;"
        " the last operations make them again: keep them last"
        for table in dict.fromkeys(index.what[0] for index in missing)
    ]


def _of_values(operations: list[Operation]) -> list[str]:
    """Return what the operations mean for rows that are there already."""
    cautions: list[str] = []
    for operation in operations:
        match operation:
            case AddField(field=Field() as field) if not (
                isinstance(field, ManyToManyFieldInstance) or field.null or field.has_db_default()
            ):
                cautions.append(
                    f"rows of {operation.model_name} that are there have no {operation.name}, so it would fail on them:"
                    " give the field null=True or a db_default, and make the migration again"
                )
            case RemoveField():
                cautions.append(
                    f"the values of {operation.model_name}.{operation.name} are deleted;"
                    " if it has only got another name, write ops.RenameField instead"
                )
            case DeleteModel():
                cautions.append(f"the table of {operation.name} is deleted with all its rows")
            case _:
                pass
    return cautions
