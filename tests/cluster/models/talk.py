"""What people say: the rooms of the chat, and the open topics under `log/`."""

from typing import Any

from quart_app.domains.chat import rules
from quart_app.domains.chat.events import MessagePosted
from tests.cluster.models.model import Mark, Model
from tests.cluster.rows import LogEvent, Tables

_OPEN = "log/"


class Chat(Model):
    """`chat.say`, and `chat.send` for the same by `/send`: a `content` of its own, by a `user`, in a `room`."""

    def __init__(self) -> None:
        self._messages: dict[int, tuple[int, str, str]] = {}

    @staticmethod
    def mark_of_command(do: str, asked: dict[str, Any]) -> Mark:
        return (rules.topic_of(asked["room"]), asked["user"], asked["content"])

    @staticmethod
    def mark_of_event(event: LogEvent) -> Mark | None:
        said = event.type == MessagePosted.type and event.topic.startswith(rules.topic_of(0)[:-1])
        return (event.topic, event.data["user_id"], event.data["content"]) if said else None

    def apply(self, event: LogEvent) -> str | None:
        if self.mark_of_event(event) is None:
            return None
        room = rules.room_of(event.topic)
        self._messages[event.position] = (room or 0, event.data["user_id"], event.data["content"])
        return f"calls itself message {event.data['id']}" if event.data["id"] != event.position else None

    def answer(self, do: str, event: LogEvent) -> dict[str, Any]:
        return {"id": event.position}

    def tables(self) -> Tables:
        return {"messages": self._messages}


class OpenTopics(Model):
    """`log.publish` with a `mark` of its own into a `topic`."""

    @staticmethod
    def mark_of_command(do: str, asked: dict[str, Any]) -> Mark:
        return (asked["topic"], asked["mark"])

    @staticmethod
    def mark_of_event(event: LogEvent) -> Mark | None:
        return (event.topic, event.data["mark"]) if event.topic.startswith(_OPEN) else None

    def answer(self, do: str, event: LogEvent) -> dict[str, Any]:
        return {"position": event.position}
