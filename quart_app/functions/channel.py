"""The topics that functions answer for: those with a feed, those with a command, and `functions`, which tells how they
are doing."""

import asyncio
from collections import Counter, OrderedDict
from typing import Annotated, Any, Final, Literal, TypedDict

import msgspec
from msgspec import Meta

from quart_app.functions.bounds import REMEMBERED, WAITING_COMMANDS, WAITING_OF_USER
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
from quart_app.storage.idempotency import IdempotencyKey

FUNCTIONS: Final = "functions"


class FunctionState(TypedDict):
    """A function of the file, and what went wrong with it last; None where all is well."""

    role: Literal["feed", "on", "command"]
    topic: Annotated[str, Meta(examples=["live/dice"])]
    name: Annotated[str, Meta(examples=["dice"])]
    line: Annotated[int, Meta(ge=1)]
    error: str | None


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

    def __init__(self, function: Function, otherwise: Channel) -> None:
        super().__init__(otherwise)
        self.function = function
        self._lock = asyncio.Lock()
        self._waiting: Counter[str] = Counter()
        """How many commands of each user wait; those of whom nobody counts what they use count together."""
        self._answers: OrderedDict[IdempotencyKey, tuple[str, msgspec.Raw | None]] = OrderedDict()

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

    async def _answer(self, peer: Peer, body: dict[str, Any]) -> msgspec.Raw | None:
        said = {name: value for name, value in body.items() if name not in {"key", "topic"}}
        key = IdempotencyKey.of(self.function.declaration.topic, peer.identity, peer.key, said)
        if key is not None and key in self._answers:
            asked, answer = self._answers[key]
            key.check(asked)
            return answer
        answer = await self._call(said, peer.identity)
        if key is not None:
            self._answers[key] = key.fingerprint, answer
            if len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
        return answer

    async def _call(self, body: dict[str, Any], who: Identity) -> msgspec.Raw | None:
        try:
            value = await self.function.call(body, who)
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
