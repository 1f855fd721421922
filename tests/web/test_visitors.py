"""Who a visitor is, which view, menu and header of a page all want to know."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from quart_app import identity
from quart_app.realtime import Identity
from tests.inside import serving
from tests.secure import SECURE, token


async def test_a_token_is_read_once_for_a_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    read, tokens = identity.read_token, []

    def counted(*args: Any, **options: Any) -> Identity:
        tokens.append(args[1])
        return read(*args, **options)

    monkeypatch.setattr(identity, "read_token", counted)
    mine = token(role="admin", name="Ana Paz")
    headers = {"Accept": "text/html", "Cookie": f"envivo_token={mine}"}
    async with serving(tmp_path / "envivo.db", **SECURE) as (_, url), httpx.AsyncClient(base_url=url) as client:
        for path in ("/", "/chat", "/bank/admin", "/admin", "/topics", "/connect", "/sign-in", "/nowhere"):
            tokens.clear()
            page = await client.get(path, headers=headers)
            assert "Ana Paz" in page.text, path
            assert 'action="/session/end"' in page.text, path
            assert tokens == [mine], path
