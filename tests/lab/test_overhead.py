"""Lesson 12: what is weighed is what our server and our client write, and what is said of a run is true of it."""

import asyncio
import re
from typing import Any

import httpx
import pytest

from quart_app.client import connect
from quart_app.client.address import StreamRequest
from quart_app.lab.lesson import find
from quart_app.lab.lessons.overhead import heads, scale
from quart_app.lab.lessons.overhead.tally import figures, strip, tally
from quart_app.lab.running import Played, choose, play, run
from quart_app.lab.strategies import Strategy
from quart_app.lab.strip import Row
from quart_app.lab.texts import words
from quart_app.lab.world.serving import Answer, Request
from quart_app.lab.world.trace import Trace
from quart_app.realtime import Identity
from tests.running import ServerProcess, listening

LESSON = find("overhead")


def played(name: str, *acts: str, seed: int | None = None, **knobs: float) -> Played:
    return run(LESSON, seed, knobs, [name], acts).played[0]


def sent(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["do"] in {"send", "ack", "push"}]


# What is weighed


class Tap:
    """Passes on what a client and a server say to each other, and keeps it, by connection."""

    url = ""

    def __init__(self, server: ServerProcess) -> None:
        self._port = httpx.URL(server.url).port
        self._open: set[asyncio.Task[Any]] = set()
        self._kept: list[tuple[bytearray, bytearray]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        up, down = bytearray(), bytearray()
        self._kept.append((up, down))
        try:
            await asyncio.gather(self._pass(reader, back, up), self._pass(there, writer, down))
        except (OSError, asyncio.CancelledError):
            pass  # an end like any other
        finally:
            self._open.discard(task)
            back.transport.abort()
            writer.transport.abort()

    @staticmethod
    async def _pass(source: asyncio.StreamReader, target: asyncio.StreamWriter, kept: bytearray) -> None:
        while data := await source.read(65_536):
            kept += data
            target.write(data)
        target.close()

    async def stop(self) -> None:
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def heads(self) -> tuple[str, str, bytes]:
        """Return the head of the request that brought the letter, that of its answer, and what came after that."""
        for up, down in self._kept:
            before, found, _ = bytes(down).partition(b'"type":"letter"')
            if found:
                asked = re.findall(rb"(?s)(?:GET|POST) /.*?\r\n\r\n", bytes(up))
                answers = [place.start() for place in re.finditer(rb"HTTP/1\.1 ", before)]
                head, _, rest = bytes(down)[answers[-1] :].partition(b"\r\n\r\n")
                return asked[len(answers) - 1].decode(), head.decode() + "\r\n\r\n", rest
        raise AssertionError("no letter came")


async def tapped(server: ServerProcess, rung: str, *names: str) -> tuple[str, str, bytes]:
    """Return what has passed, as `Tap.heads` does, when a client has got letters of these names."""
    topic = "log/letters"
    tap = Tap(server)
    async with listening(tap), connect(tap.url, [topic], transports=(rung,)) as live:
        await live.opened()
        async with httpx.AsyncClient() as http:
            letters = [{"topic": topic, "type": scale.LETTER, "data": name.ljust(20, ".")} for name in names]
            assert (await http.post(f"{server.url}/api/publish", json=letters)).is_success
        async with asyncio.timeout(10):
            async for message in live:
                if message["type"] == scale.LETTER:
                    return tap.heads()
    raise AssertionError("the client has ended")


def header_names(head: str) -> list[str]:
    return [line.partition(":")[0].lower() for line in head.split("\r\n\r\n", maxsplit=1)[0].split("\r\n")[1:]]


def size(head: str) -> int:
    """Without the names of this machine and of the libraries, and the cursor, which differ."""
    return len(re.sub(r"(?im)^(host|user-agent|x-connection-id): .*$|since=[^&]*", "", head.partition("\r\n\r\n")[0]))


def assert_alike(recorded: str, today: str) -> None:
    assert header_names(recorded) == header_names(today)
    assert size(recorded) == pytest.approx(size(today), rel=0.1)


def letters_in(rest: bytes) -> list[bytes]:
    return [found[0] for found in re.finditer(rb'\{"type":"letter",[^{}]*(\{[^{}]*\})?[^{}]*\}', rest)]


def weighed(rung: str, item: Any) -> dict[str, Any]:
    weigher = scale.Scale(Trace(lambda: 0.0))
    weigher.told(Request(rung, Identity("reader", "reader"), ("log/letters",)))
    weigher.told(item)  # before which there is a head
    told = weigher.told(item)
    assert told is not None
    return told


ASKED = StreamRequest(("log/letters",), None, ())


async def test_the_server_and_the_client_write_a_websocket_as_it_is_weighed(server: ServerProcess) -> None:
    request, answer, rest = await tapped(server, "ws", "l1")
    assert_alike(heads.upgrade(ASKED), request)
    assert_alike(heads.UPGRADED, answer)
    letter = letters_in(rest)[0]
    frame = rest[rest.index(letter) - 4 :]
    assert frame[:4] == b"\x81\x7e" + len(letter).to_bytes(2, "big")
    assert weighed("ws", letter)["bytes"] == 4 + len(letter)


async def test_the_server_and_the_client_write_an_event_stream_as_it_is_weighed(server: ServerProcess) -> None:
    request, answer, rest = await tapped(server, "sse", "l1")
    assert_alike(heads.events(ASKED), request)
    assert_alike(heads.EVENTS, answer)
    assert rest.startswith(heads.EVENTS.encode().partition(b"\r\n\r\n")[2])
    letter = letters_in(rest)[0]
    found = re.search(rb"([0-9a-f]+)\r\nid: [^\r]*" + re.escape(letter) + rb"\n\n\r\n", rest)
    assert found is not None
    assert weighed("sse", letter)["bytes"] == len(found[0])


async def test_the_server_and_the_client_write_a_long_poll_as_it_is_weighed(server: ServerProcess) -> None:
    request, answer, rest = await tapped(server, "poll", "l1", "l2")
    asked = StreamRequest(("log/letters",), "cb05b550edf1-374.70ae38336fc88dfc.5", ())
    assert_alike(heads.poll(asked, 25.0, "t8jAbWvS5DQvf2OEhIaFuMj7"), request)
    body = rest[: int(re.findall(r"content-length: (\d+)", answer)[0])]
    assert_alike(heads.polled(len(body)), answer)
    cursor = re.findall(rb'"id":"([^"]*)"\}$', body)[0].decode()
    letters = letters_in(body)
    assert len(letters) == 2
    weight = weighed("poll", Answer(letters, cursor))["bytes"]
    assert weight == len(heads.polled(len(body))) + len(body)


# What is said


def test_the_figures_of_the_texts_are_those_of_the_run() -> None:
    whole = run(LESSON)
    found = figures(whole.played)
    weights = {one.strategy: sum(event["bytes"] for event in sent(one.events)) for one in whole.played}
    assert {name: found[name] for name in weights} == weights
    answer = LESSON.predict.answer
    assert isinstance(answer, tuple)
    assert sorted(answer, key=lambda name: -weights[name]) == list(answer)
    assert LESSON.observe.answer == "less"
    assert found["letters"] * found["size"] < weights["often"] / 100
    assert weights["seldom"] < weights["often"]
    assert found["waited"] > 1


def test_what_the_explanation_says_of_the_envelopes_is_so() -> None:
    added = {}
    for name in ("long", "sse", "ws"):
        events = sent(played(name).events)
        came = [event for event in events if event.get("letters") == 1]
        assert {event["text"] for event in came} <= set(range(125, 135))
        asks = [event["bytes"] for event in events if event["what"] == "ask"][1:] or [0]
        added[name] = max(event["bytes"] - event["text"] for event in came) + max(asks)
    assert added["ws"] == 4
    assert 32 <= added["sse"] <= 38
    assert 850 <= added["long"] <= 950


def test_the_heads_of_a_stream_are_weighed_once() -> None:
    for name, asked, answered in (("ws", heads.upgrade, heads.UPGRADED), ("sse", heads.events, heads.EVENTS)):
        ask, welcome, *letters = sent(played(name).events)
        assert ask["bytes"] == len(asked(ASKED))
        framing = letters[0]["bytes"] - letters[0]["text"]
        assert len(answered) < welcome["bytes"] - welcome["text"] <= len(answered) + framing
        assert {letter["what"] for letter in letters} == {scale.LETTER}


def test_what_the_teacher_is_told_to_try_happens() -> None:
    waits = {name: max(tally(played(name, "slow@15").events).shown.values()) for name in ("long", "sse", "ws")}
    assert waits["long"] > 0.5 > waits["sse"]
    assert waits["ws"] < 0.5
    silent, heard = (tally(played(name, "buffer@15").events) for name in ("sse", "long"))
    assert len(silent.shown) < len(heard.shown) == len(heard.written)
    (breach,) = [verdict.breach for verdict in played("sse", "buffer@15").broken]
    assert breach is not None
    assert breach.why == "missing"


def test_asking_can_take_less_per_letter_than_an_event_stream() -> None:
    async def rarely(reader: Any) -> None:
        while True:
            reader.show(await reader.ask())
            await reader.sleep(10)

    one = play(choose(LESSON, knobs={"letters": 300}), Strategy("rarely", rarely))
    assert tally(one.events).per_letter < tally(played("sse", letters=300).events).per_letter


@pytest.mark.parametrize("name", LESSON.strategies)
def test_the_sentences_are_true(name: str) -> None:
    for seed in range(10):
        one = played(name, seed=seed)
        for verdict in one.broken:
            breach = verdict.breach
            assert breach is not None
            values, last = breach.values, one.events[breach.events[-1]]
            until = one.events[: last["n"] + 1]
            if verdict.rule == "few_empty":
                answers = [event["text"] for event in until if event["do"] == "ack"]
                assert (len(answers), answers.count(0)) == (values["asks"], values["empty"])
            else:
                written = next(e["t"] for e in until if e["do"] == "commit" and e["msg"] == f"l{values['msg']}")
                assert values["at"] == written
                assert (last["do"], last["msg"]) == ("show", f"l{values['msg']}")
                assert values["waited"] == last["t"] - written > 0.5


def test_a_letter_that_is_never_shown_is_found_out() -> None:
    async def deaf(reader: Any) -> None:
        way = await reader.open("ws")
        while True:
            reader.show((await way.read())[:0])

    one = play(choose(LESSON), Strategy("deaf", deaf))
    assert [verdict.breach and verdict.breach.why for verdict in one.broken] == ["missing"]
    say = words("en", LESSON.folder)
    assert say("prompt_missing", msg="1", at=2.5) == "Letter 1 was written at 2.5 s and never shown."


def test_what_is_sent_is_what_comes_and_each_letter_is_in_the_log_once() -> None:
    for one in run(LESSON, 4).played:
        came = {event["of"]: event for event in one.events if event["do"] == "arrive"}
        for event in sent(one.events):
            if event["n"] in came:
                assert came[event["n"]]["bytes"] == event["bytes"]
        assert sum(event["letters"] for event in sent(one.events) if "letters" in event) <= 20
        shown = [event["msg"] for event in one.events if event["do"] == "show"]
        assert len(shown) == len({*shown})


def test_an_answer_without_a_letter_was_for_nothing_with_its_question() -> None:
    events = played("often").events
    nothing = [event for event in events if event["do"] == "ack" and not event["text"]]
    asked = [events[events[event["of"]]["of"]] for event in nothing]
    assert {event["what"] for event in asked} == {"ask"}
    found = tally(events)
    assert (found.empty, found.in_vain) == (len(nothing), sum(event["bytes"] for event in (*nothing, *asked)))


def test_the_strip_of_any_beginning_can_be_drawn_and_is_to_scale() -> None:
    for name in LESSON.strategies:
        events = played(name).events
        for until in range(0, len(events) + 1, 7):
            assert len(strip(events[:until]).rows) == 3
        envelope, times, _ = strip(events).rows
        assert isinstance(envelope, Row)
        assert isinstance(times, Row)
        assert len(envelope.cells) == pytest.approx(tally(events).per_letter / 100, abs=1)
        assert len(times.cells) == 20
        assert any(cell.kind == "lost" for cell in envelope.cells) is (name == "often")
    assert strip([]).rows
