"""A dialect says how to speak to one kind of server: its paths, a client's first words, the welcome, how to publish.

This module is pure.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote


@dataclass(frozen=True)
class Dialect:
    """A dialect; `{topic}` and `{user}` in a path, `{topic}` and `{text}` in a message are replaced.

    `websocket` and `events` are the paths where a topic is followed, None where that is not served. `greeting` is the
    text that a client sends once its WebSocket is open. `welcome` is a part of the message after which only messages of
    the topic come (`events_welcome` is that of an event stream); it is empty where no such message comes. `publication`
    is the body of a request to `publish`; many of them go as a JSON list where the server takes `lists`. `said` is what
    a client sends on its WebSocket to reach all other clients.
    """

    websocket: str | None = "/ws/{topic}?user_id={user}&username={user}"
    events: str | None = "/sse/{topic}?user_id={user}&username={user}"
    greeting: str = ""
    welcome: bytes = b'"type":"connected"'
    events_welcome: bytes = b'"type":"connected"'
    publish: str = "/api/publish"
    publication: str = '{"topic":"{topic}","type":"bench","data":{"text":"{text}"}}'
    said: str = '{"type":"bench","data":{"text":"{text}"}}'
    lists: bool = True

    def path(self, transport: str, topic: str, user: str) -> str | None:
        """Return the path where `topic` is followed over `transport` (ws, sse), None where that is not served."""
        form = self.events if transport == "sse" else self.websocket
        return None if form is None else _filled(form, topic=quote(topic), user=user)

    def publishing(self, topic: str, texts: list[str]) -> tuple[str, bytes]:
        """Return the path and the body of the request that publishes messages, one or (`lists`) several."""
        bodies = [_filled(self.publication, topic=topic, text=text) for text in texts]
        body = bodies[0] if len(bodies) == 1 else f"[{','.join(bodies)}]"
        return _filled(self.publish, topic=quote(topic)), body.encode()

    def saying(self, topic: str, text: str) -> str:
        """Return the text that a client sends on its WebSocket to reach all other clients."""
        return _filled(self.said, topic=topic, text=text)


def _filled(form: str, **values: str) -> str:
    for name, value in values.items():
        form = form.replace(f"{{{name}}}", value)
    return form


EN_VIVO: Final = Dialect()
