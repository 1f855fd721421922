"""The import of python-socketio without what it would take along: whatever of its many transports is installed.

None of it is used here, and all of it costs each start its time and its memory. Import this module before the library.
"""

import sys
from importlib import import_module
from typing import Final

_NOT_USED: Final = ("aio_pika", "aioredis", "kafka", "kombu", "redis", "requests", "valkey", "websocket", "zmq")

_hidden = [name for name in _NOT_USED if name not in sys.modules]
sys.modules.update(dict.fromkeys(_hidden))  # type: ignore[arg-type]  # None is how Python hides a module
try:
    import_module("socketio")
finally:
    for _name in _hidden:
        del sys.modules[_name]
