"""Lessons: where they are, what their `lesson.toml` says, and whether what is asked of one is possible."""

import ast
import importlib
import math
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal

import msgspec

from quart_app.lab.checker import RULES

FOLDER: Final = Path(__file__).parent / "lessons"
MAX_SEED: Final = 2**32 - 1
MAX_ACTS: Final = 20


class Unfit(ValueError):
    """Something is asked of a lesson that it does not have; the text names the field, and says what it may be."""


class Knob(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be turned: from `low` to `high` (`from` and `to` in the file), in `unit`s."""

    name: str
    default: int | float
    low: int | float = msgspec.field(name="from")
    high: int | float = msgspec.field(name="to")
    unit: str = ""

    def checked(self, value: Any) -> int | float:
        """Return a value that it may have. Raise Unfit."""
        whole = isinstance(self.default, int)
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not self.low <= number <= self.high or (whole and not number.is_integer()):
            kind = "a whole number" if whole else "a number"
            raise Unfit(f"knob {self.name} is {value}: it may be {kind} from {self.low} to {self.high}{self.in_units}")
        return int(number) if whole else number

    @property
    def in_units(self) -> str:
        """What its numbers are followed by."""
        return f" {self.unit}" if self.unit else ""


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question, of the strategy `about`.

    Of kind `choice` it asks for one of its options, of kind `order` for all of them in their right order, and of kind
    `number` for a number from `low` to `high` (`from` and `to` in the file), which may be wrong by `within`. `also` are
    other orders that are right, too.
    """

    answer: str | float | tuple[str, ...]
    also: tuple[tuple[str, ...], ...] = ()
    options: tuple[str, ...] = ()
    kind: Literal["choice", "order", "number"] = "choice"
    about: str = ""
    low: float = msgspec.field(name="from", default=0)
    high: float = msgspec.field(name="to", default=0)
    within: float = 0
    unit: str = ""

    @property
    def may_be(self) -> str:
        """What the answer may be, in words."""
        match self.kind:
            case "choice":
                return _listed(self.options)
            case "order":
                return f"{', '.join(self.options)}, each once, in any order"
            case "number":
                return f"a number from {self.low:g} to {self.high:g}"

    @property
    def is_fit(self) -> bool:
        """Tell whether the answer is one that may be given."""
        match self.kind:
            case "choice":
                return self.answer in self.options
            case "order":
                right = (self.answer, *self.also)
                return all(isinstance(one, tuple) and sorted(one) == sorted(self.options) for one in right)
            case "number":
                return isinstance(self.answer, int | float) and self.low <= self.answer <= self.high


class Room(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the lesson needs with real phones."""

    needs: str
    chaos: tuple[str, ...]
    bots: int


class Act(msgspec.Struct, frozen=True):
    """Something that is done to a run at a time (s)."""

    do: str
    at: float

    def __str__(self) -> str:
        return f"{self.do}@{self.at:g}"


class Lesson(msgspec.Struct, frozen=True, eq=False, forbid_unknown_fields=True):
    """A lesson, as its file tells it. The strategies are in the order of showing, the last one is ours."""

    number: int
    slug: str
    minutes: int
    nodes: int
    lasts: int
    """The seconds in which acts may be done."""
    lanes: tuple[str, ...]
    """Who takes part, in the order in which the picture shows them. What lies between two is a road, as in a-b."""
    predict: Question
    observe: Question
    quiz: Question
    seed: int
    strategies: tuple[str, ...]
    rules: tuple[str, ...]
    breaks: dict[str, tuple[str, ...]]
    """The rules that each strategy breaks with the lesson's own seed."""
    knobs: tuple[Knob, ...]
    acts: tuple[str, ...]
    room: Room

    @property
    def folder(self) -> Path:
        """Return where its files are."""
        return FOLDER / self.slug

    def module(self, name: str) -> ModuleType:
        """Return one of its Python files."""
        return importlib.import_module(f"quart_app.lab.lessons.{self.slug}.{name}")

    def code(self, strategy: str) -> str:
        """Return the code of a strategy as its file has it; nothing is imported."""
        return _functions(self.folder / "strategies.py")[strategy]

    def checked_seed(self, seed: int | None) -> int:
        """Return the seed of a run, its own where None is given. Raise Unfit."""
        if seed is None:
            return self.seed
        if not 0 <= seed <= MAX_SEED:
            raise Unfit(f"seed is {seed}: it may be a whole number from 0 to {MAX_SEED}")
        return seed

    def checked_knobs(self, given: Mapping[str, Any]) -> dict[str, int | float]:
        """Return a value for each knob. Raise Unfit."""
        if unknown := given.keys() - {knob.name for knob in self.knobs}:
            raise Unfit(f"there is no knob {min(unknown)}: it may be {_listed([knob.name for knob in self.knobs])}")
        return {knob.name: knob.checked(given.get(knob.name, knob.default)) for knob in self.knobs}

    def checked_strategies(self, names: Sequence[str] | None) -> tuple[str, ...]:
        """Return the strategies of a run, all where none is named. Raise Unfit."""
        for name in names or ():
            if name not in self.strategies:
                raise Unfit(f"there is no strategy {name}: it may be {_listed(self.strategies)}")
        return tuple(names or self.strategies)

    def checked_acts(self, given: Sequence[str]) -> tuple[Act, ...]:
        """Return acts, each written as in `cut@4.2`, in the order of their times. Raise Unfit."""
        if len(given) > MAX_ACTS:
            raise Unfit(f"there are {len(given)} acts: at most {MAX_ACTS} may be done in one run")
        return tuple(sorted((self._act(one) for one in given), key=lambda act: act.at))

    def _act(self, given: str) -> Act:
        do, _, when = given.partition("@")
        if do not in self.acts:
            raise Unfit(f"there is no act {do}: it may be {_listed(self.acts)}, followed by @ and the second")
        try:
            at = float(when)
        except ValueError:
            at = math.nan
        if not 0 <= at <= self.lasts:
            raise Unfit(f"the second of act {given} may be a number from 0 to {self.lasts}, as in {do}@4.2")
        return Act(do, at)


@cache
def _functions(path: Path) -> dict[str, str]:
    """Return the code of each function of a file, by its name."""
    source = path.read_text("utf-8")
    lines, nodes = source.splitlines(keepends=True), ast.parse(source).body
    functions = [node for node in nodes if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)]
    return {one.name: "".join(lines[one.lineno - 1 : one.end_lineno]) for one in functions}


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def read(path: Path) -> Lesson:
    """Return the lesson of a `lesson.toml`. Raise Unfit."""
    try:
        lesson = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Lesson)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise Unfit(f"{path}: {error}") from error
    for rule in lesson.rules:
        if rule not in RULES:
            raise Unfit(f"{path}: there is no rule {rule}: it may be {_listed(list(RULES))}")
    for question in (lesson.predict, lesson.observe, lesson.quiz):
        if not question.is_fit:
            raise Unfit(f"{path}: the answer is {question.answer}: it may be {question.may_be}")
    if tuple(lesson.breaks) != lesson.strategies or not {*lesson.rules} >= {*chain(*lesson.breaks.values())}:
        raise Unfit(f"{path}: breaks has to name each strategy in order, with rules of the lesson")
    lesson.checked_knobs({})
    return lesson


@cache
def lessons() -> tuple[Lesson, ...]:
    """Return all lessons, by number."""
    return tuple(sorted((read(path) for path in FOLDER.glob("*/lesson.toml")), key=lambda lesson: lesson.number))


def find(name: str) -> Lesson:
    """Return the lesson of a number or a slug. Raise Unfit."""
    for lesson in lessons():
        if name in {str(lesson.number), lesson.slug}:
            return lesson
    raise Unfit(f"there is no lesson {name}: it may be {_listed([f'{one.number} ({one.slug})' for one in lessons()])}")
