"""The process that runs lessons for a server, so that its loop does not: `python -m quart_app.lab.runner`.

It reads requests, one line of JSON each, and answers each before it reads the next: by a line of JSON, and after it as
many bytes as its `size` says. `Request` is what may be asked for; `laboratory.py` is the server's side. It ends where
nobody can ask any more.
"""

import gzip
import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic
from types import FrameType
from typing import BinaryIO, Final

import msgspec

from quart_app.lab.confined import CPU, allow_more, limit, sentence, take_output
from quart_app.lab.laboratory import Answer, Request, Tried
from quart_app.lab.lesson import Lesson, find
from quart_app.lab.running import Choice, Played, choose, named, play, run
from quart_app.lab.telling import told

NICE: Final = 10
"""By how much the server comes before it."""
WITHIN: Final = 0.25
"""The time in which seeds are tried for one request (s), so that nobody waits long; at least one is."""


def main() -> None:
    """Answer what is asked for until nobody asks."""
    out = take_output()
    with suppress(AttributeError, OSError):  # Windows has none
        os.nice(NICE)

    def out_of_time(number: int, frame: FrameType | None) -> None:
        _tell(out, Answer(failed=f"it takes more than {CPU} s of processor time"))
        os._exit(1)

    limit(out_of_time)
    for line in sys.stdin.buffer:
        allow_more()
        _answer(out, msgspec.json.decode(line, type=Request))
    os._exit(0)  # there is nothing to tidy up


def _answer(out: BinaryIO, asked: Request) -> None:
    try:
        lesson = find(asked.lesson)
        if asked.seeds:
            _tell(out, Answer(tried=list(_tries(lesson, asked))))
        else:
            done = run(lesson, asked.seed, asked.knobs, asked.strategies, asked.acts)
            text = json.dumps(told(done), ensure_ascii=False, separators=(",", ":"))
            _tell(out, Answer(fingerprint=done.fingerprint), gzip.compress(text.encode(), mtime=0))
    except Exception as error:  # noqa: BLE001 - a run may fail in as many ways as there are lessons; all are told
        _tell(out, Answer(failed=sentence(error)))


def _tries(lesson: Lesson, asked: Request) -> Iterable[Tried]:
    began = monotonic()
    knobs, strategy = choose(lesson, knobs=asked.knobs).knobs, named(lesson, asked.strategies[0])
    for seed in asked.seeds:
        allow_more()
        yield _tried(seed, play(Choice(lesson, seed, knobs, ()), strategy))
        if monotonic() - began > WITHIN:
            return


def _tried(seed: int, played: Played) -> Tried:
    shown = [len(verdict.breach.events) for verdict in played.broken if verdict.breach]
    return Tried(seed, [verdict.rule for verdict in played.broken], min(shown, default=0), len(played.events))


def _tell(out: BinaryIO, answer: Answer, payload: bytes = b"") -> None:
    answer.size = len(payload)
    out.write(msgspec.json.encode(answer) + b"\n" + payload)
    out.flush()


if __name__ == "__main__":
    main()
