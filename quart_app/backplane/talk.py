"""What nodes ask each other: questions and answers that wait to be sent, and questions that wait for their answers."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from itertools import count

from quart_app.backplane import messages
from quart_app.realtime import limits


class _Question:
    """What was asked of the nodes of some `tags`."""

    def __init__(self, tags: Collection[str], enough: Callable[[bytes], bool]) -> None:
        self._missing = set(tags)
        self._enough = enough
        self.answers: dict[str, bytes] = {}
        self.over = asyncio.Event()

    def take(self, tag: str, body: bytes) -> None:
        if tag in self._missing:
            self._missing.discard(tag)
            self.answers[tag] = body
            if not self._missing or self._enough(body):
                self.over.set()


class Talk:
    """The talk of the node `tag`; `news` is called when there is something to be sent."""

    def __init__(self, tag: str, news: Callable[[], None]) -> None:
        self._tag = tag
        self._news = news
        self._waiting: deque[tuple[bytes, str]] = deque()
        self._questions: dict[int, _Question] = {}
        self._ids = count(1)

    async def ask(
        self, tags: Collection[str], what: str, body: bytes, wait: float, enough: Callable[[bytes], bool]
    ) -> Mapping[str, bytes]:
        """Ask the nodes of some tags; see `Backplane.ask`."""
        question, id = _Question(tags, enough), next(self._ids)
        self._questions[id] = question
        message = messages.asked(messages.Asked(self._tag, id, what, body))
        for tag in tags:
            self._say(message, tag)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await question.over.wait()
        finally:
            del self._questions[id]
        return question.answers

    def answer(self, question: messages.Asked, body: bytes) -> None:
        """Send an answer."""
        self._say(messages.told(messages.Told(self._tag, question.id, body)), question.tag)

    def _say(self, message: bytes, tag: str) -> None:
        if len(self._waiting) < limits.ASKS_WAITING:  # else whoever waits for it waits in vain
            self._waiting.append((message, tag))
            self._news()

    def next(self) -> tuple[bytes, str] | None:
        """Return the message that is to be sent next, and the tag of the node that it is for."""
        return self._waiting.popleft() if self._waiting else None

    def told(self, answer: messages.Told) -> None:
        """Take an answer, for which perhaps nobody waits any more."""
        if (question := self._questions.get(answer.id)) is not None:
            question.take(answer.tag, answer.body)

    def cut(self) -> None:
        """Note that nothing more gets through: nobody waits for answers."""
        self._waiting.clear()
        for question in self._questions.values():
            question.over.set()
