"""Requests that cost what their views need are routed, answered and refused as Quart does it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from quart import Quart, g, request, session
from werkzeug.exceptions import NotFound

from quart_app.web import lean
from quart_app.web.lean import LeanQuart


def _routes(app: Quart) -> None:
    @app.get("/things/<int:number>/")
    async def thing(number: int) -> dict[str, Any]:
        return {
            "number": number,
            "endpoint": request.endpoint,
            "before": g.before,
            "known": dict(request.view_args or {}),
        }

    @app.get("/default", defaults={"name": None})
    @app.get("/default/<name>")
    async def default(name: str | None) -> dict[str, Any]:
        return {"name": name}

    @app.get("/early")
    async def early() -> str:
        raise AssertionError

    @app.get("/in-a-thread")
    def in_a_thread() -> str:
        return "done"

    @app.get("/broken")
    async def broken() -> str:
        raise RuntimeError

    @app.get("/none")
    async def none() -> Any:
        """Return nothing, which is no answer."""

    @app.before_request
    async def before() -> str | None:
        g.before = "here"
        return "early" if request.path == "/early" else None

    @app.after_request
    async def after(response: Any) -> Any:
        response.headers["After"] = request.path
        return response

    @app.errorhandler(NotFound)
    async def nowhere(error: NotFound) -> tuple[str, int]:
        return f"nowhere: {request.path}", 404


PATHS = [
    "/things/7/", "/things/7", "//things//7/", "/things/x/", "/default", "/default/a", "/early", "/in-a-thread",
    "/broken", "/none", "/nowhere", "/things/7/?a=b",
]  # fmt: skip


@pytest.mark.parametrize("method", ["get", "head", "options", "post"])
async def test_it_answers_as_quart_does(method: str) -> None:
    answers = []
    for kind in (Quart, LeanQuart):
        app = kind("small")
        app.config["PROPAGATE_EXCEPTIONS"] = False
        _routes(app)
        client: Any = app.test_client()
        said = [await getattr(client, method)(path) for path in PATHS * 2]  # the second time the routes are known
        answers.append([(one.status_code, sorted(one.headers), await one.get_data()) for one in said])
    assert answers[1] == answers[0]


async def test_places_are_not_shared_by_requests() -> None:
    app = LeanQuart("small")

    @app.get("/<name>")
    async def place(name: str) -> str:
        assert request.view_args is not None
        request.view_args["name"] = "changed"
        return name

    client = app.test_client()
    assert [await (await client.get("/a")).get_data(as_text=True) for _ in range(2)] == ["a", "a"]


async def test_the_routes_that_are_remembered_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lean, "_ROUTES", 3)
    app = LeanQuart("small")

    @app.get("/<name>")
    async def place(name: str) -> str:
        return name

    client = app.test_client()
    for number in range(10):
        assert await (await client.get(f"/{number}")).get_data(as_text=True) == str(number)
        assert len(app._known_routes) <= 3
    long = "x" * 10_000
    assert await (await client.get(f"/{long}")).get_data(as_text=True) == long
    assert not any(len(path) > 1_000 for path, _, _ in app._known_routes)


async def test_nobody_has_a_session() -> None:
    app = LeanQuart("small")
    app.secret_key = "with which Quart would make sessions"

    @app.get("/")
    async def kept() -> str:
        session["a"] = "b"
        return ""

    answer = await app.test_client().get("/")
    assert answer.status_code == 500


async def test_requests_at_the_same_time_have_contexts_of_their_own() -> None:
    app = LeanQuart("small")
    met = asyncio.Barrier(2)

    @app.get("/<name>")
    async def place(name: str) -> str:
        g.name = name
        await met.wait()
        return f"{g.name} {request.path}"

    client = app.test_client()
    answers = await asyncio.gather(*(client.get(f"/{name}") for name in "ab"))
    assert [await one.get_data(as_text=True) for one in answers] == ["a /a", "b /b"]


@pytest.mark.parametrize("kind", [Quart, LeanQuart])
async def test_a_websocket_is_routed_and_its_hooks_are_asked(kind: Callable[[str], Quart]) -> None:
    app = kind("small")

    @app.websocket("/ws/<name>")
    async def talk(name: str) -> None:
        from quart import websocket

        await websocket.send(f"{g.before} {name} {websocket.path}")

    @app.before_websocket
    async def before() -> None:
        g.before = "here"

    async with app.test_client().websocket("/ws/a") as connected:
        assert await connected.receive() == "here a /ws/a"
