from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from quart_app.config import Settings
from quart_app.domains.products import rules
from quart_app.identity import issue_token
from quart_app.realtime.clients.identity import Identity
from tests.domains.products.clerks import COFFEE, REST, known, make
from tests.inside import serving
from tests.running import ServerProcess

JSON = {"Content-Type": "application/json"}


def assert_refused(response: httpx.Response, status: int, code: str | None = None, *fields: str) -> None:
    body = response.json()
    assert response.status_code == status, body
    assert body["success"] is False
    assert body["error"]["message"]
    assert code is None or body["error"]["code"] == code
    assert not fields or set(body["error"]["fields"]) == set(fields)


async def test_a_product_is_made_read_changed_and_deleted(rest: httpx.AsyncClient) -> None:
    made = await rest.post(REST, json=COFFEE)
    assert made.status_code == 201
    body = made.json()
    product = body["data"]
    assert (body["success"], body["message"]) == (True, "Producto creado exitosamente")
    assert {name: product[name] for name in COFFEE} == COFFEE
    assert product["created_at"] == product["updated_at"]
    assert product["created_at"].endswith("Z")
    path = made.headers["Location"]
    assert path == f"{REST}/{product['id']}"
    assert (await rest.get(path)).json() == {"success": True, "data": product}
    assert (await known(rest))[product["id"]] == product

    changed = (await rest.put(path, json={**COFFEE, "precio": 9, "stock": 0})).json()
    assert (changed["success"], changed["message"]) == (True, "Producto actualizado exitosamente")
    new = changed["data"]
    assert (new["precio"], new["stock"], new["nombre"]) == (9, 0, COFFEE["nombre"])
    assert (new["created_at"], new["version"]) == (product["created_at"], 2)
    assert new["updated_at"] >= product["updated_at"]

    deleted = await rest.delete(path)
    assert deleted.status_code == 200
    assert deleted.json() == {"success": True, "message": "Producto eliminado exitosamente", "data": new}
    assert_refused(await rest.get(path), 404, "product_not_found")
    assert product["id"] not in await known(rest)


async def test_an_id_is_never_given_twice(rest: httpx.AsyncClient) -> None:
    last = await make(rest)
    await rest.delete(f"{REST}/{last['id']}")
    assert (await make(rest))["id"] > last["id"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        *(("0", "0.0"), ("19.9", "19.9"), ("19.90", "19.9"), ('"19.90"', "19.9"), ("1e2", "100.0"), ("-0.0", "0.0")),
        *(("0.01", "0.01"), ("9999999999.99", "9999999999.99"), ('"9999999999.99"', "9999999999.99")),
        ("4503599627.37", "4503599627.37"),
    ],
)
async def test_a_price_is_exact(rest: httpx.AsyncClient, text: str, shown: str) -> None:
    answer = await rest.post(REST, content=f'{{"nombre": "x", "precio": {text}}}', headers=JSON)
    assert answer.status_code == 201, answer.text
    assert f'"precio":{shown},' in answer.text
    assert f'"precio":{shown},' in (await rest.get(answer.headers["Location"])).text


@pytest.mark.parametrize(
    "text", ["<script>alert('é')</script>", "  spaces  stay ", "x" * 255, "🧉" * 255, "línea\nlínea", "null", "' --"]
)
async def test_text_is_kept_as_it_is_given(rest: httpx.AsyncClient, text: str) -> None:
    product = await make(rest, nombre=text, descripcion=text)
    assert (product["nombre"], product["descripcion"]) == (text, text)
    page = await rest.get("/products")
    assert "<script>alert(" not in page.text


async def test_what_is_not_given_is_empty_and_none(rest: httpx.AsyncClient) -> None:
    body: dict[str, None]
    for body in ({}, {"descripcion": None}):
        answer = await rest.post(REST, json={"nombre": "x", "precio": 1, **body})
        assert (answer.json()["data"]["descripcion"], answer.json()["data"]["stock"]) == ("", 0)


BAD_VALUES: dict[str, list[Any]] = {
    "nombre": ["", "   ", "x" * 256, "a\0b", 5, None, True, ["x"], {}],
    "descripcion": ["x" * 2001, "a\0", 5, ["x"]],
    "precio": [-0.01, 19.999, 10**10, 1e300, "", "caro", "1,5", None, True, []],
    "stock": [-1, 1.5, 2**31, 10**30, 1e300, "5", "", None, True, []],
    "color": ["rojo"],
    "id": [7],
}
BAD_FIELDS: list[tuple[dict[str, Any], list[str]]] = [
    *(({name: value}, [name]) for name, values in BAD_VALUES.items() for value in values),
    ({"nombre": "", "precio": -1, "stock": 0.5, "x": 1}, ["nombre", "precio", "stock", "x"]),
]


@pytest.mark.parametrize(("wrong", "fields"), BAD_FIELDS)
async def test_every_wrong_field_is_named(rest: httpx.AsyncClient, wrong: Any, fields: list[str]) -> None:
    assert_refused(await rest.post(REST, json={**COFFEE, **wrong}), 400, "invalid_product", *fields)
    product = await make(rest)
    path = f"{REST}/{product['id']}"
    assert_refused(await rest.put(path, json=wrong), 400, "invalid_product", *fields)
    assert (await rest.get(path)).json()["data"] == product


