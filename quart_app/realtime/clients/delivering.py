"""The delivery of a connection's messages to its client."""

from quart_app.realtime.clients.connection import Connection
from quart_app.realtime.flow.delivery import Delivery


class ConnectionDelivery(Delivery):
    """The delivery of what `connection` brings, until it ends."""

    __slots__ = ("connection",)

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection.subscription)
        self.connection = connection

    def break_off(self) -> None:
        """End the connection."""
        self.connection.fail()
        self.finish()
