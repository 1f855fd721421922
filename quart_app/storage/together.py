"""A look at the database that is made once for all who ask for it at the same time: a crowd that comes back does."""

import asyncio
from collections.abc import Awaitable, Callable


class Together:
    """Work that is done once for everybody who has asked for it before it begins, one time after the other."""

    def __init__(self, work: Callable[[], Awaitable[object]]) -> None:
        self._work = work
        self._under_way: asyncio.Future[None] | None = None
        self._next: asyncio.Future[None] | None = None

    async def __call__(self) -> None:
        """Return when work that has begun after this call is done. Raise what it raises."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._do(self._under_way))
            self._next.add_done_callback(_looked_at)
        await asyncio.shield(self._next)  # others wait for it, too

    async def _do(self, before: asyncio.Future[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        self._under_way, self._next = self._next, None
        await self._work()


def _looked_at(done: asyncio.Future[None]) -> None:
    if not done.cancelled():
        done.exception()  # whoever has asked may have gone
