"""A student's file, run in a process of its own with limits: 5 s of processor time a run, 512 MB, 20,000 events.

`Workshop` starts that process and yields what the file does for each seed; the process is `python -m
quart_app.lab.workshop`. Whatever is wrong with the file is a `Broken`: one sentence, with the line where it is known.
The file is run as any program of this user is: it is limited, and not locked in.
"""

import json
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, Final, NoReturn

from quart_app.lab.confined import CPU, allow_more, limit, sentence, take_output
from quart_app.lab.lesson import Act, Lesson, find
from quart_app.lab.running import Choice, Played, judged, play
from quart_app.lab.strategies import Strategy, marked

WALL: Final = 30.0
"""The time after which a run is ended that takes no processor time, because it waits for something real (s)."""


class Broken(Exception):
    """A student's file does not do; the text says why, and where."""


def plays(path: Path, lesson: Lesson, seeds: Sequence[int], choice: Choice) -> Iterator[Played]:
    """Yield what the strategy of a file does for each seed; of `choice` count the knobs and the acts. Raise Broken."""
    if not path.is_file():
        raise Broken(f"{path}: there is no such file (envivo lab new {lesson.number} writes one)")
    asked = {
        "path": str(path),
        "lesson": lesson.slug,
        "seeds": list(seeds),
        "knobs": choice.knobs,
        "acts": [(act.do, act.at) for act in choice.acts],
        "cpu": CPU,
    }
    command = [sys.executable, "-m", "quart_app.lab.workshop", json.dumps(asked)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:  # noqa: S603 - it is ours
        try:
            yield from _heard(process, path, lesson, choice)
        finally:
            process.kill()


def _heard(process: "subprocess.Popen[bytes]", path: Path, lesson: Lesson, choice: Choice) -> Iterator[Played]:
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    while True:
        slow = threading.Timer(WALL, process.kill)
        slow.start()
        line = process.stdout.readline()
        waited = not slow.is_alive()
        slow.cancel()
        if not line.endswith(b"\n"):
            raise Broken(_end(path, process.wait(), waited=waited))
        said = json.loads(line)
        if "done" in said:
            return
        if "broken" in said:
            raise Broken(said["broken"])
        yield judged(choice, said["strategy"], said["events"], said["fingerprint"])


def _end(path: Path, code: int, *, waited: bool) -> str:
    if waited:
        return f"{path}: a run has not ended in {WALL:.0f} s: it waits for something real, or is in one long call"
    if code < 0:
        return f"{path}: its process was ended by signal {-code} in the middle of a run"
    return f"{path}: it ended its process in the middle of a run (exit code {code})"


# In the process


def main() -> None:
    """Run what is asked for, and tell it line by line."""
    asked = json.loads(sys.argv[1])
    bench = _Bench(asked["path"], asked["cpu"])
    lesson = find(asked["lesson"])
    acts = tuple(Act(do, at) for do, at in asked["acts"])
    bench.lesson_is_ready(lesson)
    strategy = bench.load(lesson)
    for seed in asked["seeds"]:
        bench.allow_more()
        try:
            played = play(Choice(lesson, seed, asked["knobs"], acts), strategy)
        except BaseException as error:  # noqa: BLE001 - whatever a student's file raises is told
            bench.fail(error)
        bench.tell(strategy=strategy.title, events=played.events, fingerprint=played.fingerprint)
    bench.tell(done=True)


class _Bench:
    """The limits of this process, and what it tells."""

    def __init__(self, path: str, cpu: int) -> None:
        self._path = path
        self._cpu = cpu
        self._out = take_output()
        self._exit = os._exit
        os._exit = self._left  # a file that calls it is told where

    def lesson_is_ready(self, lesson: Lesson) -> None:
        """Set the limits, once everything is imported."""
        lesson.module("scenario")
        limit(self._out_of_time, self._cpu)

    def allow_more(self) -> None:
        """Give the next run its processor time."""
        allow_more(self._cpu)

    def load(self, lesson: Lesson) -> Strategy:
        """Return the strategy of the file."""
        module = ModuleType("mine")
        module.__file__ = self._path
        try:
            source = Path(self._path).read_bytes()
            exec(compile(source, self._path, "exec"), vars(module))  # noqa: S102 - it is the user's own file
        except BaseException as error:  # noqa: BLE001 - as above
            self.fail(error)
        found = marked(vars(module))
        fitting = [strategy for slug, strategy in found if slug == lesson.slug]
        if not fitting:
            lessons = f"is for the lesson {found[0][0]}" if found else "marks no function"
            self._break(f'{self._path} {lessons}: put @strategy("{lesson.slug}") above the function to be tried')
        return fitting[0]

    def tell(self, **said: Any) -> None:
        """Tell a line."""
        self._out.write(json.dumps(said).encode() + b"\n")
        self._out.flush()

    def fail(self, error: BaseException) -> NoReturn:
        """Tell what went wrong, in one sentence, and end."""
        line = error.lineno if isinstance(error, SyntaxError) and error.filename == self._path else None
        for frame, number in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename == self._path:
                line = number
        self._break(f"{self._path}{'' if line is None else f', line {line}'}: {sentence(error)}")

    def _break(self, said: str) -> NoReturn:
        self.tell(broken=said)
        self._exit(1)

    def _left(self, status: int) -> NoReturn:
        self._break(f"{self._path}{self._line(sys._getframe(1))}: it ended its process (exit code {status})")

    def _out_of_time(self, number: int, frame: FrameType | None) -> None:
        self._break(f"{self._path}{self._line(frame)}: the run takes more than {self._cpu} s of processor time")

    def _line(self, frame: FrameType | None) -> str:
        while frame is not None and frame.f_code.co_filename != self._path:
            frame = frame.f_back
        return "" if frame is None else f", line {frame.f_lineno}"


if __name__ == "__main__":
    main()
