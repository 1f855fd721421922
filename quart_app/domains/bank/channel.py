"""The bank on the wire: who may follow what, and what a newcomer is told. Money is moved over REST."""

from quart_app.domains.bank.access import require_holder, require_teller
from quart_app.domains.bank.counters import LiveCounters
from quart_app.domains.bank.events import cedula_of
from quart_app.domains.bank.service import Bank
from quart_app.realtime import Channel, Identity, Kind, Peer, Welcome


class AccountChannel(Channel):
    """The topics `accounts/{cedula}`, each for its holder and for tellers."""

    def __init__(self, bank: Bank, counters: LiveCounters) -> None:
        self._bank = bank
        self._counters = counters

    async def authorize(self, identity: Identity, topic: str) -> None:
        """Let the holder and tellers follow the account. Raise Refused: `forbidden` (403),
        `cuenta_no_encontrada` (404)."""
        cedula = cedula_of(topic)
        require_holder(identity, cedula)
        await self._bank.account(cedula)

    async def welcome(self, peer: Peer) -> Welcome:
        """Return `connected` with the account as it is where the peer's events begin."""
        # Count before the first suspension: the connection may end during one, and `left` has to come after this.
        self._counters.watch(peer)
        return [("connected", {"data": await self._bank.account_at(cedula_of(peer.topic), peer.position)})]

    def left(self, peer: Peer, *, orderly: bool) -> None:
        """Count the connection no more among those that watch the account."""
        self._counters.unwatch(peer)


class BalancesChannel(Channel):
    """The topic `balances`, which tells of all accounts, for tellers."""

    async def authorize(self, identity: Identity, topic: str) -> None:
        """Let tellers follow all accounts. Raise Refused (`forbidden`, 403)."""
        require_teller(identity)


class StatsChannel(Channel):
    """The topic `stats`, where everybody may see how busy the bank is."""

    kind = Kind.STATE
