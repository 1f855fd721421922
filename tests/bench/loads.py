"""The load of the full comparison: what `envivo bench` puts on a server, and what only a server of one's own gets."""

from dataclasses import asdict, dataclass
from typing import Final

from quart_app.cli.bench import load as outside
from quart_app.cli.bench.load import Load


@dataclass(frozen=True)
class FullLoad(Load):
    """`askers` keep connections alive and ask one thing after another; `stored` events are in a database that a server
    starts on."""

    askers: int = 50
    stored: int = 1_000_000


FULL: Final = FullLoad()
QUICK: Final = FullLoad(**asdict(outside.QUICK) | {"stored": 20_000})
