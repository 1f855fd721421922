"""The queue between connection and consumer: bounded, and never in the way of an acknowledgement."""

import asyncio

import pytest

from quart_app.client.errors import Closed
from quart_app.client.inbox import Inbox


async def test_reading_stops_when_it_is_full_and_goes_on_when_something_is_taken() -> None:
    inbox = Inbox(2, 5, lambda: False)
    for number in range(2):
        await inbox.room()
        inbox.put({"n": number})
    waiting = asyncio.create_task(inbox.room())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), 0.05)
    assert await inbox.get() == {"n": 0}
    await asyncio.wait_for(waiting, 1)


async def test_reading_goes_on_while_an_acknowledgement_is_awaited() -> None:
    sending = False
    inbox = Inbox(1, 3, lambda: sending)
    inbox.put({})
    waiting = asyncio.create_task(inbox.room())
    await asyncio.sleep(0)
    sending = True
    inbox.nudge()
    await asyncio.wait_for(waiting, 1)
    assert not inbox.overfull
    inbox.put({})
    inbox.put({})
    assert inbox.overfull


async def test_what_was_received_can_be_read_after_the_close() -> None:
    inbox = Inbox(10, 10, lambda: False)
    inbox.put({"n": 1})
    inbox.close(Closed(4404, "no such room"))
    assert await inbox.get() == {"n": 1}
    with pytest.raises(Closed, match="no such room"):
        await inbox.get()


async def test_a_waiting_consumer_is_told_of_the_close() -> None:
    inbox = Inbox(10, 10, lambda: False)
    consumer = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.close(Closed(None, "closed by its user"))
    with pytest.raises(Closed):
        await asyncio.wait_for(consumer, 1)