async def test_what_is_missing_is_named(rest: httpx.AsyncClient) -> None:
    assert_refused(await rest.post(REST, json={}), 400, "invalid_product", "nombre", "precio")
    product = await make(rest)
    every = ("nombre", "descripcion", "precio", "stock")
    empty: dict[str, int]
    for empty in ({}, {"version": 1}):
        answer = await rest.put(f"{REST}/{product['id']}", json=empty)
        assert_refused(answer, 400, "invalid_product", *every)
    for version in (0, -1, 1.5, "1", None, 2**31):
        answer = await rest.put(f"{REST}/{product['id']}", json={"stock": 1, "version": version})
        assert_refused(answer, 400, "invalid_product", "version")


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_what_is_no_product_is_refused(rest: httpx.AsyncClient, method: str) -> None:
    path = REST if method == "POST" else f"{REST}/{(await make(rest))['id']}"
    for body in ("[]", "7", '"x"', "null"):
        assert_refused(await rest.request(method, path, content=body, headers=JSON), 400, "invalid_product")
    for content in (b"", b"{", b"\xff", b"[" * 100_000, b'{"precio": NaN}', b'{"nombre": "\\ud800"}'):
        assert_refused(await rest.request(method, path, content=content, headers=JSON), 400, "invalid_json")
    huge = b'{"nombre": "x", "precio": 1E999999999999999999999}'
    assert_refused(await rest.request(method, path, content=huge, headers=JSON), 400, "invalid_product", "precio")
    assert_refused(await rest.request(method, path, content="{}"), 415, "unsupported_media_type")
    assert_refused(await rest.request(method, path, data={"nombre": "x"}), 415)
    assert_refused(await rest.request(method, path, content=b'"' + b"x" * 300_000 + b'"', headers=JSON), 413)


@pytest.mark.parametrize(
    "id",
    ["999999", "0", "-1", "abc", "1.5", "01", "9223372036854775807", "9223372036854775808", "9" * 5000, "%00", "١"],
)
async def test_an_unknown_product_is_not_found(rest: httpx.AsyncClient, id: str) -> None:
    path = f"{REST}/{id}"
    assert_refused(await rest.get(path), 404, "product_not_found")
    assert_refused(await rest.put(path, json=COFFEE), 404, "product_not_found")
    assert_refused(await rest.delete(path), 404, "product_not_found")


async def test_all_products_come_at_once_or_in_pages(rest: httpx.AsyncClient) -> None:
    made = [(await make(rest, nombre=f"p{number}"))["id"] for number in range(5)]
    everything = (await rest.get(REST)).json()
    ids = [product["id"] for product in everything["data"]]
    assert ids == sorted(ids)
    assert ids[-5:] == made
    assert everything["after"] is None
    page = (await rest.get(REST, params={"limit": 2})).json()
    paged = page["data"]
    while page["after"]:
        page = (await rest.get(REST, params={"after": page["after"], "limit": 2})).json()
        paged += page["data"]
    assert paged == everything["data"]


@pytest.mark.parametrize("query", ["limit=0", "limit=2001", "limit=x", "limit=", "after=-1", "after=x", "after=1.5"])
async def test_a_wrong_page_is_refused_by_its_field(rest: httpx.AsyncClient, query: str) -> None:
    assert_refused(await rest.get(f"{REST}?{query}"), 400, "bad_request", query.partition("=")[0])
    assert (await rest.get(f"{REST}?color=rojo")).status_code == 200


async def test_a_key_makes_changes_and_deletes_once(rest: httpx.AsyncClient) -> None:
    first, again = [await rest.post(REST, json=COFFEE, headers={"Idempotency-Key": "uno"}) for _ in range(2)]
    assert first.status_code == again.status_code == 201
    assert first.text == again.text
    path = first.headers["Location"]
    change = {"stock": 1, "version": 1}
    changes = [await rest.put(path, json=change, headers={"Idempotency-Key": "uno"}) for _ in range(2)]
    assert [answer.status_code for answer in changes] == [200, 200]
    assert (await rest.get(path)).json()["data"]["version"] == 2
    deletions = [await rest.delete(path, headers={"Idempotency-Key": "uno"}) for _ in range(2)]
    assert [answer.status_code for answer in deletions] == [200, 200]
    assert_refused(await rest.post(REST, json=COFFEE, headers={"Idempotency-Key": "x" * 129}), 400, "invalid_key")


async def test_there_is_an_end_to_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "PRODUCTS", 3)
    async with serving(tmp_path / "envivo.db") as (_, url), httpx.AsyncClient(base_url=url) as rest:
        first, *_ = [await make(rest) for _ in range(3)]
        assert_refused(await rest.post(REST, json=COFFEE), 409, "too_many_products")
        await rest.delete(f"{REST}/{first['id']}")
        await make(rest)


async def test_a_new_database_has_examples_that_were_events_once(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server(empty=0)
    async with httpx.AsyncClient(base_url=server.url) as rest:
        products = (await rest.get(REST)).json()["data"]
        assert len(products) == 8
        events = (await rest.get("/api/log", params={"topic": "products"})).json()["data"]
        assert [(event["type"], event["data"]) for event in events] == [("PRODUCT_CREATED", one) for one in products]


async def test_in_secure_mode_a_token_is_needed(make_server: Callable[..., ServerProcess]) -> None:
    settings = Settings(access="secure", secret_key="x" * 40)
    server = make_server(access="secure", secret_key=settings.secret_key)
    async with httpx.AsyncClient(base_url=server.url) as rest:
        assert_refused(await rest.get(REST), 401, "unauthorized")
        assert_refused(await rest.get(f"{REST}/1"), 401)
        assert_refused(await rest.post(REST, json=COFFEE), 401)
        assert_refused(await rest.put(f"{REST}/1", json=COFFEE), 401)
        assert_refused(await rest.delete(f"{REST}/1"), 401)
        assert_refused(await rest.get("/poll/products"), 401)
        assert (await rest.get("/products", headers={"Accept": "text/html"})).status_code == 401
        token = issue_token(settings.front, Identity("42", "Ana", "employee"), timedelta(minutes=1))
        rest.headers["Authorization"] = f"Bearer {token}"
        assert (await make(rest))["version"] == 1
