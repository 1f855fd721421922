"""The nodes that have a database open have to meet at the backplane: by two servers of Redis they would never hear of
each other, and each would believe that it is alone.

Errors: `OtherBackplane`, whose message is for whoever has started this node.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from quart_app.realtime import Backplane, limits

_LOOK: Final = 0.05  # s between two looks

logger = logging.getLogger(__name__)


class OtherBackplane(Exception):
    """The other nodes on this database are not where this node looks for them."""


async def meet(backplane: Backplane, name: str, sessions: Callable[[], Awaitable[Collection[str]]]) -> None:
    """Return once the backplane knows another node than `name`, or where there is none, or while the backplane is away.

    `sessions` returns the names of the nodes that have the database open. A node that is there by that and unknown to
    the backplane may have ended just now without a word, or be about to reach the backplane, so some time is given.
    Raise OtherBackplane.
    """
    now = asyncio.get_running_loop().time
    ends = now() + limits.MEETING
    while backplane.away_since is None:
        others = set(await sessions()) - {name}
        if not others or not others.isdisjoint(backplane.nodes):
            return
        if now() > ends:
            raise OtherBackplane(
                f"other nodes have this database open ({', '.join(sorted(others))}), and none of them is known to the "
                "server that ENVIVO_BACKPLANE_URL names; it has to be the same for all of them"
            )
        await asyncio.sleep(_LOOK)
    logger.warning("the backplane is away, so whether other nodes use the same is not known")
