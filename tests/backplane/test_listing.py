"""The listing of topics over several nodes, where one tells no more names at once than fit into an answer."""

from types import SimpleNamespace
from typing import Any

import pytest

from quart_app.domains.topics.listing import Listing
from quart_app.realtime import Identity, Refused, TopicRights, limits
from tests.backplane.test_link import started, until
from tests.realtime.clock import skipping_time


async def _no_heads(_after: str, _limit: int) -> dict[str, int]:
    return {}


@skipping_time
async def test_a_listing_goes_on_at_another_node_behind_what_one_told(monkeypatch: pytest.MonkeyPatch) -> None:
    _, cluster = await started(2)
    await until(lambda: all(len(hub.backplane.others) == 1 for hub in cluster.hubs))
    monkeypatch.setattr(limits, "NAMES_TOLD", 4)
    programs: list[Any] = [SimpleNamespace(hub=hub, log_heads=_no_heads) for hub in cluster.hubs]
    first, second = map(Listing, programs)
    names = [f"live/{number:02}" for number in range(12)]
    for number, name in enumerate(names):
        await cluster.follow(number % 2, [name])
    who = Identity("1", "Ana")
    page = await first.page(who, "", 10)
    assert [one["topic"] for one in page.topics] == names[:7]
    assert str(page.after).startswith(f"~{cluster.link(0).tag}"), "the place is told, and no name that is not listed"
    listed = page.topics
    while page.after is not None:
        page = await second.page(who, page.after, 10)
        listed = listed + page.topics
    assert [one["topic"] for one in listed] == names
    with pytest.raises(Refused):
        await second.page(who, f"~{cluster.link(0).tag}unknown", 10)
    narrow = Identity("2", "Eva", rights=(TopicRights(subscribe=("live/03",), publish=()),))
    assert [one["topic"] for one in (await first.page(narrow, "", 10)).topics] == ["live/03"]
    await cluster.stop()
