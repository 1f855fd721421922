"""Who a visitor is, which view, menu and header of a page all want to know."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from quart_app import identity
from quart_app.config import load_settings
from quart_app.identity import issue_token
from quart_app.realtime import Identity
from tests.inside import serving

SECURE: dict[str, Any] = {"access": "secure", "secret_key": "a key for visitors, which nobody is to guess"}


async def test_a_token_is_read_once_for_a_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    read, tokens = identity.read_token, []

    def counted(*args: Any, **options: Any) -> Identity:
        tokens.append(args[1])
        return read(*args, **options)

    monkeypatch.setattr(identity, "read_token", counted)
    mine = issue_token(load_settings(**SECURE).front, Identity("7", "Ana Paz", "admin"), timedelta(hours=1))
    headers = {"Accept": "text/html", "Cookie": f"envivo_token={mine}"}
    async with serving(tmp_path / "envivo.db", **SECURE) as (_, url), httpx.AsyncClient(base_url=url) as client:
        for path in ("/", "/chat", "/bank/admin", "/admin", "/topics", "/connect", "/sign-in", "/nowhere"):
            tokens.clear()
            page = await client.get(path, headers=headers)
            assert "Ana Paz" in page.text, path
            assert 'action="/session/end"' in page.text, path
            assert tokens == [mine], path
