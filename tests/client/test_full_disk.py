"""A server whose disk is full for a while: what is sent is kept, repeated with the same key, and stored once."""

import asyncio
from pathlib import Path

import pytest

from quart_app.app import EnVivo
from quart_app.client import TRANSPORTS
from quart_app.storage.connections import writing
from tests.client.traffic import DEADLINE, client, fresh, numbers
from tests.inside import serving
from tests.running import eventually

MESSAGES = 50
PADDING = "x" * 5_000


async def _limit(app: EnVivo, pages: int) -> None:
    """As many pages as the file may have; one means as many as it has."""
    await app.writer.commit(lambda _work: writing().execute_query(f"PRAGMA max_page_count = {pages}"))


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_nothing_sent_meanwhile_is_lost_or_stored_twice(tmp_path: Path, transport: str) -> None:
    topic = fresh()
    async with serving(tmp_path / "envivo.db") as (app, url), client(url, topic, transports=[transport]) as live:
        await live.opened()
        await _limit(app, 1)
        messages = [{"type": "numbered", "data": {"number": n, "padding": PADDING}} for n in range(MESSAGES)]
        sends = [asyncio.create_task(live.send(topic, message)) for message in messages]
        failures = 3 if transport == "ws" else 2

        async def refused() -> bool:
            return sum(app.hub.counters.errors.values()) >= failures

        await eventually(refused, DEADLINE)
        await _limit(app, 1_000_000)
        answers = await asyncio.wait_for(asyncio.gather(*sends), DEADLINE)
        assert len({answer["id"] for answer in answers}) == MESSAGES
        assert sorted(await numbers(live, MESSAGES)) == list(range(MESSAGES))
