"""Servers in secure mode, and those who come in there: one key, and tokens that it signs."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import httpx

from quart_app.config import load_settings
from quart_app.identity import issue_token
from quart_app.realtime import Identity, TopicRights

KEY = "a key for tests, which nobody is to guess"
SECURE: dict[str, Any] = {"access": "secure", "secret_key": KEY}


def token(
    user: str = "7", role: str = "user", *, name: str = "", key: str = KEY, rights: TopicRights | None = None
) -> str:
    """Return a token for a user, which lasts an hour; with `rights` it is for some topics alone."""
    door = load_settings(access="secure", secret_key=key).front
    who = Identity(user, name or user, role, rights=() if rights is None else (rights,))
    return issue_token(door, who, timedelta(hours=1))


def bearer(text: str) -> dict[str, str]:
    """Return the header that brings a token along."""
    return {"Authorization": f"Bearer {text}"}


def browser(url: str) -> httpx.Client:
    """Return a client that asks a server for pages, as a browser on a page of that server does."""
    return httpx.Client(base_url=url, headers={"Accept": "text/html", "Origin": url})


def form_of(page: str) -> dict[str, str]:
    """Return what the form of a page sends beside what is typed into it."""
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)}
