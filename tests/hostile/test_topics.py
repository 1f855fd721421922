"""Whoever takes all the topics that can be had takes none away from anybody: the review's H3."""

import asyncio
import contextlib
from collections import Counter
from pathlib import Path

import pytest
import websockets

from quart_app.realtime import limits
from tests.hostile.users import answers, as_user, connected, resident, secure_server, undisturbed
from tests.inside import serving
from tests.secure import SECURE

GROWTH = 30 * 1024 * 1024  # bytes
TRIED = 900  # topics; with two messages each that is a burst that is let through
OTHERS = ("/poll/rooms/2?wait=0", "/poll/products?wait=0", "/poll/stats?wait=0", "/poll/log/innocent?wait=0")


async def test_one_websocket_that_follows_ever_new_topics(tmp_path: Path) -> None:
    with secure_server(tmp_path) as server:
        before = resident(server)
        coming = [{"type": "subscribe", "topic": f"live/{number}"} for number in range(TRIED)]
        going = [{"type": "unsubscribe", "topic": f"live/{number}"} for number in range(TRIED)]
        flood = [message for both in zip(coming, going, strict=True) for message in both]
        async with connected(server.url, "mallory", "rooms/1") as socket, undisturbed(server.url, *OTHERS):
            told = await answers(socket, flood)
            assert told["connected"] == told["unsubscribed"] >= 600
            assert told["quota_new_topics"] == told["not_subscribed"] == TRIED - told["connected"] > 0
            # The connection is as good as before, for what is not new.
            assert await answers(socket, [{"type": "subscribe", "topic": "rooms/2"}]) == Counter(connected=1)
        assert resident(server) - before < GROWTH


async def test_many_connections_that_follow_many_topics(tmp_path: Path) -> None:
    with secure_server(tmp_path, quota_connections=10) as server:
        before = resident(server)
        codes, metrics, page = await many_connections(server.url)
        assert codes == {"let in": 10, "error": 30}  # four with topics, the first six without
        assert 'envivo_quotas_met_total{code="quota_topics"} 16.0' in metrics
        assert 'envivo_quotas_met_total{code="quota_connections"} 14.0' in metrics
        assert '<td>Connections at once</td><td class="number">10</td><td class="number">14</td>' in page
        assert resident(server) - before < GROWTH


async def many_connections(url: str) -> tuple[Counter[str], str, str]:
    """Try to open forty connections, half of them with fifty topics each; return how that went, and what administrators
    see of it."""
    codes: Counter[str] = Counter()
    async with contextlib.AsyncExitStack() as kept, undisturbed(url, *OTHERS):
        for number in range(40):
            topics = [f"log/{number}-{one}" for one in range(50)] if number < 20 else ["stats"]
            socket = await kept.enter_async_context(connected(url, "mallory", *topics))
            first = await asyncio.wait_for(socket.recv(), 10)
            codes["error" if '"quota_' in first else "let in"] += 1
            if "quota_" in first:
                assert '"retry_after":5000' in first
                with pytest.raises(websockets.ConnectionClosedError):
                    await asyncio.wait_for(socket.recv(), 10)
                assert socket.close_code == 4429
        async with as_user(url, "admin", "admin") as admin:
            metrics = (await admin.get("/metrics")).text
            page = (await admin.get("/admin", headers={"Accept-Language": "en"})).text
    return codes, metrics, page


async def test_all_open_places_are_taken_and_the_programs_own_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TOPICS_IN_MEMORY", 150)
    monkeypatch.setattr(limits, "TOPICS_FOR_FOLLOWERS", 50)
    async with serving(tmp_path / "envivo.db", **SECURE) as (_, url), contextlib.AsyncExitStack() as kept:
        for user in ("mallory", "trudy"):
            topics = [f"log/{user}-{number}" for number in range(75)]
            socket = await kept.enter_async_context(connected(url, user, *topics))
            assert "connected" in await socket.recv()
        async with as_user(url, "victim") as victim, as_user(url, "device", "admin") as device:
            refused = await victim.get("/poll/log/innocent?wait=0")
            assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_topics")
            for topic in ("rooms/1", "rooms/2", "products", "stats", "sensors", "user/victim"):
                assert (await victim.get(f"/poll/{topic}?wait=0")).status_code == 200, topic
            assert (await device.get("/poll/operations?wait=0")).status_code == 200
