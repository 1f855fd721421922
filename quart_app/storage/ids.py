"""Ids of rows that are given by the program beside those that the database gives."""

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.models import Model

from quart_app.storage.connections import writing


async def continue_after(model: type[Model], client: BaseDBAsyncClient | None = None) -> None:
    """Let the next row of `model` get an id after those that its rows have, inside a unit of work. SQLite sees to that
    by itself; PostgreSQL counts only the ids that it has given."""
    client = client or writing()
    if client.capabilities.dialect == "postgres":
        table = model._meta.db_table
        newest = f"(SELECT max(id) AS newest FROM {table}) AS ids WHERE newest IS NOT NULL"  # noqa: S608 - its own name
        await client.execute_query(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), newest) FROM {newest}")  # noqa: S608
