from quart_app.lab import strategy


@strategy("leader", name="Mine")
async def mine(node):
    permit = node.lease
    while True:
        await node.tick()
        if permit.held:
            await node.sleep(0.2)
            if permit.held:
                await node.publish()
