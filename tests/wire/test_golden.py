"""The messages of the old systems, word for word, are what our document says that we send, with what we added to them.

With a field of theirs renamed or left out they are not.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from quart_app.app import create_app
from quart_app.config import load_settings
from quart_app.realtime.messages.contract import TopicShape
from quart_app.web.reference.asyncapi import CONNECTION, asyncapi
from tests.wire.contract import Contract

GOLDEN: dict[str, list[dict[str, Any]]] = json.loads(Path(__file__).with_name("golden.json").read_text("utf-8"))
MESSAGES = [pytest.param(one, id=f"{system}-{one['type']}") for system, each in GOLDEN.items() for one in each]
ENVELOPE = {"type", "topic", "id", "key", "connection_id", "transport", "heartbeat"}


@pytest.fixture(scope="module")
def described() -> Sequence[TopicShape]:
    return create_app(load_settings()).topic_shapes


@pytest.fixture(scope="module")
def contract(described: Sequence[TopicShape]) -> Contract:
    return Contract(described)


@pytest.fixture(scope="module")
def examples(described: Sequence[TopicShape]) -> dict[str, dict[str, Any]]:
    """The examples of the document, by channel and message."""
    document = asyncapi(described, "localhost", secure=False)
    messages = document["components"]["messages"]
    found: dict[str, dict[str, Any]] = {}
    for name, channel in document["channels"].items():
        own = {key: messages[key] if "$ref" in one else one for key, one in channel["messages"].items()}
        found[name] = {key: one["examples"][0]["payload"] for key, one in own.items()}
    return found


@pytest.fixture
def whole(
    message: dict[str, Any], contract: Contract, examples: dict[str, dict[str, Any]]
) -> Callable[[dict[str, Any]], bytes]:
    """Puts what we added to the message beside what it has of old."""
    channel = contract.channel(message.get("topic")) or CONNECTION
    ours = examples[channel].get(f"server_{message['type']}", {})
    added = {name: value for name, value in ours.items() if name not in message}
    data = ours.get("data") if isinstance(ours.get("data"), dict) else {}

    def put(old: dict[str, Any]) -> bytes:
        news = {name: value for name, value in (data or {}).items() if name not in message.get("data", {})}
        return sent({**added, **old, **({"data": {**news, **old["data"]}} if "data" in old else {})})

    return put


def sent(message: dict[str, Any]) -> bytes:
    return json.dumps({"timestamp": "2025-01-31T12:00:00.000Z", **message}).encode()


@pytest.mark.parametrize("message", MESSAGES)
def test_it_is_documented(
    contract: Contract, message: dict[str, Any], whole: Callable[[dict[str, Any]], bytes]
) -> None:
    assert contract.fault(whole(message)) is None


@pytest.mark.parametrize("message", MESSAGES)
def test_without_one_of_its_fields_it_is_another_message(
    contract: Contract, message: dict[str, Any], whole: Callable[[dict[str, Any]], bytes]
) -> None:
    if message.get("topic", "").startswith("log/"):
        return  # there anything goes
    for name in message.keys() - ENVELOPE:
        assert contract.fault(whole({**message, f"{name}_": message[name]})) is not None, name
        assert contract.fault(whole({key: value for key, value in message.items() if key != name})) is not None, name
    if message["type"] == "notification":
        return  # its data is another one for each kind of record
    for name in message.get("data", {}):
        data = {key: value for key, value in message["data"].items() if key != name}
        assert contract.fault(whole({**message, "data": data})) is not None, name


def test_what_is_wrong_is_said_with_its_topic_and_type(contract: Contract) -> None:
    fault = contract.fault(sent({"topic": "rooms/1", "type": "typing", "data": {"user_id": 1, "username": "Juan"}}))
    assert fault is not None
    assert fault.startswith("""topic='rooms/1' type='typing': data: "is_typing" is a required property""")
    fault = contract.fault(sent({"topic": "rooms/1", "type": "shout"}))
    assert fault is not None
    assert "rooms_room_id has no such message" in fault
    fault = contract.fault(sent({"topic": "nothing/here", "type": "shout"}))
    assert fault is not None
    assert "no topic of this name is described" in fault
