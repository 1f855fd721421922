"""Three ways to keep an account, as students see them. A bank that starts runs one with `until` None, to follow what
comes; a look back runs it with the position at which the balance is wanted."""

from quart_app.lab.lessons.replay.bank import Bank


async def last_value(bank: Bank, until: int | None) -> None:
    """Only the present is kept."""
    async for movement in bank.events(bank.head, until):  # ← from now on
        await bank.mail(movement)
    bank.show(bank.balance)


async def replay_all(bank: Bank, until: int | None) -> None:
    """Everything again, from the beginning."""
    balance = 0
    async for movement in bank.events(0, until):
        balance += movement.amount
        await bank.mail(movement)  # ← remembering does it again
    bank.show(balance)


async def cursor(bank: Bank, until: int | None) -> None:
    """Looking back only adds; acting goes on from its place."""
    if until is not None:
        bank.show(sum([movement.amount async for movement in bank.events(0, until)]))
        return
    async for movement in bank.events(await bank.place()):
        await bank.mail(movement, key=movement.position)  # ← the key is its cause
        await bank.keep(movement.position)
