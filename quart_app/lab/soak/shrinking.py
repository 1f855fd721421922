"""A plan made shorter, for as long as it breaks the same rule."""

import time
from collections.abc import Iterator

from quart_app.lab.soak.plan import Plan
from quart_app.lab.soak.story import play

PATIENCE = 20.0
"""The time that is spent on one plan (s)."""


def shrunk(plan: Plan, rule: str, patience: float = PATIENCE) -> Plan:
    """Return the shortest plan that was found in `patience` s and that breaks `rule`, as `plan` does."""
    ends = time.monotonic() + patience
    parts = 2
    while parts <= len(plan.acts) and time.monotonic() < ends:
        for shorter in _shorter(plan, parts):
            if time.monotonic() >= ends:
                break
            if play(shorter).rule == rule:
                plan = shorter
                parts = max(2, parts - 1)
                break
        else:
            if parts == len(plan.acts):
                break
            parts = min(len(plan.acts), 2 * parts)
    return plan


def _shorter(plan: Plan, parts: int) -> Iterator[Plan]:
    """Yield plans without one client, or without one of so many parts of the acts."""
    for guest in plan.guests:
        yield plan.without_guest(guest)
    size = -(-len(plan.acts) // parts)
    for at in range(0, len(plan.acts), size):
        yield plan.without(plan.acts[at : at + size])
