"""What happens in a random scenario, drawn from its seed: a list that can be read, repeated, and made shorter."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from random import Random
from typing import Final, NamedTuple

from quart_app.lab.soak.channels import FACTS, ROOM, SIGNALS, STATE

LENGTH: Final = 40.0
"""The time in which things happen (s)."""
NAMES: Final = ("A", "B", "C", "D", "E")
RUNGS: Final = (("ws", "sse", "poll"), ("ws",), ("sse",), ("poll",), ("ws", "poll"), ("sse", "poll"))
TOPICS: Final = (FACTS, STATE, SIGNALS, ROOM)


class Act(NamedTuple):
    """Something that happens at a time (s): `do` is a method of `Guests`, `Troubles` or `Publisher`, and `what` its
    arguments."""

    at: float
    do: str
    what: tuple[str | float, ...] = ()

    def __str__(self) -> str:
        return " ".join((f"{self.at:6.2f} s", self.do, *(str(one) for one in self.what)))


Trouble = tuple[str, str | None, tuple[str | float, ...]]
"""What happens, what mends it, and to whom."""


@dataclass(frozen=True)
class Guest:
    """A client: its name, its rungs, its topics, and the seconds that it takes over each message."""

    name: str
    transports: tuple[str, ...]
    topics: tuple[str, ...]
    slow: float


@dataclass(frozen=True)
class Plan:
    """A scenario. All its dice are thrown from `seed`, so that a shorter plan has the same roads."""

    seed: int
    nodes: tuple[str, ...]
    guests: tuple[Guest, ...]
    acts: tuple[Act, ...]

    def without(self, acts: Collection[Act]) -> "Plan":
        """Return this plan without some acts."""
        return replace(self, acts=tuple(act for act in self.acts if act not in acts))

    def without_guest(self, guest: Guest) -> "Plan":
        """Return this plan without one client, and without what happens to it."""
        acts = tuple(act for act in self.acts if guest.name not in act.what)
        return replace(self, guests=tuple(one for one in self.guests if one is not guest), acts=acts)

    def __str__(self) -> str:
        guests = [f"{one.name}: {'/'.join(one.transports)} on {', '.join(one.topics)}" for one in self.guests]
        return "\n".join([f"seed {self.seed}, nodes {', '.join(self.nodes)}", *guests, *map(str, self.acts)])


def plan_of(seed: int) -> Plan:
    """Draw the scenario of a seed."""
    dice = Random(f"plan/{seed}")  # noqa: S311 - it must be the same each time
    nodes = NAMES[: dice.choice((1, 1, 2, 3, 3, 5))]
    guests = tuple(_guest(dice, number) for number in range(dice.randint(1, 12)))
    acts = [_publication(dice, nodes, guests) for _ in range(dice.randint(20, 80))]
    for _ in range(dice.randint(0, 8)):
        acts += _trouble(dice, nodes, guests)
    acts += _power_cut(seed)
    return Plan(seed, nodes, guests, tuple(sorted(acts)))


def _guest(dice: Random, number: int) -> Guest:
    topics = tuple(topic for topic in TOPICS if dice.random() < 0.7) or (FACTS,)
    slow = dice.uniform(0.01, 0.5) if dice.random() < 0.1 else 0.0
    return Guest(f"c{number}", dice.choice(RUNGS), topics, slow)


def _at(dice: Random) -> float:
    return round(dice.uniform(1.0, LENGTH), 3)


def _publication(dice: Random, nodes: tuple[str, ...], guests: tuple[Guest, ...]) -> Act:
    what = dice.choice(("store", "say", "say", "signal", "signal", "value"))
    match what:
        case "say":
            return Act(_at(dice), "say", (dice.choice(guests).name,))
        case "value":
            return Act(_at(dice), "value", (dice.choice(nodes), dice.choice("kl")))
        case _:
            return Act(_at(dice), what, (dice.choice(nodes), dice.choice((1, 1, 2, 5, 30))))


def _power_cut(seed: int) -> list[Act]:
    """Draw a power cut, or none, by dice of its own."""
    dice = Random(f"power/{seed}")  # noqa: S311 - it must be the same each time
    at = _at(dice)
    return [Act(at, "cut_power"), Act(round(at + dice.uniform(0.1, 5.0), 3), "restore_power")] * (dice.random() < 0.1)


def _trouble(dice: Random, nodes: tuple[str, ...], guests: tuple[Guest, ...]) -> list[Act]:
    """Draw something that goes wrong, and is mended later."""
    at = _at(dice)
    later = round(at + dice.choice((0.3, 2.0, 6.0, 15.0)) * dice.uniform(0.5, 1.5), 3)
    node, guest = dice.choice(nodes), dice.choice(guests).name
    of_nodes: list[Trouble] = [
        ("kill", "start", (node,)),
        ("pause", "resume", (node,)),
        ("stop", "start", (node,)),
        ("trim", None, (dice.choice((0, 5, 30)),)),
        ("burden", "unburden", (dice.choice((0.05, 0.5, 2.0)),)),
        ("skew", None, (node, dice.uniform(-3600.0, 3600.0))),
    ]
    of_guests: list[Trouble] = [
        ("cut", None, (guest,)),
        ("darken", "lighten", (guest,)),
        ("darken_up", "lighten", (guest,)),
        ("darken_down", "lighten", (guest,)),
        ("block", "lighten", (guest, dice.choice(("ws", "sse")))),
        ("buffer", "lighten", (guest,)),
        ("narrow", "lighten", (guest,)),
        ("sleep", "wake", (guest,)),
        ("close", "come", (guest,)),
        ("vanish", "come", (guest,)),
        (dice.choice(("close", "vanish")), None, (guest,)),
    ]
    of_backplane: list[Trouble] = [
        ("part", "join", (node,)),
        ("lose_line", None, (node,)),
        ("forget", None, ()),
        ("lag", "hurry", (dice.choice((0.05, 0.5, 1.5)),)),
    ]
    do, undo, what = dice.choice(of_nodes + of_guests + (of_backplane if len(nodes) > 1 else []))
    acts = [Act(at, do, what)]
    if do in {"kill", "stop", "pause", "cut"}:  # the worst moment is in the middle of something
        acts += [Act(round(at - dice.uniform(0.0, 0.1), 3), "say", (dice.choice(guests).name,)) for _ in range(4)]
    if undo is not None:
        acts.append(Act(later, undo, what[:1]))
    return acts
