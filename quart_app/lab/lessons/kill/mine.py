from quart_app.lab import strategy


@strategy("kill", name="Mine")
async def mine(server, message):
    await server.store(message, flush=False)
    await server.sleep(0.3)
    server.ack(message)
