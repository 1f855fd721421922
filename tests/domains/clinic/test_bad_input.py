"""Whatever a client sends, the answer is a refusal that names what is wrong."""

from typing import Any

import httpx
import pytest

from tests.domains.clinic.practice import KINDS, LUNA, STARTS, Json, Practice, assert_refused

JSON = {"Content-Type": "application/json"}
SERVICE = {"name": "Consulta", "price": 25, "duration_minutes": 30}
EMPLOYEE = {"name": "Ana", "role": "Veterinaria"}
INVOICE = {"user_id": 1, "amount": 5}
PAYMENT = {"invoice_id": 1, "amount": 5, "method": "cash"}
ENTRY = {"pet_id": 1, "employee_id": 1, "diagnosis": "Sano"}
RESERVATION = {"pet_id": 1, "service_id": 1, "employee_id": 1, "starts_at": STARTS}
LINE = {"description": "x", "unit_price": 1, "quantity": 1}
WRONG_IN_LINE = ({"quantity": 0}, {"unit_price": 0.001}, {"description": " "}, {"unit_price": 1e6, "quantity": 2})
TOO_FAR = ("1989-12-31T23:59:59Z", "2101-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59")

GOOD: dict[str, Json] = {
    "pets": LUNA,
    "services": SERVICE,
    "employees": EMPLOYEE,
    "reservations": RESERVATION,
    "invoices": INVOICE,
    "payments": PAYMENT,
    "medical-history": ENTRY,
}

WRONG: dict[str, dict[str, list[Any]]] = {
    "pets": {
        "name": ["", "   ", "x" * 81, 5, None, "a\0b", "a\u0007b", []],
        "species": ["", 1, "x" * 81],
        "breed": [None, "x" * 81],
        "age": [-1, 201, 1.5, "3", True, 10**30],
        "user_id": [-1, 1.5, "", "x" * 65, "a/b", "ana maría", "ñ", 10**15, [], True],
        "owner_name": [5, "x" * 81],
        "owner_phone": ["llámame", "x" * 31, "+"],
        "notes": ["x" * 2001, "a\0b", {}],
        "pet_id": [1],
        "created_at": ["2026-01-01T00:00:00Z"],
    },
    "services": {
        "name": [None, ""],
        "price": [-1, -0.01, 1.001, 1_000_000.01, "25", None, 1e300, 1e-9],
        "duration_minutes": [0, 4, 1441, 1.5, "30", None],
        "description": ["x" * 2001],
        "active": ["yes", 1, None],
    },
    "employees": {
        "name": ["\n"],
        "role": ["", None],
        "email": ["ana", "@x.ec", "a@", "a@b", "a@b@c.ec", "a b@c.ec", "a@.ec", "a@ec."],
        "phone": ["abc"],
    },
    "reservations": {
        "pet_id": [0, -1, "1", None, 1.5, 2**63],
        "starts_at": [5, None, "mañana", "2026-03-02", "2026-03-02T14:30:00", "2026-13-02T14:30:00Z", *TOO_FAR],
        "status": ["open", "", None, 1],
        "notes": [5],
    },
    "invoices": {
        "amount": [0, -1, 0.001, 1_000_000.5, "5"],
        "lines": [[], {}, [LINE] * 51, [1], [{}], *([LINE | wrong] for wrong in WRONG_IN_LINE)],
        "issued_at": ["ayer"],
        "due_on": ["2026-02-30", "2026", "2026-03-02T00:00:00Z", "2101-01-01", "1989-01-01"],
        "user_id": ["a/b"],
        "reservation_id": ["x"],
        "status": ["paid"],
        "total": [5],
    },
    "payments": {
        "invoice_id": [0, 999_999, None, "1"],
        "amount": [0, -5, 0.001, None, "x", 1_000_001],
        "method": ["bitcoin", None],
        "paid_at": ["2026-03-02 14:30"],
        "reference": ["x" * 81, "a\tb\0"],
    },
    "medical-history": {
        "diagnosis": ["", "  ", None, "x" * 2001, 5],
        "date": ["02/03/2026", 5, "1800-01-01"],
        "weight": [0, -1, 5_001, "12", True],
        "treatment": ["x" * 2001],
    },
}

# What is wrong inside a line is named by its place.
INNER = {"lines": {"lines", "lines[0]", *(f"lines[0].{name}" for name in ("description", "quantity", "unit_price"))}}


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind, fields in WRONG.items() for field in fields])
async def test_a_wrong_field_is_refused_by_its_name(practice: Practice, kind: str, field: str) -> None:
    body = {name: given for name, given in GOOD[kind].items() if (field, name) != ("lines", "amount")}
    for value in WRONG[kind][field]:
        response = await practice.rest.post(f"/api/{kind}", json=body | {field: value})
        assert_refused(response, 400, "bad_request")
        assert response.json()["error"]["fields"].keys() & INNER.get(field, {field}), (value, response.text)


