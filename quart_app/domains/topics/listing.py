"""The listing of topics for REST and for the pages: each one's kind, newest event and number of followers."""

from collections import Counter

from quart_app.domains import Program
from quart_app.domains.topics.shapes import Subscribers, TopicListed
from quart_app.realtime import Identity, Refused

_AFTER_ALL = "~"  # sorts behind every character that the name of a topic may have


class Listing:
    """The listing of `program`'s topics, as far as a given identity may see them."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._hub = program.hub

    async def page(self, identity: Identity, after: str, limit: int) -> tuple[list[TopicListed], str | None]:
        """Return the first `limit` topics after the name `after` that hold something or that somebody follows.

        The second value is the name that the next page begins after, None where this is the last page.
        """
        heads = await self._program.log_heads(after, limit)
        in_use = {name for name in self._hub.topics_in_use() if name > after}
        page = sorted(in_use | heads.keys())[:limit]
        followed = self._followed()
        listed = [self._listed(name, heads, followed) for name in page if await self._may_follow(identity, name)]
        return listed, page[-1] if len(page) == limit else None

    async def one(self, name: str) -> TopicListed:
        """Return one topic, whether anything happens there or not. Raise Refused."""
        just_before = name[:-1] + chr(ord(name[-1]) - 1) + _AFTER_ALL
        heads = await self._program.log_heads(just_before, 1)
        return self._listed(name, heads, self._followed())

    def _followed(self) -> Counter[tuple[str, str]]:
        connections = self._hub.connections.values()
        return Counter((name, one.transport) for one in connections for name in one.topics)

    def _listed(self, name: str, heads: dict[str, int], followed: Counter[tuple[str, str]]) -> TopicListed:
        return {
            "topic": name,
            "kind": self._hub.channels.of(name).kind.value,
            "head": self._hub.cursor_at(heads[name]) if name in heads else None,
            "subscribers": Subscribers(
                ws=followed[name, "ws"],
                sse=followed[name, "sse"],
                poll=followed[name, "poll"],
                socketio=followed[name, "socketio"],
            ),
        }

    async def _may_follow(self, identity: Identity, name: str) -> bool:
        try:
            await self._hub.channels.authorize(identity, name)
        except Refused:
            return False
        return True
