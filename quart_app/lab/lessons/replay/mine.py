from quart_app.lab import strategy


@strategy("replay", name="Mine")
async def mine(bank, until):
    balance = 0
    async for movement in bank.events(0, until):
        balance += movement.amount
        if until is None:
            await bank.mail(movement)
    bank.show(balance)
