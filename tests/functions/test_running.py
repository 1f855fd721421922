"""A reaction while the log it reads does not answer."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

from quart_app.functions.calling import Function
from quart_app.functions.declaring import Declaration
from quart_app.functions.publishing import FunctionPublisher
from quart_app.functions.running import Reaction
from quart_app.realtime.flow.log import MemoryLog
from quart_app.realtime.hub import Hub
from tests.realtime.clock import skipping_time
from tests.realtime.hubs import Talk


class BrokenLog(MemoryLog):
    """Fails as often as `fails` says, and answers then."""

    fails = 1

    async def read(self, *arguments: Any) -> Any:
        if self.fails:
            self.fails -= 1
            raise OSError("the disk is gone")
        return await super().read(*arguments)


@dataclass
class Hearing:
    """A function that keeps what it hears."""

    declaration: Declaration
    heard: list[Any] = field(default_factory=list)
    error: BaseException | None = None

    async def call(self, message: Any, *, depth: int) -> None:
        self.heard.append(message["data"])

    def failed(self, error: BaseException) -> str:
        self.error = error
        return str(error)

    def worked(self) -> None:
        self.error = None


@skipping_time
async def test_it_goes_on_when_the_log_answers_again() -> None:
    log = BrokenLog("e0")
    hub = Hub()
    hub.channels.add("talk/*", Talk())
    await hub.start(log)
    hearing = Hearing(Declaration("on", "talk/1", skipping_time, None))
    reaction = Reaction(cast("Function", hearing), hub, FunctionPublisher(hub, cast("Any", None)))
    await asyncio.sleep(0)
    log.append("talk/1", "said", data="hello")
    hub.bus.skip_to(1)  # it was not handed over, and so has to be read
    await asyncio.sleep(60)
    assert (hearing.heard, hearing.error) == (["hello"], None)
    await reaction.stop()
