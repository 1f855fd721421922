from quart_app.lab import strategy


@strategy("leader", name="Mine")
async def mine(node):
    while True:
        await node.tick()
        if node.lease.held and node.name == min(node.alive()):
            await node.publish()
