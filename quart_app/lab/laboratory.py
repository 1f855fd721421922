"""The laboratory of a server: it has lessons run by a process of its own, and keeps what came of the last runs.

The process is started when something is asked for, ended after a while without work, and started again where it has
died. It does one thing at a time; a bounded number of others wait. Nothing here runs a lesson: it imports none.
"""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from quart_app.realtime import Refused, limits

logger = logging.getLogger(__name__)

COMMAND = ("-m", "quart_app.lab.runner")
"""What Python is told to do in the process."""
_TRIES: Final = 2  # with one process each: the first may have died before
_LONGEST_LINE: Final = 1024 * 1024  # bytes
_PACKAGES: Final = str(Path(__file__).parents[2])


class Request(msgspec.Struct, frozen=True):
    """What the process is asked for: a run of strategies, or with `seeds` as many tries of the first strategy as there
    is time for. All of it is fit (`lesson.py`)."""

    lesson: str
    knobs: dict[str, int | float]
    strategies: tuple[str, ...]
    seed: int = 0
    acts: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()


class Tried(msgspec.Struct, frozen=True):
    """What came of a seed: the rules that it broke, the events of the shortest counter-example (0 where there is none),
    and those of the run."""

    seed: int
    broken: list[str]
    shown: int
    events: int


class Answer(msgspec.Struct):
    """What the process answers, with `size` bytes after it. `failed` says why there is nothing else."""

    failed: str = ""
    fingerprint: str = ""
    tried: list[Tried] = []
    size: int = 0


class Ran(msgspec.Struct, frozen=True):
    """A run: its fingerprint, and its JSON, gzipped."""

    fingerprint: str
    gzipped: bytes


