"""One process at a time stores in a database of PostgreSQL."""

import asyncio
import sys
from asyncio import subprocess

import asyncpg
import pytest

from quart_app.storage.database import Database
from quart_app.storage.errors import DatabaseInUse
from quart_app.storage.postgres.claim import LOCK
from tests.running import eventually
from tests.servers import Postgres
from tests.storage.store import note, opened

pytestmark = pytest.mark.postgres

_OTHER = """
import asyncio, sys
from quart_app.storage.database import Database
async def main():
    await Database.open(sys.argv[1], [])
    print("open", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


async def other_process(url: str) -> subprocess.Process:
    """A process that has the database at `url` open."""
    process = await subprocess.create_subprocess_exec(sys.executable, "-c", _OTHER, url, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"open\n"
    return process


async def test_a_second_process_is_refused_until_the_first_is_gone(url: str) -> None:
    process = await other_process(url)
    try:
        with pytest.raises(DatabaseInUse, match="another process of En Vivo runs on this database"):
            await Database.open(url, [])
    finally:
        process.kill()
        await process.wait()
    async with opened(url) as store:
        await store.writer.commit(note("one"))


async def test_the_claim_is_taken_again_when_its_session_was_lost(url: str, postgres: Postgres) -> None:
    database = url.rsplit("/", 1)[1]
    sessions = f"FROM pg_stat_activity WHERE datname = '{database}' AND application_name = 'envivo/claim'"
    async with opened(url) as store:
        first = postgres.sql(f"SELECT pid {sessions}")
        postgres.sql(f"SELECT pg_terminate_backend(pid) {sessions}")
        await store.writer.commit(note("one"))
        await eventually(lambda: postgres.sql(f"SELECT pid {sessions}") not in {"", first}, 10)
        locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        await eventually(lambda: postgres.sql(locks) == "1", 10)
        store.database.check()


async def test_whoever_lost_the_database_to_another_process_writes_no_more(url: str, postgres: Postgres) -> None:
    database = url.rsplit("/", 1)[1]
    other = await asyncpg.connect(url)
    async with opened(url) as store:
        waiting = asyncio.create_task(other.execute("SELECT pg_advisory_lock($1)", LOCK))
        await eventually(lambda: postgres.sql("SELECT count(*) FROM pg_locks WHERE NOT granted") == "1")
        postgres.sql(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{database}' AND application_name = 'envivo/claim'"
        )
        await waiting
        await eventually(lambda: is_refused(store.database), 10)
        await other.close()
        await eventually(lambda: not is_refused(store.database), 10)


def is_refused(database: Database) -> bool:
    try:
        database.check()
    except DatabaseInUse:
        return True
    return False
