# Each payment shall count once, whatever happens to the cable. Change this function, save, and try it:
#
#     envivo lab run delivery --file mine.py
#     envivo lab hunt delivery --file mine.py
#
# What there is: await till.send(payment, key=..., wait=...) -> True where the ✓ came within `wait` seconds,
# await till.sleep(seconds), till.now(), till.new_key(), till.dice, till.patience, till.say("...").

from quart_app.lab import strategy


@strategy("delivery", name="Mine")
async def mine(till, payment):
    key = till.new_key()
    for patience in (0.5, 1, 2, 4):
        if await till.send(payment, key=key, wait=patience):
            return
