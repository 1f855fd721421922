"""What the processes have in common that run strategies: 5 s of processor time a run, 512 MB, 20,000 events; how they
tell what came of it, and in which words what went wrong.
"""

import math
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import BinaryIO, Final

from quart_app.lab.world.loop import Endless, Standstill
from quart_app.lab.world.trace import TooMuch

CPU: Final = 5
"""The processor time that a run may take (s)."""
MEMORY: Final = 512 * 1024 * 1024
"""The memory that the process may have (bytes)."""


def take_output() -> BinaryIO:
    """Return the standard output; what is printed from now on goes to the standard error, and is not what is told."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return out


def limit(out_of_time: Callable[[int, FrameType | None], None], cpu: int = CPU) -> None:
    """Set the limits of this process; `out_of_time` is the handler of the signal that ends a run which takes longer
    than `cpu` seconds. Windows has no such limits."""
    with suppress(ImportError):
        import resource

        for which in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
            with suppress(ValueError, OSError):
                resource.setrlimit(which, (MEMORY, MEMORY))
        signal.signal(signal.SIGXCPU, out_of_time)
    allow_more(cpu)


def allow_more(cpu: int = CPU) -> None:
    """Give the next run its processor time (s)."""
    with suppress(ImportError):
        import resource

        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + cpu, hard))


def sentence(error: BaseException) -> str:
    """Return what went wrong in a run, in one sentence."""
    match error:
        case SyntaxError():
            return f"this is no Python: {error.msg}"
        case MemoryError():
            return f"it takes more than {MEMORY // 1024**2} MB of memory"
        case SystemExit():
            return "it ended its process"
        case Endless() | Standstill() | TooMuch():
            return str(error)
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
