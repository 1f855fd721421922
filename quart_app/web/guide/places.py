"""The places of this server's address in a page of the guide, which show the address that the page was asked at."""

from html import escape
from typing import Final

from markupsafe import Markup

ADDRESS: Final = "127.0.0.1:8000"
"""The server's address as the files spell it."""

PLACES: Final = {f"http://{ADDRESS}": "\ue000", f"ws://{ADDRESS}": "\ue001"}
"""What stands in the HTML for this server's address until it is known: characters that no text has."""


def open_places(text: str) -> str:
    """Return the text of a file with a place wherever the address of the server is."""
    for address, place in PLACES.items():
        text = text.replace(address, place)
    return text


def fill_places(html: str, origin: str) -> Markup:
    """Return the HTML of a page with the address of the server at `origin` (`http://host:port`) in its places."""
    for address, place in PLACES.items():
        known = origin.replace("http", "ws", 1) if address.startswith("ws") else origin
        html = html.replace(place, escape(known))
    return Markup(html)  # noqa: S704 - our own files, rendered without the HTML that they may hold, and escaped words
