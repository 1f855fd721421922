"""The pages `/topics`, which lists all topics, and `/topics/<name>`, which shows one topic live."""

from typing import Any, Final

import msgspec
from quart import Blueprint, render_template

from quart_app.domains import Program
from quart_app.domains.topics.listing import Listing
from quart_app.domains.topics.requests import TOPICS_LIMIT
from quart_app.realtime import Identity, Kind, Refused
from quart_app.web.context import speaker, this_door
from quart_app.wire import is_covered, is_open_topic, is_topic_name

_OPEN: Final = ("live", "state", "log")  # how the names of open topics begin
_FUNCTIONS: Final = "functions"  # the topic that tells how functions of one's own are doing, where there are any


def pages(program: Program, listing: Listing) -> Blueprint:
    """Return `/topics` and `/topics/<name>`."""
    shown = _Pages(program, listing)
    blueprint = Blueprint("topics_pages", __name__, template_folder="templates")
    blueprint.get("/topics")(shown.index)
    blueprint.get("/topics/<path:name>")(shown.topic)
    return blueprint


class _Pages:
    def __init__(self, program: Program, listing: Listing) -> None:
        self._hub = program.hub
        self._listing = listing

    async def index(self) -> str:
        """Show all topics that hold something or that somebody follows."""
        identity = speaker()
        page = await self._listing.page(identity, "", TOPICS_LIMIT)
        return await render_template("topics/index.html", topics=page.topics, own=_own(identity))

    async def topic(self, name: str) -> str | tuple[str, int]:
        """Show one topic, live; or how to make one where there is none."""
        identity = speaker()
        name = self._hub.channels.topic(name)
        try:
            channel = await self._hub.channels.authorize(identity, name)
        except Refused as refused:
            if refused.status not in {400, 404}:
                raise
            rest = name.rpartition("/")[2] if is_topic_name(name) else ""
            return await render_template("topics/unknown.html", name=name, rest=rest, own=_own(identity, rest)), 404
        cursor = self._hub.cursor
        given = {
            "name": name,
            "cursor": cursor,
            "poll_id": self._hub.poll_cursor(name),
            "kind": channel.kind.value,
            "open": is_open_topic(name) and not channel.mute,
            "last": await self._last(name) if channel.kind is Kind.DURABLE else None,
            "functions": await self._sees_functions(identity, name),
        }
        listed, _ = await self._listing.one(name)
        return await render_template(
            "topics/topic.html",
            given=given,
            listed=listed,
            secure=this_door().secure,
            publishes=channel.open,
            closed=channel.mute,
        )

    async def _last(self, name: str) -> Any:
        """Return the newest message that the log has of a topic, None where it has none."""
        position = await self._listing.head(name)
        if position is None:
            return None
        events = await self._hub.log.read([name], position - 1, position, 1)
        return msgspec.json.decode(events[0].json) if events and events[0].hidden_from is None else None

    async def _sees_functions(self, identity: Identity, name: str) -> bool:
        """Tell whether there are functions of one's own, whose state this visitor may follow too."""
        try:
            await self._hub.channels.authorize(identity, _FUNCTIONS)
        except Refused:
            return False
        return name != _FUNCTIONS


def _own(identity: Identity, rest: str = "") -> dict[str, str]:
    """Return by each beginning of open topics one that this visitor may follow, as `{"live": "live/hola"}`; its end is
    `rest`. A beginning of which they may follow none is left out."""
    rest = rest or "hola"
    found = {}
    for beginning in _OPEN:
        patterns = [one for rights in identity.rights for one in rights.subscribe if one.startswith(f"{beginning}/")]
        for name in (f"{beginning}/{rest}", *(one.replace("*", rest) for one in patterns)):
            if all(is_covered(name, rights.subscribe) for rights in identity.rights):
                found[beginning] = name
                break
    return found
