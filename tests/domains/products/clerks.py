"""Those who look after an inventory in the tests: over REST, and on a plain WebSocket as the older system's clients."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

Json = dict[str, Any]
DEADLINE = 10.0  # s for anything that is awaited
REST = "/api/productos"
COFFEE: Json = {"nombre": "Café de Loja", "descripcion": "Tueste medio", "precio": 8.75, "stock": 42}


async def make(rest: httpx.AsyncClient, **fields: Any) -> Json:
    """A product like the coffee but for `fields`."""
    answer = await rest.post(REST, json={**COFFEE, **fields})
    assert answer.status_code == 201, answer.text
    product: Json = answer.json()["data"]
    return product


async def known(rest: httpx.AsyncClient) -> dict[int, Json]:
    """All products by id."""
    return {product["id"]: product for product in (await rest.get(REST)).json()["data"]}


def folded(products: dict[int, Json], events: Iterable[Json]) -> dict[int, Json]:
    """What `products` have become after `events`, for somebody who knows nothing else."""
    products = dict(products)
    for event in events:
        if event["type"] == "PRODUCT_DELETED":
            assert event["data"].keys() == {"id"}
            del products[event["data"]["id"]]
        else:
            assert (event["type"] == "PRODUCT_CREATED") == (event["data"]["id"] not in products)
            products[event["data"]["id"]] = event["data"]
    return products


class OldClient:
    """The `ws` client of the older system: parses every message and looks at its type and data."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def hear(self) -> Json:
        async with asyncio.timeout(DEADLINE):
            message: Json = json.loads(await self.socket.recv())
        return message


@asynccontextmanager
async def old_client(url: str, path: str = "/") -> AsyncIterator[OldClient]:
    """Connected at `path`, and welcomed."""
    async with connect(url.replace("http", "ws", 1) + path, open_timeout=DEADLINE, max_queue=None) as socket:
        client = OldClient(socket)
        welcome = await client.hear()
        assert welcome["type"] == "CONNECTION_ESTABLISHED"
        assert isinstance(welcome["message"], str)
        assert welcome["message"]
        yield client
