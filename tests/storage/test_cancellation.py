import asyncio
import contextlib
from typing import Any

from tortoise.connection import get_connections

from tests.storage.store import Note, Store, note

CANCELLATIONS = 500


async def caller(store: Store, number: int) -> None:
    """What a request does: read, write, read."""
    await Note.all().count()
    await store.writer.commit(note(str(number)))
    await store.log.read(None, 0, 10, 10)


async def cancelled_after(store: Store, steps: int, number: int) -> bool:
    """Cancel a caller after that many turns of the loop; whether it was still at work."""
    task = asyncio.create_task(caller(store, number))
    for _ in range(steps):
        await asyncio.sleep(0)  # one turn: this counts, it waits for nothing
    at_work = task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return at_work


def in_use(client: Any) -> bool:
    """Tell whether somebody has not given a connection back."""
    if client.capabilities.dialect == "sqlite":
        return bool(client._lock.locked())
    return bool(client._pool.get_idle_size() < client._pool.get_size())


async def test_callers_cancelled_at_every_point_leave_nothing_behind(store: Store) -> None:
    tasks = asyncio.all_tasks()
    steps = 0
    for number in range(CANCELLATIONS):
        # One turn later each time, from the start again once the caller was through.
        steps = steps + 1 if await cancelled_after(store, steps, number) else 0

    async with asyncio.timeout(5):
        await store.writer.commit(note("the last"))
        texts = await store.texts()
        events = await store.events()
    assert asyncio.all_tasks() == tasks
    assert texts[-1] == "the last"
    assert [event.fields.decode() for event in events] == [f'{{"data":{{"text":"{text}"}}}}' for text in texts]
    assert [event.position for event in events] == list(range(1, len(texts) + 1))
    assert not any(in_use(client) for client in get_connections().all())


async def test_a_group_cancelled_from_all_sides_is_stored_all_the_same(store: Store) -> None:
    callers = [asyncio.create_task(store.writer.commit(note(str(i)))) for i in range(100)]
    await asyncio.sleep(0)  # each has taken its place in line
    for task in callers:
        task.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    await store.writer.commit(note("the last"))

    assert await store.texts() == [*(str(i) for i in range(100)), "the last"]
