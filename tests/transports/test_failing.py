"""What fails on our side while a client comes in: the client is told so, and may come back."""

from pathlib import Path

import pytest

from quart_app.realtime.clients.channel import Channel
from quart_app.realtime.clients.identity import Identity
from tests.inside import serving
from tests.transports.drivers import PollStream, Refusal, SseStream, Stream, WebsocketStream


class Broken(Channel):
    async def authorize(self, identity: Identity, topic: str) -> None:
        raise OSError("the disk is gone")


@pytest.mark.parametrize(("kind", "told"), [(WebsocketStream, 1011), (SseStream, 500), (PollStream, 500)])
async def test_a_failure_at_the_door(tmp_path: Path, kind: type[Stream], told: int) -> None:
    async with serving(tmp_path / "envivo.db") as (app, url):
        app.hub.channels.add("broken", Broken())
        with pytest.raises(Refusal, match=str(told)) as refused:
            await kind(url, None, ("broken",), {}).open()
        assert "disk" not in str(refused.value)
        assert not app.hub.connections
