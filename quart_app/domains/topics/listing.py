"""The listing of topics for REST and for the pages: each one's kind, newest event and number of followers."""

import secrets
from collections import OrderedDict
from contextlib import suppress
from typing import Final, NamedTuple

from quart_app.domains import Program
from quart_app.domains.topics.following import AFTER_ALL, Followed, Following
from quart_app.domains.topics.requests import TOPICS_LIMIT
from quart_app.domains.topics.shapes import Subscribers, TopicListed
from quart_app.realtime import Identity, Refused, Survey, Unanswered, wrong_fields

_LOOKED_AT: Final = 10_000  # names at a time, of which the asker may follow few or none
_PLACES: Final = 1_000  # that are remembered
_NOBODY: Final[dict[str, int]] = {}
_PLACE: Final = "a place in the listing of topics"


class Page(NamedTuple):
    """Topics, what the next page begins after (None where this is the last one), and of which nodes they are."""

    topics: list[TopicListed]
    after: str | None
    survey: Survey


class Listing:
    """The listing of `program`'s topics, as far as a given identity may see them."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._hub = program.hub
        self._following = Following(program.hub)
        self._places: OrderedDict[str, str] = OrderedDict()
        self._hub.nodes.answer(_PLACE, self._place_here)

    async def page(self, identity: Identity, after: str, limit: int) -> Page:
        """Return the first `limit` topics after the name `after` that hold something or that somebody follows, and that
        `identity` may follow.

        What the next page begins after is the name of a topic that is listed, because `identity` is not to know the
        names of others; or where many of those were passed over, a word for the place that was come to, and the page
        may be short. Raise Refused (`bad_request`) for such a word that is not known any more.
        """
        after, passed = await self._place(after), 0
        in_use = await self._following.after(after)
        listed: list[TopicListed] = []
        few = limit
        while True:
            heads = await self._program.log_heads(after, few)
            until = min(max(heads) if len(heads) == few else AFTER_ALL, in_use.until)
            names = sorted(name for name in in_use.names | heads.keys() if after < name <= until)
            for name in names:
                if await self._may_follow(identity, name):
                    listed.append(self._listed(name, heads, in_use.followed))
                    if len(listed) == limit:
                        return Page(listed, name, in_use.survey)
            if until == AFTER_ALL:
                return Page(listed, None, in_use.survey)
            passed += len(names)
            if passed >= _LOOKED_AT or until == in_use.until:
                return Page(listed, self._word_for(until), in_use.survey)
            after, few = until, min(2 * few, TOPICS_LIMIT)

    def _word_for(self, name: str) -> str:
        """Return a word for the place after `name` that tells nothing of the name, but which node knows it."""
        word = AFTER_ALL + self._hub.backplane.tag + secrets.token_urlsafe(12)
        self._places[word] = name
        if len(self._places) > _PLACES:
            self._places.popitem(last=False)
        return word

    async def _place(self, after: str) -> str:
        if not after.startswith(AFTER_ALL):
            return after
        name, backplane = self._places.get(after), self._hub.backplane
        if name is None and (tag := after[1 : 1 + len(backplane.tag)]) in backplane.others:
            with suppress(Unanswered):
                name = await self._hub.nodes.find(_PLACE, after, tag=tag)
        if name is None:
            raise wrong_fields({"after": "the name of a topic, or what an answer of the last minutes had as `after`"})
        return name

    async def _place_here(self, word: str) -> str | None:
        return self._places.get(word)

    async def one(self, name: str) -> tuple[TopicListed, Survey]:
        """Return one topic, whether anything happens there or not, and from which nodes that is known. Raise
        Refused."""
        followed, survey = await self._following.of(name)
        return self._listed(name, await self._head(name), followed), survey

    async def head(self, name: str) -> int | None:
        """Return the position of the newest event that the log has of a topic, None where it has none."""
        return (await self._head(name)).get(name)

    async def _head(self, name: str) -> dict[str, int]:
        just_before = name[:-1] + chr(ord(name[-1]) - 1) + AFTER_ALL
        return await self._program.log_heads(just_before, 1)

    def _listed(self, name: str, heads: dict[str, int], followed: Followed) -> TopicListed:
        by_transport = followed.get(name, _NOBODY)
        return {
            "topic": name,
            "kind": self._hub.channels.of(name).kind.value,
            "head": self._hub.cursor_at(heads[name]) if name in heads else None,
            "subscribers": Subscribers(
                ws=by_transport.get("ws", 0),
                sse=by_transport.get("sse", 0),
                poll=by_transport.get("poll", 0),
                socketio=by_transport.get("socketio", 0),
            ),
        }

    async def _may_follow(self, identity: Identity, name: str) -> bool:
        try:
            await self._hub.channels.authorize(identity, name)
        except Refused:
            return False
        return True
