"""A random scenario as it happens, from the first node's start to the verdict."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from quart_app.client import ClientError, Live, State
from quart_app.lab.soak.account import Account, Breach, Truth
from quart_app.lab.soak.channels import FACTS, ROOM, SIGNAL, SIGNALS, STATE, VALUE, furnish, store
from quart_app.lab.soak.plan import Guest, Plan
from quart_app.lab.world.loop import Endless, Fate, Standstill
from quart_app.lab.world.node import Node
from quart_app.lab.world.roads import Road, Weather
from quart_app.lab.world.world import Client, World
from quart_app.realtime import Hub, limits

PATIENCE = 400.0
"""The time after the last trouble in which everybody has to be well again (s)."""
REST = 3 * limits.NODE_LEASE
"""The time in which presence comes to rest (s)."""
QUIET = 3.0
"""The time without a message after which a slow client has taken everything (s)."""
HEARTBEAT = 5.0


@dataclass(frozen=True)
class Outcome:
    """What a run has shown: its fingerprint, the number of messages that its clients got, and what was wrong."""

    fingerprint: str
    messages: int
    breach: str | None = None
    rule: str | None = None


def play(plan: Plan) -> Outcome:
    """Run a plan."""
    return Story(plan).play()


class Story:
    """One run of a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.world = World(plan.seed, plan.nodes, furnish, heartbeat=HEARTBEAT, peer_timeout=10.0)
        self._signals: list[int] = []
        """The numbers of the signals in their order."""
        self._truth = Truth(self.world.database.log.record, self._order)
        self._guests = {guest.name: guest for guest in plan.guests}
        self._accounts: dict[str, Account] = {}
        self._all: list[Account] = []
        self._clients: dict[str, Client] = {}
        self._said: dict[str, str] = {}
        """By mark what became of what clients have said: `acknowledged`, or why it was refused; unknown where nothing
        is here."""
        self._asking: dict[str, Client] = {}
        """By mark the clients that wait for an answer."""
        self._marks = 0
        self._breaches: list[BaseException] = []
        self._serial = 0

    def play(self) -> Outcome:
        """Return the outcome."""
        witness = _Witness()
        logging.getLogger("quart_app").addHandler(witness)
        try:
            self.world.run(self._play())
            breach: BaseException | None = None
        except (Breach, Endless, Standstill) as error:
            breach = error
        except Exception as error:  # noqa: BLE001 - whatever fails in the world is a finding
            breach = error
        finally:
            logging.getLogger("quart_app").removeHandler(witness)
        if breach is None and witness.errors:
            breach = Breach("no_errors", witness.errors[0])
        messages = self._count()
        if breach is None:
            return Outcome(self.world.trace.fingerprint, messages)
        rule = breach.rule if isinstance(breach, Breach) else "no_errors"
        said = str(breach) if isinstance(breach, Breach) else f"no_errors: {breach!r}"
        return Outcome(self.world.trace.fingerprint, messages, said, rule)

    async def _play(self) -> None:
        clock = asyncio.get_running_loop().time
        for node in self.world.nodes.values():
            node.start()
        await asyncio.sleep(0.5)
        for guest in self._plan.guests:
            self.come(guest.name)
        for act in self._plan.acts:
            await asyncio.sleep(max(0.0, act.at - clock()))
            getattr(self, act.do)(*act.what)
            self._look()
        await self._settle()

    def _order(self) -> list[int]:
        """Return the numbers of the signals in the order in which they were numbered."""
        if self.world.redis is not None:
            numbered = self.world.redis.order.get(SIGNALS, [])
            self._signals += [json.loads(fields)["data"] for fields in numbered[len(self._signals) :]]
        return self._signals

    def _look(self) -> None:
        if self._breaches:
            raise self._breaches[0]

    # Clients

    def come(self, name: str) -> None:
        """Let a client begin, where it is not there."""
        if name in self._clients:
            return
        guest = self._guests[name]
        account = Account(name, guest.topics, self._truth)
        self._accounts[name] = account
        self._all.append(account)
        client = self._clients[name] = self.world.client(name, guest.topics, transports=guest.transports)
        client.process.spawn(self._follow(client, account, guest), f"follow {name}")

    async def _follow(self, client: Client, account: Account, guest: Guest) -> None:
        try:
            async with client.live as live:
                async for message in live:
                    account.take(message)
                    self.world.trace.note(guest.name, "recv", type=message["type"], id=message.get("id"))
                    if guest.slow:
                        await asyncio.sleep(guest.slow)
        except Breach as breach:
            self._breaches.append(breach)
        except ClientError as error:
            self._breaches.append(Breach("comes_back", f"{guest.name} has given up: {error}"))

    def close(self, name: str) -> None:
        """Let a client say goodbye."""
        if client := self._clients.pop(name, None):
            client.process.resume()
            client.process.spawn(client.live.close(), f"close {name}")

    def vanish(self, name: str) -> None:
        """Kill a client."""
        if client := self._clients.pop(name, None):
            client.process.kill()

    def sleep(self, name: str) -> None:
        """Let a client stand still, as a phone in a pocket."""
        if client := self._clients.get(name):
            client.process.pause()

    def wake(self, name: str) -> None:
        """Let it go on."""
        if client := self._clients.get(name):
            client.process.resume()

    def say(self, name: str) -> None:
        """Let a client say something that is to be stored."""
        client = self._clients.get(name)
        if client is None or FACTS not in client.topics:
            return
        mark = self._mark(name)
        self._asking[mark] = client
        client.process.spawn(self._send(client.live, mark), f"say {mark}")

    async def _send(self, live: Live, mark: str) -> None:
        try:
            await live.send(FACTS, {"type": "say", "mark": mark})
            self._said[mark] = "acknowledged"
        except ClientError as error:
            self._said[mark] = str(error)
        finally:
            del self._asking[mark]

    def _mark(self, speaker: str) -> str:
        self._marks += 1
        return f"{speaker}-{self._marks}"

    # Roads

    def _each_road(self, name: str, change: Callable[[Road], None]) -> None:
        if name in self._guests:
            for node in self.world.nodes:
                change(self.world.road(name, node))

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
        self._each_road(name, lambda road: _each(road.others(name), _darken))

    def block(self, name: str, kind: str) -> None:
        """Let no connections of a kind through, and cut those that there are."""

        def change(road: Road) -> None:
            road.blocked = frozenset([kind])
            road.cut()

        self._each_road(name, change)

    def buffer(self, name: str) -> None:
        """Hold back what event streams bring."""
        self._each_road(name, lambda road: _each(road.others(name), _buffer))

    def narrow(self, name: str) -> None:
        """Let only little through."""
        self._each_road(name, lambda road: _each(road.others(name), _narrow))

    def lighten(self, name: str) -> None:
        """Let everything through."""
        self._each_road(name, Road.lighten)

    # Nodes

    def _hub(self, name: str) -> Hub | None:
        """Return the engine of a node that goes on."""
        node = self.world.nodes[name]
        return node.hub if node.fate is Fate.RUNNING and node.listens else None

    def store(self, name: str, count: float) -> None:
        """Let a node store facts of its own."""
        node = self.world.nodes[name]
        if self._hub(name) is not None:
            for _ in range(int(count)):
                node.spawn(self._store(node, self._mark(name)))

    async def _store(self, node: Node, mark: str) -> None:
        await store(node.writer, FACTS, mark, node.name, None)

    def signal(self, name: str, count: float) -> None:
        """Let a node publish signals."""
        if (hub := self._hub(name)) is not None:
            for _ in range(int(count)):
                self._serial += 1
                self.world.nodes[name].run(self._broadcast, hub, self._serial)

    def _broadcast(self, hub: Hub, number: int) -> None:
        if not hub.backplane.shared:
            self._signals.append(number)
        hub.broadcast(SIGNALS, SIGNAL, data=number)

    def value(self, name: str, key: str) -> None:
        """Let a node publish a value."""
        if (hub := self._hub(name)) is not None:
            self._serial += 1
            data = {"key": key, "number": self._serial}
            self.world.nodes[name].run(lambda: hub.broadcast(STATE, VALUE, key=key, data=data))

    def kill(self, name: str) -> None:
        """Kill a node."""
        self.world.nodes[name].kill()

    def start(self, name: str) -> None:
        """Start a node, where it is not there."""
        self.world.nodes[name].start()

    def stop(self, name: str) -> None:
        """Stop a node in good order."""
        self.world.nodes[name].stop()

    def pause(self, name: str) -> None:
        """Let a node stand still."""
        self.world.nodes[name].pause()

    def resume(self, name: str) -> None:
        """Let it go on."""
        self.world.nodes[name].resume()

    def skew(self, name: str, seconds: float) -> None:
        """Set the clock of a node that is started from now on."""
        self.world.nodes[name].skew = seconds

    def trim(self, keep: float) -> None:
        """Remove all facts but the newest."""
        self.world.database.log.trim(max(0, self._head() - int(keep)))

    def burden(self, delay: float) -> None:
        """Let the database be slow."""
        self.world.database.delay = 0.0, delay

    def unburden(self, _: float) -> None:
        """Let it be quick again."""
        self.burden(0.004)

    # The backplane

    def part(self, name: str) -> None:
        """Cut a node off from the backplane."""
        redis, tag = self._line(name)
        if tag:
            redis.refused.add(tag)
            self._lose(tag)

    def join(self, name: str) -> None:
        """Let all nodes reach the backplane again."""
        if self.world.redis is not None:
            self.world.redis.refused.clear()

    def lose_line(self, name: str) -> None:
        """Cut a node's line to the backplane, which it can open again."""
        self._lose(self._line(name)[1])

    def _line(self, name: str) -> tuple[Any, str]:
        hub = self.world.nodes[name].hub
        return self.world.redis, "" if hub is None or self.world.redis is None else hub.backplane.tag

    def _lose(self, tag: str) -> None:
        redis = self.world.redis
        if redis is not None and tag in redis.lines:
            redis.lines[tag].cut()

    def forget(self) -> None:
        """Let the backplane lose all that it has."""
        if self.world.redis is not None:
            self._truth.has_forgotten = True
            self.world.redis.forget()

    def lag(self, delay: float) -> None:
        """Let the backplane be slow."""
        if self.world.redis is not None:
            self.world.redis.delay = delay

    def hurry(self, _: float) -> None:
        """Let it be quick again."""
        self.lag(0.0)

    # The end

    async def _settle(self) -> None:
        """Mend everything, wait until all are well, and look whether they are right. Raise Breach."""
        for name in self._guests:
            self.lighten(name)
            self.wake(name)
        for node in self.world.nodes.values():
            node.resume()
            node.start()
        self.join("")
        self.lag(0.0)
        self.unburden(0.0)
        await self._until(self._all_well)
        await asyncio.sleep(REST)
        await self._until(self._quiet())
        for node in self.world.nodes.values():
            if node.hub is not None:
                await node.spawn(node.hub.seed((STATE,)))
        self._look()
        self._check()

    def _quiet(self) -> Callable[[], bool]:
        """Return what tells whether nothing came to anybody for a while."""
        clock = asyncio.get_running_loop().time
        last = self._count(), clock()

        def quiet() -> bool:
            nonlocal last
            if self._count() != last[0]:
                last = self._count(), clock()
            return clock() - last[1] > QUIET

        return quiet

    def _count(self) -> int:
        return sum(account.count for account in self._all)

    async def _until(self, true: Callable[[], bool]) -> None:
        clock = asyncio.get_running_loop().time
        gives_up = clock() + PATIENCE
        while not true():
            self._look()
            if clock() > gives_up:
                raise Breach("comes_back", self._unwell())
            await asyncio.sleep(0.5)

    def _all_well(self) -> bool:
        """Tell whether all are connected, have all facts, and know what became of what they said."""
        return not self._unwell()

    def _unwell(self) -> str:
        for name in self.world.nodes:
            hub = self._hub(name)
            if hub is None:
                self.world.nodes[name].start()
                return f"node {name} is not there"
            if hub.backplane.away_since is not None:
                return f"node {name} does not reach the backplane"
        for name, client in self._clients.items():
            if client.live.status.state is not State.CONNECTED:
                return f"{name} is {client.live.status.state.value}"
            account = self._accounts[name]
            if account.follows(FACTS) and account.position != self._head():
                return f"{name} stands at {account.position} of {self._head()}"
        for mark, client in self._asking.items():
            if client is self._clients.get(client.name):
                return f"{mark} was never answered"
        return ""

    def _head(self) -> int:
        return len(self._truth.facts)

    def _check(self) -> None:
        self._check_effects()
        hubs = {name: self._hub(name) for name in self.world.nodes}
        values: list[dict[str, int]] = []
        for hub in hubs.values():
            if hub is not None:
                told = [json.loads(event.json)["data"] for event in hub.latest(STATE)]
                values.append({one["key"]: one["number"] for one in told})
        here = {name for name in self._clients if ROOM in self._guests[name].topics}
        for name in self._clients:
            self._accounts[name].check(values[0], here)

    def _check_effects(self) -> None:
        facts = self._truth.facts
        for mark, times in Counter(facts).items():
            if times > 1:
                raise Breach("once_each", f"{mark} was said once and stored {times} times")
        for mark, outcome in self._said.items():
            if outcome == "acknowledged" and mark not in facts:
                raise Breach("nothing_lost", f"{mark} was acknowledged and is not stored")


def _each(weathers: list[Weather], change: Callable[[Weather], None]) -> None:
    for weather in weathers:
        change(weather)


def _darken(weather: Weather) -> None:
    weather.dark = True


def _buffer(weather: Weather) -> None:
    weather.buffered = frozenset(["sse"])


def _narrow(weather: Weather) -> None:
    weather.rate = 500.0


class _Witness(logging.Handler):
    """Takes note of what the program calls an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take note."""
        failure = record.exc_info[1] if record.exc_info else None
        self.errors.append(record.getMessage() + (f": {failure!r}" if failure else ""))
