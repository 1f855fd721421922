"""The laboratory of a server: its pages, its runs, and hunts that go on and are told of."""

import html
import inspect
import json
import re
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import httpx
import psutil
import pytest

from quart_app.lab.lesson import Lesson, find, lessons
from quart_app.lab.running import Run, run
from quart_app.lab.telling import told
from quart_app.lab.texts import LANGUAGES, texts, words
from quart_app.realtime import limits
from tests.domains.lab.hunts import SLOW, begun, heard
from tests.lab.processes import runners
from tests.running import ServerProcess, eventually, unused_name
from tests.secure import SECURE, bearer, token

LESSON = find("delivery")
SECTIONS = ["player", "knobs", "predict", "observe", "explain", "quiz", "hunt"]


@pytest.fixture
async def rest(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
        yield client


async def page(rest: httpx.AsyncClient, path: str, language: str = "en") -> httpx.Response:
    return await rest.get(path, headers={"Accept": "text/html", "Accept-Language": language})


def island(text: str, id: str) -> Any:
    (found,) = re.findall(rf'<script type="application/json" id="{id}">(.*?)</script>', text, re.DOTALL)
    return json.loads(found)


def read(text: str) -> str:
    """Return what a page says to who reads it without a script."""
    (main,) = re.findall(r"<main.*?</main>", text, re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", "", main))


def run_here(lesson: Lesson, *more: Any) -> Run:
    """Return a run; it has a loop of its own, so no other may run in its thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run, lesson, *more).result()


def told_here(lesson: Lesson, *more: Any) -> Any:
    return json.loads(json.dumps(told(run_here(lesson, *more))))


@cache
def own(lesson: Lesson) -> Any:
    return told_here(lesson)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_list_has_every_lesson(rest: httpx.AsyncClient, language: str) -> None:
    answer = await page(rest, "/lab", language)
    assert answer.status_code == 200
    assert re.findall(r'data-lesson="(\w+)"', answer.text) == [lesson.slug for lesson in lessons()]
    said = read(answer.text)
    for lesson in lessons():
        say = words(language, lesson.folder)
        assert f'<a href="/lab/{lesson.slug}">' in answer.text
        for text in (say("title"), say("question"), *map(say, lesson.rules), str(lesson.minutes)):
            assert text in said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.slug)
async def test_a_lesson_can_be_read_without_a_script(rest: httpx.AsyncClient, lesson: Lesson, language: str) -> None:
    answer = await page(rest, f"/lab/{lesson.slug}", language)
    assert answer.status_code == 200
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    said, say = read(answer.text), words(language, lesson.folder)
    ran = own(lesson)
    for key in ("question", "setup_more", "predict", "explain_1", "explain_2", "real", "quiz", "break"):
        assert say(key) in said, key
    assert say("fact", **ran["figures"]) in said
    assert say("observe", **ran["figures"]) in said
    for name in lesson.strategies:
        assert inspect.getsource(getattr(lesson.module("strategies"), name)) in said
    for one in ran["played"]:
        outcome = one["frames"][-1]["strip"]["outcome"]
        assert say(outcome["key"], **outcome["values"]) in said
        for breach in filter(None, (verdict["breach"] for verdict in one["verdicts"])):
            assert say(breach["key"], **breach["values"]) in said
    ids = re.findall(
        r'<section id="lab-(\w+)" aria-labelledby="lab-(\w+)-title">\s*<h2 id="lab-(\w+)-title">', answer.text
    )
    assert ids == [(one, one, one) for one in SECTIONS]
    assert answer.text.index("<h1>") < answer.text.index('id="lab-player"')


async def test_a_script_is_given_what_it_needs(rest: httpx.AsyncClient) -> None:
    for language in LANGUAGES:
        given = island((await page(rest, "/lab/delivery", language)).text, "lesson")
        assert given["texts"] == texts(language, LESSON.folder)
        assert given["language"] == language
        assert (given["slug"], given["number"], given["seed"], given["lasts"]) == ("delivery", 2, 125, 20)
        assert given["lanes"] == ["till", "bank"]
        assert given["acts"] == list(LESSON.acts)
        assert given["rules"] == list(LESSON.rules)
        assert given["knobs"][1] == {"name": "delay", "from": 0.02, "to": 0.6, "default": 0.3, "unit": "s"}
        assert [one["name"] for one in given["strategies"]] == list(LESSON.strategies)
        assert given["strategies"][1]["breaks"] == ["once_each"]
        assert given["strategies"][1]["title"] == given["texts"]["s_retry"]
        assert given["predict"]["answer"] == "more"
        assert given["predict"]["options"] == ["less", "exact", "more", "depends"]
        assert given["observe"]["text"] == given["texts"]["observe"]
        assert given["quiz"]["kind"] == "choice"


@pytest.mark.parametrize("path", ["/lab/nothing", "/lab/nothing/sheet", "/lab/2"])
async def test_a_lesson_that_there_is_not_is_the_site_s_404(rest: httpx.AsyncClient, path: str) -> None:
    answer = await page(rest, path)
    assert answer.status_code == 404
    assert '<p class="error-code"' in answer.text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_sheet_says_what_a_teacher_needs(rest: httpx.AsyncClient, language: str) -> None:
    answer = await page(rest, "/lab/delivery/sheet", language)
    said, say = read(answer.text), words(language, LESSON.folder)
    figures = own(LESSON)["figures"]
    for key in ("question", "predict", "p_less", "p_more", "o_lost_answer", "quiz", "q_a", "explain_1", "teach_bridge"):
        assert say(key) in said, key
    assert say("teach", **figures) in said
    css = (await rest.get(re.findall(r'href="([^"]+/css/lab\.css)"', answer.text)[0])).text
    assert "size: A4" in css


async def test_a_run_over_rest_is_that_of_the_terminal_and_is_kept(rest: httpx.AsyncClient) -> None:
    body = {"lesson": "2", "seed": 7, "knobs": {"cuts": 2}, "strategies": ["retry"], "acts": ["cut@4.25", "cut@2"]}
    answer = await rest.post("/api/lab/runs", json=body)
    assert answer.status_code == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.json() == told_here(LESSON, 7, {"cuts": 2}, ["retry"], ["cut@2", "cut@4.25"])
    assert answer.json()["acts"] == ["cut@2", "cut@4.25"]
    plain = await rest.post("/api/lab/runs", json=body, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.content == answer.content

    kept = await rest.get(f"/api/lab/runs/{answer.json()['fingerprint']}")
    assert kept.content == answer.content
    assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    gone = await rest.get("/api/lab/runs/0123456789abcdef")
    assert gone.status_code == 404
    assert "POST /api/lab/runs" in gone.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body", "field", "said"),
    [
        ("runs", {"lesson": "x"}, "lesson", "there is no lesson x: it may be "),
        ("runs", {"lesson": "2", "seed": -1}, "seed", "seed is -1: it may be a whole number from 0 to 4294967295"),
        (
            "runs",
            {"lesson": "2", "knobs": {"cuts": 9}},
            "knobs",
            "knob cuts is 9: it may be a whole number from 0 to 8",
        ),
        (
            "runs",
            {"lesson": "2", "strategies": ["hope"]},
            "strategies",
            "there is no strategy hope: it may be once, retry",
        ),
        ("runs", {"lesson": "2", "acts": ["cut@99"]}, "acts", "the second of act cut@99 may be a number from 0 to 20"),
        ("hunts", {"lesson": "2", "strategy": "hope"}, "strategy", "there is no strategy hope: it may be once, retry"),
        (
            "hunts",
            {"lesson": "2", "strategy": "once", "knobs": {"wind": 1}},
            "knobs",
            "there is no knob wind: it may be",
        ),
        (
            "sweeps",
            {"lesson": "2", "strategy": "once", "knob": "wind"},
            "knob",
            "there is no knob wind: it may be cuts",
        ),
    ],
)
async def test_what_a_lesson_does_not_have_is_refused_by_the_name_of_its_field(
    rest: httpx.AsyncClient, path: str, body: dict[str, Any], field: str, said: str
) -> None:
    answer = await rest.post(f"/api/lab/{path}", json=body)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "bad_request"
    assert list(error["fields"]) == [field]
    assert error["fields"][field].startswith(said)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("runs", {"lesson": 2}, "lesson"),
        ("runs", {"lesson": "2", "wind": 1}, "wind"),
        ("runs", {"lesson": "2", "knobs": [1]}, "knobs"),
        ("hunts", {"lesson": "2", "strategy": "once", "seeds": 1_001}, "seeds"),
        ("sweeps", {"lesson": "2", "strategy": "once", "knob": "cuts", "values": 1}, "values"),
    ],
)
async def test_what_is_no_request_is_refused_as_everywhere(
    rest: httpx.AsyncClient, path: str, body: dict[str, Any], field: str
) -> None:
    answer = await rest.post(f"/api/lab/{path}", json=body)
    assert answer.status_code == 400
    assert list(answer.json()["error"]["fields"]) == [field]


async def test_the_next_run_is_made_where_the_process_was_killed(
    server: ServerProcess, rest: httpx.AsyncClient
) -> None:
    await rest.post("/api/lab/runs", json={"lesson": "2", "strategies": ["once"]})
    (process,) = runners(server.pid)
    process.kill()
    answer = await rest.post("/api/lab/runs", json={"lesson": "2", "seed": 31, "strategies": ["once"]})
    assert answer.status_code == 200
    assert process.pid not in [one.pid for one in runners(server.pid)]


@pytest.mark.parametrize("transport", ["ws", "sse", "poll"])
async def test_a_hunt_is_followed_by_the_ordinary_client(
    server: ServerProcess, rest: httpx.AsyncClient, transport: str
) -> None:
    hunt = await begun(rest, "hunts", seeds=60)
    *progress, result = await heard(server, hunt["topic"], transport)
    counts = [message["data"]["done"] for message in progress]
    assert counts == sorted(counts)
    assert all(message["data"]["of"] == 60 for message in progress)
    seeds = result["data"]["seeds"]
    assert [one["seed"] for one in seeds] == list(range(1, 61))
    broken = [one for one in seeds if one["broken"]]
    shortest = result["data"]["shortest"]
    assert shortest["events"] == min(one["events"] for one in broken)
    assert shortest["rules"] == ["once_each"]
    (again,) = await heard(server, hunt["topic"], transport)
    assert again["data"] == result["data"], "who comes late is told, too"


async def test_the_result_of_a_hunt_is_true(server: ServerProcess, rest: httpx.AsyncClient) -> None:
    hunt = await begun(rest, "hunts", seeds=5, knobs={"cuts": 8})
    result = (await heard(server, hunt["topic"]))[-1]
    for one in result["data"]["seeds"]:
        (played,) = run_here(LESSON, one["seed"], {"cuts": 8}, ["retry"]).played
        shown = [len(verdict.breach.events) for verdict in played.broken if verdict.breach]
        assert (one["broken"], one["events"]) == ([verdict.rule for verdict in played.broken], min(shown, default=0))
    ours = await begun(rest, "hunts", strategy="keyed", seeds=5)
    assert (await heard(server, ours["topic"]))[-1]["data"]["shortest"] is None


async def test_a_sweep_tells_a_curve(server: ServerProcess, rest: httpx.AsyncClient) -> None:
    sweep = await begun(rest, "sweeps", strategy="once", knob="cuts", values=20, seeds=4)
    result = (await heard(server, sweep["topic"]))[-1]
    curve = result["data"]["curve"]
    assert [point["value"] for point in curve] == list(range(9)), "a knob of whole numbers has no more"
    assert all(point["of"] == 4 for point in curve)
    assert curve[0]["broken"] == 0, "without cuts nothing is lost"
    assert curve[-1]["rules"] == {"nothing_lost": curve[-1]["broken"]}


async def test_hunts_are_bounded_and_can_be_stopped(server: ServerProcess, rest: httpx.AsyncClient) -> None:
    hunts = [await begun(rest, "hunts", seeds=1_000, knobs=SLOW) for _ in range(limits.LAB_SEARCHES)]
    full = await rest.post("/api/lab/hunts", json={"lesson": "2", "strategy": "once"})
    assert (full.status_code, full.json()["error"]["code"]) == (429, "too_many")
    assert int(full.headers["Retry-After"]) > 0
    ran = await rest.post("/api/lab/runs", json={"lesson": "2", "seed": 41, "strategies": ["once"]})
    assert ran.status_code == 200, "runs are made between the tries of hunts"
    for hunt in hunts:
        assert (await rest.delete(f"/api/lab/hunts/{hunt['id']}")).json()["data"] == {"id": hunt["id"]}
        (stopped,) = await heard(server, hunt["topic"])
        assert stopped["type"] == "stopped"
    assert (await rest.delete("/api/lab/hunts/nothing")).status_code == 404
    await begun(rest, "hunts", seeds=1)


async def test_a_hunt_that_there_is_not_cannot_be_followed(rest: httpx.AsyncClient) -> None:
    answer = await rest.get(f"/poll/lab/hunts/{unused_name()}", params={"wait": 0})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "topic_not_found")


def test_nothing_is_left_when_the_server_stops(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server()
    with httpx.Client(base_url=server.url, timeout=30) as rest:
        assert runners(server.pid) == [], "nothing runs for nobody"
        body = {"lesson": "2", "strategy": "retry", "seeds": 1_000, "knobs": SLOW}
        rest.post("/api/lab/hunts", json=body).raise_for_status()
        rest.post("/api/lab/runs", json={"lesson": "2", "strategies": ["once"]}).raise_for_status()
    (process,) = runners(server.pid)
    process.suspend()  # so that it does not leave by itself
    assert server.stop() == 0
    assert not process.is_running()


async def test_it_leaves_where_the_server_is_killed(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server()
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as rest:
        await rest.post("/api/lab/runs", json={"lesson": "2", "strategies": ["once"]})
    (process,) = runners(server.pid)
    server.kill()
    await eventually(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)


async def test_in_secure_mode_it_is_for_those_who_may_read(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server(**SECURE)
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as rest:
        for path in ("/lab", "/lab/delivery", "/lab/delivery/sheet", "/api/lab/runs/0123456789abcdef"):
            assert (await rest.get(path)).status_code == 401
        body = {"lesson": "2", "strategy": "once", "seeds": 1}
        for path in ("runs", "hunts", "sweeps"):
            assert (await rest.post(f"/api/lab/{path}", json=body)).status_code == 401
        assert runners(server.pid) == []
        rest.headers.update(bearer(token()))
        ran = await rest.post("/api/lab/runs", json={"lesson": "2", "strategies": ["once"]})
        kept = await rest.get(f"/api/lab/runs/{ran.json()['fingerprint']}")
        assert kept.headers["Cache-Control"] == "private, max-age=31536000, immutable"
        assert (await rest.post("/api/lab/hunts", json=body)).status_code == 202
