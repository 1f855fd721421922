"""What becomes of changes while PostgreSQL is away, restarts, or is held up by somebody who was stopped."""

import asyncio
import os
import signal
import sys
from asyncio import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import msgspec
import pytest

from quart_app.storage import group
from quart_app.storage.errors import WriteUndecided
from quart_app.storage.idempotency import IdempotencyKey
from tests.running import eventually
from tests.servers import Postgres
from tests.storage.store import Store, note, opened

pytestmark = pytest.mark.postgres

COMMIT = b"COMMIT;"


class Line:
    """A line to PostgreSQL that can be cut at the next COMMIT, before it gets there or before its answer comes back:
    for a moment, or until it is opened again."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connections: list[asyncio.StreamWriter] = []
        self._deaf: list[asyncio.StreamWriter] = []
        self.cut_before_commit = False
        self.cut_after_commit = False
        self.stays_cut = False
        self.closed = False
        self.cuts = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.closed:
            writer.transport.abort()
            return
        there_reader, there = await asyncio.open_connection("127.0.0.1", self._port)
        ends = [writer, there]
        self._connections += ends
        try:
            await asyncio.gather(self._forward(reader, there, ends), self._answer(there_reader, writer, ends))
        finally:
            self._cut(ends)

    def close(self) -> None:
        """Cut everything, and let nobody through any more."""
        self.closed = True
        self._cut(self._connections)

    async def _forward(
        self, reader: asyncio.StreamReader, there: asyncio.StreamWriter, ends: list[asyncio.StreamWriter]
    ) -> None:
        while data := await reader.read(65536):
            if COMMIT in data and self.cut_before_commit:
                self.cut_before_commit = False
                self.cuts += 1
                return self._cut(ends)
            there.write(data)
            if COMMIT in data and self.cut_after_commit:
                self._deaf = ends
        return self._cut(ends)

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ends: list[asyncio.StreamWriter]
    ) -> None:
        while data := await reader.read(65536):
            if self.cut_after_commit and self._deaf is ends:
                self.cut_after_commit = False
                self.closed = self.stays_cut
                self.cuts += 1
                break
            writer.write(data)
        self._cut(ends)

    @staticmethod
    def _cut(ends: list[asyncio.StreamWriter]) -> None:
        for end in ends:
            end.transport.abort()


@asynccontextmanager
async def line_to(url: str, postgres: Postgres) -> AsyncIterator[tuple[Line, str]]:
    """A line to the database at `url`, and the URL of its near end."""
    line = Line(postgres.port)
    server = await asyncio.start_server(line.serve, "127.0.0.1")
    try:
        yield line, url.replace(str(postgres.port), str(server.sockets[0].getsockname()[1]))
    finally:
        server.close()
        line.close()


def counted(runs: list[str], text: str) -> Callable[..., Any]:
    async def unit(work: Any) -> Any:
        runs.append(text)
        return await note(text)(work)

    return unit


async def stored(store: Store) -> list[str]:
    """The texts of all notes; each has its event, and the relay got that once."""
    texts = await store.texts()
    events = await store.events()
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    told = [msgspec.json.decode(event.fields)["data"]["text"] for event in events]
    assert sorted(told) == sorted(texts)
    return texts


class TestALostCommit:
    @pytest.mark.parametrize("arrived", [False, True])
    async def test_is_decided_and_never_done_twice(self, url: str, postgres: Postgres, arrived: bool) -> None:
        runs: list[str] = []
        async with line_to(url, postgres) as (line, near), opened(near) as store:
            await store.writer.commit(note("first"))
            line.cut_after_commit, line.cut_before_commit = arrived, not arrived

            result = await store.writer.commit(counted(runs, "second"), key=IdempotencyKey("notes", "k"))

            assert line.cuts == 1
            assert result["position"] == 2
            assert runs == ["second"] * (1 if arrived else 2)
            await store.writer.commit(note("third"))
            assert await stored(store) == ["first", "second", "third"]

    async def test_without_an_event_is_decided_as_well(self, url: str, postgres: Postgres) -> None:
        runs: list[str] = []

        async def silent(_work: Any) -> None:
            runs.append("silent")

        async with line_to(url, postgres) as (line, near), opened(near) as store:
            await store.writer.commit(note("first"))
            line.cut_after_commit = True
            await store.writer.commit(silent)
            assert (line.cuts, runs) == (1, ["silent"])

    async def test_that_cannot_be_decided_in_time_is_said_to_be_open(
        self, url: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(group, "WRITE_PATIENCE", 0.5)
        key = IdempotencyKey("notes", "k")
        async with line_to(url, postgres) as (line, near), opened(near) as store:
            await store.writer.commit(note("first"))
            line.cut_after_commit = line.stays_cut = True
            with pytest.raises(WriteUndecided) as caught:
                await store.writer.commit(note("second"), key=key)
            assert caught.value.data()["message"].startswith("it is not known whether this was stored")

            line.closed = False
            monkeypatch.undo()
            assert (await store.writer.commit(note("again"), key=key))["position"] == 2
            assert await stored(store) == ["first", "second"]


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_restarts_cost_time_and_nothing_else(url: str, postgres: Postgres, mode: str) -> None:
    async with opened(url) as store:
        going = True
        sent: list[str] = []

        async def write(who: int) -> None:
            while going:
                text = f"{who}-{len(sent)}"
                sent.append(text)
                await store.writer.commit(note(text), key=IdempotencyKey("notes", text))

        def has_sent(enough: int) -> bool:
            return len(sent) > enough

        writers = [asyncio.create_task(write(who)) for who in range(8)]
        for _ in range(5):
            enough = len(sent) + 20
            await eventually(partial(has_sent, enough), 20)
            await asyncio.to_thread(postgres.restart, mode)
        going = False
        await asyncio.gather(*writers)

        assert sorted(await stored(store)) == sorted(sent)


_HOLDER = """
import asyncio, asyncpg, sys
from quart_app.storage.connections import tortoise_config
from quart_app.storage.postgres import settings
async def main():
    given = tortoise_config(sys.argv[1], [])["connections"]["default"]["credentials"]
    session = {name: value for name, value in given.items() if name not in {"minsize", "maxsize", "reset"}}
    connection = await asyncpg.connect(**session)
    await connection.execute("BEGIN")
    await connection.execute("SELECT value FROM log_state WHERE name = 'head' FOR UPDATE")
    print("locked", flush=True)
    if sys.argv[2] == "reading":
        await connection.fetch("SELECT repeat('x', 1000000) FROM generate_series(1, 3000)")
    await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.mark.parametrize("state", ["idle", "reading"])
async def test_whoever_is_stopped_inside_the_lock_holds_the_others_up_for_seconds_only(
    url: str, postgres: Postgres, state: str
) -> None:
    async with opened(url) as store:
        await store.writer.commit(note("first"))
        holder = await subprocess.create_subprocess_exec(
            sys.executable, "-c", _HOLDER, url, state, stdout=subprocess.PIPE
        )
        try:
            assert holder.stdout is not None
            assert await holder.stdout.readline() == b"locked\n"
            doing = "idle in transaction" if state == "idle" else "active"
            database = url.rsplit("/", 1)[1]
            activity = f"SELECT state FROM pg_stat_activity WHERE datname = '{database}' AND xact_start IS NOT NULL"
            await eventually(lambda: doing in postgres.sql(activity))
            os.kill(holder.pid, signal.SIGSTOP)
            result = await store.writer.commit(note("second"))
            assert result["position"] == 2
        finally:
            os.kill(holder.pid, signal.SIGKILL)
            await holder.wait()
