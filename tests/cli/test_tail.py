"""`envivo tail` as somebody in a shell meets it."""

import asyncio
import json
import signal
import sys

import httpx
import pytest

from quart_app.client import TRANSPORTS
from tests.cli.program import DEADLINE, envivo, line, line_with, running
from tests.client.traffic import fresh
from tests.running import ServerProcess


async def publish(server: ServerProcess, topic: str, number: int) -> None:
    async with httpx.AsyncClient() as http:
        message = {"topic": topic, "type": "numbered", "data": {"number": number, "text": "año\n"}}
        (await http.post(f"{server.url}/api/publish", json=message)).raise_for_status()


@pytest.mark.parametrize("transport", ["auto", *TRANSPORTS])
async def test_each_message_is_a_line_of_json_at_once(server: ServerProcess, transport: str) -> None:
    topic = fresh()
    async with running(server.url, "tail", topic, "--transport", transport) as process:
        welcome = json.loads(await line(process.stdout))
        assert welcome["type"] == "connected"
        assert welcome["transport"] == ("ws" if transport == "auto" else transport)
        for number in range(3):
            await publish(server, topic, number)
            assert json.loads(await line(process.stdout))["data"] == {"number": number, "text": "año\n"}
        assert await line(process.stderr) == f"connecting · {welcome['transport']}"
        assert (await line(process.stderr)).startswith(f"connected · {welcome['transport']}")


async def test_since_replays(server: ServerProcess) -> None:
    topic = fresh()
    for number in range(3):
        await publish(server, topic, number)
    async with running(server.url, "tail", topic, fresh(), "--since", "0") as process:
        numbers = [json.loads(await line_with(process.stdout, '"number"'))["data"]["number"] for _ in range(3)]
        assert numbers == [0, 1, 2]


def test_a_topic_that_does_not_exist_ends_it(server: ServerProcess) -> None:
    ended = envivo(server.url, "tail", "rooms/999999")
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.splitlines()[-1].startswith("stopped: ")
    assert "4404" in ended.stderr


@pytest.mark.parametrize("arguments", [["no topic"], ["a", "--url", "gopher://x"], [], ["a", "--transport", "pigeon"]])
def test_what_cannot_be_meant_is_a_usage_error(arguments: list[str]) -> None:
    ended = envivo("http://127.0.0.1:1", "tail", *arguments)
    assert ended.returncode == 2
    assert ended.stderr.startswith("Usage:")


async def test_a_server_that_is_away_is_told_once_and_waited_for(server: ServerProcess) -> None:
    async with running("http://127.0.0.1:1", "tail", fresh()) as process:
        assert (await line(process.stderr)).startswith("connecting")
        assert (await line(process.stderr)).startswith("waiting to reconnect")


if sys.platform != "win32":

    async def test_ctrl_c_ends_it_without_a_traceback(server: ServerProcess) -> None:
        async with running(server.url, "tail", fresh()) as process:
            await line(process.stdout)
            process.send_signal(signal.SIGINT)
            rest, errors = await asyncio.wait_for(process.communicate(), DEADLINE)
            assert process.returncode == 130
            assert rest == b""
            assert b"Traceback" not in errors
            assert b"Aborted" not in errors

    async def test_ctrl_c_while_the_server_is_away(server: ServerProcess) -> None:
        async with running("http://127.0.0.1:1", "tail", fresh()) as process:
            await line_with(process.stderr, "waiting")
            process.send_signal(signal.SIGINT)
            _, errors = await asyncio.wait_for(process.communicate(), DEADLINE)
            assert process.returncode == 130
            assert b"Traceback" not in errors

    async def test_it_ends_quietly_with_its_reader(server: ServerProcess) -> None:
        """As in `envivo tail … | head -1`: at once, although no message comes any more."""
        command = (
            f"'{sys.executable}' -m quart_app tail {fresh()} --url {server.url} | head -1; echo ${{PIPESTATUS[0]}}"
        )
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        output, errors = await asyncio.wait_for(process.communicate(), DEADLINE)
        welcome, code = output.decode().splitlines()
        assert json.loads(welcome)["type"] == "connected"
        assert code == "0"
        assert b"Traceback" not in errors
        assert b"BrokenPipe" not in errors
