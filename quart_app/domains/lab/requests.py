"""What clients may ask the laboratory for, by field and type; what a lesson has is checked by the lesson."""

from typing import Annotated, Final

from msgspec import Meta, Struct

STRATEGIES: Final = 10
KNOBS: Final = 20
ACTS: Final = 20

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
