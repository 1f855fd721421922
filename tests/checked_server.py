"""`python -m tests.checked_server serve …`: the program, which complains of every message that it does not document.

`TESTS_WAY=ordinary` makes it deliver through ASGI alone, `broken` makes nonsense of what is said to those that it takes
from Hypercorn, and by `late` it takes WebSockets, too, only after Hypercorn has read their handshakes.
`TESTS_DESCRIPTORS` is how many files it may have open.
"""

import os
import sys

from quart_app.app import EnVivo
from quart_app.cli import main
from quart_app.transports.below.first_read import OpenedWebsocket, Reception
from tests.wire.contract import hold_messages

if __name__ == "__main__":
    hold_messages(lambda fault: sys.stderr.write(f"{fault}\n"))
    if (descriptors := int(os.environ.get("TESTS_DESCRIPTORS", "0"))) and sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    way = os.environ.get("TESTS_WAY", "direct")
    EnVivo.direct = way != "ordinary"
    if way == "broken":
        OpenedWebsocket.answer = lambda *_: b"HTTP/1.1 101 \r\n\r\n"  # type: ignore[method-assign]  # that is what is broken
    if way == "late":
        Reception.scope = lambda *_: None  # type: ignore[method-assign]  # nothing is as plain as that
    main(prog_name="envivo")
