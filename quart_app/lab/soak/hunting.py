"""Many scenarios at once, in processes of their own."""

import multiprocessing
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from quart_app.lab.soak.plan import plan_of
from quart_app.lab.soak.story import Outcome, play


class Finding(NamedTuple):
    """The outcome of a seed."""

    seed: int
    outcome: Outcome


def hunt(seeds: Sequence[int], jobs: int) -> Iterator[Finding]:
    """Yield the outcomes of `seeds`, in any order, from so many processes."""
    if jobs == 1:
        yield from map(_look, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(min(jobs, len(seeds)), maxtasksperchild=1_000) as pool:
        yield from pool.imap_unordered(_look, seeds, chunksize=4)


def _look(seed: int) -> Finding:
    return Finding(seed, play(plan_of(seed)))
