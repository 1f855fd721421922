"""What REST answers about runs, by field and type. `lab.telling` makes it."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Seconds = Annotated[float, Meta(ge=0, description="s", examples=[4.2])]
Fingerprint = Annotated[
    str, Meta(pattern="^[0-9a-f]{16}$", extra={"words": "16 hexadecimal digits"}, examples=["7224ac2aac595123"])
]


class Said(Struct, frozen=True):
    """A text of the lesson, by its key, and what its places are filled with."""

    key: str
    values: dict[str, Any]


class BreachTold(Struct, frozen=True):
    """A counter-example: the sentence that tells it, the numbers of the events that show it, the time of the last."""

    key: str
    values: dict[str, Any]
    events: list[int]
    t: Seconds | None


class VerdictTold(Struct, frozen=True):
    """What a rule says of a run, of how many things, and which of them are open yet."""

    rule: str
    state: Literal["holds", "open", "broken"]
    looked_at: int
    waits_for: list[str]
    breach: BreachTold | None


class Frame(Struct, frozen=True):
    """What the run has come to from a time on: `outcome`, `rows` of cells or bars, `notes`."""

    t: Seconds
    strip: dict[str, Any]


class PlayedTold(Struct, frozen=True):
    """What a strategy did."""

    strategy: str
    fingerprint: str
    lasts: Seconds
    events: list[dict[str, Any]]
    verdicts: list[VerdictTold]
    frames: list[Frame]


class RunTold(Struct, frozen=True):
    """A run. `figures` fill the texts about the lesson's own run, and are null of another one."""

    lesson: str
    seed: int
    knobs: dict[str, int | float]
    strategies: list[str]
    acts: list[str]
    fingerprint: Fingerprint
    figures: dict[str, Any] | None
    played: list[PlayedTold]
