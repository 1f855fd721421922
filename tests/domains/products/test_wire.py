"""The clients of the older system, unchanged: a Node `ws` client at `/`; and what every client is promised."""

import asyncio
import json

import httpx
import pytest

from tests.domains.products.clerks import DEADLINE, REST, Json, known, make, old_client
from tests.running import ServerProcess


@pytest.mark.parametrize("path", ["/", "/ws/products"])
async def test_an_old_client_hears_of_every_change_after_its_commit(
    server: ServerProcess, rest: httpx.AsyncClient, path: str
) -> None:
    async with old_client(server.url, path) as client:
        product = await make(rest, nombre="<b>té</b>")
        created = await client.hear()
        assert (created["type"], created["data"]) == ("PRODUCT_CREATED", product)
        assert set(product) >= {"id", "nombre", "descripcion", "precio", "stock", "created_at", "updated_at"}
        changed = (await rest.put(f"{REST}/{product['id']}", json={"precio": 3})).json()["data"]
        updated = await client.hear()
        assert (updated["type"], updated["data"]) == ("PRODUCT_UPDATED", changed)
        await rest.delete(f"{REST}/{product['id']}")
        deleted = await client.hear()
        assert (deleted["type"], deleted["data"]) == ("PRODUCT_DELETED", {"id": product["id"]})
        for message in (created, updated, deleted):
            assert message["topic"] == "products"
            assert message["timestamp"].endswith("Z")


async def test_what_is_refused_is_no_event(server: ServerProcess, rest: httpx.AsyncClient) -> None:
    async with old_client(server.url) as client:
        product = await make(rest)
        await rest.post(REST, json={"nombre": ""})
        await rest.put(f"{REST}/{product['id']}", json={"stock": 1, "version": 9})
        await rest.delete(f"{REST}/{product['id']}", params={"version": 9})
        await rest.delete(f"{REST}/999999")
        await make(rest, nombre="después")
        assert [(await client.hear())["data"]["nombre"] for _ in range(2)] == [product["nombre"], "después"]


@pytest.mark.parametrize(("ping", "pong"), [({"type": "PING"}, "PONG"), ({"type": "ping"}, "pong")])
async def test_a_keep_alive_is_answered_and_nonsense_is_survived(
    server: ServerProcess, rest: httpx.AsyncClient, ping: dict[str, str], pong: str
) -> None:
    async with old_client(server.url) as client:
        for nonsense in ("no json", "[]", '{"type": "dance"}'):
            await client.socket.send(nonsense)
            assert (await client.hear())["type"] == "error"
        await client.socket.send(json.dumps(ping))
        assert (await client.hear())["type"] == pong
        await make(rest)
        assert (await client.hear())["type"] == "PRODUCT_CREATED"


async def test_the_page_at_the_same_address_is_still_there(rest: httpx.AsyncClient) -> None:
    page = await rest.get("/")
    assert page.status_code == 200
    assert "<html" in page.text


async def test_what_the_list_and_its_cursor_promise_is_kept(server: ServerProcess, rest: httpx.AsyncClient) -> None:
    """Snapshot, then stream: while others write, the list and what follows its cursor are the table in the end."""

    async def write(name: str) -> None:
        for number in range(10):
            product = await make(rest, nombre=f"{name} {number}")
            await rest.put(f"{REST}/{product['id']}", json={"stock": number})
            if number % 3 == 0:
                await rest.delete(f"{REST}/{product['id']}")

    async def follow() -> tuple[dict[int, Json], str]:
        snapshot = (await rest.get(REST)).json()
        return {product["id"]: product for product in snapshot["data"]}, snapshot["cursor"]

    *_, one, other = await asyncio.gather(write("a"), write("b"), follow(), follow())
    table = await known(rest)
    for products, cursor in (one, other):
        async with old_client(server.url, f"/ws/products?since={cursor}") as client, asyncio.timeout(DEADLINE):
            while products != table:
                news = (await client.hear())["data"]
                if news.keys() == {"id"}:
                    products.pop(news["id"], None)  # the list may know a little more than its cursor says
                else:
                    products[news["id"]] = news
