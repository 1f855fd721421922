"""The snippets of the page /connect: what they are, and how they are filled in for a server and a topic."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("snippets.toml")


@dataclass(frozen=True, slots=True)
class Snippet:
    """Code for a client of one's own.

    `where` it is run and what it `needs` besides are keys of the section [connect] of the texts.
    """

    name: str
    title: str
    where: str
    code: str
    needs: str = ""

    def at(self, origin: str) -> str:
        """Return the code for the server at `origin` (`http://host:port`), its `{TOPIC}` still open."""
        return self.code.strip().replace("{HTTP}", origin).replace("{WS}", origin.replace("http", "ws", 1))


@cache
def snippets() -> tuple[Snippet, ...]:
    """Return all snippets, in the order of the page."""
    return tuple(Snippet(**one) for one in tomllib.loads(_FILE.read_text("utf-8"))["snippet"])
