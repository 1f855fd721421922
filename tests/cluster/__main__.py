"""`python -m tests.cluster`: a cluster under load and random faults for as long as is wanted, and the verdict.

It goes in rounds, each on a new database, so that what a round has to remember stays small. A round that finds
something wrong is the last one, and leaves its history.
"""

import asyncio
import secrets
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random
from typing import Any, Final

import click

from tests.cluster.checker import Verdict, judge
from tests.cluster.cluster import Cluster, cluster
from tests.cluster.faults import befall
from tests.cluster.history import Event, History, Invoke
from tests.cluster.load import Load
from tests.cluster.rows import Rows
from tests.servers import Postgres, Redis

ROUND: Final = 60.0  # s at most
HISTORY: Final = "history.jsonl"
TOLD: Final = 1.0  # s between two lines of progress


class Progress:
    """What is told while a round goes on: on one line where it is a terminal."""

    def __init__(self, number: int, history: History) -> None:
        self._number = number
        self._history = history
        self._began = time.monotonic()
        self._faults = 0
        self._last = "no fault yet"

    def fault(self, what: str) -> None:
        self._faults += 1
        self._last = what

    async def run(self) -> None:
        """Tell how it goes, until this is cancelled."""
        while True:
            await asyncio.sleep(TOLD)
            self.tell(end="\r" if sys.stdout.isatty() else "\n")

    def tell(self, end: str = "\n") -> None:
        lines = self._history.lines
        asked, heard = (sum(isinstance(line, kind) for line in lines) for kind in (Invoke, Event))
        seconds = time.monotonic() - self._began
        facts = f"{asked:,} asked · {heard:,} heard · {self._faults} faults · {self._last}"
        click.echo(f"round {self._number} · {seconds:.0f} s · {facts}".ljust(110) + end, nl=False)


async def play(folder: Path, number: int, seconds: float, random: Random, nodes: int, **servers: Any) -> list[Verdict]:
    """Play a round and return what came of it; its history is in the folder."""
    with (folder / HISTORY).open("wb") as file:
        history = History(file)
        progress = Progress(number, history)
        each_request = random.random() < 0.5
        async with cluster(folder, nodes, history, each_request=each_request, own_clock=True, **servers) as under_test:
            telling = asyncio.create_task(progress.run())
            try:
                rows = await _under_load(under_test, random, seconds, progress)
            finally:
                telling.cancel()
                with suppress(asyncio.CancelledError):
                    await telling
        progress.tell()
    return judge(history.lines, rows)


async def _under_load(under_test: Cluster, random: Random, seconds: float, progress: Progress) -> Rows:
    load = Load(under_test, random.randrange(2**32))
    await load.prepare()
    async with load.running():
        await befall(under_test, random, seconds, progress.fault)
    return await under_test.rows()


@click.command()
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True)
@click.option("--nodes", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--seed", type=int, help="What chance begins with; by default another one each time.")
@click.option("--postgres", is_flag=True, help="On a PostgreSQL of its own, which several nodes need; else on SQLite.")
@click.option("--redis", is_flag=True, help="With a Redis of its own between the nodes.")
def main(minutes: float, nodes: int, seed: int | None, *, postgres: bool, redis: bool) -> None:
    """Let random faults befall a cluster under load, and judge what its clients saw."""
    seed = secrets.randbelow(2**32) if seed is None else seed
    click.echo(f"seed {seed}, {nodes} node{'s' * (nodes > 1)}, {minutes:g} minutes")
    ends = time.monotonic() + 60 * minutes
    number = 0
    with ExitStack() as opened:
        servers: dict[str, Any] = {}
        if postgres:
            servers["postgres"] = opened.enter_context(Postgres())
        if redis:
            servers["redis"] = opened.enter_context(Redis())
        while (left := ends - time.monotonic()) > 0:
            number += 1
            folder = Path(tempfile.mkdtemp(prefix="envivo-cluster-"))
            chance = Random(f"{seed} {number}")
            verdicts = asyncio.run(play(folder, number, min(left, ROUND), chance, nodes, **servers))
            click.echo("\n".join(map(str, verdicts)))
            if any(verdict.first for verdict in verdicts):
                raise click.ClickException(f"round {number} of seed {seed} is wrong: {folder / HISTORY}")
            shutil.rmtree(folder)
    click.echo(f"{number} rounds, nothing wrong (seed {seed})")


if __name__ == "__main__":
    main()
