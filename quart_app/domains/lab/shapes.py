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


SearchId = Annotated[str, Meta(min_length=12, max_length=18, description="The `id` of a hunt or a sweep.")]


class Begun(Struct, frozen=True):
    """A hunt or a sweep has begun; `topic` tells how far it is, and what came of it."""

    success: Literal[True]
    id: SearchId
    topic: Annotated[str, Meta(examples=["lab/hunts/q3v7Jx0aB2cD"])]


class Stopped(Struct, frozen=True):
    """A hunt or a sweep that was stopped."""

    id: SearchId


class Progress(Struct, frozen=True):
    """How many runs are done, of how many, and in how many of them a rule is broken."""

    done: Annotated[int, Meta(ge=0)]
    of: Annotated[int, Meta(ge=1)]
    broken: Annotated[int, Meta(ge=0)]


class SeedTold(Struct, frozen=True):
    """What came of a seed: the rules that are broken, and the events of the shortest counter-example, 0 without any."""

    seed: int
    broken: list[str]
    events: int


class Shortest(Struct, frozen=True):
    """The seed with the shortest counter-example: its events, and the rules that it breaks."""

    seed: int
    events: int
    rules: list[str]


class HuntResult(Struct, frozen=True):
    """What came of a hunt, seed by seed; `shortest` is null where no counter-example was found."""

    shortest: Shortest | None
    seeds: list[SeedTold]


class Point(Struct, frozen=True):
    """What came of a value of the knob: of so many runs a rule is broken in so many, and which rule how often."""

    value: float
    of: int
    broken: int
    rules: dict[str, int]


class SweepResult(Struct, frozen=True):
    """What came of a sweep, value by value."""

    curve: list[Point]


class Failure(Struct, frozen=True):
    """Why a hunt or a sweep has ended without a result."""

    message: str
