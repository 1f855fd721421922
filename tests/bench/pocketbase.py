"""PocketBase: records that are created over HTTP, and event streams that are told of them.

A record is acknowledged when SQLite has it (WAL, `synchronous = NORMAL`), which is before the disk has it.
"""

import json
import re
from contextlib import AsyncExitStack
from time import perf_counter
from typing import Final

from quart_app.cli.bench.crowd import Crowd, Following, fresh
from quart_app.cli.bench.dialect import Dialect
from quart_app.cli.bench.followers import EventStreamFollower
from quart_app.cli.bench.load import Target
from quart_app.cli.bench.measures import Figures
from quart_app.cli.bench.process import processor_time, used_since
from quart_app.cli.bench.stream import SharedStream, block_end
from quart_app.cli.bench.wire import Poster
from tests.bench.asking import Asker, post
from tests.bench.in_turn import all_in_turn
from tests.bench.loads import FullLoad
from tests.bench.order import disorder, fetched, numbers_in

_CLIENT: Final = re.compile(rb'"clientId":"(\w+)"')
_PAGE: Final = 1_000  # records in an answer, at most
_RECORDS: Final = "/api/collections/messages/records"
_REALTIME: Final = "/api/realtime"
POCKETBASE: Final = Dialect(
    websocket=None, events=_REALTIME, events_welcome=b"PB_CONNECT", publish=_RECORDS, publication='{"text":"{text}"}'
)


class Reader(EventStreamFollower):
    """An event stream whose welcome tells who it is."""

    client = ""

    def _after_welcome(self, data: bytes) -> bytes:
        if found := _CLIENT.search(self._buffer + data):
            self.client = found[1].decode()
        return super()._after_welcome(data)


async def _reader(target: Target, following: Following) -> Crowd:
    stream = SharedStream(following.mark, block_end)
    reader = Reader(target.address, _REALTIME, stream)
    reader.welcome = target.dialect.events_welcome
    await reader.open(target.address)
    poster = Poster(target.address)
    try:
        order = {"clientId": reader.client, "subscriptions": ["messages/*"]}
        await poster.post(_REALTIME, json.dumps(order).encode())
    finally:
        poster.close()
    return Crowd(following, stream, [reader])


async def durable(target: Target, load: FullLoad) -> Figures:
    """Return what `durable` of the load does, and how far the readers get the messages in another order."""
    following = fresh("log", "sse")

    def compose(number: int) -> bytes:
        path, body = target.dialect.publishing(following.topic, [f"{following.mark}{number}; hola a todos"])
        return post(target.address, path, body)

    async with AsyncExitStack() as stack:
        readers = []
        for _ in range(load.readers):
            readers.append(await _reader(target, following))
            stack.callback(readers[-1].followers[0].close)
        askers = []
        for _ in range(load.senders):
            askers.append(await Asker(compose).open(target.address))
            stack.callback(askers[-1].close)
        started, used = perf_counter(), processor_time(target.pid)
        count = await all_in_turn(askers, started + load.seconds)
        for reader in readers:
            await reader.until(count)
        took, spent = perf_counter() - started, used_since(used, target.pid)
        stored: list[int] = []
        while len(stored) < count:
            page = len(stored) // _PAGE + 1
            asked = f"{_RECORDS}?sort=@rowid&fields=text&skipTotal=1&perPage={_PAGE}&page={page}"
            stored += numbers_in(await fetched(target.address, asked), following.mark)
        figures = {"durable": count / took, "out_of_order": disorder(readers, stored)}
    return figures if spent is None else figures | {"durable_cost": spent / count * 1e6}
