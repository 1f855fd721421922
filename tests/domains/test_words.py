"""What is refused is told to people in words, by the names they gave, all at once; never as a regular expression."""

from typing import Any

import httpx
import pytest

from tests.running import ServerProcess

READING = {"reservoir_id": "A", "temperature": 20, "ph": 7, "conductivity": 400, "water_level": 70}


async def refused(server: ServerProcess, method: str, path: str, body: Any = None) -> dict[str, str]:
    async with httpx.AsyncClient(base_url=server.url) as rest:
        answer = await rest.request(method, path, json=body)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert not any(sign in error["message"] for sign in ("Expected", "regex", "^", "`")), error["message"]
    return dict(error["fields"])


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/sensors?reservoir_id=a%20b", {"reservoir_id": "1 to 40 letters, digits, - or _, such as EMBALSE_01"}),
        ("/api/sensors?limit=0", {"limit": "a whole number from 1 to 1,000"}),
        (
            "/api/alerts?before=17&open=perhaps",
            {"before": "the id of an alert, such as alerta_123", "open": "true or false"},
        ),
        (
            "/api/cuentas?after=x&limit=0",
            {"after": "at most 20 digits, such as 1350509525", "limit": "a whole number from 1 to 200"},
        ),
        ("/api/rooms/1/messages?limit=x", {"limit": "a whole number from 1 to 200"}),
        ("/api/reservations?from=ayer", {"from": "a time with its zone, such as 2026-03-02T14:30:00Z"}),
        ("/api/pets?after=x", {"after": "the id of a record, such as 1"}),
        (
            "/api/reservations?status=lost&to=ayer",
            {
                "status": "one of cancelled, confirmed, done, scheduled",
                "to": "a time with its zone, such as 2026-03-02T14:30:00Z",
            },
        ),
        ("/api/connections?q=" + "x" * 129, {"q": "text of at most 128 characters"}),
        ("/api/topics?limit=1001", {"limit": "a whole number from 1 to 1,000"}),
        ("/api/log", {"topic": "a list of 1 to 100"}),
        ("/api/productos?limit=x", {"limit": "a whole number from 1 to 2,000"}),
    ],
)
async def test_a_wrong_question_is_told_in_words(server: ServerProcess, path: str, said: dict[str, str]) -> None:
    assert await refused(server, "GET", path) == said


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/api/publish", {"topic": "log/a", "type": "", "data": 1}, {"type": "text of 1 to 64 characters"}),
        (
            "/api/publish",
            [{"topic": "log/a", "type": "a"}, {"type": 7, "key": ""}],
            {
                "[1].topic": "needed: text",
                "[1].type": "text of 1 to 64 characters",
                "[1].key": "text of 1 to 128 characters",
            },
        ),
        ("/api/publish", {"topic": "x/y", "type": "a"}, {"topic": "log/…, state/… or live/…"}),
        (
            "/api/sensors",
            [READING, {**READING, "reservoir_id": "a b", "ph": 15}],
            {
                "[1].reservoir_id": "1 to 40 letters, digits, - or _, such as EMBALSE_01",
                "[1].ph": "a number from 0 to 14",
            },
        ),
        ("/api/alerts/dismiss", {"alert_id": 7}, {"alert_id": "the id of an alert, such as alerta_123"}),
        (
            "/api/cuentas",
            {"cedula": "abc", "nombre": " ", "saldo_inicial": -1},
            {
                "cedula": "5 to 20 digits and nothing else",
                "nombre": "1 to 100 printable characters besides the space around them",
                "saldo_inicial": "an amount from 0 on, 1000000000.00 at most, with 2 decimals at most, as a number or"
                " as text such as 120.50",
            },
        ),
        (
            "/api/retiro",
            {"cedula": 7},
            {"cedula": "5 to 20 digits, such as 1350509525", "monto": "needed: dollars above 0, such as 120.5"},
        ),
        (
            "/api/rooms",
            {"name": "", "description": "x" * 201},
            {
                "name": "1 to 80 printable characters besides the space around them",
                "description": "at most 200 printable characters",
            },
        ),
        (
            "/api/pets",
            {"name": "", "age": -1, "user_id": [], "color": "azul"},
            {
                "name": "text of 1 to 80 characters",
                "species": "needed: text of 1 to 80 characters",
                "age": "a whole number from 0 to 200",
                "user_id": "a whole number, or 1 to 64 letters, digits, _ . and -",
                "color": "not known here; name, species, breed, age, user_id, owner_name, owner_phone, notes may be"
                " given",
            },
        ),
        (
            "/api/invoices",
            {"user_id": 1, "lines": [{"description": "a", "unit_price": 1}, {"description": "b", "unit_price": -1}]},
            {"lines[1].unit_price": "a number from 0 to 1,000,000"},
        ),
        (
            "/api/invoices",
            {"user_id": 1, "lines": [{"description": "a", "unit_price": 1}, {"description": " ", "unit_price": 1.001}]},
            {
                "lines[1].description": "at least one character besides spaces",
                "lines[1].unit_price": "at most two decimals",
            },
        ),
        (
            "/api/productos",
            {"nombre": " ", "precio": 1.001, "stock": -1},
            {
                "nombre": "1 to 255 characters, not spaces alone",
                "precio": "a number from 0 to 9,999,999,999.99 with at most 2 decimals",
                "stock": "a whole number from 0 to 2,147,483,647",
            },
        ),
    ],
)
async def test_a_wrong_body_is_told_in_words(server: ServerProcess, path: str, body: Any, said: dict[str, str]) -> None:
    assert await refused(server, "POST", path, body) == said
