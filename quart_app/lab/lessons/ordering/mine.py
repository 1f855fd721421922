from quart_app.lab import strategy


@strategy("ordering", name="Mine")
async def mine(person):
    async for card in person.cards("signals"):
        person.put(card, by=card.seen)
