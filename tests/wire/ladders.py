"""Runs of the ladder, for the two clients to be compared by: what is told to it, and what it decides.

A step is `[what, argument…]`; a decision stands for each, None where there is none. Times are in seconds, and the dice
always fall in the middle.
"""

import random
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from quart_app import wire
from quart_app.client import options
from quart_app.client.backoff import full_jitter
from quart_app.client.endings import BACK_SOON
from quart_app.client.heartbeat import HeartbeatDeadline
from quart_app.client.ladder import Ladder
from quart_app.client.options import TRANSPORTS, Options

SEEDS = 12
STEPS = 60


def made() -> dict[str, Any]:
    """Return the constants of the ladder, and runs of it."""
    base, cap = Options().backoff_base, Options().backoff_cap
    return {
        "transports": TRANSPORTS,
        "constants": _constants(),
        "longest_backoff": [full_jitter(n, base, cap, _highest) for n in range(9)],
        "silence": [{"heartbeat": beat, "allowed": _silence(beat)} for beat in (0.2, 4.0, 30.0, 60.0)],
        "runs": [_run(f"seed {seed}", list(_random_steps(seed))) for seed in range(SEEDS)],
    }


def _constants() -> dict[str, dict[str, float]]:
    """The times (s) of the wire and of the client, and their other numbers, each by its name in small letters."""
    given = {name: getattr(Options(), name) for name in Options.__slots__}
    known = {**vars(wire), **vars(wire.sizes), **vars(options), **given, "BACK_SOON": BACK_SOON}
    numbers = {name.lower(): value for name, value in sorted(known.items()) if isinstance(value, int | float)}
    seconds = {name: value for name, value in numbers.items() if isinstance(value, float) and name != "slack_share"}
    return {"seconds": seconds, "numbers": {name: numbers[name] for name in numbers if name not in seconds}}


def _highest(_low: float, high: float) -> float:
    return high


def _silence(heartbeat: float) -> float | None:
    deadline = HeartbeatDeadline(Options().missed_heartbeats, None)
    deadline.announced(heartbeat)
    return deadline.remaining(0.0)


def _run(name: str, steps: list[list[Any]]) -> dict[str, Any]:
    ladder = Ladder(TRANSPORTS, Options(), lambda low, high: (low + high) / 2)
    return {
        "name": name,
        "steps": steps,
        "decisions": [_decision(getattr(ladder, step[0])(*step[1:])) for step in steps],
    }


def _decision(value: object) -> Any:
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value  # type: ignore[call-overload]  # a Probe


def _random_steps(seed: int) -> Iterator[list[Any]]:
    """What may happen in any order; after each, what the ladder says of the next try and probe."""
    dice = random.Random(seed)
    now = 1000.0
    for _ in range(STEPS):
        name = TRANSPORTS[int(dice.random() * len(TRANSPORTS))]
        now += round(dice.random() * 100, 1)
        lived = (0.5, 4.9, 5.0, 59.0, 60.0, 300.0)[int(dice.random() * 6)]
        happenings: list[list[Any]] = [
            ["failed", name], ["opened", name, now], ["dropped", name, lived], ["dropped", name, 0.5],
            ["stalled", name, lived], ["probe_failed", name, now], ["exhausted"], ["failed", name],
        ]  # fmt: skip
        yield happenings[int(dice.random() * len(happenings))]
        yield ["next"]
        yield ["next_probe"]
