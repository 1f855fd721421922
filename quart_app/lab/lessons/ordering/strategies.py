"""Three ways to order the cards of a board, as students see them."""

from quart_app.lab.lessons.ordering.person import Person


async def arrival(person: Person) -> None:
    """In the order of arrival."""
    async for card in person.cards("signals"):
        person.put(card)


async def clock(person: Person) -> None:
    """By the clock of the one who painted it."""
    async for card in person.cards("signals"):
        person.put(card, by=card.clock)


async def position(person: Person) -> None:
    """By the position in the log."""
    async for card in person.cards("log"):
        person.put(card, by=card.position)  # ← one log has numbered it, for all
