"""The layer below ASGI: Quart's HTTP connection, and the reach into Hypercorn where it can do what ASGI cannot."""
