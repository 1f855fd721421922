"""Three people paint one board: two rounds of questions and answers, and a last pair of cards at almost one time."""

import asyncio
from typing import Final

from quart_app.lab.lessons.ordering.board import ACTS, PEOPLE, furnish, skew
from quart_app.lab.lessons.ordering.person import Person
from quart_app.lab.strategies import Play
from quart_app.lab.world.world import World

__all__ = ["ACTS", "NODES", "furnish", "scenario"]

NODES: Final = ("north", "south")
SHAPES: Final = {"ana": "■", "leo": "●", "eva": "▲"}
BETWEEN_NODES: Final = 0.05
START: Final = 0.6
"""The time in which the nodes find each other (s)."""
ROUNDS: Final = (1.5, 4.5, 7.5)
"""When something is asked (s)."""
REST: Final = 3.0
"""The time in which all that is on its way arrives (s)."""


async def scenario(world: World, knobs: dict[str, int | float], strategy: Play) -> None:
    """Play the lesson with a strategy."""
    for node in world.nodes.values():
        node.start()
    if world.redis is not None:
        world.redis.delay = BETWEEN_NODES
    people = [Person(world, name) for name in PEOPLE]
    for name in PEOPLE:
        skew(world, name, world.dice.of(f"skew/{name}").uniform(-knobs["skew"], knobs["skew"]))
    await asyncio.sleep(START)
    delays = [world.dice.of(f"delay/{name}").uniform(0.02, knobs["delay"]) for name in PEOPLE]
    await asyncio.gather(*(one.process.spawn(one.open(delay)) for one, delay in zip(people, delays, strict=True)))
    going_on = {one.process.spawn(work) for one in people for work in (one.hear(), _ordering(one, strategy))}
    story = asyncio.create_task(_story(world, people, knobs["apart"]))
    going_on.add(story)
    while not story.done():
        done, going_on = await asyncio.wait(going_on, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()


async def _ordering(person: Person, strategy: Play) -> None:
    await strategy(person)


async def _story(world: World, people: list[Person], apart: float) -> None:
    dice = world.dice.of("cards")
    for number, begin in enumerate(ROUNDS):
        first, second, third = dice.sample(people, 3)
        one, two = f"{2 * number + 1}", f"{2 * number + 2}"
        reactions, start, gap = [dice.uniform(0.3, 0.8) for _ in "12"], dice.uniform(0, 0.4), dice.uniform(0, apart)
        await asyncio.sleep(begin + start - world.loop.time())
        _ask(first, one)
        await asyncio.sleep(gap)
        _ask(second, two)
        if number < len(ROUNDS) - 1:
            third.process.spawn(_answer(third, first, one, reactions[0]))
            first.process.spawn(_answer(first, second, two, reactions[1]))
    await asyncio.sleep(REST)
    for event in [event for event in world.trace.events if event["do"] == "take"]:
        world.trace.note(event["lane"], "done", msg=event["msg"])


def _ask(person: Person, number: str) -> None:
    person.paint(f"{SHAPES[person.name]}{number}?")


async def _answer(person: Person, asker: Person, number: str, reaction: float) -> None:
    """Answer a question, some time after it was seen."""
    question = f"{SHAPES[asker.name]}{number}?"
    await person.has(question)
    await asyncio.sleep(reaction)
    person.paint(f"{SHAPES[person.name]}{number}!", question)
