"""Five ways to come back, as students see them: each returns the seconds until the next try."""

from quart_app.lab.lessons.herd.crowd import Client


def now(client: Client) -> float:
    """Again, at once."""
    return 0.2


def fixed(client: Client) -> float:
    """Every three seconds."""
    return 3.0


def double(client: Client) -> float:
    """Twice as long each time."""
    return min(client.cap, client.base * 2.0**client.attempt)


def jitter(client: Client) -> float:
    """Twice as long, at random."""
    return min(client.cap, client.base * 2.0**client.attempt) * client.dice()  # ← one call


def slots(client: Client) -> float:
    """In the turn that the server gave; without one, at random: what our client does."""
    return client.backoff.wait(client.asked)
