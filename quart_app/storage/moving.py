"""The move of a whole database to another one, of another kind or of the same: rows, log, terms and positions.

Whoever follows the log goes on in the new database where they stood in the old one. The old one gets other names for
its terms, so that no cursor fits both once the two go different ways.
"""

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.backends.base.executor import EXECUTOR_CACHE
from tortoise.context import TortoiseContext
from tortoise.fields.relational import ForeignKeyFieldInstance
from tortoise.models import Model
from tortoise.transactions import in_transaction

from quart_app.storage import ids
from quart_app.storage.connections import APP, EPOCH_BYTES, WRITER, sql, tortoise_config
from quart_app.storage.database import claim, migrate
from quart_app.storage.errors import DatabaseUnavailable
from quart_app.storage.models import LogState

Progress = Callable[[str, int, int], object]
"""The function that is told of a table, how many of its rows have been moved, and how many it has."""

_SOURCE: Final = "source"
_ROWS: Final = 1_000  # rows that are read and written at once
_MADE_BY_A_START: Final = "head"  # PostgreSQL's own row of the log's state


async def move(source_url: str, target_url: str, model_modules: Sequence[str], progress: Progress) -> int:
    """Copy everything in the database at `source_url` into the empty one at `target_url`; return how many rows that is.

    Both are brought up to date first, and no server may run on either. Raise DatabaseUnavailable, also where the target
    holds something, and MigrationFailed; whatever it raises, the target is as it was, and so is the source.
    """
    if source_url == target_url:
        raise DatabaseUnavailable("the database to move to is the one that is moved; name another one")
    for url in (source_url, target_url):
        await migrate(url, model_modules)
    async with _both(source_url, target_url, model_modules) as (source, target, models):
        for model in models:
            if await _count(model, target) and model is not LogState:
                raise DatabaseUnavailable(
                    f"the database to move to is not empty: its table {model._meta.db_table} has rows;"
                    " name a database that holds nothing"
                )
        async with in_transaction(WRITER) as client:
            await client.execute_query("DELETE FROM log_state")
            moved = 0
            for model in models:
                moved += await _copy(model, source, client, progress)
                if model._meta.pk_attr == "id":
                    await ids.continue_after(model, client)
        await _rename_terms(source)
        return moved


@asynccontextmanager
async def _both(
    source_url: str, target_url: str, model_modules: Sequence[str]
) -> AsyncIterator[tuple[BaseDBAsyncClient, BaseDBAsyncClient, list[type[Model]]]]:
    """Claim and open both databases; give a client of each, and the models, each after those that it refers to."""
    config, origin = tortoise_config(target_url, model_modules), tortoise_config(source_url, model_modules)
    config["connections"] = {WRITER: config["connections"][WRITER], _SOURCE: origin["connections"][WRITER]}
    config["routers"] = []
    claims = claim(source_url, origin), claim(target_url, tortoise_config(target_url, model_modules))
    context = TortoiseContext()
    held = []
    try:
        for one in claims:
            await one.acquire()
            held.append(one)
        EXECUTOR_CACHE.clear()
        with context:
            await context.init(config, _enable_global_fallback=True)
            source, target = context.connections.get(_SOURCE), context.connections.get(WRITER)
            for client in (source, target):
                await client.create_connection(with_db=True)
            models = list(context.apps[APP].values()) if context.apps else []
            yield source, target, _in_order(models)
    finally:
        try:
            await context.close_connections()
        finally:
            for one in held:
                await one.release()


def _in_order(models: list[type[Model]]) -> list[type[Model]]:
    """Return the models, each after those that its rows refer to."""
    ordered: list[type[Model]] = []
    while len(ordered) < len(models):
        ordered += [model for model in models if model not in ordered and _referred(model) <= {model, *ordered}]
    return ordered


def _referred(model: type[Model]) -> set[type[Model]]:
    fields = model._meta.fields_map.values()
    return {field.related_model for field in fields if isinstance(field, ForeignKeyFieldInstance)}


async def _count(model: type[Model], client: BaseDBAsyncClient) -> int:
    _, rows = await client.execute_query(f"SELECT count(*) FROM {model._meta.db_table}")  # noqa: S608 - its own name
    return int(rows[0][0])


async def _copy(model: type[Model], source: BaseDBAsyncClient, target: BaseDBAsyncClient, progress: Progress) -> int:
    """Copy the rows of a table, in the order of their keys, and return how many there are."""
    table, key = model._meta.db_table, model._meta.db_pk_column
    fields = {column: model._meta.fields_map[name] for name, column in model._meta.fields_db_projection.items()}
    columns = ", ".join(f'"{column}"' for column in fields)
    # All names are those of the models.
    select = f'SELECT {columns} FROM {table}{{after}} ORDER BY "{key}" LIMIT {_ROWS}'  # noqa: S608
    insert = f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(fields))})"  # noqa: S608
    total, moved = await _count(model, source), 0
    after, values = "", list[Any]()
    while True:
        progress(table, moved, total)
        _, rows = await source.execute_query(sql(select.format(after=after), source), values)
        if not rows:
            return moved
        await target.execute_many(
            sql(insert, target),
            [
                [field.to_db_value(field.to_python_value(row[column]), model) for column, field in fields.items()]
                for row in rows
                if model is not LogState or row["name"] != _MADE_BY_A_START
            ],
        )
        moved += len(rows)
        after, values = f' WHERE "{key}" > ?', [rows[-1][key]]


async def _rename_terms(source: BaseDBAsyncClient) -> None:
    _, rows = await source.execute_query("SELECT name FROM log_terms")
    names = [[secrets.token_hex(EPOCH_BYTES), row["name"]] for row in rows]
    await source.execute_many(sql("UPDATE log_terms SET name = ? WHERE name = ?", source), names)
    # The program's own readers go on in either database.
    await source.execute_many(sql("UPDATE readers SET term = ? WHERE term = ?", source), names)
    # PostgreSQL's row of the head has the name of the newest term; the next start makes it anew.
    forget = sql("DELETE FROM log_state WHERE name = ?", source)
    await source.execute_query(forget, [_MADE_BY_A_START])
