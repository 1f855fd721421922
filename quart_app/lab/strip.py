"""The result strip: what a run came to, which is understood without the arrows, in a terminal and from the last row."""

from typing import Any, Literal

import msgspec


class Said(msgspec.Struct, frozen=True):
    """A text of the catalogue: its key, and what its places are filled with."""

    key: str
    values: dict[str, Any] = {}


Kind = Literal["right", "lost", "twice", "wrong", "late", "open", "idle"]
"""What has become of something; a page gives each a colour, which tells nothing that the sign does not."""


class Cell(msgspec.Struct, frozen=True):
    """One thing: a sign of one or two letters, what has become of it, and its name, where it has one."""

    sign: str
    kind: Kind
    name: str = ""


class Row(msgspec.Struct, frozen=True, tag="row"):
    """Things in a row."""

    cells: tuple[Cell, ...]
    label: Said | None = None


class Bars(msgspec.Struct, frozen=True, tag="bars"):
    """Numbers over an axis, which begins at `start` and goes on by `step` (in `unit`s); `limit` is drawn as a line, and
    `top` is as high as a bar can be: the highest one, where it is None."""

    values: tuple[float, ...]
    label: Said | None = None
    start: float = 0.0
    step: float = 1.0
    unit: str = "s"
    limit: float | None = None
    top: float | None = None


class Strip(msgspec.Struct, frozen=True):
    """What a run came to: in a word, in rows, and in what is said below."""

    outcome: Said
    rows: tuple[Row | Bars, ...]
    notes: tuple[Said, ...] = ()
