"""Four places for the key of a withdrawal, as students see them. What is answered ✓ is what they have returned from."""

from quart_app.lab.lessons.idempotency.ledgers import Db, Withdrawal


async def memory(db: Db, body: Withdrawal, key: str) -> None:
    """The key in the memory of the process."""
    if await db.look(key, db.memory):
        return
    await db.move(body)
    await db.commit()
    await db.keep(key, db.memory)  # ← a set: it dies with the process


async def after(db: Db, body: Withdrawal, key: str) -> None:
    """The key on the disk, after the commit."""
    if await db.look(key):
        return
    await db.move(body)
    await db.commit()
    await db.keep(key)  # ← a second transaction


async def first(db: Db, body: Withdrawal, key: str) -> None:
    """The key on the disk, before the money."""
    if await db.look(key):
        return
    await db.keep(key)
    await db.commit()
    await db.move(body)  # ← a second transaction


async def together(db: Db, body: Withdrawal, key: str) -> None:
    """The money and the key in one commit."""
    if await db.look(key):
        return
    await db.move(body)
    await db.keep(key)
    await db.commit()  # ← both, or neither
