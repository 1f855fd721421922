"""Tortoise's client of PostgreSQL, which tells in our words when the database is away."""

from collections.abc import Callable
from typing import Any

from tortoise.backends.asyncpg.client import AsyncpgDBClient

from quart_app.storage.errors import DatabaseAway
from quart_app.storage.postgres.interruptions import is_interruption


class PostgresClient(AsyncpgDBClient):
    """A pool of connections. Whatever is asked outside a transaction raises DatabaseAway where there is none."""

    async def _translate_exceptions(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return await super()._translate_exceptions(func, *args, **kwargs)
        except Exception as error:
            if is_interruption(error):
                raise DatabaseAway(f"the database is away: {error}") from error
            raise


client_class = PostgresClient
