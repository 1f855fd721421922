"""En Vivo: committed facts as live streams over WebSocket, Server-Sent Events and long polling.

This is the package's front door. It owns the version and nothing else, so that importing it costs nothing:
the application itself is built by ``quart_app.app.create_app``.
"""

__version__ = "0.1.0"
