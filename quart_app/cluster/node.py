"""A node: an `envivo serve` process, its two lines to the servers, and what it says of itself."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import httpx

import quart_app
from quart_app.cluster.cut import Line
from quart_app.cluster.errors import ClusterError
from quart_app.cluster.processes import NODE, Keeper, Program, last_lines
from quart_app.cluster.servers import POSTGRES, REDIS, Server, free_port
from quart_app.cluster.timeline import Timeline
from quart_app.resources import is_checkout

HEARTBEAT: Final = 2  # s; so a client notices within seconds that its node is stopped

_START: Final = 60.0  # s for a start
_LEAVE: Final = 15.0  # s for an end in good order
_PROBE: Final = 0.5  # s between two looks
_ANSWER: Final = 1.5  # s for an answer
_METRICS: Final = {
    "envivo_connections": "connections",
    "envivo_log_position": "position",
    "envivo_relay_lag_positions": "lag",
    "envivo_nodes": "peers",
}
_WELL: Final = {"ok", "up"}
_VARIABLES: Final = {POSTGRES: "ENVIVO_DATABASE_URL", REDIS: "ENVIVO_BACKPLANE_URL"}


class State(StrEnum):
    """What a node's process is doing; `stopped` is SIGSTOP's, `over` that there is none."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPED = "stopped"
    LEAVING = "leaving"
    OVER = "over"


class Node:
    """The node of a number, which counts from 1. All that is done to it and noticed of it goes to the timeline."""

    def __init__(self, number: int, keeper: Keeper, servers: Mapping[str, Server], timeline: Timeline) -> None:
        self.number = number
        self.port = free_port()
        self.state = State.OVER
        self.answers = False
        self.ready = False
        """Whether it said that it is well when it was last asked."""
        self.lines = {kind: Line(server.host, server.port) for kind, server in servers.items()}
        self._servers = servers
        self._keeper = keeper
        self._timeline = timeline
        self._folder = keeper.folder / f"node-{number}"
        self._log = keeper.folder / f"node-{number}.log"
        self._process: asyncio.subprocess.Process | None = None
        self._said: dict[str, Any] = {}
        self._http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=_ANSWER, trust_env=False)

    async def open(self) -> None:
        """Lay its lines."""
        self._folder.mkdir()
        for line in self.lines.values():
            await line.open()

    async def close(self) -> None:
        """Ask it nothing more. Its lines stay: it needs them to end in good order."""
        await self._http.aclose()

    async def start(self) -> None:
        """Start the process; return when it answers. Raise ClusterError where it does not."""
        self.state = State.STARTING
        words = (sys.executable, "-m", "quart_app", "serve")
        program = Program(words, self._log, NODE, folder=self._folder, environment=self._environment())
        process = self._process = await self._keeper.start(program)
        try:
            async with asyncio.timeout(_START):
                while not await self._look():
                    if process.returncode is not None:
                        raise ClusterError(f"node {self.number} has ended:\n{last_lines(self._log)}")
                    await asyncio.sleep(_PROBE / 5)
        except TimeoutError as error:
            raise ClusterError(f"node {self.number} does not answer:\n{last_lines(self._log)}") from error
        self.state = State.RUNNING
        self._timeline.note("serves", node=self.number)

    async def leave(self) -> None:
        """End the process in good order (SIGTERM); return when it is over."""
        self.state = State.LEAVING
        self.signal(signal.SIGTERM)
        process = self._process
        if process is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LEAVE):
                    await process.wait()
            self.signal(signal.SIGKILL)
            await process.wait()
        self._note_end()

    def kill(self) -> None:
        """End the process as a power cut would."""
        self.signal(signal.SIGKILL)

    def stop(self) -> None:
        """Let the process do nothing, and say nothing."""
        self.signal(signal.SIGSTOP)
        self.state = State.STOPPED

    def go_on(self) -> None:
        """Let a stopped process go on."""
        self.signal(signal.SIGCONT)
        self.state = State.RUNNING

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal, where there is one."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def watch(self) -> None:
        """Look after the process over and over, and note what changes, until this is cancelled."""
        while True:
            if self._process is not None and self._process.returncode is not None:
                self._note_end()
            elif self.state in {State.RUNNING, State.STOPPED, State.LEAVING}:
                await self._look()
            await asyncio.sleep(_PROBE)

    def told(self) -> dict[str, Any]:
        """Return what is known of the node as JSON has it."""
        return {
            "number": self.number,
            "url": f"http://127.0.0.1:{self.port}",
            "pid": None if self._process is None or self.state is State.OVER else self._process.pid,
            "state": self.state,
            "answers": self.answers,
            "cut": [kind for kind, line in self.lines.items() if line.is_cut],
            "said": self._said,
        }

    def _environment(self) -> dict[str, str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ENVIVO_")}
        if is_checkout():
            source = str(Path(quart_app.__file__).parents[1])
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, (source, environment.get("PYTHONPATH"))))
        for kind, variable in _VARIABLES.items():
            environment[variable] = self._servers[kind].url_by(self.lines[kind].port)
        return environment | {"ENVIVO_PORT": str(self.port), "ENVIVO_HEARTBEAT": str(HEARTBEAT)}

    async def _look(self) -> bool:
        """Ask the process how it is; return whether it answers, well or not."""
        process, said = self._process, None
        with suppress(httpx.HTTPError):
            health = await self._http.get("/health")
            said = {"health": health.json()["data"]["checks"]}
            self.ready = health.is_success
            metrics = await self._http.get("/metrics")
            if metrics.is_success:
                said |= _figures(metrics.text)
        if process is self._process:
            self._notice(said)
        return said is not None

    def _notice(self, said: dict[str, Any] | None) -> None:
        answers = said is not None
        if self.state is State.RUNNING and self.answers != answers:
            self._timeline.note("answers" if answers else "silent", node=self.number)
        self.answers = answers
        self.ready = self.ready and answers
        before = self._said.get("health", {})
        for part, how in (said or {}).get("health", {}).items():
            well = how in _WELL
            if part in before and well != (before[part] in _WELL):
                self._timeline.note("part_back" if well else "part_away", node=self.number, part=part)
        self._said = said or self._said

    def _note_end(self) -> None:
        """Note that the process is over, once."""
        process, self._process = self._process, None
        if process is not None:
            self._keeper.ended(process)
            self._timeline.note("over", node=self.number)
        self.state, self.answers, self.ready, self._said = State.OVER, False, False, {}


def _figures(text: str) -> dict[str, int]:
    """Return the figures of a node's metrics that are shown; samples of one name are added up."""
    figures: dict[str, int] = {}
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if key := _METRICS.get(name.partition("{")[0]):
            figures[key] = figures.get(key, 0) + int(float(value))
    return figures
