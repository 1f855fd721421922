"""When clients that are sent away come back: each in its turn, so that their return is no stampede."""


def turns(clients: int, away: float, rate: float, spread: float = 0.0) -> list[float]:
    """Return the seconds after which each of so many clients is to come back: the first in `away` s, the others evenly
    after it, at most `rate` a second, and over at least `spread` s."""
    over = max(spread, clients / rate)
    return [away + over * index / clients for index in range(clients)]
