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

ENDINGS = [
    "sys.exit()",
    "raise SystemExit('over')",
    "raise KeyboardInterrupt",
    "raise asyncio.CancelledError",
    "raise GeneratorExit",
]
# What ends no function, but the loop that would call it later.
CALLED_BY_THE_LOOP = [
    "loop.call_soon(sys.exit)",
    "loop.call_later(0.01, sys.exit)",
    "loop.call_later(0.01, interrupt)",
    "loop.call_soon_threadsafe(sys.exit)",
    "asyncio.create_task(asyncio.sleep(0)).add_done_callback(sys.exit)",
    "asyncio.create_task(worker())",
    "asyncio.Task(worker(), loop=loop)",
    "threading.Thread(target=lambda: asyncio.run_coroutine_threadsafe(worker(), loop)).start()",
]
_SOURCE = """
import asyncio, dataclasses, sys, threading
from quart_app.functions import command, feed, on

@feed("live/alive", every=0.05)
async def alive():
    return True
"""
_CALLING = """
def interrupt():
    raise KeyboardInterrupt

async def worker():
    sys.exit()

async def rude():
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        sys.exit(3)

kept = []

@command("live/rude")
async def leave(body, who):
    kept.append(asyncio.create_task(rude()))

@command("live/threadsafe")
def threadsafe(body, who):
    kept[0].get_loop().call_soon_threadsafe(sys.exit)

@command("live/stops")
async def stops(body, who):
    asyncio.get_running_loop().stop()
"""
_CALL = """
@command("live/call{n}")
async def call{n}(body, who):
    loop = asyncio.get_running_loop()
    {call}
"""
_SHOWN = """
@dataclasses.dataclass
class Answer{n}:
    field: int = 1

    def __getattribute__(self, name):
        if name == "field":
            {ending}
        return object.__getattribute__(self, name)

class Wordless{n}(Exception):
    def __str__(self):
        {ending}

class Refusing{n}(ValueError):
    def __str__(self):
        {ending}

@feed("live/fed{n}", every=0.05)
def fed{n}():
    return Answer{n}()

@command("live/answers{n}")
async def answers{n}(body, who):
    return Answer{n}()

@command("live/wordless{n}")
async def wordless{n}(body, who):
    raise Wordless{n}

@command("live/refuses{n}")
async def refuses{n}(body, who):
    raise Refusing{n}
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


_GOES_ON = "would have ended the program, which goes on"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("ending")
    source = _SOURCE + "".join((_FUNCTIONS + _SHOWN).format(n=n, ending=ending) for n, ending in enumerate(ENDINGS))
    source += _CALLING + "".join(_CALL.format(n=n, call=call) for n, call in enumerate(CALLED_BY_THE_LOOP))
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


async def _ask(server: ServerProcess, name: str) -> tuple[str, str]:
    """Have the command `name` called; return the code and the words of its refusal, none where it has worked."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        replies = (await client.post(f"/send/live/{name}", json={"type": "do"})).json()["messages"]
        assert (await client.get("/health")).status_code == 200
    return (replies[0]["data"]["code"], replies[0]["data"]["message"]) if replies else ("", "")


@pytest.mark.parametrize("n", range(len(ENDINGS)))
async def test_an_answer_that_ends_the_program_while_it_is_made_json(server: ServerProcess, n: int) -> None:
    code, message = await _ask(server, f"answers{n}")
    assert (code, "it ends the program" in message) == ("function_failed", True)
    async with Person(server.url, f"/live/fed{n}"):
        assert (await _says(server, f"fed{n}")).startswith(f"{ENDINGS[n]} -> it ends the program")


@pytest.mark.parametrize("n", range(len(ENDINGS)))
async def test_an_error_that_ends_the_program_when_asked_what_it_says(server: ServerProcess, n: int) -> None:
    code, message = await _ask(server, f"wordless{n}")
    assert (code, message.rpartition(": ")[2]) == ("function_failed", f"Wordless{n}")
    assert await _ask(server, f"refuses{n}") == ("refused", f"Refusing{n}")


@pytest.mark.parametrize("n", range(len(CALLED_BY_THE_LOOP)))
async def test_what_the_loop_calls_for_a_function(server: ServerProcess, n: int) -> None:
    known = server.log().count(_GOES_ON)
    async with Person(server.url, "/live/alive") as listener:
        assert await _ask(server, f"call{n}") == ("", "")
        await eventually(lambda: server.log().count(_GOES_ON) > known)
        await listener.hear("alive")


async def test_one_that_stops_the_loop(server: ServerProcess) -> None:
    assert (await _ask(server, "stops"))[0] == "function_failed"
    assert (await _says(server, "stops")).startswith("asyncio.get_running_loop().stop() -> RuntimeError")


async def test_what_the_loop_calls_for_a_plain_function_and_at_the_end(server: ServerProcess) -> None:
    """One of the tasks raises SystemExit when it is cancelled, which is when the server is done: it ends in order."""
    assert await _ask(server, "rude") == ("", "")
    known = server.log().count(_GOES_ON)
    assert await _ask(server, "threadsafe") == ("", "")
    await eventually(lambda: server.log().count(_GOES_ON) > known)


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
