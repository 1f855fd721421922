"""REST of the open namespaces, and of the log and the topics as a whole."""

from quart import Blueprint, Response

from quart_app.domains import Program
from quart_app.domains.topics.listing import Listing
from quart_app.domains.topics.requests import (
    LogQuery,
    Publication,
    Publications,
    Several,
    TopicQuery,
)
from quart_app.domains.topics.service import Publisher
from quart_app.domains.topics.shapes import LoggedEnvelope, Published, TopicListed
from quart_app.realtime import (
    CursorText,
    Event,
    Refused,
    Trimmed,
    checked,
    encode,
    limits,
    timestamp,
    visible,
    wrong_fields,
)
from quart_app.surroundings import now
from quart_app.web.context import speaker, this_request
from quart_app.web.nodes import NODES, beside_data
from quart_app.web.operations import Operation
from quart_app.web.rest import idempotency_key, json_answer, json_body, query_as, success
from quart_app.wire import Cursor

ANSWER_BYTES = 4 * 1024 * 1024  # of events, after which no more are read for an answer


def routes(program: Program, publisher: Publisher, listing: Listing) -> Blueprint:
    """Return `POST /api/publish`, `GET /api/topics`, `GET /api/topics/<name>` and `GET /api/log`."""
    views = _Views(program, publisher, listing)
    blueprint = Blueprint("topics", __name__)
    blueprint.post("/api/publish")(views.publish)
    blueprint.get("/api/topics")(views.topics)
    blueprint.get("/api/topics/<path:name>")(views.topic)
    blueprint.get("/api/log")(views.log)
    return blueprint


class _Views:
    def __init__(self, program: Program, publisher: Publisher, listing: Listing) -> None:
        self._hub = program.hub
        self._publisher = publisher
        self._listing = listing

    @Operation(tag="topics", body=Publications, answer=Published, status=202, bare=True)
    async def publish(self) -> Response:
        """Publish one message or a list.

        The answer is 202 `{published, id}`.
        """
        who = speaker()
        publications = await _publications()
        key = idempotency_key()
        if key is None and any(one.key for one in publications):
            cursor = await self._publisher.publish_each(publications, who)
        else:
            cursor = await self._publisher.publish(publications, who, key=key)
        await self._hub.numbered()  # the next request may reach another node
        return json_answer({"success": True, "published": len(publications), "id": cursor}, 202)

    @Operation(
        tag="topics",
        query=TopicQuery,
        answer=list[TopicListed],
        beside=(("id", CursorText), ("after", str | None)),
        perhaps=NODES,
    )
    async def topics(self) -> Response:
        """List the topics that hold something or that somebody follows: `limit` names after the name `after`."""
        who = speaker()
        asked = query_as(TopicQuery)
        page = await self._listing.page(who, asked.after, asked.limit)
        return success(page.topics, id=self._hub.cursor, after=page.after, **beside_data(page.survey, who))

    @Operation(tag="topics", answer=TopicListed, beside=(("timestamp", str),), perhaps=NODES, refusals=(404,))
    async def topic(self, name: str) -> Response:
        """Return one topic, whether anything happens there or not.

        `timestamp` is the server's clock.
        """
        who = speaker()
        name = self._hub.channels.topic(name)
        await self._hub.channels.authorize(who, name)
        listed, survey = await self._listing.one(name)
        return success(listed, timestamp=timestamp(now()), **beside_data(survey, who))

    @Operation(
        tag="topics",
        query=LogQuery,
        answer=list[LoggedEnvelope],
        beside=(("id", CursorText),),
        refusals=(404, 410),
    )
    async def log(self) -> Response:
        """List the first events of topics after a cursor, `limit` at most.

        `id` is the cursor to go on from.
        """
        who = speaker()
        query = this_request().args
        asked = checked({**query.to_dict(), "topic": query.getlist("topic")}, LogQuery, strict=False)
        names = [self._hub.channels.topic(name) for name in asked.topic]
        for name in names:
            await self._hub.channels.authorize(who, name)
        until = self._hub.position
        after = await self._after(asked.since)
        try:
            events, position = await self._read(names, after, until, asked.limit)
        except Trimmed as trimmed:
            raise _gone() from trimmed
        id = self._hub.cursor_at(position)
        messages = b",".join([event.json for event in visible(events, who.user_id)])
        body = b'{"success":true,"data":[%b],"id":"%b"}\n' % (messages, id.encode())
        return Response(body, content_type="application/json", headers={"Cache-Control": "no-store"})

    async def _read(self, names: list[str], after: int, until: int, limit: int) -> tuple[list[Event], int]:
        """Return the first events after `after`, and the position up to which there are no others.

        There are `limit` at most, and as many as an answer has room for.
        """
        events: list[Event] = []
        while len(events) < limit and sum(event.size for event in events) < ANSWER_BYTES:
            some = min(limit - len(events), limits.LOG_READ_FIRST)
            read = await self._hub.log.read(names, events[-1].position if events else after, until, some)
            events += read
            if len(read) < some:
                return events, max(after, until)
        return events, events[-1].position

    async def _after(self, since: str) -> int:
        if since == "0":
            return await self._hub.log.floor()
        try:
            cursor = Cursor.parse(since)
        except ValueError as error:
            raise wrong_fields({"since": "a cursor from an earlier message, or 0"}) from error
        if await self._hub.log.refusal(cursor) is not None:
            raise _gone()
        return cursor.position


async def _publications() -> list[Publication]:
    body = await json_body()
    publications = checked(body, Several) if isinstance(body, list) else [checked(body, Publication)]
    if (
        len(await this_request().get_data(as_text=False)) > limits.INBOUND_MESSAGE_BYTES
    ):  # only then can one be too large
        for one in publications:
            if len(encode(one.data)) > limits.INBOUND_MESSAGE_BYTES:
                raise Refused("too_big", f"a message has at most {limits.INBOUND_MESSAGE_BYTES} bytes", status=413)
    return publications


def _gone() -> Refused:
    return Refused("reset", "this cursor cannot be honoured: reload, and go on from there", status=410)
