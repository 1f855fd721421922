"""The listing of topics for REST and for the pages: each one's kind, newest event and number of followers."""

import secrets
from collections import Counter, OrderedDict

from quart_app.domains import Program
from quart_app.domains.topics.requests import TOPICS_LIMIT
from quart_app.domains.topics.shapes import Subscribers, TopicListed
from quart_app.realtime import Identity, Refused, wrong_fields

_AFTER_ALL = "~"  # sorts behind every character that the name of a topic may have
_LOOKED_AT = 10_000  # names at a time, of which the asker may follow few or none
_PLACES = 1_000  # that are remembered


class Listing:
    """The listing of `program`'s topics, as far as a given identity may see them."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._hub = program.hub
        self._places: OrderedDict[str, str] = OrderedDict()

    async def page(self, identity: Identity, after: str, limit: int) -> tuple[list[TopicListed], str | None]:
        """Return the first `limit` topics after the name `after` that hold something or that somebody follows, and that
        `identity` may follow.

        The second value is what the next page begins after, None where this is the last page. That is the name of a
        topic that is listed, because `identity` is not to know the names of others; or where many of those were passed
        over, a word for the place that was come to, and the page may be short. Raise Refused (`bad_request`) for such a
        word that is not known any more.
        """
        after, passed = self._place(after), 0
        in_use, followed = self._hub.topics_in_use(), self._followed()
        listed: list[TopicListed] = []
        few = limit
        while True:
            heads = await self._program.log_heads(after, few)
            until = max(heads) if len(heads) == few else _AFTER_ALL
            names = sorted({name for name in in_use if after < name <= until} | heads.keys())
            for name in names:
                if await self._may_follow(identity, name):
                    listed.append(self._listed(name, heads, followed))
                    if len(listed) == limit:
                        return listed, name
            if until == _AFTER_ALL:
                return listed, None
            passed += len(names)
            if passed >= _LOOKED_AT:
                return listed, self._word_for(until)
            after, few = until, min(2 * few, TOPICS_LIMIT)

    def _word_for(self, name: str) -> str:
        """Return a word for the place after `name` that tells nothing of the name."""
        word = _AFTER_ALL + secrets.token_urlsafe(12)
        self._places[word] = name
        if len(self._places) > _PLACES:
            self._places.popitem(last=False)
        return word

    def _place(self, after: str) -> str:
        if not after.startswith(_AFTER_ALL):
            return after
        if after not in self._places:
            raise wrong_fields({"after": "the name of a topic, or what an answer of the last minutes had as `after`"})
        return self._places[after]

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
