"""A new migration, made from what the models have that the history of the schema lacks.

For developers, and never part of a server: it writes a file of a checkout and tries it on an empty database in memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext
from tortoise.fields import Field
from tortoise.fields.relational import ManyToManyFieldInstance
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.executor import MigrationTarget
from tortoise.migrations.operations import AddField, AlterField, DeleteModel, Operation, RemoveField
from tortoise.migrations.schema_editor.sqlite import SqliteSchemaEditor
from tortoise.migrations.schema_generator.state import State
from tortoise.migrations.writer import MigrationWriter, format_migration_name

from quart_app.storage.connections import APP, IN_MEMORY, WRITER, tortoise_config, unit_scope
from quart_app.storage.errors import MigrationFailed
from quart_app.storage.migration_text import migration_text
from quart_app.storage.schema import DiskLoader, executor


@dataclass(frozen=True)
class NewMigration:
    """A file that was written: what it does, and what its author has to think of, each as a line for people."""

    path: Path
    does: list[str]
    cautions: list[str]

    def told(self) -> list[str]:
        """Return all of it as lines for people."""
        return [
            f"Written: {self.path}",
            *(f"  {line}" for line in self.does),
            *(f"Careful: {line}." for line in self.cautions),
            "Look at it before you commit it; `envivo migrate` and the next start apply it.",
        ]


class _Index(NamedTuple):
    table: str
    columns: tuple[str, ...]
    unique: bool
    name: str


async def changes(model_modules: Sequence[str]) -> list[MigrationWriter]:
    """Return the migrations that are missing for the models to agree with the history; none when all is well."""
    async with TortoiseContext() as context:
        detector = await _detector(context, tortoise_config(f"sqlite://{IN_MEMORY}", model_modules))
        return await detector.changes()


async def make_migration(model_modules: Sequence[str], name: str) -> NewMigration | None:
    """Write the next file of `migrations/` from what the models have that the history lacks.

    `name` describes the change in a word or two; the number is put before it (the first file is always
    `0001_initial`). Return what was written, None when there is nothing to do. Raise MigrationFailed, and write
    nothing, where Tortoise cannot make the change.
    """
    for writer in await changes(model_modules):  # one at most, since all models are of one app
        number = int(writer.name.split("_", 1)[0])
        writer.name = format_migration_name(number, "initial" if writer.initial else name)
        lost = await _lost_indexes(model_modules, writer.operations)
        path = writer.path()
        path.write_text(migration_text(writer.as_string(), map(_made_again, lost)), "utf-8")
        does = [operation.describe() for operation in writer.operations]
        return NewMigration(path, does, [*_of_values(writer.operations), *_of_indexes(lost)])
    return None


async def _detector(context: TortoiseContext, config: dict[str, Any]) -> MigrationAutodetector:
    await context.init({**config, "routers": []}, init_connections=False)
    if context.apps is None:
        raise MigrationFailed("Tortoise has loaded no models")
    for model in context.apps[APP].values():
        model._meta.table_description = ""  # Tortoise's copy of the docstring; rewording one is no migration
    detector = MigrationAutodetector(context.apps, config["apps"])
    detector.loader = DiskLoader(config["apps"], detector.loader.recorder)
    return detector


async def _lost_indexes(model_modules: Sequence[str], operations: list[Operation]) -> list[_Index]:
    """Return the indexes that SQLite would lose: Tortoise drops a table whose columns change and makes it anew without.

    They are found by applying the history, then the `operations` one by one, to a database in memory.
    """
    config = tortoise_config(f"sqlite://{IN_MEMORY}", model_modules)
    async with TortoiseContext() as context:
        detector = await _detector(context, config)
        await detector.loader.build_graph()
        state: State = await detector._project_state()
        client = get_connection(WRITER)
        await client.create_connection(with_db=True)
        with unit_scope():
            history = executor(client, config["apps"])
            for key in [key for key in detector._full_plan() if key.app_label == APP]:
                await history.migrate([MigrationTarget(APP, key.name)], direction="forward")
            return await _lost_on_the_way(client, state, operations)


async def _lost_on_the_way(client: BaseDBAsyncClient, state: State, operations: list[Operation]) -> list[_Index]:
    editor = SqliteSchemaEditor(client)
    lost: list[_Index] = []
    for operation in operations:
        before = await _indexes(client)
        try:
            await operation.run(APP, state, False, editor)
        except (NotImplementedError, ValueError) as error:
            raise MigrationFailed(f"{operation.describe()}: Tortoise cannot write this change: {error}") from error
        if isinstance(operation, AlterField | RemoveField):
            gone = {_of_what(index) for index in before} - {_of_what(index) for index in await _indexes(client)}
            unmeant = [index for index in before if _of_what(index) in gone and not _meant(operation, index)]
            lost += [index._replace(name=_name(index, editor)) for index in unmeant]
    return lost


def _name(index: _Index, editor: SqliteSchemaEditor) -> str:
    """Return the name of an index; for a UNIQUE of the table's own definition the one that Tortoise looks for."""
    if not index.name.startswith("sqlite_autoindex"):
        return index.name
    return editor._generate_index_name_for_table("uid", index.table, list(index.columns))


def _meant(operation: AlterField | RemoveField, index: _Index) -> bool:
    """Return whether the end of an index is what the operation is for: a removed column's, or one no longer wanted."""
    if isinstance(operation, RemoveField):
        return operation.name in index.columns
    field = operation.field
    wanted = isinstance(field, Field) and (field.index or field.unique)
    return index.columns == (operation.name,) and not wanted


def _of_what(index: _Index) -> tuple[str, tuple[str, ...], bool]:
    return index.table, index.columns, index.unique


async def _indexes(client: BaseDBAsyncClient) -> list[_Index]:
    """Return every index of a SQLite database but those of primary keys."""
    _, tables = await client.execute_query("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    found: list[_Index] = []
    for table in [row["name"] for row in tables]:
        _, listed = await client.execute_query(f'PRAGMA index_list("{table}")')
        for row in [row for row in listed if row["origin"] != "pk"]:
            _, columns = await client.execute_query(f'PRAGMA index_info("{row["name"]}")')
            found.append(_Index(table, tuple(one["name"] for one in columns), bool(row["unique"]), row["name"]))
    return found


def _made_again(index: _Index) -> str:
    columns = ", ".join(f'"{column}"' for column in index.columns)
    unique = "UNIQUE " if index.unique else ""
    return f'CREATE {unique}INDEX IF NOT EXISTS "{index.name}" ON "{index.table}" ({columns})'


def _of_indexes(lost: list[_Index]) -> list[str]:
    return [
        f"SQLite makes the table {table} anew, without its indexes; the last operations make them again: keep them last"
        for table in dict.fromkeys(index.table for index in lost)
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
