"""Where the e-mails go: a provider of somebody else's, which delivers what comes under one key once."""

from collections.abc import Mapping
from typing import Any, Final

from quart_app.lab.world.loop import Place
from quart_app.lab.world.roads import Cut, End
from quart_app.lab.world.world import World

TAKEN: Final = {"type": "taken"}
"""What a letter is answered with."""


class Mailbox:
    """The provider. It is never down."""

    name = "mailbox"

    def __init__(self, world: World) -> None:
        self.process = Place(world.loop, self.name)
        self._trace = world.trace
        self._keys: dict[str, None] = {}

    def accept(self, end: End) -> None:
        """Take a connection, and the letter that comes by it."""
        self.process.spawn(self._take(end))

    async def _take(self, end: End) -> None:
        try:
            letter: Mapping[str, Any] = await end.receive()
        except Cut:  # the bank has died before it has sent one
            return
        key = letter["key"]
        if key is not None and key in self._keys:
            self._trace.note(self.name, "known", msg=letter["msg"], key=key, of=end.received)
        else:
            if key is not None:
                self._keys[key] = None
            self._trace.note(self.name, "commit", msg=letter["msg"], key=key, letter=1, of=end.received)
        end.put(TAKEN | {"msg": letter["msg"], "of": self._trace.last(lane=self.name, msg=letter["msg"])})
        end.close()


def told(item: Any) -> dict[str, Any] | None:
    """Return what a run tells of something that is sent between the bank and the mailbox."""
    if not isinstance(item, dict):
        return None
    if item.get("type") == TAKEN["type"]:
        return {"do": "ack", "msg": item["msg"], "of": item["of"]}
    return {"msg": item["msg"], "of": item["of"], "key": item["key"], "until": item["until"]}
