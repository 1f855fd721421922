"""What is asked for in a run, and what the run tells of it."""

import json
from typing import Any

from quart_app.lab.world.world import World

HOMES = {"ana": "A", "eva": "A", "leo": "B"}
"""The node that each client takes first."""
SECONDS = 14


def wishes(world: World, contested: float) -> dict[str, list[tuple[float, dict[str, Any]]]]:
    """Return what each client asks for, and when: seats, of which some are wanted by both."""
    dice = world.dice.of("wishes")
    found: dict[str, list[tuple[float, dict[str, Any]]]] = {name: [] for name in HOMES}
    seat = 0
    for second in range(1, SECONDS + 1):
        seat += 1
        first, then = second + dice.uniform(0.0, 0.15), second + dice.uniform(0.25, 0.4)
        names = dice.sample(["ana", "leo"], 2)
        found[names[0]].append((first, {"type": "buy", "seat": seat}))
        seat += dice.random() >= contested
        found[names[1]].append((then, {"type": "buy", "seat": seat}))
        found["eva"].append((second + 0.8, {"type": "look"}))
        found["eva"].append((second + 0.6, {"type": "clap"}))
        found["leo"].append((second + 0.65, {"type": "clap"}))
    return found


def told(item: Any) -> dict[str, Any] | None:
    """Return what a run tells of something that is on its way."""
    message = json.loads(item) if isinstance(item, str | bytes) and item[:1] in {"{", b"{"} else {}
    if message.get("type") == "buy":
        return {"msg": message["key"]}
    if message.get("type") in {"done", "taken"} and "-" in message["key"]:
        return {"do": "ack", "msg": message["key"], "of": message["data"]["of"]}
    return None
