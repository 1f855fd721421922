"""Time that passes only when nobody has anything to do: hours go by at once, and always in the same way."""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

P = ParamSpec("P")


class _Skipping(selectors.DefaultSelector):
    """A selector that moves the clock instead of waiting for I/O."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everybody waits for something that will never come"
            self.now += timeout
        return ready


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock starts at 0 and jumps to whatever is due next."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now

    def stand_still(self, seconds: float) -> None:
        """Let so much time pass in which nobody gets a turn."""
        self._skipping.now += seconds


def skipping_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Return the test so that it runs on a loop that skips waiting."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=SkippingLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run


def clock() -> float:
    """Return the time of the running loop (s)."""
    return asyncio.get_running_loop().time()


async def end_tasks() -> None:
    """End the tasks that a failure has left on the running loop."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
