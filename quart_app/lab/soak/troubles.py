"""What goes wrong in a random scenario, and what mends it: roads, nodes, the database, the backplane."""

from collections.abc import Callable, Collection
from typing import Any

from quart_app.lab.soak.account import Truth
from quart_app.lab.world.roads import Road, Weather
from quart_app.lab.world.world import World


class Troubles:
    """The troubles of a world in which `guests` come and go; `truth` is told where something is lost for all."""

    def __init__(self, world: World, guests: Collection[str], truth: Truth) -> None:
        self._world = world
        self._guests = guests
        self._truth = truth

    def end(self) -> None:
        """Mend everything."""
        for name in self._guests:
            self.lighten(name)
        for node in self._world.nodes.values():
            node.resume()
            node.start()
        self.join("")
        self.lag(0.0)
        self.unburden(0.0)

    # Roads

    def _each_road(self, name: str, change: Callable[[Road], None]) -> None:
        if name in self._guests:
            for node in self._world.nodes:
                change(self._world.road(name, node))

    def cut(self, name: str) -> None:
        """Cut the connections of a client."""
        self._each_road(name, lambda road: road.cut())

    def darken(self, name: str) -> None:
        """Let nothing through between a client and the nodes."""
        self._each_road(name, Road.darken)

    def darken_up(self, name: str) -> None:
        """Let nothing through that a client sends."""
        self._each_road(name, lambda road: road.darken_from(name))

    def darken_down(self, name: str) -> None:
        """Let nothing through that is sent to a client."""
        self._each_road(name, lambda road: _darken(road.towards(name)))

    def block(self, name: str, kind: str) -> None:
        """Let no connections of a kind through, and cut those that there are."""

        def change(road: Road) -> None:
            road.blocked = frozenset([kind])
            road.cut()

        self._each_road(name, change)

    def buffer(self, name: str) -> None:
        """Hold back what event streams bring."""
        self._each_road(name, lambda road: _buffer(road.towards(name)))

    def narrow(self, name: str) -> None:
        """Let only little through."""
        self._each_road(name, lambda road: _narrow(road.towards(name)))

    def lighten(self, name: str) -> None:
        """Let everything through."""
        self._each_road(name, Road.lighten)

    def kill(self, name: str) -> None:
        """Kill a node."""
        self._world.nodes[name].kill()

    def start(self, name: str) -> None:
        """Start a node, where it is not there."""
        self._world.nodes[name].start()

    def stop(self, name: str) -> None:
        """Stop a node in good order."""
        self._world.nodes[name].stop()

    def pause(self, name: str) -> None:
        """Let a node stand still."""
        self._world.nodes[name].pause()

    def resume(self, name: str) -> None:
        """Let it go on."""
        self._world.nodes[name].resume()

    def skew(self, name: str, seconds: float) -> None:
        """Set the clock of a node that is started from now on."""
        self._world.nodes[name].skew = seconds

    def trim(self, keep: float) -> None:
        """Remove all facts but the newest."""
        self._world.database.log.trim(max(0, len(self._truth.facts) - int(keep)))

    def burden(self, delay: float) -> None:
        """Let the database be slow."""
        self._world.database.delay = 0.0, delay

    def unburden(self, _: float) -> None:
        """Let it be quick again."""
        self.burden(0.004)

    def cut_power(self) -> None:
        """Cut the power of everything but the clients."""
        for node in self._world.nodes.values():
            node.kill()
        self._world.database.lose_power()

    def restore_power(self) -> None:
        """Let there be power again."""
        for node in self._world.nodes.values():
            node.start()

    # The backplane

    def part(self, name: str) -> None:
        """Cut a node off from the backplane."""
        redis, tag = self._line(name)
        if tag:
            redis.refused.add(tag)
            self._lose(tag)

    def join(self, name: str) -> None:
        """Let all nodes reach the backplane again."""
        if self._world.redis is not None:
            self._world.redis.refused.clear()

    def lose_line(self, name: str) -> None:
        """Cut a node's line to the backplane, which it can open again."""
        self._lose(self._line(name)[1])

    def _line(self, name: str) -> tuple[Any, str]:
        hub = self._world.nodes[name].hub
        return self._world.redis, "" if hub is None or self._world.redis is None else hub.backplane.tag

    def _lose(self, tag: str) -> None:
        redis = self._world.redis
        if redis is not None and tag in redis.lines:
            redis.lines[tag].cut()

    def forget(self) -> None:
        """Let the backplane lose all that it has."""
        if self._world.redis is not None:
            self._truth.has_forgotten = True
            self._world.redis.forget()

    def lag(self, delay: float) -> None:
        """Let the backplane be slow."""
        if self._world.redis is not None:
            self._world.redis.delay = delay

    def hurry(self, _: float) -> None:
        """Let it be quick again."""
        self.lag(0.0)


def _darken(weather: Weather) -> None:
    weather.dark = True


def _buffer(weather: Weather) -> None:
    weather.buffered = frozenset(["sse"])


def _narrow(weather: Weather) -> None:
    weather.rate = 500.0