class _Job:
    """Something that is asked for; how many wait for it."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.done: asyncio.Future[tuple[Answer, bytes]] = asyncio.get_running_loop().create_future()
        self.waiting = 0


class Laboratory:
    """What has lessons run; `close` it in the end."""

    def __init__(self) -> None:
        self._asked: dict[bytes, _Job] = {}
        self._queue: asyncio.Queue[_Job] = asyncio.Queue(limits.LAB_WAITING)
        self._runs: OrderedDict[bytes, Ran] = OrderedDict()
        self._process: Process | None = None
        self._worker: asyncio.Task[None] | None = None
        self._closed = False

    async def run(self, request: Request) -> Ran:
        """Return a run. Raise Refused: 422 where it cannot be done, 503 where too much is asked for."""
        key = msgspec.json.encode(request)
        ran = self._runs.get(key)
        if ran is None:
            answer, gzipped = await self._ask(request)
            ran = self._runs[key] = Ran(answer.fingerprint, gzipped)
            if len(self._runs) > limits.LAB_RUNS:
                self._runs.popitem(last=False)
        self._runs.move_to_end(key)
        return ran

    async def tries(self, request: Request) -> list[Tried]:
        """Return what came of the first of the request's seeds, for somebody who can wait. Raise Refused as `run`
        does."""
        answer, _ = await self._ask(request, patient=True)
        return answer.tried

    def kept(self, fingerprint: str) -> Ran | None:
        """Return the run of a fingerprint, None where it is not kept."""
        return next((ran for ran in self._runs.values() if ran.fingerprint == fingerprint), None)

    async def close(self) -> None:
        """End the process, and refuse what waits for it."""
        self._closed = True
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait([self._worker])
        for job in self._asked.values():
            if not job.done.done():
                job.done.set_exception(_going_away())

    async def _ask(self, request: Request, *, patient: bool = False) -> tuple[Answer, bytes]:
        """Return the answer to a request, which is done once, however many ask for it at the same time; where nobody
        waits for it any more, it is not done. Who is `patient` waits for a place in the queue, too."""
        if self._closed:
            raise _going_away()
        key = msgspec.json.encode(request)
        job = self._asked.get(key)
        if job is None or job.done.done():
            job = _Job(request)
            if patient:
                await self._queue.put(job)
            elif self._queue.full():
                raise Refused("too_many", "many runs are asked for at once", status=503, retry_after=2.0)
            else:
                self._queue.put_nowait(job)
            self._asked[key] = job
            self._work_on()
        job.waiting += 1
        try:
            return await asyncio.shield(job.done)
        finally:
            job.waiting -= 1
            if not job.waiting:
                job.done.cancel()
                if self._asked.get(key) is job:
                    del self._asked[key]

    # The work

    def _work_on(self) -> None:
        if self._worker is None and not self._queue.empty():
            self._worker = asyncio.create_task(self._work(), name="laboratory")
            self._worker.add_done_callback(self._worked)

    def _worked(self, worker: asyncio.Task[None]) -> None:
        self._worker = None
        if not self._closed:
            self._work_on()  # somebody may have asked while it ended

    async def _work(self) -> None:
        """Do one thing after another, until nothing is asked for in a while."""
        try:
            with suppress(TimeoutError):
                while True:
                    async with asyncio.timeout(limits.LAB_IDLE):
                        job = await self._queue.get()
                    await self._do(job)
        finally:
            await self._end()

    async def _do(self, job: _Job) -> None:
        for _ in range(_TRIES):
            if job.done.done():  # nobody waits for it
                return
            exchange = asyncio.create_task(self._exchange(job.request))
            try:
                either = asyncio.FIRST_COMPLETED
                await asyncio.wait([exchange, job.done], timeout=limits.LAB_RUN_TIME, return_when=either)
                if job.done.done():
                    await asyncio.wait([exchange], timeout=limits.LAB_GIVEN_UP)
            finally:
                exchange.cancel()
                await asyncio.wait([exchange])
            if exchange.cancelled():
                await self._end()
                _refuse(job, Refused("bad_request", f"this takes more than {limits.LAB_RUN_TIME:.0f} s", status=422))
                return
            died = exchange.exception()
            if died is None:
                _settle(job, *exchange.result())
                return
            logger.warning("the process that runs lessons has failed: %r", died)
            await self._end()
        _refuse(job, Refused("unavailable", "what runs the lessons has died", status=503, retry_after=1.0))

    async def _exchange(self, request: Request) -> tuple[Answer, bytes]:
        """Return the answer of the process, which is started where there is none. Raise whatever shows that it has
        died, or cannot be started."""
        if self._process is None:
            self._process = await _started()
        process = self._process
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - they are pipes
        process.stdin.write(msgspec.json.encode(request) + b"\n")
        await process.stdin.drain()
        answer = msgspec.json.decode(await process.stdout.readuntil(), type=Answer)
        return answer, await process.stdout.readexactly(answer.size)

    async def _end(self) -> None:
        """End the process, if there is one: it does so by itself, unless it is at work."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        process.stdin.close()
        try:
            async with asyncio.timeout(limits.LAB_GIVEN_UP):
                await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _settle(job: _Job, answer: Answer, payload: bytes) -> None:
    if answer.failed:
        _refuse(job, Refused("bad_request", f"this cannot be run: {answer.failed}", status=422))
    elif not job.done.done():
        job.done.set_result((answer, payload))


def _refuse(job: _Job, refused: Refused) -> None:
    if not job.done.done():
        job.done.set_exception(refused)


def _going_away() -> Refused:
    return Refused("going_away", "the server is stopping", status=503, retry_after=1.0)


async def _started() -> Process:
    """Start the process. It has none of the settings, and no part in the signals of the server's terminal."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ENVIVO_")}
    path = [_PACKAGES, *environment.get("PYTHONPATH", "").split(os.pathsep)]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *COMMAND,
        stdin=PIPE,
        stdout=PIPE,
        env=environment,
        limit=_LONGEST_LINE,
        start_new_session=True,
    )
