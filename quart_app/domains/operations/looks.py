"""Looking at the engine on all nodes: one of them compares what all have counted with what they had before, and tells.

Whoever tells keeps the looks of the last minutes, and is asked for them where somebody begins to watch elsewhere.
"""

import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import msgspec

from quart_app.domains.operations import rules
from quart_app.domains.operations.counts import Counts
from quart_app.domains.operations.events import LOOK, TOPIC, Before, Sample
from quart_app.domains.operations.tallies import Tally, between, look_at
from quart_app.realtime import Unanswered, public_id_of, timestamp
from quart_app.surroundings import now

_COUNTS: Final = "what a node has counted"
_LOOKS: Final = "the last looks"


class Looks:
    """The looks at what `counts` counts, here and on the other nodes."""

    def __init__(self, counts: Counts) -> None:
        self._hub = counts.hub
        self._counts = counts
        self._last: Mapping[str, Tally] = {}
        self._looked_at = -rules.STALE
        self._samples: deque[Sample] = deque(maxlen=rules.SAMPLES_KEPT)
        self._hub.nodes.answer(_COUNTS, counts.tally)
        self._hub.nodes.answer(_LOOKS, self._fresh)

    async def before(self, connection_id: str) -> Before:
        """Return the looks of the last minutes, for the connection that begins to watch."""
        return Before(await self._lately(), public_id_of(connection_id))

    async def look(self) -> None:
        """Broadcast what happened since the last look; after a pause only note the counts, for the next one to compare
        with."""
        survey = await self._hub.nodes.survey(_COUNTS)
        tallies = [msgspec.convert(answer, Tally) for answer in survey.answers]
        last, self._last = self._last, {tally.tag: tally for tally in tallies}
        if not self._is_fresh:
            self._samples = deque(await self._lately(), maxlen=rules.SAMPLES_KEPT)
        nodes = between(last, tallies)
        self._looked_at = time.monotonic()
        if not nodes[0].seconds:
            return
        bounds = self._hub.counters.delivery.bounds
        look = look_at(nodes, bounds, survey.heard)
        self._samples.append(Sample(timestamp(now()), look))
        self._hub.broadcast(TOPIC, LOOK, data=look)

    @property
    def _is_fresh(self) -> bool:
        return time.monotonic() - self._looked_at < rules.STALE

    async def _lately(self) -> list[Sample]:
        """Return the looks of whoever tells them now, else those that were told here."""
        if not self._is_fresh:
            with suppress(Unanswered):
                if told := await self._hub.nodes.find(_LOOKS):
                    return msgspec.convert(told, list[Sample])
        return list(self._samples)

    async def _fresh(self) -> list[Sample] | None:
        return list(self._samples) if self._is_fresh and self._samples else None
