from quart_app.lab import strategy


@strategy("delivery", name="Mine")
async def mine(till, payment):
    key = till.new_key()
    for patience in (0.5, 1, 2, 4):
        if await till.send(payment, key=key, wait=patience):
            return
