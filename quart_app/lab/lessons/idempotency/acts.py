"""What may be done to a run: a crash, a tap more, and an answer that is lost."""

from typing import Any

from quart_app.lab.lessons.idempotency.server import crash
from quart_app.lab.world.world import World

WAY = 0.05
"""The time of one way between a phone and the server (s)."""


def tap(world: World) -> None:
    """Let who has asked last press once more."""
    phones = world.kept["phones"]
    if phones.newest is not None:
        phones.press(*phones.newest)


def lose_answer(world: World) -> None:
    """Lose the next ✓ on its way."""
    road = world.road("phones", "server")
    watch = road.watch

    def look(item: Any) -> dict[str, Any] | None:
        seen = watch(item)
        if seen is not None and seen.get("do") == "ack":
            road.watch = watch
            world.loop.call_later(WAY / 2, lambda: road.cut(world.trace.note(road.name, "cut", by="lose:answer")))
        return seen

    road.watch = look


ACTS = {"crash": crash, "tap": tap, "lose:answer": lose_answer}
