"""What one user may have of the server, so that nobody pays for another.

Pure: time is passed in (s of a clock that never goes back). There is one account a user, which is forgotten when it
says nothing any more. Of topics only the open ones count, which everybody makes by using them; the values that these
hold are counted where they are kept, in `flow/room.py`.
"""

from collections.abc import Callable, Collection
from typing import Final

from msgspec import Struct

from quart_app.realtime import limits
from quart_app.realtime.clients.allowance import Allowance
from quart_app.realtime.flow.counters import Counters
from quart_app.realtime.messages.refused import Refused
from quart_app.wire import is_open_topic

_MINUTE: Final = 60.0  # s
_DAY: Final = 86_400.0  # s
_FEW: Final = 1_000  # accounts among which it is not worth the trouble to look for some to be forgotten


class Quota(Struct, frozen=True):
    """How much one user may have; 0 is as much as they like.

    At once: `connections`, open `topics` that these follow, and of the values of open states `state_keys` and
    `state_bytes`. Over time: `new_topics` and `subscriptions` a minute, `requests` a second, `stored_bytes` a day.
    """

    connections: int = 0
    topics: int = 0
    new_topics: int = 0
    subscriptions: int = 0
    state_keys: int = 0
    state_bytes: int = 0
    stored_bytes: int = 0
    requests: int = 0


class _Account:
    """What one user holds, and what is left of what they may do; an allowance is there once it was used."""

    __slots__ = ("allowances", "connections", "topics")

    def __init__(self) -> None:
        self.connections = 0
        self.topics: dict[str, int] = {}
        self.allowances: dict[str, Allowance] = {}

    def says_nothing(self, now: float) -> bool:
        return not self.holds and all(allowance.is_full(now) for allowance in self.allowances.values())

    @property
    def holds(self) -> bool:
        return bool(self.connections or self.topics)


