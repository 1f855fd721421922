"""Which topics are in use, and how many connections follow each by which transport, on all nodes together."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Final, NamedTuple

from quart_app.realtime import Hub, Survey, limits

AFTER_ALL: Final = "~"  # sorts behind every character that the name of a topic may have

Followed = Mapping[str, Mapping[str, int]]
"""How many connections follow topics, by their names and the transports."""

_IN_USE, _FOLLOWERS = "topics in use", "a topic's followers"


class InUse(NamedTuple):
    """The names of the topics in use after some name, as far as `until`, and who follows those."""

    names: set[str]
    followed: Followed
    until: str
    survey: Survey


class Following:
    """The topics that somebody follows or that hold values, on any node."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        hub.nodes.answer(_IN_USE, self._in_use)
        hub.nodes.answer(_FOLLOWERS, self._followers)

    async def after(self, name: str) -> InUse:
        """Return the topics in use after a name."""
        most = limits.NAMES_TOLD if self._hub.backplane.others else 0
        survey = await self._hub.nodes.survey(_IN_USE, name, most)
        names, followed = set[str](), defaultdict[str, Counter[str]](Counter)
        for in_use, counts, _ in survey.answers:
            names.update(in_use)
            for topic, by_transport in counts.items():
                followed[topic].update(by_transport)
        return InUse(names, followed, min(until for _, _, until in survey.answers), survey)

    async def of(self, topic: str) -> tuple[Followed, Survey]:
        """Return who follows a topic, and from which nodes that is known."""
        survey = await self._hub.nodes.survey(_FOLLOWERS, topic)
        followed = Counter[str]()
        for by_transport in survey.answers:
            followed.update(by_transport)
        return {topic: followed}, survey

    async def _in_use(self, after: str, most: int) -> tuple[list[str], dict[str, dict[str, int]], str]:
        """Return the names of this node's topics in use after a name, who follows topics, and up to which name that is
        complete: there are `most` at most, unless that is 0."""
        in_use = [name for name in self._hub.topics_in_use() if name > after]
        followed: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for (name, transport), count in self._counted().items():
            followed[name][transport] = count
        if not most:
            return in_use, followed, AFTER_ALL
        names = sorted({*in_use, *(name for name in followed if name > after)})
        until = names[most - 1] if len(names) > most else AFTER_ALL
        told = {name: counts for name, counts in followed.items() if after < name <= until}
        return [name for name in in_use if name <= until], told, until

    async def _followers(self, topic: str) -> dict[str, int]:
        return Counter(one.transport for one in self._hub.connections.values() if topic in one.topics)

    def _counted(self) -> Counter[tuple[str, str]]:
        connections = self._hub.connections.values()
        return Counter((name, one.transport) for one in connections for name in one.topics)
