"""`/.well-known/security.txt`: whom to tell of a hole, where whoever runs the server has said so."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from quart_app.config import SettingsError, load_settings
from tests.running import ServerProcess

PATH = "/.well-known/security.txt"


def test_it_names_who_is_to_be_told_and_for_how_long_that_holds(make_server: Any) -> None:
    server = make_server(security_contact="mailto:security@example.org", public_url="https://class.example.org")
    answer = httpx.get(server.url + PATH)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert (fields["Contact"], fields["Preferred-Languages"]) == ("mailto:security@example.org", "es, en")
    assert fields["Canonical"] == f"https://class.example.org{PATH}"
    left = datetime.fromisoformat(fields["Expires"]) - datetime.now(UTC)
    assert timedelta(days=30) < left < timedelta(days=365)


def test_there_is_none_where_nobody_is_named(server: ServerProcess) -> None:
    assert httpx.get(server.url + PATH).status_code == 404


@pytest.mark.parametrize("contact", ["ana", "mailto:ana", "http://example.org/x", "https://x y", "javascript:x@y"])
def test_an_address_that_nobody_can_use_is_refused(contact: str) -> None:
    with pytest.raises(SettingsError, match="ENVIVO_SECURITY_CONTACT"):
        load_settings(security_contact=contact)
