"""A random scenario as it happens, from the first node's start to the verdict."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from quart_app.client import State
from quart_app.lab.soak.account import Breach, Truth
from quart_app.lab.soak.channels import FACTS, ROOM, STATE, furnish
from quart_app.lab.soak.guests import Guests
from quart_app.lab.soak.plan import Plan
from quart_app.lab.soak.publishing import Publisher
from quart_app.lab.soak.troubles import Troubles
from quart_app.lab.world.world import World
from quart_app.realtime import Hub, limits

PATIENCE = 400.0
"""The time after the last trouble in which everybody has to be well again (s)."""
REST = 3 * limits.NODE_LEASE
"""The time in which presence comes to rest (s)."""
FORGETS = 60.0
"""The time after which nothing is kept of those who have left (s)."""
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
        self._publisher = Publisher(self.world)
        truth = self._truth = Truth(self.world.database.log.record, self._publisher.order)
        self._guests = Guests(self.world, plan.guests, truth)
        self._troubles = Troubles(self.world, [guest.name for guest in plan.guests], truth)

    def play(self) -> Outcome:
        """Return the outcome."""
        witness = _Witness()
        logging.getLogger("quart_app").addHandler(witness)
        try:
            self.world.run(self._play())
            breach: BaseException | None = None
        except Exception as error:  # noqa: BLE001 - whatever fails in the world is a finding
            breach = error
        finally:
            logging.getLogger("quart_app").removeHandler(witness)
        if breach is None and witness.errors:
            breach = Breach("no_errors", witness.errors[0])
        fingerprint, messages = self.world.trace.fingerprint, self._guests.taken
        if breach is None:
            return Outcome(fingerprint, messages)
        rule = breach.rule if isinstance(breach, Breach) else "no_errors"
        said = str(breach) if isinstance(breach, Breach) else f"no_errors: {breach!r}"
        return Outcome(fingerprint, messages, said, rule)

    async def _play(self) -> None:
        clock = asyncio.get_running_loop().time
        for node in self.world.nodes.values():
            node.start()
        await asyncio.sleep(0.5)
        for guest in self._plan.guests:
            self._guests.come(guest.name)
        for act in self._plan.acts:
            await asyncio.sleep(max(0.0, act.at - clock()))
            for acting in (self._guests, self._troubles, self._publisher):
                if (do := getattr(acting, act.do, None)) is not None:
                    do(*act.what)
            self._look()
        await self._settle()

    def _look(self) -> None:
        if self._guests.breaches:
            raise self._guests.breaches[0]

    # The end

    async def _settle(self) -> None:
        """Mend everything, wait until all are well, and look whether they are right. Raise Breach."""
        self._troubles.end()
        for name in list(self._guests.there):
            self._guests.wake(name)
        await self._until(self._all_well)
        await asyncio.sleep(REST)
        await self._until(self._quiet())
        self._truth.calm = True
        await asyncio.sleep(REST)
        await self._until(self._quiet())
        for node in self.world.nodes.values():
            if node.serves is not None:
                await node.spawn(node.serves.seed((STATE,)))
        self._look()
        self._check()
        await self._leave()

    async def _leave(self) -> None:
        """Let everybody say goodbye, and look whether anything is kept of them. Raise Breach."""
        self._truth.calm = False
        for name in list(self._guests.there):
            self._guests.close(name)
        await asyncio.sleep(FORGETS)
        for node in self.world.nodes.values():
            if (hub := node.serves) is not None:
                left = {ROOM: len(hub.backplane.present(ROOM)), "connections": len(hub.connections)}
                if any(left.values()):
                    raise Breach("nothing_is_kept", f"node {node.name} still has {left} when everybody has left")

    def _quiet(self) -> Callable[[], bool]:
        """Return what tells whether nothing came to anybody for a while."""
        clock = asyncio.get_running_loop().time
        last = self._guests.taken, clock()

        def quiet() -> bool:
            nonlocal last
            if self._guests.taken != last[0]:
                last = self._guests.taken, clock()
            return clock() - last[1] > QUIET

        return quiet

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
        for node in self.world.nodes.values():
            if node.serves is None:
                node.start()
                return f"node {node.name} is not there"
            if node.serves.backplane.away_since is not None:
                return f"node {node.name} does not reach the backplane"
        head = len(self._truth.facts)
        for name, client in self._guests.there.items():
            if client.live.status.state is not State.CONNECTED:
                return f"{name} is {client.live.status.state.value}"
            account = self._guests.accounts[name]
            if account.follows(FACTS) and account.position != head:
                return f"{name} stands at {account.position} of {head}"
        for mark, client in self._guests.asking.items():
            if client is self._guests.there.get(client.name):
                return f"{mark} was never answered"
        return ""

    def _check(self) -> None:
        self._check_effects()
        held = {node.name: _values(node.serves) for node in self.world.nodes.values() if node.serves is not None}
        values = next(iter(held.values()))
        if any(other != values for other in held.values()):
            raise Breach("converged", f"the nodes have other values: {held}")
        there = self._guests.there
        here = {name for name, client in there.items() if ROOM in client.topics}
        for name in there:
            self._guests.accounts[name].check(values, here)

    def _check_effects(self) -> None:
        facts = self._truth.facts
        for mark, times in Counter(facts).items():
            if times > 1:
                raise Breach("once_each", f"{mark} was said once and stored {times} times")
        for mark, outcome in self._guests.said.items():
            if outcome == "acknowledged" and mark not in facts:
                raise Breach("nothing_lost", f"{mark} was acknowledged and is not stored")


def _values(hub: Hub) -> dict[str, int]:
    """Return the values of the state that an engine has, by their keys."""
    told = [json.loads(event.json)["data"] for event in hub.latest(STATE)]
    return {one["key"]: one["number"] for one in told}


class _Witness(logging.Handler):
    """Takes note of what the program calls an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take note."""
        failure = record.exc_info[1] if record.exc_info else None
        self.errors.append(record.getMessage() + (f": {failure!r}" if failure else ""))
