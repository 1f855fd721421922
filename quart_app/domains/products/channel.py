"""The topic `products` on the wire: everybody may follow it; changes come in through REST."""

from typing import Final

from quart_app.domains.products.events import WELCOME
from quart_app.realtime import Channel, Peer, Welcome

_GREETING: Final = "Conexión establecida con el inventario"  # in the language of the system that this one replaces


class ProductChannel(Channel):
    """The topic `products`."""

    async def welcome(self, peer: Peer) -> Welcome:
        """Return the welcome that clients of the older system wait for."""
        return [(WELCOME, {"message": _GREETING})]
