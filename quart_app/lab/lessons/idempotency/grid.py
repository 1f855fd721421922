"""All orders of the four steps, each with a crash at each of five points: 120 small worlds, one withdrawal in each.

The server does the steps in their order until it crashes; then it is asked again under the same key, and nothing goes
wrong any more. A key that is found ends the request, which is then answered like the first time.
"""

from collections.abc import Coroutine, Generator, Sequence
from contextlib import closing
from itertools import permutations
from types import coroutine
from typing import Final

from quart_app.lab.lessons.idempotency.ledgers import SIGNS, START, Db, Ledgers, Withdrawal

CRASHES: Final = len(SIGNS) + 1
"""The points at which it may crash: before each of the steps, and after the last one, before it has answered."""
_WITHDRAWAL: Final = Withdrawal("r1")
_KEY: Final = "k1"


@coroutine
def _pause() -> Generator[None, None, None]:
    yield


async def _served(ledgers: Ledgers, order: Sequence[str]) -> None:
    """Serve one request."""
    db = Db(ledgers, set(), _pause, lambda *args, **told: None)
    for step in order:
        match step:
            case "look" if await db.look(_KEY):
                break
            case "move":
                await db.move(_WITHDRAWAL)
            case "keep":
                await db.keep(_KEY)
            case "commit":
                await db.commit()
    db.end()
    await _pause()


def effects(order: Sequence[str], crash: int) -> int:
    """Return how often the money was moved once the request is answered; the crash comes after so many steps."""
    with closing(Ledgers()) as ledgers:
        request = _served(ledgers, order)
        answered = _goes(request, crash + 1)
        request.close()
        ledgers.undo()
        if not answered:
            _goes(_served(ledgers, order), CRASHES + 1)
        return START - ledgers.money


def _goes(request: Coroutine[None, None, None], steps: int) -> bool:
    """Let a request go on, by some steps at most; return whether it is answered."""
    try:
        for _ in range(steps):
            request.send(None)
    except StopIteration:
        return True
    return False


def grid() -> dict[tuple[str, ...], tuple[int, ...]]:
    """Return for each order how often the money was moved, by the point of the crash; the orders that survive come
    first."""
    played = {order: tuple(effects(order, crash) for crash in range(CRASHES)) for order in permutations(SIGNS)}
    return dict(sorted(played.items(), key=lambda row: sum(times != 1 for times in row[1])))


def survivors() -> list[tuple[str, ...]]:
    """Return the orders that move the money once wherever the crash falls."""
    return [order for order, times in grid().items() if set(times) == {1}]
