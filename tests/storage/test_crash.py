import asyncio
import sys
from pathlib import Path

import msgspec

from quart_app.storage.idempotency import IdempotencyKey
from tests.storage.store import note, opened

ROOT = Path(__file__).resolve().parents[2]
RUNS = 3
ACKNOWLEDGED = 300


async def write_and_kill(url: str, run: int) -> dict[str, int]:
    """The texts that a process was promised, with their positions, before it was killed at work."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.storage.crash_child", url, str(run), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    lines = [await child.stdout.readline() for _ in range(ACKNOWLEDGED)]
    child.kill()
    lines += (await child.stdout.read()).splitlines(keepends=True)
    await child.wait()
    whole = [line.split() for line in lines if line.endswith(b"\n")]
    return {text.decode(): int(position) for text, position in whole}


async def test_what_was_acknowledged_is_there_once_after_a_kill(url: str) -> None:
    promised: dict[str, int] = {}
    for run in range(RUNS):
        async with asyncio.timeout(60):
            promised |= await write_and_kill(url, run)

    assert len(promised) >= RUNS * ACKNOWLEDGED
    async with opened(url) as store:
        events = await store.events()
        stored = {msgspec.json.decode(event.fields)["data"]["text"]: event.position for event in events}
        assert [event.position for event in events] == list(range(1, len(events) + 1))
        assert len(stored) == len(events)
        assert promised.items() <= stored.items()
        assert sorted(await store.texts()) == sorted(stored)
        # Who was not told and asks again gets the first answer; who starts anew goes on behind it.
        for text in (events[0], events[-1]):
            again = msgspec.json.decode(text.fields)["data"]["text"]
            answer = await store.writer.commit(note("never"), key=IdempotencyKey("crash", again))
            assert answer["position"] == stored[again]
        assert (await store.writer.commit(note("new")))["position"] == len(events) + 1
