"""What a page of the guide tells to do, done: files written, edits made, commands run, answers compared.

The first line of a block is a comment with the path of its file. A `diff` has such a line too, then lines to take out
and lines to put in. `sh` is typed at the top of a checkout; the `json` or `text` that follows is what it answers, `…`
standing for anything.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from tests.running import wait_until

ROOT: Final = Path(__file__).resolve().parent.parent
GUIDE: Final = ROOT / "quart_app" / "guide"
ADDRESS: Final = "http://127.0.0.1:8000"
ANYTHING: Final = "…"
DEADLINE: Final = 60.0  # s for a command; a loaded machine with two cores runs the suite

_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_PATH: Final = re.compile(
    r"(?:#|//|/\*|<!--) (?P<path>[\w./-]+\.\w+)(?P<written> \(written by the command\))?(?: \*/| -->)?"
)
_MIGRATION: Final = re.compile(r"\b\d{4}_\w+")  # whose numbers move on with the program
_ANSWERS: Final = frozenset({"json", "text"})
_CHECKS: Final = (
    ("-m", "ruff", "check", "."),
    ("-m", "mypy", "-p", "quart_app.domains"),
    ("-m", "ruff", "format", "--check", "."),
    ("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"),
)
"""What `make check` runs; the type checker sees the domains alone, for the whole takes it longer than all the rest."""


@dataclass(frozen=True)
class Block:
    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    """Return the blocks of code of a page, in order."""
    return [Block(language, text) for language, text in _FENCE.findall(page.read_text("utf-8"))]


def fits(told: Any, given: Any) -> bool:
    """Return whether JSON is as a page tells it. A value that is told as `…` may be any, and a member named `…` stands
    for any others."""
    if told == ANYTHING:
        return True
    if isinstance(told, dict) and isinstance(given, dict):
        names = told.keys() - {ANYTHING}
        known = names <= given.keys() if ANYTHING in told else names == given.keys()
        return known and all(fits(told[name], given[name]) for name in names)
    if isinstance(told, list) and isinstance(given, list):
        return len(told) == len(given) and all(map(fits, told, given))
    return type(told) is type(given) and bool(told == given)


class Checkout:
    """A copy of this checkout in `folder`, in which a page is followed, and the server that the page starts there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self._server: subprocess.Popen[bytes] | None = None
        without = shutil.ignore_patterns("__pycache__", "node_modules", "results", "*.db")
        for name in ("quart_app", "migrations", "static", "tests"):
            shutil.copytree(ROOT / name, folder / name, ignore=without)
        for name in ("pyproject.toml", "hypercorn.toml"):
            shutil.copy(ROOT / name, folder / name)

    def follow(self, page: Path) -> None:
        """Do what the page says, from its top to its bottom."""
        for block, after in pairwise([*blocks(page), Block("", "")]):
            match block.language:
                case "sh":
                    *before, last = block.text.splitlines()
                    for command in before:
                        self.run(command)
                    if after.language in _ANSWERS:
                        self._compare(last, after)
                    else:
                        self.run(last)
                case "diff":
                    self._edit(block)
                case language if language not in _ANSWERS:
                    self._write(block)

    def run(self, command: str) -> str:
        """Run one line of a shell; return what it prints. A server goes on beside it."""
        if command.startswith(".venv/bin/envivo serve"):
            self._serve(shlex.split(command)[1:])
            return ""
        if command == "make check":
            return "".join(self._python(*check) for check in _CHECKS)
        if command.startswith(".venv/bin/envivo "):
            return self._python("-m", "quart_app", *shlex.split(command)[1:])
        if command.startswith(".venv/bin/python "):
            return self._python(*shlex.split(command)[1:])
        assert command.startswith("curl "), f"the page says something new to type: {command}"
        return self._run(command.replace(ADDRESS, self.url), shell=True)

    def stop(self) -> None:
        """End the server, as Ctrl-C does."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            assert self._server.wait(DEADLINE) == 0, self._log()
            self._server = None

    def _python(self, *arguments: str) -> str:
        return self._run([sys.executable, *arguments])

    def _run(self, command: str | list[str], *, shell: bool = False) -> str:
        done = subprocess.run(
            command, shell=shell, cwd=self.folder, capture_output=True, encoding="utf-8", timeout=DEADLINE, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def _serve(self, arguments: list[str]) -> None:
        self.stop()
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ENVIVO_")}
        environment = {**clean, "ENVIVO_PORT": "0", "PYTHONUNBUFFERED": "1"}
        with (self.folder / "server.log").open("wb") as log:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "quart_app", *arguments],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
            )
        self.url = wait_until(self._announced, DEADLINE)

    def _announced(self) -> str | None:
        assert self._server is not None
        assert self._server.poll() is None, self._log()
        found = re.search(r"^En Vivo: (http\S+)$", self._log(), re.MULTILINE)
        return found[1] if found else None

    def _log(self) -> str:
        return (self.folder / "server.log").read_text("utf-8")

    def _compare(self, command: str, block: Block) -> None:
        """Run the command until it answers what is told: what it asks for may be about to happen."""
        ends = time.monotonic() + 10
        while True:
            answer = self.run(command)
            good = (
                fits(json.loads(block.text), json.loads(answer))
                if block.language == "json"
                else told(block.text, answer)
            )
            if good:
                return
            assert command.startswith("curl -s '"), f"{command} answered {answer}"  # a question alone is asked again
            assert time.monotonic() < ends, f"{command} answered {answer}"
            time.sleep(0.05)

    def _write(self, block: Block) -> None:
        head, _, text = block.text.partition("\n")
        match = _PATH.fullmatch(head)
        assert match, f"a block begins with {head!r}, not with its path"
        path = self.folder / match["path"]
        if match["written"]:
            [made] = path.parent.glob(f"*_{path.name.partition('_')[2]}")
            assert _MIGRATION.sub("N", made.read_text("utf-8")) == _MIGRATION.sub("N", text)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def _edit(self, block: Block) -> None:
        head, *lines = block.text.splitlines()
        match = _PATH.fullmatch(head)
        assert match, f"an edit begins with {head!r}, not with the path of its file"
        path = self.folder / match["path"]
        text = path.read_text("utf-8")
        for old, new in _changes(lines):
            assert text.count(old) == 1, f"{path} has not {old!r} once"
            text = text.replace(old, new)
        path.write_text(text, "utf-8")


def told(text: str, answer: str) -> bool:
    """Return whether the lines of `text` are those of the answer, or its last ones; `…` stands for any part of one."""
    lines, given = (_MIGRATION.sub("N", one).splitlines() for one in (text, answer))
    pairs = zip(lines, given[-len(lines) :], strict=False)
    return len(given) >= len(lines) and all(_line(line).search(one) for line, one in pairs)


def _line(told: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, told.split(ANYTHING))))


def _changes(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each run of lines to take out, and the run that comes in their place."""
    old: list[str] = []
    new: list[str] = []
    for line in [*lines, "-"]:
        if line.startswith("-") and new:
            yield "".join(old), "".join(new)
            old, new = [], []
        (old if line.startswith("-") else new).append(f"{line[1:]}\n")
