"""Refusals and failures: one JSON shape for programs, a page for people, and no secrets in either."""

import logging
import re

import pytest
from quart.testing import WebsocketResponseError
from quart.typing import TestClientProtocol as Client


async def test_a_refusal_reaches_a_program_with_its_fields(client: Client) -> None:
    answer = await client.get("/api/refused")
    assert answer.status_code == 409
    error = {"code": "name_taken", "message": "that name is taken", "fields": {"name": "taken"}}
    assert await answer.get_json() == {"success": False, "error": error}
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_refusal_reaches_a_person_as_a_page(client: Client) -> None:
    answer = await client.get("/page/refused", headers={"Accept": "text/html", "Accept-Language": "en"})
    page = await answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "That did not work" in page
    assert "that name is taken" in page


async def test_a_busy_server_says_when_to_come_back_in_whole_seconds(client: Client) -> None:
    assert (await client.get("/api/busy")).headers["Retry-After"] == "2"


@pytest.mark.parametrize("path", ["/api/none", "/send/none", "/sse/", "/poll/", "/ws/none", "/health/none"])
async def test_an_unknown_address_of_a_program_is_json(client: Client, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert (await answer.get_json())["error"]["code"] == "not_found"


async def test_an_unknown_page_is_a_page_in_the_visitors_language(client: Client) -> None:
    answer = await client.get("/nothing/here", headers={"Accept": "text/html", "Accept-Language": "es"})
    assert answer.status_code == 404
    assert "Aquí no hay nada" in await answer.get_data(as_text=True)


async def test_who_accepts_only_json_gets_json_anywhere(client: Client) -> None:
    answer = await client.get("/nothing/here", headers={"Accept": "application/json"})
    assert (await answer.get_json())["success"] is False


async def test_the_wrong_method_names_the_right_ones(client: Client) -> None:
    answer = await client.put("/api/large")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    assert (await answer.get_json())["error"]["code"] == "method_not_allowed"


async def test_too_large_a_body_is_413(client: Client) -> None:
    answer = await client.post("/api/large", data=b"x" * 1001)
    assert answer.status_code == 413
    assert (await answer.get_json())["error"]["code"] == "request_entity_too_large"


@pytest.mark.parametrize("path", ["/api/broken", "/page/broken"])
async def test_our_own_failure_is_logged_under_the_number_the_visitor_is_told(
    client: Client, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    with caplog.at_level(logging.ERROR, logger="quart_app.web.errors"):
        answer = await client.get(path)
    told = await answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert "the secret inside" not in told
    incident = re.search(r"incident (\w{8})", caplog.text)
    assert incident is not None
    assert incident[1] in told
    assert "the secret inside" in caplog.text


async def test_a_path_is_no_line_of_the_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="quart_app.web.errors"):
        assert (await client.get("/api/broken/x%0A2026-01-01 ERROR forged%1B[2J")).status_code == 500
    assert "forged" in caplog.messages[-1]
    assert caplog.messages[-1].isprintable()


async def test_health_is_200_when_all_is_well_and_503_when_a_store_is_not(client: Client) -> None:
    well = await client.get("/health")
    assert well.status_code == 200
    assert (await well.get_json())["data"]["checks"] == {"process": "ok", "database": "ok"}
    client.app.checks["database"] = "disk is full"  # type: ignore[attr-defined]  # the fixture's own application
    ill = await client.get("/health")
    assert ill.status_code == 503
    assert await ill.get_json() == {
        "success": False,
        "data": {
            "status": "failing",
            "node": (await well.get_json())["data"]["node"],
            "version": (await well.get_json())["data"]["version"],
            "checks": {"process": "ok", "database": "disk is full"},
        },
    }


async def test_a_websocket_at_a_wrong_address_is_told_in_json(client: Client) -> None:
    with pytest.raises(WebsocketResponseError) as refused:
        async with client.websocket("/nothing/here") as stream:
            await stream.receive()
    assert refused.value.response.status_code == 404
    assert (await refused.value.response.get_json())["error"]["code"] == "not_found"
