"""The nodes of one log, as they ask each other what only the one that is asked knows or can do."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import Annotated, Any, NamedTuple, TypedDict, TypeVar

import msgspec
from msgspec import Meta

from quart_app.realtime import limits
from quart_app.realtime.flow.backplane import Backplane
from quart_app.realtime.messages.refused import Refused

logger = logging.getLogger(__name__)

T = TypeVar("T")
Answerer = Callable[..., Awaitable[Any]]
"""What answers a question: its arguments and its answer are such as MessagePack has. It may raise Refused."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Any]).decode
_NO_ANSWER = _encode([None])


class Unanswered(Exception):
    """A node that had to be asked did not answer in time; it may have done what it was asked for."""


class NodesHeard(TypedDict):
    """The number of nodes that an answer is made of, and the names of those that did not answer in time, so that what
    they alone know is missing. Others than administrators see `node` for a name."""

    answered: Annotated[int, Meta(ge=1, examples=[3])]
    silent: list[str]


class Survey(NamedTuple):
    """The answers of all nodes, that of this one first, and the names of those that did not answer."""

    answers: list[Any]
    silent: list[str]

    @property
    def heard(self) -> NodesHeard | None:
        """What administrators are told of the nodes that were asked; None where one is all."""
        answered = len(self.answers)
        return {"answered": answered, "silent": self.silent} if answered + len(self.silent) > 1 else None


class Nodes:
    """This node and the others. `spawn(work)` runs the work of an answer to its end. Those of `on_missed` are
    called where this node has perhaps not heard what the others have told, which they find out in the database.
    """

    def __init__(self, backplane: Backplane, spawn: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        self._backplane = backplane
        self._spawn = spawn
        self._answerers: dict[str, Answerer] = {}
        self.on_missed: list[Callable[[], Awaitable[None]]] = []
        self._missed = False
        self._task: asyncio.Task[None] | None = None
        self._under_way = 0

    def answer(self, what: str, answerer: Answerer) -> None:
        """Let `answerer` answer the questions about `what`, on this node as on every other."""
        self._answerers[what] = answerer

    # Asking

    async def survey(self, what: str, *arguments: Any) -> Survey:
        """Ask all nodes, this one too. Raise Refused as it does."""
        own = await self._answerers[what](*arguments)
        others = self._backplane.others
        told = await self._ask(others, what, arguments, limits.ASK, lambda _: False)
        return Survey(
            [own, *(_understood(body) for body in told.values())],
            sorted(name for tag, name in others.items() if tag not in told),
        )

    async def find(self, what: str, *arguments: Any, tag: str = "", wait: float = limits.ASK) -> Any:
        """Ask the other nodes, the one of `tag` first, until one has an answer that is not None, and return that; None
        where none has. Raise Unanswered where there might be one, and Refused as who answers does."""
        others = self._backplane.others
        first = [tag] if tag in others else []
        for asked in (first, [other for other in others if other not in first]):
            told = await self._ask(asked, what, arguments, wait, lambda body: body != _NO_ANSWER)
            for body in told.values():
                if (answer := _understood(body)) is not None:
                    return answer
            if len(told) < len(asked):
                raise Unanswered
        return None

    async def _ask(
        self, tags: Collection[str], what: str, arguments: Any, wait: float, enough: Callable[[bytes], bool]
    ) -> Any:
        return await self._backplane.ask(tags, what, _encode(arguments), wait, enough) if tags else {}

    # Being asked

    def joined(self) -> None:
        """Note that the others are heard from now on, and perhaps were not before."""
        self._missed = True

    def start(self) -> None:
        """Find out from now on what is missed."""
        self._task = asyncio.create_task(self._catch_up(), name="catching up with other nodes")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _catch_up(self) -> None:
        while True:
            await asyncio.sleep(limits.MISSED_READ)
            if not self._missed and self._backplane.away_since is None:
                continue
            self._missed = False
            try:
                for look in self.on_missed:
                    await look()
            except Refused as away:
                self._missed = True
                logger.warning("what other nodes have told cannot be found out: %s", away.args[0])
            except Exception:
                self._missed = True
                logger.exception("what other nodes have told cannot be found out")

    def asked(self, what: str, body: bytes, answer: Callable[[bytes], None]) -> None:
        """Answer another node's question, unless there are too many of them already."""
        answerer = self._answerers.get(what)
        if answerer is None:
            logger.info("another node asks about %s, of which nothing is known here", what)
        elif self._under_way < limits.ASKS_WAITING:
            self._under_way += 1
            self._spawn(self._answer(what, answerer, body, answer))

    async def _answer(self, what: str, answerer: Answerer, body: bytes, answer: Callable[[bytes], None]) -> None:
        try:
            told = _encode([await answerer(*_decode(body))])
            if len(told) > limits.ANSWER_BYTES:
                raise Refused("too_big", "the answer is too large to be passed on", status=413)
            answer(told)
        except Refused as refused:
            fields = dict(refused.fields) if refused.fields else None
            answer(_encode([None, refused.code, refused.message, refused.status, fields, refused.retry_after]))
        except Exception:
            logger.exception("a question of another node about %s could not be answered", what)
        finally:
            self._under_way -= 1


def _understood(body: bytes) -> Any:
    """Return the answer in a message. Raise Refused."""
    answer, *refused = _decode(body)
    if refused:
        code, message, status, fields, retry_after = refused
        raise Refused(code, message, status=status, fields=fields, retry_after=retry_after)
    return answer
