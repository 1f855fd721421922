"""Whether readers get stored messages in the order in which they are stored, which is read afterwards."""

import asyncio
import json
import re
from collections.abc import Sequence
from contextlib import AsyncExitStack
from http.client import HTTPConnection
from time import perf_counter
from typing import Final
from urllib.parse import quote

from quart_app.cli.bench.crowd import Crowd, crowd, fresh
from quart_app.cli.bench.load import Target
from quart_app.cli.bench.measures import Figures
from quart_app.cli.bench.stream import BenchError
from quart_app.cli.bench.wire import Address
from tests.bench.asking import Asker, post
from tests.bench.in_turn import all_in_turn
from tests.bench.loads import FullLoad

_PAGE: Final = 1_000  # messages in an answer, at most


def disorder(readers: Sequence[Crowd], stored: Sequence[int]) -> float:
    """Return how many of 10,000 deliveries came after one that was stored later. `stored` are the numbers of the
    messages in the order in which they were stored. Raise BenchError where a reader lacks one, or has one twice."""
    places = {number: place for place, number in enumerate(stored)}
    late = 0
    for reader in readers:
        numbers = reader.stream.numbers
        if sorted(numbers) != sorted(stored):
            raise BenchError(f"{len(stored)} messages were stored, and a reader got {len(numbers)}, or others")
        latest = -1
        for number in numbers:
            late += places[number] < latest
            latest = max(latest, places[number])
    return late / (len(readers) * len(stored)) * 10_000


async def order(target: Target, load: FullLoad) -> Figures:
    """Return the disorder of our own log, whose readers are event streams, and whose senders post."""
    following = fresh("log", "sse")

    def compose(number: int) -> bytes:
        return post(target.address, *target.dialect.publishing(following.topic, [f"{following.mark}{number};"]))

    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(crowd(target, following, 1)) for _ in range(load.readers)]
        askers = []
        for _ in range(load.senders):
            askers.append(await Asker(compose).open(target.address))
            stack.callback(askers[-1].close)
        count = await all_in_turn(askers, perf_counter() + load.seconds)
        for reader in readers:
            await reader.until(count)
        return {"out_of_order": disorder(readers, await _logged(target.address, following.topic, following.mark))}


async def _logged(address: Address, topic: str, mark: str) -> list[int]:
    """Return the numbers of the messages of a topic, in the log's order."""
    numbers: list[int] = []
    since = "0"
    while True:
        page = await fetched(address, f"/api/log?topic={quote(topic)}&since={since}&limit={_PAGE}")
        found = numbers_in(page, mark)
        if not found:
            return numbers
        numbers += found
        since = json.loads(page)["id"]


def numbers_in(text: bytes, mark: str) -> list[int]:
    """Return the numbers of the messages in an answer."""
    return [int(found) for found in re.findall(re.escape(mark).encode() + rb"(\d+);", text)]


async def fetched(address: Address, path: str) -> bytes:
    """Return the body of the answer to a GET. Raise BenchError where that is no good one."""

    def get() -> bytes:
        connection = HTTPConnection(address.host, address.port)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise BenchError(f"the server answered {answer.status} {body[:300]!r}")
        return body

    return await asyncio.to_thread(get)
