"""The scale on the road: what each thing that is sent weighs there, byte by byte."""

import json
from typing import Any

from quart_app.client.address import StreamRequest
from quart_app.lab.lessons.overhead import heads
from quart_app.lab.world.serving import PING, PONG, Answer, Closing, Request
from quart_app.lab.world.trace import Trace
from quart_app.realtime import Batch, Form, Message

LETTER = "letter"
FRAMES = {PING: 2, PONG: 6}
"""Control frames: their head, and the mask of what a client sends (RFC 6455 section 5.2)."""
CLOSING = 8
"""The frame by which a client ends a WebSocket: a head, a mask, a code."""


class Scale:
    """Weighs what is sent on one road: `bytes` are all of it, `text` those of the messages in it.

    Each event of a stream is weighed in a chunk of its own, though those that go out together share one.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._rung = ""
        self._head = 0
        """The bytes of the head of an answer that goes on and on, before which nothing of it is sent."""

    def told(self, item: Any) -> dict[str, Any] | None:
        """Return what a run tells of something that is sent."""
        match item:
            case Request():
                return {"what": "ask", "bytes": self._asked(item)}
            case Answer():
                return self._answered(item)
            case bytes():
                return self._pushed(item)
            case Closing():
                return {"what": "bye", "bytes": CLOSING}
        return {"what": item, "bytes": FRAMES[item]} if item in FRAMES else None

    def _asked(self, asked: Request) -> int:
        self._rung = asked.kind
        request = StreamRequest(asked.topics, asked.since, asked.fresh)
        match asked.kind:
            case "ws":
                self._head = len(heads.UPGRADED)
                return len(heads.upgrade(request))
            case "sse":
                self._head = len(heads.EVENTS)
                return len(heads.events(request))
        return len(heads.poll(request, asked.wait, asked.connection_id))

    def _answered(self, answer: Answer) -> dict[str, Any]:
        body = b'{"messages":[%b],"id":"%b"}' % (b",".join(answer.messages), answer.cursor.encode())
        return {
            "do": "ack",
            "what": "answer",
            "bytes": len(heads.polled(len(body))) + len(body),
            "text": sum(map(len, answer.messages)),
            "letters": sum(json.loads(one)["type"] == LETTER for one in answer.messages),
            "of": self._trace.last(lane="server", do="arrive", what="ask"),
        }

    def _pushed(self, text: bytes) -> dict[str, Any]:
        message = json.loads(text)
        form = Form.FRAMES if self._rung == "ws" else Form.CHUNK
        weight = self._head + len(Batch([Message(text, message.get("id"))]).encoded(form))
        self._head = 0
        told = {"do": "push", "what": message["type"], "bytes": weight, "text": len(text)}
        if message["type"] == LETTER:
            name = name_of(message)
            told |= {"letters": 1, "msg": name, "of": self._trace.last(do="commit", msg=name)}
        return told


def name_of(letter: dict[str, Any]) -> str:
    """Return the name of a letter, with which it begins."""
    name: str = letter["data"].rstrip(".")
    return name
