"""The AsyncAPI document is valid, has every topic and message of the wire, and its examples are what it says."""

import json
from typing import Any

import httpx
import jsonschema_rs
import pytest

from quart_app.app import create_app
from quart_app.config import load_settings
from quart_app.web.reference.asyncapi import asyncapi
from tests.running import NODE_CLIENTS, ServerProcess
from tests.wire.contract import Contract

SPECIFICATION = NODE_CLIENTS / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"
EVERYWHERE = {"connected", "heartbeat", "reset", "gap", "bye", "error", "pong", "PONG", "ack", "unsubscribed"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return asyncapi(create_app(load_settings()).topic_shapes, "localhost:8000", secure=False)


@pytest.mark.node
def test_it_is_asyncapi_3_0(document: dict[str, Any]) -> None:
    validator = jsonschema_rs.Draft7Validator(json.loads(SPECIFICATION.read_text("utf-8")))
    assert [f"{one.instance_path}: {one.message}" for one in validator.iter_errors(document)] == []
    document["channels"]["connection"]["adress"] = "a field that is none"
    assert not validator.is_valid(document)
    del document["channels"]["connection"]["adress"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in references(document):
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for inner in part.values() for found in references(inner)]
    return [found for inner in part for found in references(inner)] if isinstance(part, list) else []


def test_the_control_messages_are_on_every_channel(document: dict[str, Any]) -> None:
    for name, channel in document["channels"].items():
        assert {f"server_{type}" for type in EVERYWHERE} <= channel["messages"].keys(), name


def test_every_example_is_a_message_that_may_be_sent(document: dict[str, Any]) -> None:
    contract = Contract(create_app(load_settings()).topic_shapes)
    for channel in document["channels"].values():
        for name, message in channel["messages"].items():
            if name.startswith("server_") and "$ref" not in message:
                for example in message["examples"]:
                    assert contract.fault(json.dumps(example["payload"]).encode()) is None


def test_it_is_served_with_the_address_it_is_asked_at(server: ServerProcess) -> None:
    answer = httpx.get(f"{server.url}/asyncapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    servers = answer.json()["servers"]
    assert {(one["host"], one["protocol"]) for one in servers.values()} == {
        (f"127.0.0.1:{server.port}", "ws"),
        (f"127.0.0.1:{server.port}", "http"),
    }
