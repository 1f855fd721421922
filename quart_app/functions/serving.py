"""The functions of an operator's file in a running server: installed, watched, and read again when the file changes.

This is the only module of the package that knows the program as a whole.

Errors: `loading.FunctionsError`.
"""

import asyncio
import logging
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from quart_app.domains import Program
from quart_app.functions.bounds import CHECK_FILE
from quart_app.functions.calling import Function, new_threads
from quart_app.functions.channel import (
    FUNCTIONS,
    TOPIC,
    CommandChannel,
    FeedChannel,
    FunctionsChannel,
    FunctionsState,
    FunctionState,
)
from quart_app.functions.declaring import Declaration
from quart_app.functions.feeding import feed_of
from quart_app.functions.loading import FunctionsError, load
from quart_app.functions.places import reader_name
from quart_app.functions.publishing import FunctionPublisher
from quart_app.functions.reacting import Reaction
from quart_app.realtime import Kind, Refused
from quart_app.storage.readers import StoredReaders

logger = logging.getLogger(__name__)


class Functions:
    """The functions of the file at `path`, in a program that has not started yet. Raise FunctionsError."""

    _publisher: FunctionPublisher
    _watch: asyncio.Task[None] | None = None
    _threads: ThreadPoolExecutor | None = None

    def __init__(self, program: Program, path: Path) -> None:
        self._hub = program.hub
        self._program = program
        self._readers = StoredReaders(program)
        self._path = path
        self._version = _version(path)
        self._declarations = self._read()
        self._error: str | None = None
        self._functions: list[Function] = []
        self._reactions: dict[tuple[str, str], Reaction] = {}
        self._commands: dict[str, CommandChannel] = {}
        self._fed: set[str] = set()
        self._hub.channels.add(FUNCTIONS, FunctionsChannel())
        program.describe(TOPIC)

    async def start(self) -> None:
        """Put the functions in their places, before the first client is let in."""
        self._publisher = FunctionPublisher(self._hub, self._program)
        await self._begin_reading()
        await self._hub.seed((FUNCTIONS,))
        await self._install(self._declarations)
        self._watch = asyncio.create_task(self._watch_file(), name="functions")

    async def stop(self) -> None:
        """Stop calling functions; this works after a failed start, too."""
        if self._watch is not None:
            self._watch.cancel()
        await asyncio.gather(*(reaction.stop() for reaction in self._reactions.values()))
        for function in self._functions:
            self._hub.feeds.remove(function.declaration.topic)
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def _begin_reading(self) -> None:
        """Let the reactions that are new begin now, whenever it is that they get to run."""
        durable = [
            reader_name(one)
            for one in self._declarations
            if one.role == "on" and self._hub.channels.of(one.topic).kind is Kind.DURABLE
        ]
        if durable:
            await self._readers.begin(durable, self._hub.log.cursor(self._hub.position))

    def _read(self) -> tuple[Declaration, ...]:
        declarations = load(self._path)
        for one in declarations:
            try:
                self._hub.channels.of(one.topic)
            except Refused as refused:
                raise FunctionsError(f"{self._path}, line {one.line}: @{one.role}: {refused.message}") from refused
        return declarations

    # Installing

    async def _install(self, declarations: Sequence[Declaration]) -> None:
        self._threads = threads = new_threads()  # the threads before these end with the last of their calls
        before = self._functions
        self._functions = [Function(one, self._publisher, threads, self._tell) for one in declarations]
        await self._install_reactions()
        self._install_channels()
        self._install_feeds(before)
        for one in declarations:
            logger.info("functions: %s %s is %s", one.role, one.topic, one.where)
        self._tell()

    def _of(self, role: str, functions: Sequence[Function]) -> list[Function]:
        return [function for function in functions if function.declaration.role == role]

    async def _install_reactions(self) -> None:
        """Install the reactions; one that has the topic and the name of an earlier one goes on from where that one
        stood."""
        wanted = {(one.declaration.topic, one.declaration.name): one for one in self._of("on", self._functions)}
        for key in self._reactions.keys() - wanted.keys():
            await self._reactions.pop(key).stop()
        for key, function in wanted.items():
            if key in self._reactions:
                self._reactions[key].function = function
            else:
                self._reactions[key] = Reaction(function, self._hub, self._readers, self._begins)

    def _install_channels(self) -> None:
        """Install the channels of feeds and commands; a topic that had a command before keeps the answers that were
        given.

        Clients may publish into a topic only where every one of its functions says that it is open.
        """
        for topic in self._fed:
            self._hub.channels.remove(topic)
        own = [one for one in self._functions if one.declaration.role != "on"]
        closed = {one.declaration.topic for one in own if not one.declaration.open}
        self._install_commands()
        for topic, channel in self._commands.items():
            channel.open = topic not in closed
        self._fed = closed - self._commands.keys()
        for topic in self._fed:
            self._hub.channels.add(topic, FeedChannel(self._hub.channels.of(topic)))

    def _install_commands(self) -> None:
        wanted = {one.declaration.topic: one for one in self._of("command", self._functions)}
        for topic in self._commands.keys() - wanted.keys():
            del self._commands[topic]
            self._hub.channels.remove(topic)
        for topic, function in wanted.items():
            if topic in self._commands:
                self._commands[topic].function = function
            else:
                self._commands[topic] = CommandChannel(function, self._hub.channels.of(topic), self._program)
                self._hub.channels.add(topic, self._commands[topic])

    def _install_feeds(self, before: Sequence[Function]) -> None:
        for function in self._of("feed", before):
            self._hub.feeds.remove(function.declaration.topic)
        by_topic: dict[str, list[Function]] = defaultdict(list)
        for function in self._of("feed", self._functions):
            by_topic[function.declaration.topic].append(function)
        for topic, functions in by_topic.items():
            self._hub.feeds.add(feed_of(topic, functions, self._publisher, self._begins))

    def _tell(self) -> None:
        """Broadcast how the functions are doing, for those who look at a topic's page."""
        told = self._told_by_others()
        state: FunctionsState = {
            "file": self._path.name,
            "error": self._error,
            "functions": [self._state_of(function, told) for function in self._functions],
        }
        self._hub.broadcast(FUNCTIONS, FUNCTIONS, data=state)

    def _begins(self) -> None:
        """Note that a feed or a reaction begins to run here, which it may have done on another node until now."""
        if self._hub.backplane.shared:
            self._tell()

    def _state_of(self, function: Function, told: Mapping[tuple[str, str, str], FunctionState]) -> FunctionState:
        """Return how a function is doing; of one that another node runs, what that has `told` last."""
        declaration = function.declaration
        state: FunctionState = {
            "role": declaration.role,
            "topic": declaration.topic,
            "name": declaration.name,
            "line": declaration.line,
            "error": function.error,
            "node": None,
        }
        if declaration.role == "command" or not self._hub.backplane.shared:
            return state
        name = f"feed {declaration.topic}" if declaration.role == "feed" else reader_name(declaration)
        if name in self._hub.leases.held:
            return {**state, "node": self._hub.backplane.name}
        there = told.get((declaration.role, declaration.topic, declaration.name))
        return {**state, "error": there and there["error"], "node": there and there["node"]}

    def _told_by_others(self) -> dict[tuple[str, str, str], FunctionState]:
        """Return what was told last of functions that run on other nodes."""
        told = [msgspec.json.decode(event.json)["data"] for event in self._hub.latest(FUNCTIONS)]
        states: list[FunctionState] = [state for one in told for state in one["functions"]]
        own = self._hub.backplane.name
        return {(one["role"], one["topic"], one["name"]): one for one in states if one["node"] not in {None, own}}

    # The file

    async def _watch_file(self) -> None:
        while True:
            await asyncio.sleep(CHECK_FILE)
            version = _version(self._path)
            if version != self._version:
                self._version = version
                await self._reload()

    async def _reload(self) -> None:
        """Take the new functions, or keep the old ones and say why."""
        try:
            declarations = await asyncio.to_thread(self._read)
        except FunctionsError as error:
            self._error = str(error)
            logger.error("functions: %s; those of before stay", error)  # noqa: TRY400 - the line is its author's affair
            self._tell()
            return
        self._error = None
        await self._install(declarations)


def _version(path: Path) -> tuple[int, int] | None:
    """Return what differs between two states of a file; None where there is no file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
