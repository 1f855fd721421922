"""Three ways to hand a payment in, as students see them."""

from quart_app.lab.lessons.delivery.till import Payment, Till


async def once(till: Till, payment: Payment) -> None:
    """At most once."""
    await till.send(payment)


async def retry(till: Till, payment: Payment) -> None:
    """At least once."""
    while not await till.send(payment, key=till.new_key(), wait=till.patience):
        pass  # again, under another key


async def keyed(till: Till, payment: Payment) -> None:
    """Once, in effect."""
    key = till.new_key()  # ← the key is born with the payment
    while not await till.send(payment, key=key, wait=till.patience):
        pass
