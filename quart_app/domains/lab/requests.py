"""What clients may ask the laboratory for, by field and type; what a lesson has is checked by the lesson."""

from typing import Annotated, Final

from msgspec import Meta, Struct

STRATEGIES: Final = 10
KNOBS: Final = 20
ACTS: Final = 20
SEEDS: Final = 1_000
VALUES: Final = 40
SEEDS_OF_A_VALUE: Final = 25

Name = Annotated[str, Meta(min_length=1, max_length=40)]
Lesson = Annotated[Name, Meta(description="By name or number.", examples=["delivery"])]
Knobs = Annotated[dict[str, int | float], Meta(max_length=KNOBS, examples=[{"cuts": 3}])]


class RunAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A run; what is left out is as the lesson has it."""

    lesson: Lesson
    seed: Annotated[int | None, Meta(description="What decides the storm.", examples=[7])] = None
    knobs: Knobs = {}
    strategies: Annotated[list[Name], Meta(max_length=STRATEGIES, examples=[["retry"]])] | None = None
    acts: Annotated[list[Name], Meta(max_length=ACTS, examples=[["cut@4.2"]])] = []


class HuntAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A hunt: a strategy under the storms of the seeds from 1 on."""

    lesson: Lesson
    strategy: Annotated[Name, Meta(examples=["retry"])]
    seeds: Annotated[int, Meta(ge=1, le=SEEDS, description="How many.")] = 100
    knobs: Knobs = {}


class SweepAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A sweep: a strategy under the storms of the seeds from 1 on, for values of a knob from its lowest to its
    highest."""

    lesson: Lesson
    strategy: Annotated[Name, Meta(examples=["retry"])]
    knob: Annotated[Name, Meta(examples=["patience"])]
    values: Annotated[int, Meta(ge=2, le=VALUES, description="How many.")] = 20
    seeds: Annotated[int, Meta(ge=1, le=SEEDS_OF_A_VALUE, description="How many for each value.")] = 10
