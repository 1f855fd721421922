"""What the tests of Socket.IO share: the server, its topic, how a client may travel, who is connected."""

import httpx

from tests.running import ServerProcess
from tests.transports.socketio.client import SocketIoClient

TOPIC = "log/socketio"
WAYS = {"websocket": {"transports": ["websocket"]}, "polling": {"transports": ["polling"]}, "upgrade": {}}
FIRM = {name: options for name, options in WAYS.items() if options}  # those that stay with one transport


class Server(ServerProcess):
    module = "tests.transports.socketio.server"


async def publish(rest: httpx.AsyncClient, numbers: range, padding: str = "") -> None:
    step = min(1000, 200_000 // (100 + len(padding)))  # what a body may hold
    for start in range(numbers.start, numbers.stop, step):
        part = range(start, min(start + step, numbers.stop))
        body = [{"topic": TOPIC, "type": "n", "data": {"n": n, "padding": padding}} for n in part]
        answer = await rest.post("/api/publish", json=body)
        assert answer.status_code == 202, answer.text


def numbers(client: SocketIoClient) -> list[int]:
    return [args[0]["n"] for args in client.events("n")]


async def clients(rest: httpx.AsyncClient) -> int:
    """How many the server has."""
    topics = (await rest.get("/api/topics")).json()["data"]
    return sum(topic["subscribers"].get("socketio", 0) for topic in topics if topic["topic"] == TOPIC)


async def nobody(rest: httpx.AsyncClient) -> bool:
    return await clients(rest) == 0
