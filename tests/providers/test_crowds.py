"""Many people of one address who sign in at the same time, while their provider takes its time."""

import asyncio
from typing import Any

import pytest

from quart_app.app import create_app
from quart_app.config import load_settings
from quart_app.providers.attempt import Attempt, attempt_cookie, seal
from quart_app.providers.oidc import NotConfirmed, SignIn
from quart_app.realtime import limits
from tests.secure import SECURE


async def test_one_address_does_not_keep_all_others_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(**SECURE, oidc_issuer="https://issuer.example", oidc_client_id="we")
    client, door = create_app(settings).test_client(), settings.front
    answers, asked = asyncio.Event(), asyncio.Semaphore(0)

    async def claims(*_: object) -> dict[str, Any]:
        asked.release()
        await answers.wait()
        raise NotConfirmed("it says no")

    monkeypatch.setattr(SignIn, "claims", claims)
    cookie = f"{attempt_cookie(door)}={seal(door, Attempt('state', 'nonce', 'verifier', '/chat'))}"

    async def back() -> int:
        headers = {"Host": "localhost", "Cookie": cookie}
        return int((await client.get("/session/oidc/back?state=state&code=x", headers=headers)).status_code)

    async with asyncio.timeout(20):
        waiting = [asyncio.create_task(back()) for _ in range(limits.SIGNING_IN_PER_ADDRESS)]
        for _ in waiting:
            await asked.acquire()
        assert await back() == 503
        answers.set()
        assert set(await asyncio.gather(*waiting)) == {401}
        assert await back() == 401
