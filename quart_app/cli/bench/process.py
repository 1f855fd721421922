"""The memory and time that the server's process uses, from proc(5); None on other systems and for other machines."""

import asyncio
import os
from pathlib import Path
from time import perf_counter
from typing import Final

_SETTLING: Final = 5.0  # s, at most
_RESTING: Final = 0.06  # s in which a process at rest uses next to nothing
_TICK: Final = 0.01  # s, the system's own step


def resident(pid: int | None) -> float | None:
    """Return the memory that the process has in RAM (KB)."""
    status = _read(pid, "status") or ""
    return next((float(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")), None)


def processor_time(pid: int | None) -> float | None:
    """Return the processor time (s) that the process has used."""
    stat = _read(pid, "stat")
    if stat is None:
        return None
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def used_since(before: float | None, pid: int | None) -> float | None:
    """Return the processor time (s) that the process has used since `processor_time` returned `before`."""
    after = processor_time(pid)
    return None if before is None or after is None else after - before


async def settled(pid: int | None) -> None:
    """Wait until the process rests, so that it does not finish the work of one measure in the time of the next."""
    ends = perf_counter() + _SETTLING
    before = processor_time(pid)
    while before is not None and perf_counter() < ends:
        await asyncio.sleep(_RESTING)
        after = processor_time(pid)
        if after is None or after - before <= _TICK:
            return
        before = after


def _read(pid: int | None, name: str) -> str | None:
    try:
        return None if pid is None else Path(f"/proc/{pid}/{name}").read_text("ascii", "replace")
    except OSError:
        return None
