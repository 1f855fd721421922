"""`envivo send` as somebody in a shell meets it."""

import json

import pytest

from quart_app.client import TRANSPORTS
from tests.cli.program import envivo
from tests.client.traffic import fresh
from tests.running import ServerProcess


@pytest.mark.parametrize("transport", ["auto", *TRANSPORTS])
def test_it_prints_the_acknowledgement(server: ServerProcess, transport: str) -> None:
    topic = fresh()
    sent = envivo(server.url, "send", topic, '{"type": "done", "data": {"ok": true}}', "--transport", transport)
    assert (sent.returncode, sent.stderr) == (0, "")
    answer = json.loads(sent.stdout)
    assert answer["type"] == "published"
    assert answer["topic"] == topic


def test_the_message_may_come_from_standard_input(server: ServerProcess) -> None:
    message = '{"type": "message", "content": "¡Hola!"}'
    sent = envivo(server.url, "send", "rooms/1", "-", "--username", "Ana", input=message)
    assert json.loads(sent.stdout)["type"] == "message_sent"


def test_a_refusal_is_exit_code_1_with_its_reason(server: ServerProcess) -> None:
    sent = envivo(server.url, "send", "rooms/1", '{"type": "message", "content": ""}')
    assert (sent.returncode, sent.stdout) == (1, "")
    assert sent.stderr.startswith("refused: invalid_content: ")


def test_no_such_topic_is_exit_code_1(server: ServerProcess) -> None:
    sent = envivo(server.url, "send", "rooms/999999", "{}")
    assert sent.returncode == 1
    assert "4404" in sent.stderr


def test_no_server_is_exit_code_1_after_the_timeout() -> None:
    sent = envivo("http://127.0.0.1:1", "send", "log/x", "{}", "--timeout", "0.5")
    assert sent.returncode == 1
    trouble, end = sent.stderr.splitlines()
    assert trouble.startswith("waiting to reconnect")
    assert end.startswith("no acknowledgement within 0.5 s (")


@pytest.mark.parametrize("json", ["[1]", "{", "Hola", ""])
def test_what_is_no_json_object_is_a_usage_error(json: str) -> None:
    sent = envivo("http://127.0.0.1:1", "send", "log/x", json)
    assert sent.returncode == 2
    assert "not a JSON object" in sent.stderr
