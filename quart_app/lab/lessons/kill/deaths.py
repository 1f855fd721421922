"""The two ways in which the server ends: its process is killed, or the power is cut."""

from quart_app.lab.world.world import World

RESTART = 2.0
"""The time after which it is started again (s)."""


def kill(world: World) -> None:
    """Kill the server's process; what it has written is with the system, and stays."""
    node = world.nodes["server"]
    node.kill()
    world.loop.call_later(RESTART, node.start)


def cut_power(world: World) -> None:
    """Cut the power of the machine; what was not flushed is lost, too."""
    cut = world.trace.note("disk", "crash")
    for position in world.database.lose_power():
        stored = world.trace.last(lane="disk", do="commit", pos=position)
        assert stored is not None  # noqa: S101 - it was stored
        world.trace.note("disk", "lose", msg=world.trace.events[stored]["msg"], of=stored, by=cut)
    world.nodes["server"].kill()
    world.loop.call_later(RESTART, _power_returns, world)


def _power_returns(world: World) -> None:
    world.trace.note("disk", "boot")
    world.nodes["server"].start()


ACTS = {"kill": kill, "power": cut_power}
