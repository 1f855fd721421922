from quart_app.lab import strategy


@strategy("overhead", name="Mine")
async def mine(reader):
    pause = 1
    while True:
        letters = await reader.ask()
        reader.show(letters)
        pause = 1 if letters else min(8, 2 * pause)
        await reader.sleep(pause)
