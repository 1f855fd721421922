"""A publisher over a WebSocket, at `/publish`: each frame is what the body of a request would be, and is answered."""

import asyncio
from collections.abc import Sequence
from typing import Final, Self

from quart_app.cli.bench.load import Target
from quart_app.cli.bench.stream import BenchError, frame_end
from quart_app.cli.bench.wire import UPGRADE, Client, masked
from tests.bench.publishing import Manner

_DEADLINE: Final = 60.0  # s


class FramePublisher(Client):
    """One connection, with one list at a time."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.address.head("GET", "/publish", UPGRADE), 101)
        self._target = target
        self._answered: asyncio.Future[None] | None = None
        self.failed = self._lost

    @classmethod
    async def opened_to(cls, target: Target) -> Self:
        return await cls(target).open(target.address)

    async def publish(self, topic: str, texts: Sequence[str]) -> None:
        _, body = self._target.dialect.publishing(topic, list(texts))
        self._answered = asyncio.get_running_loop().create_future()
        self._write(masked(body))
        try:
            async with asyncio.timeout(_DEADLINE):
                await self._answered
        except TimeoutError as error:
            raise BenchError(f"publishing was not answered within {_DEADLINE:g} s") from error

    def _ready(self) -> None:
        self.opened.set_result(None)

    def _body(self, data: bytes) -> None:
        self._buffer += data
        if self._answered is not None and frame_end(self._buffer, 0) > 0:
            self._buffer = b""
            self._answered.set_result(None)

    def _lost(self, error: BaseException) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(error)


IN_FRAMES: Final = Manner(FramePublisher.opened_to)
