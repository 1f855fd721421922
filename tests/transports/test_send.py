"""`POST /send` of a client whose stream is elsewhere, or was lost: it is told what a WebSocket would be told."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.inside import serving


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(tmp_path / "envivo.db") as (_, url), httpx.AsyncClient(base_url=url) as client:
        yield client


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ({"type": "ping"}, "pong"),
        ({"type": "bye"}, "ack"),
        ({"type": "typing", "is_typing": True}, "ack"),
        ({"type": "message", "content": "hola"}, "message_sent"),
        ({"type": "subscribe"}, "error"),
        ({"type": "unsubscribe"}, "error"),
    ],
)
async def test_every_message_with_a_key_is_answered(rest: httpx.AsyncClient, said: dict[str, Any], answer: str) -> None:
    sent = await rest.post("/send/1", params={"user_id": 1}, json=said | {"key": "k"})
    assert sent.status_code == 200
    assert [(message["type"], message["key"]) for message in sent.json()["messages"]] == [(answer, "k")]
