"""The topics that functions answer for: those with a feed, those with a command, and `functions`, which tells how they
are doing."""

import asyncio
import logging
from collections import Counter
from typing import Annotated, Any, Final, Literal, TypedDict

import msgspec
from msgspec import Meta

from quart_app.functions.bounds import WAITING_COMMANDS, WAITING_OF_USER
from quart_app.functions.calling import Function
from quart_app.functions.ending import going_on, words
from quart_app.functions.publishing import json_of
from quart_app.realtime import (
    Channel,
    Identity,
    Kind,
    MessageShape,
    Peer,
    Refused,
    TopicShape,
    Welcome,
    topic_closed,
)
from quart_app.storage.connections import reading
from quart_app.storage.idempotency import IdempotencyKey, answers, fingerprint
from quart_app.storage.unit_of_work import Append, Committer

logger = logging.getLogger(__name__)

FUNCTIONS: Final = "functions"
_AWAY: Final = 503  # the status of what cannot be stored now


class FunctionState(TypedDict):
    """A function of the file, and what went wrong with it last; None where all is well.

    Of a feed and a reaction, which run on one of several nodes, `node` is the name of that one, None where there is
    one node, or where it is not known.
    """

    role: Literal["feed", "on", "command"]
    topic: Annotated[str, Meta(examples=["live/dice"])]
    name: Annotated[str, Meta(examples=["dice"])]
    line: Annotated[int, Meta(ge=1)]
    error: str | None
    node: Annotated[str | None, Meta(examples=["web-1-4711"])]


class FunctionsState(TypedDict):
    """The file of functions, what is wrong with it as a whole, and the functions in force."""

    file: Annotated[str, Meta(examples=["my_feeds.py"])]
    error: str | None
    functions: list[FunctionState]


TOPIC = TopicShape(
    FUNCTIONS,
    "The functions of one's own that `envivo serve --functions` has loaded.",
    Kind.STATE,
    sends=(MessageShape(FUNCTIONS, "They are other ones, or are doing otherwise than before.", FunctionsState),),
)


class FunctionsChannel(Channel):
    """The topic `functions`. It is for administrators, because an error names a line of a program."""

    kind = Kind.STATE

    async def authorize(self, identity: Identity, topic: str) -> None:
        identity.require_admin()


class _OwnChannel(Channel):
    """A topic of a function, which is `otherwise` as it would be without that."""

    def __init__(self, otherwise: Channel) -> None:
        self.kind = otherwise.kind
        self._otherwise = otherwise

    async def authorize(self, identity: Identity, topic: str) -> None:
        await self._otherwise.authorize(identity, topic)

    async def welcome(self, peer: Peer) -> Welcome:
        return await self._otherwise.welcome(peer)


class FeedChannel(_OwnChannel):
    """A topic that feeds alone publish into."""

    mute = True

    async def handle(self, peer: Peer, body: dict[str, Any]) -> None:
        """Raise Refused (`topic_closed`, 403)."""
        raise topic_closed(peer.topic)


class CommandChannel(_OwnChannel):
    """A topic whose messages from clients go to a function, one at a time, in the order they come.

    `function` may be replaced by a later one, and so may be whether clients may publish past it (`open`).
    """

    def __init__(self, function: Function, otherwise: Channel, committer: Committer) -> None:
        super().__init__(otherwise)
        self.function = function
        self._committer = committer
        self._lock = asyncio.Lock()
        self._waiting: Counter[str] = Counter()
        """How many commands of each user wait; those of whom nobody counts what they use count together."""

    async def handle(self, peer: Peer, body: dict[str, Any]) -> None:
        """Answer with what the function returns; a repeated key gets the first answer, without a call. Raise
        Refused."""
        payer, waiting = peer.identity.payer, self._waiting
        if waiting.total() >= WAITING_COMMANDS or (payer and waiting[payer] >= WAITING_OF_USER):
            raise Refused("busy", "too many commands wait here", status=503, retry_after=1.0)
        waiting[payer] += 1
        try:
            async with self._lock:
                answer = await self._answer(peer, body)
        finally:
            waiting[payer] -= 1
            if not waiting[payer]:
                del waiting[payer]
        if answer is not None:
            peer.reply(self.function.declaration.answers_as, data=answer)

    async def _answer(self, peer: Peer, body: dict[str, Any]) -> Any:
        said = {name: value for name, value in body.items() if name not in {"key", "topic"}}
        key = IdempotencyKey.of(self.function.declaration.topic, peer.identity, peer.key, said)
        if key is None:
            return await self._call(said, peer.identity)
        first = (await answers(reading(), [key])).get(key)
        if first is not None:
            key.check(first.fingerprint)
            return first.result()
        answer = await self._call(said, peer.identity, _cause(key))
        try:
            return await self._committer.commit(Append(lambda _: answer), key=key)
        except Refused as refused:
            if refused.status != _AWAY:
                raise  # another process was asked for something else with this key meanwhile
            logger.warning("an answer of %s could not be stored: %s", self.function.declaration.where, refused.message)
            return answer

    async def _call(
        self, body: dict[str, Any], who: Identity, cause: IdempotencyKey | None = None
    ) -> msgspec.Raw | None:
        try:
            value = await self.function.call(body, who, cause=cause)
            with going_on:
                answer = json_of(value)
        except Refused:
            raise
        except ValueError as error:
            raise Refused("refused", words(error) or type(error).__name__) from error
        except Exception as error:
            said = self.function.failed(error)
            shown = said if who.is_admin else f"{self.function.declaration.name} failed"
            raise Refused("function_failed", shown, status=500) from error
        self.function.worked()
        return answer


def _cause(key: IdempotencyKey) -> IdempotencyKey:
    """Return the key of what a command with this key causes, which no client can give."""
    return IdempotencyKey(FUNCTIONS, fingerprint((key.scope, key.key)))
