"""Call a declared function, in whichever way it is written, and say in one line what went wrong.

An async function runs on the event loop, and is named when it holds that up; a plain one runs in a thread, where it may
wait. This file knows nothing of when functions are called.
"""

import asyncio
import contextvars
import inspect
import logging
import time
import traceback
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import coroutine
from typing import Any, Final

from quart_app.functions.bounds import BLOCKED, BURST, CALL_TIMEOUT, RATE, SAID_AGAIN, THREADS
from quart_app.functions.declaring import Declaration
from quart_app.functions.ending import EndsProgram, going_on, shown, words
from quart_app.functions.publishing import Calling, FunctionPublisher, calling
from quart_app.realtime import Allowance, Refused
from quart_app.storage.idempotency import IdempotencyKey

logger = logging.getLogger(__name__)

END: Final = object()
"""The value that stands for the end of a generator."""


class Function:
    """A declared function, ready to be called.

    `failed` and `worked` are told how a call went; `error` is what went wrong in the last call, None where all is well;
    `changed` is called whenever it changes.
    """

    def __init__(
        self,
        declaration: Declaration,
        publisher: FunctionPublisher,
        threads: ThreadPoolExecutor,
        changed: Callable[[], object],
    ) -> None:
        self.declaration = declaration
        self.allowance = Allowance(RATE, BURST, time.monotonic())
        self.error: str | None = None
        self._publisher = publisher
        self._threads = threads
        self._changed = changed
        self._said: dict[str, float] = {}

    # How it goes

    def failed(self, error: BaseException) -> str:
        """Log the failure, show it where people look, and return what is said."""
        said = f"{self._place(error)}: {_reason(error)}"
        self._say(logging.ERROR, f"{self.declaration.role} {self.declaration.topic} failed: {said}")
        if self.error != said:
            self.error = said
            self._changed()
        return said

    def worked(self) -> None:
        """Take note that a call went well, which ends an `error`."""
        if self.error is not None:
            self.error = None
            logger.info("%s works again", self.declaration.where)
            self._changed()

    def _place(self, error: BaseException) -> str:
        """Return the line of the author's file that the error comes from."""
        file = self.declaration.file
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
        return f"{self.declaration.name} ({Path(file).name}:{lines[-1] if lines else self.declaration.line})"

    def _say(self, level: int, line: str) -> None:
        """Log a line, unless it was logged just now."""
        at = time.monotonic()
        self._said = {known: said for known, said in self._said.items() if at - said < SAID_AGAIN}
        if line not in self._said:
            self._said[line] = at
            logger.log(level, "%s", line)

    def _blocked(self, seconds: float) -> None:
        if seconds > BLOCKED:
            held = f"{self.declaration.where} held everybody up"
            at = time.monotonic()
            if at - self._said.get(held, float("-inf")) >= SAID_AGAIN:
                self._said[held] = at
                hint = "await what takes long, or write a plain def: that runs in a thread"
                logger.warning("%s for %.0f ms; %s", held, seconds * 1000, hint)

    # Calling it

    async def call(self, *arguments: Any, depth: int = 0, cause: IdempotencyKey | None = None) -> Any:
        """Return what the function returns. `cause` is the key of what it is called for, where it may be called for the
        same again. Raise the Exceptions it raises, TimeoutError, and EndsProgram."""
        function = self.declaration.function
        self._enter(depth, cause)
        async with asyncio.timeout(CALL_TIMEOUT):
            return await self._called(function, *arguments)

    async def _called(self, function: Callable[..., Any], *arguments: Any) -> Any:
        if inspect.iscoroutinefunction(function):
            return await _watched(function(*arguments), self._blocked)
        return await self._in_thread(function, *arguments)

    def begin(self) -> "AsyncGenerator[Any, None] | Generator[Any, None, None] | None":
        """Return a new run of the function where it is a generator function, else None."""
        function = self.declaration.function
        generator = inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function)
        return function() if generator else None

    async def next_of(self, run: "AsyncGenerator[Any, None] | Generator[Any, None, None]") -> Any:
        """Return the next value of a generator, END after the last one. Raise as `call` does."""
        self._enter()
        if isinstance(run, Generator):
            return await self._in_thread(next, run, END)
        try:
            return await _watched(run.__anext__(), self._blocked)
        except StopAsyncIteration:
            return END

    async def finish(self, run: "AsyncGenerator[Any, None] | Generator[Any, None, None]") -> None:
        """Close a run, so that its generator cleans up; one that a thread still works in cleans up without this."""
        try:
            if isinstance(run, Generator):
                with going_on:
                    run.close()
            else:
                async with asyncio.timeout(CALL_TIMEOUT):
                    await _watched(run.aclose(), self._blocked)
        except Exception as error:  # noqa: BLE001 - whatever a function of somebody's own raises
            logger.debug("%s did not end in order: %s", self.declaration.where, shown(error))

    def _enter(self, depth: int = 0, cause: IdempotencyKey | None = None) -> None:
        """Set what `publish` needs to know.

        Each caller of functions has a task, and with it a context, of its own.
        """
        calling.set(Calling(self.declaration, self._publisher, self.allowance, depth, cause))

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, context.run, _kept, function, *arguments)


def new_threads() -> ThreadPoolExecutor:
    """Return the threads in which plain functions run."""
    return ThreadPoolExecutor(THREADS, thread_name_prefix="functions")


def _kept(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what `function` returns, or raise an Exception."""
    with going_on:
        return function(*arguments)


@coroutine
def _watched(steps: Coroutine[Any, Any, Any], took: Callable[[float], object]) -> Generator[Any, Any, Any]:
    """Run `steps` as an await of it would, and tell how long each stretch between two suspensions took (s)."""
    resume: Callable[[Any], Any] = steps.send
    value: Any = None
    while True:
        began = time.perf_counter()
        try:
            with going_on:
                awaited = resume(value)
        except StopIteration as stop:
            return stop.value
        finally:
            took(time.perf_counter() - began)
        try:
            value = yield awaited
            resume = steps.send
        except GeneratorExit:
            steps.close()
            raise
        except BaseException as error:  # noqa: BLE001 - a cancellation is passed on like everything else
            value, resume = error, steps.throw


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError) and not words(error):
        return f"it took more than {CALL_TIMEOUT:.0f} s"
    if isinstance(error, Refused):
        return error.message
    if isinstance(error, EndsProgram):
        return str(error)
    return shown(error)
