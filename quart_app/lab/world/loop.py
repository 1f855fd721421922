"""An event loop on virtual time, and the places in which its work is done.

Time passes only when nobody has anything to do, and then it jumps to what is due next. What is due at the same time is
done in the order in which it was asked for, and tasks have numbers where others have addresses: a run is the same each
time, whatever the machine.
"""

import asyncio
import contextvars
import heapq
from asyncio.events import _get_running_loop, _set_running_loop
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import Context, ContextVar
from enum import Enum
from itertools import count
from typing import Any, Final, TypeVar, TypeVarTuple, cast

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MAX_TURNS = 2_000_000
"""The turns after which a run is taken for one that never ends."""


class Fate(Enum):
    """What has become of a place."""

    RUNNING = "running"
    PAUSED = "paused"
    DEAD = "dead"


class Standstill(Exception):
    """Everybody waits for something that will never come."""


class Endless(Exception):
    """A run goes on and on."""


_place: ContextVar["Place | None"] = ContextVar("place", default=None)
NOWHERE: Final = Context()
"""The context of what is done by no process, such as that something arrives."""


class Place:
    """A process of the world. What is done there waits while it is paused, and is never done once it is dead.

    What was begun in a place belongs to it, and so does what that begins.
    """

    def __init__(self, loop: "VirtualLoop", name: str) -> None:
        self.name = name
        self.fate = Fate.RUNNING
        self.on_death: dict[Callable[[], None], None] = {}
        """What others see of its death, such as that its connections end."""
        self._loop = loop
        self._context = contextvars.copy_context()
        self._context.run(_place.set, self)
        self._held: deque[_Turn] = deque()
        loop.places.append(self)

    def __repr__(self) -> str:
        return f"<{self.name}, {self.fate.value}>"

    def spawn(self, work: Coroutine[Any, Any, T], name: str | None = None) -> asyncio.Task[T]:
        """Begin `work` in this place."""
        return self._loop.create_task(work, name=name, context=self.context())

    def run(self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Call a function in this place, now."""
        return self.context().run(function, *arguments)

    def context(self) -> Context:
        """Return a context for what is done here."""
        return self._context.copy()

    def pause(self) -> None:
        """Let nobody here do anything, until `resume`; others see nothing of it but silence."""
        if self.fate is Fate.RUNNING:
            self.fate = Fate.PAUSED

    def resume(self) -> None:
        """Go on with all that has become due meanwhile."""
        if self.fate is Fate.PAUSED:
            self.fate = Fate.RUNNING
            self._loop.go_on_with(self._held)

    def kill(self) -> None:
        """Let nobody here do anything any more, not even say goodbye."""
        if self.fate is not Fate.DEAD:
            self.fate = Fate.DEAD
            for told in list(self.on_death):
                told()

    def exhume(self) -> None:
        """Let what is left here be done after all: the run is over, and only its tasks have to end."""
        self.fate = Fate.RUNNING
        self._loop.go_on_with(self._held)

    def hold(self, turn: "_Turn") -> None:
        """Keep what would be done now."""
        self._held.append(turn)


class _Turn:
    """Something to be called at a time, in a context, and so in a place: what asyncio calls a handle."""

    __slots__ = ("_cancelled", "args", "callback", "context", "place", "time")

    def __init__(self, time: float, callback: Callable[..., object], args: Any, context: Context) -> None:
        self.time = time
        self.callback = callback
        self.args = args
        self.context = context
        self.place = context.get(_place)
        self._cancelled = False

    def when(self) -> float:
        return self.time

    def cancel(self) -> None:
        self._cancelled = True

    def cancelled(self) -> bool:
        return self._cancelled


class NumberedTask(asyncio.Task[T]):
    """A task that comes in sets where its number says, instead of its address."""

    def __init__(self, number: int, work: Coroutine[Any, Any, T] | Generator[Any, None, T], **options: Any) -> None:
        self.number = number
        super().__init__(work, **options)

    def __hash__(self) -> int:
        return self.number


class VirtualLoop(asyncio.BaseEventLoop):
    """The event loop of one run; its clock begins at 0."""

    def __init__(self) -> None:
        super().__init__()
        self.set_debug(False)
        self.places: list[Place] = []
        self.failures: list[BaseException] = []
        """What nobody has caught, in order."""
        self._now = 0.0
        self._numbers = count(1)
        self._timers = count(1)
        """Timers have numbers of their own, so that one more of them leaves the tasks' as they are."""
        self._soon: deque[_Turn] = deque()
        self._due: list[tuple[float, int, _Turn]] = []
        self._tasks: dict[int, asyncio.Task[Any]] = {}
        """All that is not done, lest the garbage collector ends what waits in a dead place."""
        self._turns = 0

    # What asyncio asks of a loop

    def time(self) -> float:
        """Return the seconds since the run has begun."""
        return self._now

    def is_running(self) -> bool:
        """Return whether this loop is the running one."""
        return _get_running_loop() is self

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: Any = None, context: Context | None = None) -> asyncio.Task[Any]:
        """Begin a task."""
        number = next(self._numbers)
        task = NumberedTask(number, coro, loop=self, name=name, context=context)
        self._tasks[number] = task
        task.add_done_callback(self._forget, context=contextvars.Context())
        return task

    def _forget(self, task: Any) -> None:
        del self._tasks[task.number]

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call something as soon as what was asked for before is done."""
        turn = _Turn(self._now, callback, args, contextvars.copy_context() if context is None else context)
        self._soon.append(turn)
        return cast("asyncio.TimerHandle", turn)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call something at a time (s of this loop's clock)."""
        turn = _Turn(when, callback, args, contextvars.copy_context() if context is None else context)
        heapq.heappush(self._due, (when, next(self._timers), turn))
        return cast("asyncio.TimerHandle", turn)

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call something in `delay` s."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Note what nobody has caught."""
        self.failures.append(context.get("exception") or RuntimeError(context["message"]))

    # Running

    def go_on_with(self, turns: "deque[_Turn]") -> None:
        """Do what was held back."""
        self._soon.extend(turns)
        turns.clear()

    def run_until_complete(self, future: Generator[Any, None, T] | Awaitable[T]) -> T:
        """Return the result of `future`. Raise Standstill, and Endless after MAX_TURNS turns of the run."""
        _set_running_loop(self)
        try:
            main = asyncio.ensure_future(cast("Awaitable[T]", future))
            while not main.done():
                self._turn()
            return main.result()
        finally:
            _set_running_loop(None)

    def _turn(self) -> None:
        if not self._soon:
            self._skip()
        if self._turns >= MAX_TURNS:
            raise Endless(f"still not over after {MAX_TURNS} turns, at {self._now:.3f} s")
        turn = self._soon.popleft()
        if turn.cancelled():
            return
        place = turn.place
        if place is not None and place.fate is not Fate.RUNNING:
            place.hold(turn)
            return
        self._turns += 1
        try:
            turn.context.run(turn.callback, *turn.args)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as failure:  # noqa: BLE001 - whatever it is, the run goes on, and tells of it in the end
            self.failures.append(failure)

    def _skip(self) -> None:
        """Jump to what is due next."""
        due = self._due
        while due and due[0][2].cancelled():
            heapq.heappop(due)
        if not due:
            raise Standstill(f"everybody waits, at {self._now:.3f} s, for something that will never come")
        self._now = max(self._now, due[0][0])
        while due and due[0][0] <= self._now:
            self._soon.append(heapq.heappop(due)[2])

    def end(self) -> None:
        """End all tasks, those of the dead too."""
        self._turns = 0
        for place in self.places:
            place.exhume()
        _set_running_loop(self)
        try:
            while self._tasks:
                for task in list(self._tasks.values()):
                    task.cancel()
                while self._soon:
                    self._turn()
                if self._tasks:
                    self._skip()
        finally:
            _set_running_loop(None)
