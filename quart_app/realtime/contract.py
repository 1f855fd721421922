"""What the messages of a topic look like: for documents and for the tests that hold the server to them.

The engine itself never reads it. Shapes are msgspec Structs, TypedDicts or plain types; their docstrings and `Meta`
(description, examples) go into the document.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quart_app.realtime.topic import Kind


@dataclass(frozen=True, slots=True)
class MessageShape:
    """A message by its `type`: the shape of its `data` (None: it has none) and of other top-level `fields`.

    `{places}` in a `type` stand for any text. `welcome`: a connection starts with it; `connected` always is one.
    """

    type: str
    summary: str
    data: Any = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    welcome: bool = False


@dataclass(frozen=True, slots=True)
class TopicShape:
    """The topics that `name` stands for, with `{places}` in it: what clients are sent and what they may send.

    The messages that every topic has (`heartbeat`, `reset`, `error`, …) are not among them; `connected` is, where the
    topic's welcome has fields of its own.
    """

    name: str
    summary: str
    kind: Kind
    sends: tuple[MessageShape, ...]
    receives: tuple[MessageShape, ...] = ()
