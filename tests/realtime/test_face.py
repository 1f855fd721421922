"""The engine's face: what the rest of the program may use of the engine, and nothing behind it."""

import ast
from collections.abc import Iterator
from pathlib import Path

from quart_app import realtime

PROGRAM = Path(realtime.__file__).parents[1]
ENGINE = PROGRAM / "realtime"
INSIDES = {"subscription", "outlet", "inbound", "bus", "relay"}
"""The parts of a hub and of a connection that only the engine may touch."""


def attributes_read(file: Path) -> Iterator[ast.Attribute]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Attribute):
            yield node


def outside() -> list[Path]:
    return [file for file in PROGRAM.rglob("*.py") if ENGINE not in file.parents]


def test_nobody_outside_reaches_through_a_connection_or_the_hub() -> None:
    files = outside()
    assert len(files) > 150
    reached = [
        f"{file.relative_to(PROGRAM)}:{read.lineno} .{read.attr}"
        for file in files
        for read in attributes_read(file)
        if read.attr in INSIDES and not (isinstance(read.value, ast.Name) and read.value.id == "self")
    ]
    assert reached == []


def test_the_look_finds_what_the_engine_itself_does() -> None:
    assert {read.attr for file in ENGINE.rglob("*.py") for read in attributes_read(file)} >= INSIDES


def test_every_name_of_the_face_is_used() -> None:
    used = set()
    for file in outside():
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "quart_app.realtime":
                used |= {name.name for name in node.names}
    assert set(realtime.__all__) - used == set()
