from quart_app.lab import strategy


@strategy("presence", name="Mine")
async def mine(watcher):
    def dead(gaps, silent):
        return silent > 3 * max(gaps, default=1)

    await watcher.by_silence(dead)
