"""The cable between the till and the bank: what a run tells of it, and what may be done to it and to the bank."""

import json
from typing import Any

from quart_app.lab.world.world import World

RESTART = 1.0
"""The time after which a bank that was killed is started again (s)."""


def told(world: World, item: Any) -> dict[str, Any] | None:
    """Return what a run tells of something that is sent on the cable."""
    message = json.loads(item) if isinstance(item, str | bytes) and item[:1] in {"{", b"{"} else {}
    match message.get("type"):
        case "pay":
            return {"msg": message["payment"], "key": message.get("key")}
        case "booked" if "position" in message["data"]:
            payment, position = message["data"]["payment"], message["data"]["position"]
            return {"do": "ack", "msg": payment, "of": world.trace.last(lane="bank", pos=position)}
    return None


def cut(world: World, by: str = "storm") -> None:
    """Cut the cable; what is on its way is lost."""
    road = world.road("till", "bank")
    road.cut(world.trace.note(road.name, "cut", by=by))


def kill_bank(world: World) -> None:
    """Kill the bank's process; another one is started a little later."""
    world.nodes["bank"].kill()
    world.loop.call_later(RESTART, world.nodes["bank"].start)


def lose_answer(world: World) -> None:
    """Cut the cable while the next ✓ is on its way."""
    road = world.road("till", "bank")
    watch = road.watch

    def look(item: Any) -> dict[str, Any] | None:
        told = watch(item)
        if told is not None and told.get("do") == "ack":
            road.watch = watch
            world.loop.call_later(road.weather["bank"].delay[0] / 2, cut, world, "lose:answer")
        return told

    road.watch = look


ACTS = {"cut": lambda world: cut(world, "act"), "kill:bank": kill_bank, "lose:answer": lose_answer}