class Quotas:
    """The accounts of all users.

    `is_made(topic)` tells whether a topic is in memory, so that nobody makes it. `give_way(user)` ends a connection of
    theirs that is of no use at the moment, which `leave` is told of, and returns whether there was one. A user is named
    by `Identity.payer`; whoever has none is held to nothing. What is refused changes nothing that is held, and is
    counted in `counters`.
    """

    def __init__(
        self, quota: Quota, is_made: Callable[[str], bool], give_way: Callable[[str], bool], counters: Counters
    ) -> None:
        self.quota = quota
        self._is_made = is_made
        self._give_way = give_way
        self._counters = counters
        self._accounts: dict[str, _Account] = {}
        self._forget_at = _FEW

    def __len__(self) -> int:
        return len(self._accounts)

    # What is held

    def enter(self, payer: str, topics: Collection[str], now: float) -> None:
        """Count a connection that follows `topics`. Raise Refused where it would be one too many."""
        if not payer:
            return
        account = self._account(payer, now)
        most = self.quota.connections
        while most and account.connections >= most:
            if not self._give_way(payer):
                said = f"you have {account.connections:,} connections; one user may have {most:,} at once"
                raise self._met(code="quota_connections", said=said, wait=limits.QUOTA_RETRY)
        self._follow(payer, topics, now)
        account.connections += 1

    def leave(self, payer: str, topics: Collection[str]) -> None:
        """Count a connection less, which has followed `topics`."""
        if payer:
            self._accounts[payer].connections -= 1
            self.unfollow(payer, topics)

    def follow(self, payer: str, topic: str, now: float) -> None:
        """Count one topic more of an open connection. Raise Refused where it would be one too many."""
        if payer:
            self._follow(payer, (topic,), now)

    def unfollow(self, payer: str, topics: Collection[str]) -> None:
        """Count `topics` of a connection less."""
        if payer:
            followed = self._accounts[payer].topics
            for topic in filter(is_open_topic, set(topics)):
                if followed[topic] > 1:
                    followed[topic] -= 1
                else:
                    del followed[topic]

    def _follow(self, payer: str, topics: Collection[str], now: float) -> None:
        account, wanted, most = self._account(payer, now), set(filter(is_open_topic, topics)), self.quota.topics
        while most and (held := len(account.topics.keys() | wanted)) > most:
            if not self._give_way(payer):
                said = f"you would follow {held:,} topics of log/, state/ and live/; one user may follow {most:,}"
                raise self._met(code="quota_topics", said=said, wait=limits.QUOTA_RETRY)
        made = sum(not self._is_made(topic) for topic in wanted)
        if wait := self._spend(account, "new_topics", self.quota.new_topics, _MINUTE, made, now):
            said = f"one user may make {self.quota.new_topics:,} topics a minute"
            raise self._met(code="quota_new_topics", said=said, wait=wait)
        if wait := self._spend(account, "subscriptions", self.quota.subscriptions, _MINUTE, len(topics), now):
            said = f"one user may subscribe {self.quota.subscriptions:,} times a minute"
            raise self._met(code="quota_subscriptions", said=said, wait=wait)
        for topic in wanted:
            account.topics[topic] = account.topics.get(topic, 0) + 1

    # What is done

    def request(self, payer: str, now: float) -> None:
        """Count a request. Raise Refused where it is one too many."""
        quota, seconds = self.quota.requests, limits.QUOTA_BURST
        if payer and (wait := self._spend(self._account(payer, now), "requests", quota * seconds, seconds, 1, now)):
            said = f"one user may send {quota:,} requests a second"
            raise self._met(code="quota_requests", said=said, wait=wait)

    def sign_in(self, payer: str, now: float) -> None:
        """Count a session that begins. Raise Refused where it is one too many."""
        most, seconds = limits.SIGN_INS, limits.SIGN_INS / limits.SIGN_INS_RATE
        if payer and (wait := self._spend(self._account(payer, now), "sign_ins", most, seconds, 1, now)):
            said = f"one user may sign in {60 * limits.SIGN_INS_RATE:.0f} times a minute"
            raise Refused("too_many", said, status=429, retry_after=wait)

    def store(self, payer: str, size: int, now: float) -> None:
        """Count `size` bytes that are about to be stored. Raise Refused where they are too many."""
        quota = self.quota.stored_bytes
        if payer and (wait := self._spend(self._account(payer, now), "stored_bytes", quota, _DAY, size, now)):
            said = f"one user may store {quota:,} bytes a day"
            raise self._met(code="quota_stored_bytes", said=said, wait=wait)

    @staticmethod
    def _spend(account: _Account, what: str, most: float, seconds: float, amount: int, now: float) -> float:
        """Take `amount` of the `most` that there is in so many `seconds`; return the seconds to wait for it."""
        if not (most and amount):
            return 0.0
        allowance = account.allowances.get(what)
        if allowance is None:
            allowance = account.allowances[what] = Allowance(most / seconds, most, now)
        return allowance.spend(now, amount)

    def _met(self, *, code: str, said: str, wait: float) -> Refused:
        self._counters.quotas[code] += 1
        return Refused(code, said, status=429, retry_after=wait)

    # The accounts

    def _account(self, payer: str, now: float) -> _Account:
        account = self._accounts.get(payer)
        if account is None:
            if len(self._accounts) >= self._forget_at:
                self._forget(now)
            account = self._accounts[payer] = _Account()
        return account

    def _forget(self, now: float) -> None:
        """Forget the accounts that say nothing, and of the others that hold nothing all but the newest."""
        self._accounts = {payer: one for payer, one in self._accounts.items() if not one.says_nothing(now)}
        idle = [payer for payer, account in self._accounts.items() if not account.holds]
        for payer in idle[: -limits.ACCOUNTS]:
            del self._accounts[payer]
        self._forget_at = _FEW + len(self._accounts) * 3 // 2
