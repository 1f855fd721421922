"""`python -m tests.bench`: En Vivo, the limits and its peers in one run."""

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quart_app.cli.bench.measures import Figures
from quart_app.cli.bench.report import Runs
from quart_app.cli.bench.stream import BenchError
from quart_app.server.listening import raise_descriptor_limit
from tests.bench.ceiling import ceiling, said
from tests.bench.chart import CHARTS, drawn
from tests.bench.comparing import Comparison
from tests.bench.contenders import BARE, CHECKOUT, CONTENDERS, EPOLL, OURS, PLAIN, Contender
from tests.bench.curves import Extent, curves, curves_chart
from tests.bench.groups import ORDER
from tests.bench.guide import PAGES, write_tables
from tests.bench.loads import FULL, QUICK, FullLoad
from tests.bench.rows import SECTIONS, document, table


@dataclass(frozen=True)
class _Places:
    """The folders that figures and charts are written to, and the guide whose tables are written, if any is."""

    figures: Path
    charts: Path
    guide: Path | None = None


PUBLISHED: Final = _Places(CHECKOUT / "tests" / "bench" / "results", CHECKOUT / "static" / "guide", PAGES)
SCRATCH: Final = CHECKOUT / "build" / "bench"
_INTERRUPTED: Final = 130
_BUDGET: Final = 1_500.0  # s for the servers, so that all of it takes less than half an hour
_OF_A_CROWD: Final = {"thousands", "streams", "returning"}
_BEGAN: Final = time.monotonic()


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    # As Ctrl-C does it: asyncio then cancels the measure, where an exception in a callback of uvloop's would be lost.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        return _run(options)
    except KeyboardInterrupt:  # whoever started a server has ended it on the way here
        _say("stopped; no server is left behind")
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short run of each, in two to three minutes")
    parser.add_argument("--curves", action="store_true", help="only the curves: what an event costs as things grow")
    parser.add_argument("--repeats", type=int, help="runs of each server, whose medians count (3; quick: 1)")
    parser.add_argument(
        "--only", action="append", metavar="NAME", choices=ORDER, help=f"one of {', '.join(ORDER)}; repeatable"
    )
    names = [contender.name for contender in CONTENDERS]
    parser.add_argument(
        "--server", action="append", metavar="NAME", choices=names, help=f"one of {', '.join(names)}; repeatable"
    )
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--charts", type=Path, metavar="FOLDER", help="write the charts there")
    return parser


def _run(options: argparse.Namespace) -> int:
    load, repeats = (QUICK, 1) if options.quick else (FULL, 3)
    published = not (options.quick or options.only or options.server)
    places = PUBLISHED if published else _Places(SCRATCH, SCRATCH)
    if options.charts:
        places = _Places(options.charts, options.charts)
    for folder in (places.figures, places.charts):
        folder.mkdir(parents=True, exist_ok=True)
    raise_descriptor_limit()  # the servers inherit it
    failures: list[str] = []
    if not options.curves:
        failures += _compare(load, options, options.repeats or repeats, places)
    if options.curves or published:
        failures += _draw_curves(places)
    for failure in failures:
        sys.stdout.write(f"not measured: {failure}\n")
    _say(f"done; the figures are in {places.figures}, the charts in {places.charts}")
    return 1 if failures else 0


def _compare(load: FullLoad, options: argparse.Namespace, repeats: int, places: _Places) -> list[str]:
    """Measure the servers; returns what could not be measured."""
    groups = options.only or [name for name in ORDER if load.crowd or name not in _OF_A_CROWD]
    comparison = Comparison(load, groups, _say)
    contenders, absent = _present([one for one in CONTENDERS if not options.server or one.name in options.server])
    own_limit = _ceiling(load) if any(contender.name == EPOLL for contender in contenders) else {}
    comparison.run(contenders, repeats, _BUDGET)
    tables = _tables(load, comparison.runs)
    sys.stdout.write("".join(f"{one}\n\n" for one in tables))
    if places.guide is not None and len(tables) == 1 + len(SECTIONS):
        write_tables(places.guide, load, tables)
    written = document(load, comparison.runs, load_generator=own_limit, left_out=absent, failures=comparison.failures)
    (options.json or places.figures / "servers.json").write_text(json.dumps(written, indent=2) + "\n", "utf-8")
    for name, chart in CHARTS.items():
        (places.charts / f"{name}.svg").write_text(drawn(chart, load, comparison.runs), "utf-8")
    return comparison.failures


def _present(contenders: Sequence[Contender]) -> tuple[list[Contender], dict[str, str]]:
    """Those that can run here, and by name why the others cannot, which is said, too."""
    absent = {contender.name: reason for contender in contenders if (reason := contender.missing())}
    for name, reason in absent.items():
        _say(f"left out: {name}: {reason}")
    return [contender for contender in contenders if contender.name not in absent], absent


def _ceiling(load: FullLoad) -> Figures:
    _say("the load generator by itself")
    try:
        figures = ceiling(load)
    except (BenchError, OSError) as error:
        _say(f"failed: the load generator's own ceiling: {error}")
        return {}
    sys.stdout.write(f"{said(figures)}\n\n")
    return figures


def _tables(load: FullLoad, runs: Runs) -> list[str]:
    """Return ours with the limits and the plain way, and ours with the peers, by sections; a table of nobody else is
    left out."""
    near = {name: runs[name] for name in (OURS, BARE, EPOLL, PLAIN) if name in runs}
    peers = {name: figures for name, figures in runs.items() if name not in {BARE, EPOLL, PLAIN}}
    tables = [table(load, near, against=(BARE, PLAIN) if OURS in near else ())] if near else []
    if set(peers) - {OURS}:
        tables += [table(load, peers, section.measures) for section in SECTIONS]
    return [one for one in tables if one]


def _draw_curves(places: _Places) -> list[str]:
    try:
        found = curves(Extent(), _say)
    except (BenchError, OSError) as error:
        return [f"the curves: {error}"]
    (places.figures / "curves.json").write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    (places.charts / "curves.svg").write_text(curves_chart(found), "utf-8")
    return []


def _say(text: str) -> None:
    sys.stderr.write(f"{time.monotonic() - _BEGAN:6.1f} s  {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
