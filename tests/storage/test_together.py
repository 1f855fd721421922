"""A crowd that asks at the same time is answered by one look, and nobody by one that began before they asked."""

import asyncio

from quart_app.storage.together import Together


async def test_a_look_serves_those_who_have_asked_before_it_begins() -> None:
    gate, began = asyncio.Event(), 0

    async def look() -> None:
        nonlocal began
        began += 1
        await gate.wait()

    together = Together(look)
    early = [asyncio.create_task(together()) for _ in range(3)]
    while not began:
        await asyncio.sleep(0)
    late = [asyncio.create_task(together()) for _ in range(3)]
    await asyncio.sleep(0)
    early.pop().cancel()
    await asyncio.sleep(0)
    assert began == 1
    gate.set()
    await asyncio.gather(*early, *late)
    assert began == 2


async def test_everybody_is_told_of_an_error_and_the_next_one_has_another_look() -> None:
    errors = [OSError("away")]

    async def look() -> None:
        for error in errors:
            raise error

    together = Together(look)
    told = await asyncio.gather(together(), together(), return_exceptions=True)
    assert all(one is errors[0] for one in told)
    errors.clear()
    await together()