async def test_a_wrong_field_of_a_change_is_refused_by_its_name(practice: Practice) -> None:
    pet = await practice.pet()
    for field, values in WRONG["pets"].items():
        for value in values:
            response = await practice.rest.put(practice.path("pets", pet), json={field: value})
            assert_refused(response, 400, "bad_request", field)
    for version in (0, "1", 1.5, None):
        response = await practice.rest.put(practice.path("pets", pet), json={"version": version})
        assert_refused(response, 400, "bad_request", "version")
    assert await practice.got("pets", pet) == pet


@pytest.mark.parametrize("kind", GOOD)
async def test_a_missing_field_is_named(practice: Practice, kind: str) -> None:
    refused = await practice.rest.post(f"/api/{kind}", json={})
    assert_refused(refused, 400, "bad_request")
    assert refused.json()["error"]["fields"]
    for body in ("[]", '"x"', "5", "null"):
        assert_refused(await practice.rest.post(f"/api/{kind}", content=body, headers=JSON), 400, "bad_request")


async def test_a_reservation_ends_after_it_starts(practice: Practice) -> None:
    body = await practice.reservation_body()
    for ends_at in (STARTS, "2026-03-02T14:00:00Z", "2026-03-03T14:31:00Z"):
        refused = await practice.rest.post("/api/reservations", json=body | {"ends_at": ends_at})
        assert_refused(refused, 400, "bad_request", "ends_at")


async def test_lines_and_amount_are_not_both_given(practice: Practice) -> None:
    refused = await practice.rest.post("/api/invoices", json=INVOICE | {"lines": [LINE]})
    assert_refused(refused, 400, "bad_request", "amount")
    refused = await practice.rest.post("/api/invoices", json={"user_id": 1})
    assert_refused(refused, 400, "bad_request", "lines")


@pytest.mark.parametrize("kind", GOOD)
async def test_what_is_no_json_is_refused(rest: httpx.AsyncClient, kind: str) -> None:
    path = f"/api/{kind}"
    assert_refused(await rest.post(path, content="{", headers=JSON), 400, "invalid_json")
    assert_refused(await rest.post(path, content=b"\xff", headers=JSON), 400, "invalid_json")
    assert_refused(await rest.post(path, content='{"name": "\\ud800"}', headers=JSON), 400)
    assert_refused(await rest.post(path, content="{}"), 415, "unsupported_media_type")
    assert_refused(await rest.post(path, content=b'"' + b"x" * 300_000 + b'"', headers=JSON), 413)
    assert_refused(await rest.post(path, json=GOOD[kind], headers={"Idempotency-Key": "x" * 129}), 400, "invalid_key")


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_not_there_is_not_found(rest: httpx.AsyncClient, kind: str) -> None:
    for id in ("999999", "0", "-1", "x", "1.5", "01", "9223372036854775807", "9223372036854775808", "9" * 500, "%00"):
        assert_refused(await rest.get(f"/api/{kind}/{id}"), 404)
        if kind != "activity-logs":
            assert_refused(await rest.put(f"/api/{kind}/{id}", json={}), 404)
            assert_refused(await rest.delete(f"/api/{kind}/{id}"), 404)


QUESTIONS = (
    "pets?limit=0",
    "pets?limit=501",
    "pets?limit=x",
    "pets?limit=",
    "pets?after=x",
    "pets?after=9223372036854775808",
    f"pets?q={'x' * 81}",
    "services?active=maybe",
    "reservations?pet_id=x",
    "reservations?status=lost",
    "reservations?from=ayer",
    "reservations?from=2026-03-02T14:30:00",
    "reservations?to=9999-01-01T00:00:00Z",
    "invoices?status=done",
    "payments?method=bitcoin",
    "medical-history?from=2026-02-30",
    "medical-history?to=2026",
    "activity-logs?entity_id=0",
)


async def test_a_wrong_question_is_refused_by_its_parameter(rest: httpx.AsyncClient) -> None:
    for question in QUESTIONS:
        parameter = question.partition("?")[2].partition("=")[0]
        assert_refused(await rest.get(f"/api/{question}"), 400, "bad_request", parameter)


async def test_an_unknown_parameter_is_ignored(rest: httpx.AsyncClient) -> None:
    assert (await rest.get("/api/pets?color=azul")).status_code == 200
