"""Turn what a function raises to end the program, or the task that called it, into an ordinary exception.

What the event loop calls later for a function is held by the loop itself (`server/event_loop.py`).
"""

import asyncio
from types import TracebackType
from typing import Final

ENDS = "it ends the program"


class EndsProgram(Exception):
    """A function has raised something that is not an Exception: SystemExit, KeyboardInterrupt, an unasked-for
    cancellation."""


class _GoingOn:
    """The guard around code of a function's own that runs without a suspension. Raise EndsProgram in the place of what
    would end more than that code."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, traceback: TracebackType | None) -> None:
        if error is None or isinstance(error, Exception):
            return
        if isinstance(error, asyncio.CancelledError) and _is_to_stop():
            return
        raise EndsProgram(f"{ENDS} ({shown(error)})").with_traceback(traceback) from error


going_on: Final = _GoingOn()


def shown(error: BaseException) -> str:
    """Return the kind of an error and what it says."""
    said = words(error)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def words(error: BaseException) -> str:
    """Return what an error says: nothing where the code that would say it, which is a function's own, fails."""
    try:
        return str(error)
    except BaseException:  # noqa: BLE001 - there is no end to what can be raised there
        return ""


def _is_to_stop() -> bool:
    """Return whether somebody has asked the task that runs to stop; in a thread of functions there is none."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and task.cancelling() > 0
