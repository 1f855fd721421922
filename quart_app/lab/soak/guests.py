"""The clients of a random scenario: they come and go, sleep, hear what there is, and say something."""

import asyncio

from quart_app.client import ClientError, Live
from quart_app.lab.soak.account import Account, Breach, Truth
from quart_app.lab.soak.channels import FACTS
from quart_app.lab.soak.plan import Guest
from quart_app.lab.world.world import Client, World


class Guests:
    """The clients of `guests`, each with an account of what it gets, which is held to the `truth`."""

    def __init__(self, world: World, guests: tuple[Guest, ...], truth: Truth) -> None:
        self._world = world
        self._guests = {guest.name: guest for guest in guests}
        self._truth = truth
        self._marks = 0
        self.there: dict[str, Client] = {}
        """The clients that are there."""
        self.accounts: dict[str, Account] = {}
        """The accounts of these, and the last ones of those that have gone."""
        self.taken = 0
        """The number of messages that all have got."""
        self.said: dict[str, str] = {}
        """By mark what became of what clients have said: `acknowledged`, or why it was refused; unknown where nothing
        is here."""
        self.asking: dict[str, Client] = {}
        """By mark the clients that wait for an answer."""
        self.breaches: list[BaseException] = []

    def come(self, name: str) -> None:
        """Let a client begin, where it is not there."""
        if name in self.there:
            return
        guest = self._guests[name]
        account = Account(name, guest.topics, self._truth)
        self.accounts[name] = account
        client = self.there[name] = self._world.client(name, guest.topics, transports=guest.transports)
        client.process.spawn(self._follow(client, account, guest), f"follow {name}")

    async def _follow(self, client: Client, account: Account, guest: Guest) -> None:
        try:
            async with client.live as live:
                async for message in live:
                    account.take(message)
                    self.taken += 1
                    self._world.trace.note(guest.name, "recv", type=message["type"], id=message.get("id"))
                    if guest.slow:
                        await asyncio.sleep(guest.slow)
        except Breach as breach:
            self.breaches.append(breach)
        except ClientError as error:
            self.breaches.append(Breach("comes_back", f"{guest.name} has given up: {error}"))

    def close(self, name: str) -> None:
        """Let a client say goodbye."""
        if client := self.there.pop(name, None):
            client.process.resume()
            client.process.spawn(client.live.close(), f"close {name}")

    def vanish(self, name: str) -> None:
        """Kill a client."""
        if client := self.there.pop(name, None):
            client.process.kill()

    def sleep(self, name: str) -> None:
        """Let a client stand still, as a phone in a pocket."""
        if client := self.there.get(name):
            client.process.pause()

    def wake(self, name: str) -> None:
        """Let it go on."""
        if client := self.there.get(name):
            client.process.resume()

    def say(self, name: str) -> None:
        """Let a client say something that is to be stored."""
        client = self.there.get(name)
        if client is None or FACTS not in client.topics:
            return
        self._marks += 1
        mark = f"{name}-{self._marks}"
        self.asking[mark] = client
        client.process.spawn(self._send(client.live, mark), f"say {mark}")

    async def _send(self, live: Live, mark: str) -> None:
        try:
            await live.send(FACTS, {"type": "say", "mark": mark})
            self.said[mark] = "acknowledged"
        except ClientError as error:
            self.said[mark] = str(error)
        finally:
            del self.asking[mark]
