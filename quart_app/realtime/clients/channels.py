"""The registry of channels: which one answers for which topic, and which names in a path stand for which topics."""

import logging
from collections.abc import Callable
from functools import lru_cache

from quart_app.realtime import limits
from quart_app.realtime.clients.channel import Channel, Peer
from quart_app.realtime.clients.identity import Identity
from quart_app.realtime.messages.kinds import Kind
from quart_app.realtime.messages.refused import Refused
from quart_app.wire import TOPIC_NAME_RULE, is_topic_name

logger = logging.getLogger(__name__)


class Channels:
    """The channels of a program by pattern: a topic name, or a prefix followed by `/*`."""

    def __init__(self) -> None:
        self._by_pattern: dict[str, Channel] = {}
        self._aliases: list[Callable[[str], str | None]] = []
        self._found = lru_cache(limits.TOPICS_IN_MEMORY)(self._find)

    def add(self, pattern: str, channel: Channel) -> None:
        """Let `channel` answer for the topics of `pattern`."""
        self._by_pattern[pattern] = channel
        self._found.cache_clear()

    def remove(self, pattern: str) -> None:
        """Forget the channel of `pattern`, if there is one."""
        self._by_pattern.pop(pattern, None)
        self._found.cache_clear()

    def add_alias(self, alias: Callable[[str], str | None]) -> None:
        """Ask `alias(name)` for the topic that a name in a path stands for; it returns None for other names."""
        self._aliases.append(alias)

    def topic(self, name: str) -> str:
        """Return the topic that `name` in a path stands for."""
        for alias in self._aliases:
            if (topic := alias(name)) is not None:
                return topic
        return name

    def of(self, topic: str) -> Channel:
        """Return the channel of a topic. Raise Refused for an invalid name and for an unknown topic."""
        return self._found(topic)

    async def authorize(self, identity: Identity, topic: str) -> Channel:
        """Return the channel of a topic that `identity` may follow. Raise Refused where it may not, or `of` does."""
        channel = self.of(topic)
        identity.check_follows(topic)
        await channel.authorize(identity, topic)
        return channel

    def _find(self, topic: str) -> Channel:
        if not is_topic_name(topic):
            raise Refused("invalid_topic", f"topic: {TOPIC_NAME_RULE}", fields={"topic": TOPIC_NAME_RULE})
        prefix, slash, _ = topic.partition("/")
        channel = self._by_pattern.get(topic) or (self._by_pattern.get(prefix + "/*") if slash else None)
        if channel is None:
            raise Refused("topic_not_found", f"there is no topic {topic}", status=404)
        return channel

    def leave(self, peer: Peer, *, orderly: bool) -> None:
        """Tell the channel of its topic that `peer` is gone; where the channel fails at that, nobody else does."""
        try:
            self.of(peer.topic).left(peer, orderly=orderly)
        except Exception:
            logger.exception("leaving %s failed", peer.topic)

    def kind_of(self, topic: str) -> Kind:
        """Return the kind of a topic; what is unknown is durable, as the log may hold it."""
        try:
            return self.of(topic).kind
        except Refused:
            return Kind.DURABLE
