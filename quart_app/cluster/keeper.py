"""A program of its own that ends what `envivo cluster` has started, and removes its folder, however that one ends.

Standard input is a pipe that only the command holds open. Each line of it names a process, `+ <pid> <turn> <signal>`,
or takes it back, `- <pid>`; each leads a group of its own. When the pipe ends, the groups of the highest turn get their
signal, then those below; what has not ended in time is killed. Where no line `end` came before, the command was killed,
and with it the lines to the servers that a node needs for an end in good order: so SIGTERM becomes SIGKILL. This file
uses the standard library only and imports nothing of the package, so that it starts at once.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable
from typing import Final

_PATIENCE: Final = 6.0  # s that the processes of a turn have
_KILLED_WITHIN: Final = 2.0  # s; where nobody buries the dead they stay longer, and do nothing
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
    _wait(lambda: not _removed(folder), _PATIENCE)


def _end(signals: dict[int, int]) -> None:
    """End groups of processes, each by its signal."""
    for group, number in signals.items():
        _told(group, number)
        _told(group, signal.SIGCONT)  # a stopped process hears of its end when it goes on
    if _wait(lambda: any(_told(group, 0) for group in signals), _PATIENCE):
        for group in signals:
            _told(group, signal.SIGKILL)
        _wait(lambda: any(_told(group, 0) for group in signals), _KILLED_WITHIN)


def _wait(goes_on: Callable[[], bool], patience: float) -> bool:
    """Wait as long as something goes on, if not for too long; return whether it still does."""
    ends = time.monotonic() + patience
    while still := goes_on():
        if time.monotonic() > ends:
            break
        time.sleep(_LOOK_AGAIN)
    return still


def _removed(folder: str) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return not os.path.exists(folder)


def _told(group: int, number: int) -> bool:
    """Send a signal (0: none) to a process and those that it has started; return whether there is any."""
    try:
        os.killpg(group, number)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    keep(sys.stdin, sys.argv[1])
