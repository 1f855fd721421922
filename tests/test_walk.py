"""The walks of the guide are those of the code: a fact's real way passes through their files in their order."""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import httpx
import pytest

from quart_app.realtime.flow.audience import Stream
from tests.inside import serving
from tests.transports.drivers import SseStream, WebsocketStream

PROGRAM = Path(__file__).parents[1] / "quart_app"
MOST_FILES, MOST_RETURNS = 22, 5
_WALK = re.compile(r"^(?:The walk|El recorrido): (.*)$", re.MULTILINE)
_ASKED = re.compile(r"^(?:An arrow is|Una flecha es) .*$", re.MULTILINE)
_LINK = re.compile(r"\(\.\./\.\./([\w/]+\.py)\)")
_COUNTS = re.compile(r"(\d+) (?:files|archivos).*?(\d+) (?:times|veces)")


def walks(language: str) -> list[tuple[list[str], int, int]]:
    """The files of each walk in the guide, and how many files and returns it says to have."""
    page = (PROGRAM / "guide" / language / "03-architecture.md").read_text("utf-8")
    found = []
    for text in _WALK.findall(page):
        counts = _COUNTS.search(text)
        assert counts is not None
        found.append((_LINK.findall(text), int(counts[1]), int(counts[2])))
    return found


def asked(language: str) -> set[str]:
    """The files that the guide says to be only asked something on the way."""
    page = (PROGRAM / "guide" / language / "03-architecture.md").read_text("utf-8")
    (paragraph,) = _ASKED.findall(page)
    return set(re.findall(r"`([\w/]+\.py)`", paragraph))


@contextmanager
def files_entered(*, writes: int) -> Iterator[list[str]]:
    """The files of the program in the order in which the calls of this thread enter them, up to the last of so many
    `writes` to the readers of a stream."""
    entered: list[str] = []
    prefix = f"{PROGRAM}/"
    left = writes

    def note(frame: FrameType, event: str, _: object) -> None:
        nonlocal left
        code = frame.f_code
        if left and event == "call" and code.co_filename.startswith(prefix):
            entered.append(code.co_filename.removeprefix(prefix))
        left -= event == "return" and code is Stream.write.__code__

    sys.setprofile(note)
    try:
        yield entered
    finally:
        sys.setprofile(None)
    assert left == 0


def missing_step(walk: list[str], entered: list[str]) -> str | None:
    """The first file of the walk that the calls do not come to, after those before it."""
    calls = iter(entered)
    return next((file for file in walk if file not in calls), None)


@pytest.mark.parametrize("language", ["en", "es"])
def test_they_are_as_long_as_they_say_and_no_longer_than_one_can_follow(language: str) -> None:
    told = walks(language)
    assert len(told) == 2
    for files, count, returns in told:
        assert (len(set(files)), len(files) - len(set(files))) == (count, returns)
        assert count <= MOST_FILES
        assert returns <= MOST_RETURNS
    assert [files for files, _, _ in told] == [files for files, _, _ in walks("en")]
    assert asked(language) == asked("en")
    assert not asked(language) & {file for files, _, _ in told for file in files}


async def test_a_post_takes_the_first_one_to_a_websocket(tmp_path: Path) -> None:
    async with serving(tmp_path / "envivo.db") as (_, url), httpx.AsyncClient(base_url=url) as client:
        browser = WebsocketStream(url, None, ("rooms/1",), {"user_id": 1, "username": "Ana"})
        await browser.open()
        await browser.next("history")
        with files_entered(writes=1) as entered:
            await client.post("/api/rooms/1/messages", json={"content": "Hola"})
            await browser.next("message")
        await browser.leave()
    assert missing_step(walks("en")[0][0], entered) is None
    assert set(entered) - asked("en") == set(walks("en")[0][0])
    assert missing_step([*walks("en")[0][0], "domains/chat/views.py", "storage/group.py"], entered) is not None


async def test_a_message_takes_the_second_one_from_a_websocket_to_an_event_stream(tmp_path: Path) -> None:
    async with serving(tmp_path / "envivo.db") as (_, url):
        reader = SseStream(url, None, ("rooms/1",), {"user_id": 2, "username": "Eva"})
        speaker = WebsocketStream(url, None, ("rooms/1",), {"user_id": 1, "username": "Luis"})
        for stream in (reader, speaker):
            await stream.open()
            await stream.next("history")
        with files_entered(writes=2) as entered:
            await speaker.send_text(json.dumps({"type": "message", "content": "Hola"}))
            await reader.next("message")
        for stream in (reader, speaker):
            await stream.leave()
    assert missing_step(walks("en")[1][0], entered) is None
    assert set(entered) - asked("en") == set(walks("en")[1][0])
