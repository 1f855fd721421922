"""Socket.IO 4 (Engine.IO 4) at `/socket.io`, for the clients of older systems: python-socketio beside Quart.

Each client is an ordinary connection of the hub on topics that are fixed for all. This is the only package that knows
python-socketio; it knows no domain.
"""

from quart_app.transports.socketio import bare_import as bare_import
from quart_app.transports.socketio.endpoint import SocketIoEndpoint
from quart_app.transports.socketio.server import PATH as SOCKETIO_PATH
from quart_app.transports.socketio.server import SocketIo

__all__ = ["SOCKETIO_PATH", "SocketIo", "SocketIoEndpoint"]
