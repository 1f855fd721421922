"""Turn what a function raises to end the program, or the task that called it, into an ordinary exception.

The same is done for the tasks that a function makes.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

ENDS = "it ends the program"


class EndsProgram(Exception):
    """A function has raised something that is not an Exception: SystemExit, KeyboardInterrupt, an unasked-for
    cancellation."""


@contextlib.contextmanager
def going_on() -> Iterator[None]:
    """Raise EndsProgram in the place of what would end more than the function that raised it."""
    try:
        yield
    except (Exception, GeneratorExit):
        raise
    except BaseException as error:
        if isinstance(error, asyncio.CancelledError) and _is_to_stop():
            raise
        shown = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise EndsProgram(f"{ENDS} ({shown})").with_traceback(error.__traceback__) from error


def _is_to_stop() -> bool:
    """Return whether somebody has asked the task that runs to stop."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class _Steps(Coroutine[Any, Any, Any]):
    """A coroutine that raises EndsProgram for what would end more than itself."""

    def __init__(self, steps: Coroutine[Any, Any, Any]) -> None:
        self._steps = steps

    def send(self, value: Any) -> Any:
        with going_on():
            return self._steps.send(value)

    def throw(self, *error: Any) -> Any:
        with going_on():
            return self._steps.throw(*error)

    def close(self) -> None:
        self._steps.close()

    def __await__(self) -> Any:
        return self._steps.__await__()


def hold_tasks(loop: asyncio.AbstractEventLoop, of_a_function: Callable[[], object]) -> None:
    """Keep tasks of functions from ending the program: one made while `of_a_function()` is true raises EndsProgram
    instead."""

    def make(loop: asyncio.AbstractEventLoop, steps: Any, **options: Any) -> asyncio.Task[Any]:
        return asyncio.Task(_Steps(steps) if of_a_function() else steps, loop=loop, **options)

    loop.set_task_factory(make)
