"""A function that would end the program: that is a failure of its own, logged with its line, and the server goes on."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from quart_app.functions.loading import FunctionsError, load
from tests.domains.chat.people import Person
from tests.functions.conftest import Serve
from tests.running import ServerProcess, eventually

ENDINGS = ["sys.exit()", "raise SystemExit('over')", "raise KeyboardInterrupt", "raise asyncio.CancelledError"]
_SOURCE = """
import asyncio, sys
from quart_app.functions import command, feed, on

@feed("live/alive", every=0.05)
async def alive():
    return True
"""
_FUNCTIONS = """
@feed("live/returns{n}", every=0.05)
async def returns{n}():
    {ending}

@feed("live/plain{n}", every=0.05)
def plain{n}():
    {ending}

@feed("live/yields{n}")
async def yields{n}():
    yield 1
    {ending}

@feed("live/steps{n}")
def steps{n}():
    yield 1
    {ending}

@on("log/heard{n}")
async def heard{n}(message):
    {ending}

@on("log/heard{n}")
def overheard{n}(message):
    {ending}

@command("live/asked{n}")
async def asked{n}(body, who):
    {ending}

@command("live/told{n}")
def told{n}(body, who):
    {ending}

@command("live/begins{n}")
async def begins{n}(body, who):
    async def worker{n}():
        await asyncio.sleep(0)
        {ending}
    asyncio.create_task(worker{n}())

@feed("live/cleans{n}")
async def cleans{n}():
    try:
        yield 1
        raise ValueError("cleaning")
    finally:
        {ending}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("ending")
    source = _SOURCE + "".join(_FUNCTIONS.format(n=n, ending=ending) for n, ending in enumerate(ENDINGS))
    (folder / "my_feeds.py").write_text(source, "utf-8")
    server = ServerProcess(folder, "--functions", "my_feeds.py")
    yield server.start()
    assert server.stop() == 0


async def _says(server: ServerProcess, name: str) -> str:
    """What the log says of the failure of the function `name`, with the line of the file it names."""
    found: re.Match[str] = await eventually(lambda: re.search(rf"{name} \(my_feeds.py:(\d+)\): (.*)", server.log()))
    source = (server.folder / "my_feeds.py").read_text("utf-8").splitlines()
    return f"{source[int(found[1]) - 1].strip()} -> {found[2]}"


@pytest.mark.parametrize("name", ["returns", "plain", "yields", "steps", "cleans"])
@pytest.mark.parametrize("n", range(len(ENDINGS)))
async def test_a_feed(server: ServerProcess, name: str, n: int) -> None:
    async with Person(server.url, f"/live/{name}{n}"), Person(server.url, "/live/alive") as listener:
        assert (await _says(server, f"{name}{n}")).startswith(f"{ENDINGS[n]} -> it ends the program")
        await listener.hear("alive")


@pytest.mark.parametrize("n", range(len(ENDINGS)))
async def test_a_reaction(server: ServerProcess, n: int) -> None:
    async with Person(server.url, f"/log/heard{n}") as speaker, Person(server.url, "/live/alive") as listener:
        await speaker.say("said")
        for name in ("heard", "overheard"):
            assert (await _says(server, f"{name}{n}")).startswith(f"{ENDINGS[n]} -> it ends the program")
        await listener.hear("alive")


@pytest.mark.parametrize("name", ["asked", "told"])
@pytest.mark.parametrize("n", range(len(ENDINGS)))
async def test_a_command(server: ServerProcess, name: str, n: int) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        (reply,) = (await client.post(f"/send/live/{name}{n}", json={"type": "do"})).json()["messages"]
        assert reply["data"]["code"] == "function_failed"
        assert "it ends the program" in reply["data"]["message"]
        assert (await _says(server, f"{name}{n}")).startswith(f"{ENDINGS[n]} -> it ends the program")
        assert (await client.get("/health")).status_code == 200


@pytest.mark.parametrize("n", [n for n, ending in enumerate(ENDINGS) if "Cancelled" not in ending])
async def test_a_task_that_a_function_has_made(server: ServerProcess, n: int) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        answer = await client.post(f"/send/live/begins{n}", json={"type": "do"})
        assert answer.json()["messages"] == []
        assert (await client.get("/health")).status_code == 200
    line = (server.folder / "my_feeds.py").read_text("utf-8").splitlines().index(f"    async def worker{n}():") + 3
    await eventually(lambda: f'my_feeds.py", line {line}, in worker{n}' in server.log())


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_file_that_is_read_again(serve: Serve, ending: str) -> None:
    server, file = serve(_SOURCE)
    file.write_text(f"{_SOURCE}\n{ending}\n", "utf-8")
    line = len(_SOURCE.splitlines()) + 2
    await eventually(lambda: f"my_feeds.py, line {line}: it ends the program" in server.log())
    async with Person(server.url, "/live/alive") as listener:
        await listener.hear("alive")


@pytest.mark.parametrize("ending", ["sys.exit()", "raise asyncio.CancelledError"])
def test_a_file_at_the_start(tmp_path: Path, ending: str) -> None:
    file = tmp_path / "my_feeds.py"
    file.write_text(f"import asyncio, sys\n{ending}\n", "utf-8")
    with pytest.raises(FunctionsError, match="line 2: it ends the program"):
        load(file)
