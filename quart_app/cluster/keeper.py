"""A program of its own that ends what `envivo cluster` has started, and removes its folder, however that one ends.

Standard input is a pipe that only the command holds open. Each line of it names a process, `+ <pid> <turn> <signal>`,
or takes it back, `- <pid>`. When the pipe ends, the processes of the highest turn get their signal, then those below;
what has not ended in time is killed. Where no line `end` came before, the command was killed, and with it the lines to
the servers that a node needs for an end in good order: so SIGTERM becomes SIGKILL. This file uses the standard library
only and imports nothing of the package, so that it starts at once.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from typing import Final

_PATIENCE: Final = 6.0  # s that the processes of a turn have
_LOOK_AGAIN: Final = 0.02  # s
_KILLED: Final[dict[int, int]] = {signal.SIGTERM: signal.SIGKILL}


def keep(lines: Iterable[str], folder: str) -> None:
    """Read `lines` to their end, end the processes that they name, and remove the folder."""
    known: dict[int, tuple[int, int]] = {}
    in_order = False
    for line in lines:
        match line.split():
            case ["+", pid, its_turn, its_ending]:
                known[int(pid)] = (int(its_turn), int(its_ending))
            case ["-", pid]:
                known.pop(int(pid), None)
            case ["end"]:
                in_order = True
    for turn in sorted({turn for turn, _ in known.values()}, reverse=True):
        of_turn = {pid: ending for pid, (its, ending) in known.items() if its == turn}
        _end(of_turn if in_order else {pid: _KILLED.get(ending, ending) for pid, ending in of_turn.items()})
    shutil.rmtree(folder, ignore_errors=True)


def _end(signals: dict[int, int]) -> None:
    left = {pid for pid, number in signals.items() if _told(pid, number)}
    for pid in left:
        _told(pid, signal.SIGCONT)  # a stopped process hears of its end when it goes on
    ends = time.monotonic() + _PATIENCE
    while left := {pid for pid in left if _told(pid, 0)}:
        time.sleep(_LOOK_AGAIN)
        if time.monotonic() > ends:
            for pid in left:
                _told(pid, signal.SIGKILL)
            ends += _PATIENCE


def _told(pid: int, number: int) -> bool:
    """Send a signal (0: none); return whether there is such a process."""
    try:
        os.kill(pid, number)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    keep(sys.stdin, sys.argv[1])
