from quart_app.lab import strategy


@strategy("idempotency", name="Mine")
async def mine(db, body, key):
    await db.move(body)
    await db.commit()
