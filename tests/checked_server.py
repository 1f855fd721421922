"""`python -m tests.checked_server serve …`: the program, which complains of every message that it does not document.

`TESTS_WAY=ordinary` makes it deliver through ASGI alone, `broken` makes nonsense of what is said to those that it takes
from Hypercorn, and by `late` it takes WebSockets, too, only after Hypercorn has read their handshakes.
`TESTS_DESCRIPTORS` is how many files it may have open, and with `TESTS_COUNTED` the connections of this machine's own
addresses are counted, too. To the file that `TESTS_TURNS` names go the long turns of its loop, in s of processor time.
`TESTS_FRAMES` is how many frames a second a peer may send: on a busy machine a flood may come no faster than others do.
`TESTS_MEETING` is how many seconds a node that starts looks for the others.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

from quart_app.app import EnVivo
from quart_app.cli import main
from quart_app.realtime import limits
from quart_app.transports.below.first_read import OpenedWebsocket, Reception
from tests.wire.contract import hold_messages

TURN = 0.02  # s of a turn that is told


def watch_turns(file: Path) -> None:
    """Write down the long turns of the loop from now on."""
    loop = asyncio.get_running_loop()
    last = time.thread_time()
    told = file.open("a", buffering=1)

    def turn() -> None:
        nonlocal last
        now = time.thread_time()
        if now - last > TURN:
            told.write(f"{now - last}\n")
        last = now
        loop.call_later(0.001, turn)

    turn()


if __name__ == "__main__":
    hold_messages(lambda fault: sys.stderr.write(f"{fault}\n"))
    if (descriptors := int(os.environ.get("TESTS_DESCRIPTORS", "0"))) and sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    if os.environ.get("TESTS_COUNTED"):
        EnVivo.counts_address = lambda *_: True  # type: ignore[method-assign]  # the server's own it would not
    if frames := os.environ.get("TESTS_FRAMES"):
        vars(limits).update(HTTP2_FRAMES_RATE=float(frames), INBOUND_RATE=float(frames))
    if turns := os.environ.get("TESTS_TURNS"):
        start, file = EnVivo.start, Path(turns)

        async def watched(self: EnVivo) -> None:
            watch_turns(file)
            await start(self)

        EnVivo.start = watched  # type: ignore[method-assign]  # that is where the loop is known
    if meeting := os.environ.get("TESTS_MEETING"):
        vars(limits).update(MEETING=float(meeting))
    way = os.environ.get("TESTS_WAY", "direct")
    EnVivo.direct = way != "ordinary"
    if way == "broken":
        OpenedWebsocket.answer = lambda *_: b"HTTP/1.1 101 \r\n\r\n"  # type: ignore[method-assign]  # that is what is broken
    if way == "late":
        Reception.scope = lambda *_: None  # type: ignore[method-assign]  # nothing is as plain as that
    main(prog_name="envivo")
