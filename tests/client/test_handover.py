"""Who is in a room, as a client sees it that changes its connection while somebody comes in.

The scenarios are random ones in which the client was wrong at the end, and the shortest that was as wrong.
"""

import pytest

from quart_app.lab.soak import Plan, plan_of, play
from quart_app.lab.soak.channels import FACTS, ROOM, SIGNALS, STATE
from quart_app.lab.soak.plan import Act, Guest

SHORTEST = Plan(
    seed=536,
    nodes=("A", "B", "C"),
    guests=(
        Guest("c2", ("poll",), (FACTS, SIGNALS, ROOM), 0.0),
        Guest("c6", ("ws", "sse", "poll"), (FACTS, STATE, SIGNALS, ROOM), 0.0),
    ),
    acts=(Act(17.384, "store", ("A", 30)), Act(22.72, "pause", ("A",)), Act(37.893, "part", ("A",)),
          Act(43.092, "resume", ("A",))),
)  # fmt: skip


@pytest.mark.parametrize("plan", [SHORTEST, plan_of(122)], ids=["shortest", "122"])
def test_who_comes_in_while_a_connection_is_replaced_is_seen(plan: Plan) -> None:
    assert play(plan).breach is None
