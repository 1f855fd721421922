"""What the random scenarios are worth: where one thing of the engine or the client does not work, a rule is broken."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from quart_app.client.bookmark import Bookmark
from quart_app.lab.soak import channels, plan_of, play
from quart_app.lab.world import serving
from quart_app.lab.world.database import Database
from quart_app.realtime import Event, Opening, Peer
from quart_app.realtime.flow.relay import Relay
from quart_app.realtime.flow.subscription import Subscription

SEEDS = 200

Patch = Callable[[pytest.MonkeyPatch], None]


def keys_are_ignored(patch: pytest.MonkeyPatch) -> None:
    commit = Database.commit
    patch.setattr(Database, "commit", lambda self, who, key, change, **more: commit(self, who, None, change, **more))


def cursors_are_ignored(patch: pytest.MonkeyPatch) -> None:
    opening = serving._opening

    def without_cursor(request: serving.Request) -> Opening:
        asked = opening(request)
        return Opening(asked.identity, asked.topics, asked.transport, connection_id=asked.connection_id)

    patch.setattr(serving, "_opening", without_cursor)


def acknowledged_before_the_commit(patch: pytest.MonkeyPatch) -> None:
    async def handle(self: channels.Facts, peer: Peer, body: dict[str, Any]) -> None:
        peer.reply("said")
        await channels.store(self._writer, peer.topic, body["mark"], peer.identity.user_id, peer.key)

    patch.setattr(channels.Facts, "handle", handle)


def nothing_is_flushed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Database, "flush", lambda self: None)


def holes_in_the_log_are_passed_over(patch: pytest.MonkeyPatch) -> None:
    def take(self: Relay, events: Sequence[Event]) -> None:
        if events and events[-1].position > self._position:
            self._position = events[-1].position
            self._bus.publish(events)

    patch.setattr(Relay, "take", take)


def repeats_are_told(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Bookmark, "admit", lambda self, topic, cursor: True)


def gaps_are_not_told(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Subscription, "_gaps", lambda self, unread: [])


def nobody_leaves(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(channels.Room, "left", lambda self, peer, orderly: None)


@pytest.mark.parametrize(
    ("mutation", "rule"),
    [
        (keys_are_ignored, "once_each"),
        (cursors_are_ignored, "complete"),
        (acknowledged_before_the_commit, "nothing_lost"),
        (nothing_is_flushed, "same_log"),
        (holes_in_the_log_are_passed_over, "complete"),
        (repeats_are_told, "once_each"),
        (gaps_are_not_told, "lost_is_told"),
        (nobody_leaves, "presence"),
    ],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_a_rule_is_broken(monkeypatch: pytest.MonkeyPatch, mutation: Patch, rule: str) -> None:
    mutation(monkeypatch)
    broken = next(outcome.rule for seed in range(SEEDS) if (outcome := play(plan_of(seed))).rule)
    assert broken == rule
