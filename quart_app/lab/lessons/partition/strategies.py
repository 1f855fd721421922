"""Three ways to sell seats, count claps and tell how many seats are sold, with and without the cable."""

from quart_app.lab.lessons.partition.hall import Hall, Order


async def both(node: Hall, order: Order) -> None:
    """Each side goes on; once the cable is back, the last word counts."""
    if order.kind == "look":
        order.answer(node.sold())
    elif order.kind == "clap":
        node.put("claps", node.get("claps", 0) + 1)
        order.decide(True)
    else:
        free = node.get(order.seat) is None
        if free:
            node.put(order.seat, order.who)
        order.decide(free)


async def merge(node: Hall, order: Order) -> None:
    """Each side goes on; once the cable is back, all is kept."""
    if order.kind == "look":
        order.answer(node.sold())
    elif order.kind == "clap":
        node.add("claps", order.name)  # a clap of its own: two are two
        order.decide(True)
    else:
        free = node.get(order.seat) is None
        if free:
            node.add(order.seat, order.who)  # and two tickets are two
        order.decide(free)


async def ours(node: Hall, order: Order) -> None:
    """Only who reaches the log sells; the other side says up to when it knows."""
    if order.kind == "look":
        order.answer(node.sold(), until=node.behind())  # ← "up to 41"
    elif order.kind == "clap":
        node.add("claps", order.name)  # this can be told later
        order.decide(True)
    elif node.reaches_log():
        order.decide(await node.book(order))
    else:
        order.later(2.0)  # ← 503, and a time
