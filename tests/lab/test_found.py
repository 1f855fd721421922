"""What random scenarios have found, each in the shortest plan that showed it."""

import pytest

from quart_app.lab.soak import Plan, play
from quart_app.lab.soak.plan import Act, Guest

LADDER = ("ws", "sse", "poll")
FACTS, STATE, SIGNALS, ROOM = "log/a", "state/a", "live/a", "rooms/a"

FOUND = {
    "a long poll that comes back to a server which was started again goes on as if it had missed nothing": Plan(
        10761,
        ("A",),
        (Guest("c1", ("poll",), (SIGNALS, ROOM), 0.0),),
        (
            Act(20.211, "sleep", ("c1",)),
            Act(20.437, "signal", ("A", 1)),
            Act(25.808, "stop", ("A",)),
            Act(26.055, "start", ("A",)),
            Act(30.414, "signal", ("A", 1)),
            Act(30.949, "wake", ("c1",)),
            Act(37.361, "signal", ("A", 5)),
        ),
    ),
    "a user who was given up for dead comes back, and looks as before to who has changed its connection since": Plan(
        38,
        ("A", "B"),
        (
            Guest("c1", ("ws",), (FACTS, STATE, ROOM), 0.0),
            Guest("c2", LADDER, (FACTS, STATE, SIGNALS, ROOM), 0.0),
        ),
        (Act(4.187, "cut", ("c2",)), Act(19.41, "part", ("A",)), Act(23.976, "signal", ("B", 1))),
    ),
    "a long poll that comes from a node which knows more hears again what it has heard there": Plan(
        1459,
        ("A", "B"),
        (Guest("c7", ("poll",), (FACTS, SIGNALS, ROOM), 0.0),),
        (
            Act(8.61, "signal", ("A", 5)),
            Act(9.81, "store", ("B", 5)),
            Act(10.65, "store", ("B", 2)),
            Act(10.74, "signal", ("A", 30)),
            Act(11.0, "say", ("c7",)),
            Act(11.47, "signal", ("B", 2)),
            Act(12.44, "signal", ("A", 2)),
            Act(14.54, "signal", ("B", 2)),
            Act(24.55, "pause", ("A",)),
            Act(26.88, "value", ("B", "k")),
            Act(29.78, "store", ("B", 2)),
            Act(30.98, "signal", ("B", 5)),
            Act(31.34, "signal", ("B", 30)),
            Act(32.87, "signal", ("B", 30)),
            Act(32.87, "lag", (0.5,)),
            Act(36.44, "resume", ("A",)),
            Act(53.62, "hurry", (0.5,)),
        ),
    ),
    "a long poll that comes to a node without its backplane misses the values that wait there to be numbered": Plan(
        1306,
        ("A", "B"),
        (Guest("c1", ("ws", "poll"), (STATE, SIGNALS), 0.0),),
        (
            Act(16.67, "stop", ("A",)),
            Act(19.61, "start", ("A",)),
            Act(32.68, "part", ("A",)),
            Act(37.33, "value", ("B", "l")),
            Act(38.14, "value", ("A", "k")),
            Act(39.16, "block", ("c1", "ws")),
            Act(40.71, "start", ("B",)),
        ),
    ),
    "one that has seen as many values elsewhere misses the one that has no number yet": Plan(
        1971,
        ("A", "B"),
        (
            Guest("c6", ("ws", "poll"), (FACTS, STATE, SIGNALS), 0.0),
            Guest("c7", ("poll",), (FACTS, STATE, ROOM), 0.0),
        ),
        (
            Act(14.24, "value", ("A", "l")),
            Act(16.66, "value", ("A", "l")),
            Act(20.93, "say", ("c6",)),
            Act(20.96, "value", ("B", "l")),
            Act(26.89, "part", ("B",)),
            Act(28.6, "value", ("B", "l")),
            Act(28.71, "value", ("A", "k")),
            Act(28.88, "join", ("B",)),
        ),
    ),
    "a long poll that comes to a node which does not know yet how signals are counted hears some again": Plan(
        1167,
        ("A", "B", "C", "D", "E"),
        (
            Guest("c0", ("sse", "poll"), (FACTS, STATE, SIGNALS, ROOM), 0.27099166554066845),
            Guest("c3", ("poll",), (FACTS, SIGNALS), 0.0),
        ),
        (
            Act(6.298, "store", ("A", 1)),
            Act(8.165, "say", ("c3",)),
            Act(9.314, "say", ("c0",)),
            Act(10.312, "signal", ("B", 2)),
            Act(11.192, "say", ("c0",)),
            Act(11.889, "signal", ("B", 30)),
            Act(12.264, "store", ("E", 1)),
            Act(13.247, "say", ("c3",)),
            Act(13.552, "lag", (1.5,)),
            Act(14.217, "store", ("C", 1)),
            Act(15.353, "say", ("c0",)),
            Act(19.089, "kill", ("B",)),
            Act(19.74, "say", ("c3",)),
            Act(19.755, "say", ("c3",)),
            Act(19.759, "kill", ("C",)),
            Act(19.922, "start", ("C",)),
            Act(20.001, "signal", ("E", 30)),
            Act(20.256, "signal", ("E", 30)),
            Act(20.333, "value", ("A", "l")),
            Act(21.547, "hurry", (1.5,)),
            Act(23.578, "say", ("c3",)),
        ),
    ),
}


@pytest.mark.parametrize("plan", FOUND.values(), ids=FOUND)
def test_what_was_found_is_mended(plan: Plan) -> None:
    assert play(plan).breach is None
