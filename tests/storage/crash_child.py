"""A process that writes until it is killed, and tells on standard output what it was promised."""

import asyncio
import sys

from quart_app.storage.idempotency import IdempotencyKey
from tests.storage.store import Store, note, opened

SENDERS = 8


async def _sender(store: Store, run: str, name: int) -> None:
    number = 0
    while True:
        number += 1
        text = f"{run}-{name}-{number}"
        answer = await store.writer.commit(note(text), key=IdempotencyKey("crash", text))
        sys.stdout.write(f"{text} {answer['position']}\n")
        sys.stdout.flush()


async def _main(url: str, run: str) -> None:
    async with opened(url) as store:
        await asyncio.gather(*(_sender(store, run, name) for name in range(SENDERS)))


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
