"""The backplane over Redis or Valkey: how several nodes on one log tell each other what is new.

Redis holds only what may be lost: it passes durable events on, which are in the log anyway, numbers the transient ones,
and keeps the latest values of states. `link` is the backplane itself; it knows no Redis but a `line` to it, whose
operations are the `scripts`, and what `messages` look like. `outbox` is what waits to be sent. By `meeting` a node that
starts finds out whether the others are at the same backplane.

    Lost              a line is over, and with it everything that was under way on it
    OtherBackplane    the other nodes on the database are at another backplane
"""

from quart_app.backplane.line import Lost, connect_to
from quart_app.backplane.link import Link
from quart_app.backplane.meeting import OtherBackplane, meet

__all__ = ["Link", "Lost", "OtherBackplane", "connect_to", "meet"]
