"""What the load generator itself can take: measured against senders that do next to nothing."""

import tempfile
from dataclasses import replace
from pathlib import Path

from quart_app.cli.bench.fan_out import LIST, turns
from quart_app.cli.bench.load import Load
from quart_app.cli.bench.measures import Figures, carry_out
from tests.bench.contenders import EPOLL, named
from tests.bench.servers import pinned, running


def ceiling(load: Load) -> Figures:
    """Deliveries a second of the load alone: one frame a write, and a hundred joined. Raises BenchError."""
    with tempfile.TemporaryDirectory() as folder, running(named(EPOLL), Path(folder)) as target, pinned(1):
        joined = replace(target, turns=f"{target.turns}/joined")

        async def take() -> Figures:
            singly = await turns(target, load, "ws")
            together = await turns(joined, load, "ws", LIST)
            return singly.figures("one_by_one", load.subscribers) | together.figures("joined", load.subscribers)

        return carry_out(take())


def said(figures: Figures) -> str:
    """The ceiling in one line."""
    return (
        f"the load generator takes {figures['one_by_one']:,.0f} deliveries/s from a C sender that writes each frame "
        f"by itself (and is busy {figures['one_by_one_busy']:.0%} of the time), "
        f"{figures['joined']:,.0f} of frames in joined writes ({figures['joined_busy']:.0%})"
    )
