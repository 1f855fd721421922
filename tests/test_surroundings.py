"""Time, chance and ids come from one place: the engine and the client take none by themselves."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import quart_app

PACKAGE = Path(quart_app.__file__).parent
SOURCES = frozenset({"random", "secrets", "time", "uuid"})
CALLS = frozenset({"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "os.urandom"})


@pytest.mark.parametrize("package", ["client", "realtime"])
def test_it_asks_its_surroundings(package: str) -> None:
    files = sorted((PACKAGE / package).rglob("*.py"))
    assert len(files) > 10
    found = [f"{file.relative_to(PACKAGE)}:{line}: {what}" for file in files for line, what in taken(file.read_text())]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "import time", "import random as dice", "from secrets import token_urlsafe", "from time import monotonic",
        "def f():\n    import uuid", "datetime.now(UTC)", "datetime.datetime.utcnow()", "date.today()", "os.urandom(8)",
    ],
)  # fmt: skip
def test_whoever_does_not_is_found(text: str) -> None:
    assert list(taken(text))


def test_a_method_of_the_same_name_is_no_source() -> None:
    assert (
        list(taken("self._surroundings.time()\nclock.time()\nbus.now()\nfrom quart_app.realtime import now\nnow()"))
        == []
    )


def taken(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a module that take time, chance or ids from elsewhere."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Attribute):
            names = [".".join(ast.unparse(node).split(".")[-2:])]
        else:
            continue
        yield from ((node.lineno, name) for name in names if name in CALLS or name.partition(".")[0] in SOURCES)
