"""`python -m tests.checked_server serve …`: the program, which complains of every message that it does not document.

`TESTS_WAY=ordinary` makes it deliver through ASGI alone, `broken` makes what it writes past ASGI nonsense.
`TESTS_DESCRIPTORS` is how many files it may have open.
"""

import os
import sys

from quart_app.app import EnVivo
from quart_app.cli import main
from quart_app.transports.below.direct import Pipe
from tests.wire.contract import hold_messages

_push = Pipe.push


def _push_nonsense(pipe: Pipe, data: bytes) -> bool:
    return _push(pipe, data[::-1])


if __name__ == "__main__":
    hold_messages(lambda fault: sys.stderr.write(f"{fault}\n"))
    if (descriptors := int(os.environ.get("TESTS_DESCRIPTORS", "0"))) and sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    way = os.environ.get("TESTS_WAY", "direct")
    EnVivo.direct = way != "ordinary"
    if way == "broken":
        Pipe.push = _push_nonsense  # type: ignore[assignment,method-assign]  # that is what is broken
    main(prog_name="envivo")
