"""Who of the processes on one log does what only one of them may do: whoever holds the lease for it.

A holder renews its lease; one that cannot loses it. It stops by its own clock before anybody else can begin, and what
it stores late all the same is refused, because by then the lease has another term.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Final, NamedTuple, Protocol

from quart_app.realtime import limits
from quart_app.realtime.messages.refused import Refused

logger = logging.getLogger(__name__)


class Leading(NamedTuple):
    """The lease that a piece of work is done by: its name, and the term in which it is held."""

    name: str
    term: int


leading: ContextVar[Leading | None] = ContextVar("leading", default=None)
"""The lease that the present task works by, None where it needs none. What it stores is held to it."""


def not_leading() -> Refused:
    """Return the refusal of what is done by a lease that another process has taken."""
    return Refused("not_leading", "another server does this now", status=409)


class LeaseKeeper(Protocol):
    """Where the leases of all processes are kept. Whatever it raises, the caller tries again later."""

    async def take(self, name: str) -> int | None:
        """Take a lease for `limits.LEASE` seconds, and return its new term; None where another process holds it."""

    async def renew(self, held: Mapping[str, int]) -> Collection[str]:
        """Renew leases, whose terms are given by their names; return the names of those that are still held."""

    async def release(self, name: str, term: int) -> None:
        """Give a lease up, so that others can take it at once."""


class Lease:
    """One lease, wanted from `Leases.want` until `give_up`."""

    def __init__(self, leases: "Leases", name: str) -> None:
        self._leases = leases
        self.name = name
        self.term = 0
        """The term in which it is held, 0 where it is not."""
        self._trusted_until = 0.0
        self._clock: asyncio.Timeout | None = None
        self._gained = asyncio.Event()

    @property
    def held(self) -> bool:
        """Tell whether this process holds it for certain."""
        return self.term > 0 and asyncio.get_running_loop().time() < self._trusted_until

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Wait until this process holds the lease, and let the present task work by it. Once it is lost, the work is
        cancelled and TimeoutError raised."""
        while not self.held:
            self._gained.clear()
            await self._gained.wait()
        token = leading.set(Leading(self.name, self.term))
        try:
            async with asyncio.timeout_at(self._trusted_until) as self._clock:
                yield
        finally:
            self._clock = None
            leading.reset(token)

    def gain(self, term: int, asked_at: float) -> None:
        """Note that it is held in `term`, since somewhen after `asked_at` (s of the loop's clock)."""
        self.term, self._trusted_until = term, asked_at + limits.LEASE - limits.LEASE_MARGIN
        self._gained.set()
        self._end_work_at(self._trusted_until)

    def lose(self) -> None:
        """Note that it is not held any more."""
        self.term = 0
        self._end_work_at(asyncio.get_running_loop().time())

    def _end_work_at(self, time: float) -> None:
        if self._clock is not None and not self._clock.expired():
            self._clock.reschedule(time)

    def give_up(self) -> None:
        """Want it no more."""
        self._leases.forget(self)


class NoLease(Lease):
    """What a program that is alone works by: nothing."""

    held = True

    def __init__(self) -> None:
        """It needs no name, since nobody asks for it."""

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Let the present task work."""
        yield

    def give_up(self) -> None:
        """There is nothing to give up."""


NO_LEASE: Final = NoLease()


class Leases:
    """The leases that this process wants, and what keeps them: a `keeper` where there are other processes."""

    def __init__(self) -> None:
        self._keeper: LeaseKeeper | None = None
        self._wanted: dict[str, Lease] = {}
        self._released: list[Leading] = []
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, keeper: LeaseKeeper) -> None:
        """Share the leases that are wanted from now on with other processes."""
        self._keeper = keeper
        self._task = asyncio.create_task(self._keep(keeper), name="leases")

    async def stop(self) -> None:
        """Give up all leases. The keeper must still work."""
        task, self._task = self._task, None
        if task is None or self._keeper is None:
            return
        task.cancel()
        await asyncio.wait([task])
        for lease in list(self._wanted.values()):
            lease.give_up()
        await self._release(self._keeper)

    def want(self, name: str) -> Lease:
        """Return the lease of this name, which this process tries to get from now on."""
        if self._keeper is None:
            return NO_LEASE
        lease = self._wanted[name] = Lease(self, name)
        self._changed.set()
        return lease

    def forget(self, lease: Lease) -> None:
        if self._wanted.get(lease.name) is lease:
            del self._wanted[lease.name]
        if lease.term:
            self._released.append(Leading(lease.name, lease.term))
            lease.lose()
            self._changed.set()

    def allows(self, work: Leading | None) -> bool:
        """Tell whether a piece of work may still be done: this process holds the lease for it, in the same term."""
        if work is None:
            return True
        lease = self._wanted.get(work.name)
        return lease is not None and lease.held and lease.term == work.term

    @property
    def held(self) -> dict[str, int]:
        """The terms of the leases that this process holds, by their names."""
        return {name: lease.term for name, lease in self._wanted.items() if lease.held}

    async def _keep(self, keeper: LeaseKeeper) -> None:
        while True:
            self._changed.clear()
            try:
                await self._look(keeper)
            except Exception as error:  # noqa: BLE001 - whatever it is, trust in what is held runs out by itself
                logger.warning("leases could not be renewed, and are tried again: %s", error)
            try:
                async with asyncio.timeout(limits.LEASE_RENEWED):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _look(self, keeper: LeaseKeeper) -> None:
        loop = asyncio.get_running_loop()
        await self._release(keeper)
        asked_at = loop.time()
        if held := {name: lease.term for name, lease in self._wanted.items() if lease.term}:
            kept = await keeper.renew(held)
            for name, term in held.items():
                lease = self._wanted.get(name)
                if lease is None or lease.term != term:
                    continue
                if name in kept:
                    lease.gain(term, asked_at)
                else:
                    lease.lose()
        for name, lease in list(self._wanted.items()):
            if not lease.term:
                asked_at = loop.time()
                if taken := await keeper.take(name):
                    lease.gain(taken, asked_at)
                    if self._wanted.get(name) is not lease:
                        self.forget(lease)  # given up while it was asked for

    async def _release(self, keeper: LeaseKeeper) -> None:
        while self._released:
            await keeper.release(*self._released[0])
            del self._released[0]
