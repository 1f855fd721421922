from quart_app.lab import strategy


@strategy("slow", name="Mine")
async def mine(server):
    readers = await server.listen()
    async for item in server.feed():
        for reader in readers:
            if len(reader.queue) < 8:
                reader.queue.append(item)
