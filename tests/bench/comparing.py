"""The run: every server in turn, as often as is asked for, so that what the machine does meanwhile meets them all."""

import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from time import monotonic
from typing import Final

from quart_app.cli.bench.measures import Figures
from quart_app.cli.bench.stream import BenchError
from tests.bench.contenders import BARE, Contender
from tests.bench.groups import ORDER, take
from tests.bench.loads import FullLoad
from tests.bench.servers import Server, pinned, serving

_ONCE: Final = {"thousands", "streams", "returning", "stored"}  # they take long, and hardly vary

Say = Callable[[str], object]


class Comparison:
    """The figures of each run by server, and what could not be measured."""

    def __init__(self, load: FullLoad, groups: Collection[str], say: Say) -> None:
        self.runs: dict[str, list[Figures]] = {}
        self.failures: list[str] = []
        self._load = load
        self._groups = groups
        self._say = say

    def run(self, contenders: Sequence[Contender], repeats: int, budget: float = float("inf")) -> None:
        """Measure all of them, `repeats` times as far as `budget` (s) lasts, and once in any case. A measure that fails
        is reported by name, and the rest goes on."""
        began = monotonic()
        for repeat in range(repeats):
            if repeat and (monotonic() - began) / repeat * (repeat + 1) > budget:
                self._say(f"no time for run {repeat + 1} of {repeats}")
                break
            found: dict[str, Figures] = {}
            for contender in contenders:
                groups = [name for name in ORDER if name in contender.groups and name in self._groups]
                if repeat:
                    groups = [name for name in groups if name not in _ONCE]
                if groups:
                    found[contender.name] = self._measure(
                        contender, groups, f"run {repeat + 1} of {repeats}: {contender.name}"
                    )
            _compare(found)
            for name, figures in found.items():
                if figures:
                    self.runs.setdefault(name, []).append(figures)

    def _measure(self, contender: Contender, groups: Sequence[str], title: str) -> Figures:
        figures: Figures = {}
        try:
            with tempfile.TemporaryDirectory() as folder, serving(contender, Path(folder)) as server, pinned(1):
                for group in groups:
                    self._say(f"{title}: {group}")
                    self._measure_one(server, group, figures)
        except (BenchError, OSError) as error:  # it did not start, or could not be ended
            self._fail(f"{contender.name}: {error}")
        return figures

    def _measure_one(self, server: Server, group: str, figures: Figures) -> None:
        try:
            figures |= take(server, self._load, group)
        except BenchError as error:
            self._fail(f"{server.contender.name}: {group}: {error}")

    def _fail(self, text: str) -> None:
        self.failures.append(text)
        self._say(f"failed: {text}")


def _compare(found: dict[str, Figures]) -> None:
    """Add to each server's figures of one run what is a ratio to the bare server's in the same run."""
    limit = found.get(BARE, {}).get("latency_few_p50")
    for figures in found.values():
        if limit and "latency_few_p50" in figures:
            figures["latency_few_ratio"] = figures["latency_few_p50"] / limit
