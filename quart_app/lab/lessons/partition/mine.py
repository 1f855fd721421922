from quart_app.lab import strategy


@strategy("partition", name="Mine")
async def mine(node, order):
    if order.kind == "look":
        order.answer(node.sold(), until=node.behind())
    elif order.kind == "clap":
        node.add("claps", order.name)
        order.decide(True)
    else:
        mine_to_sell = node.reaches_log() or order.seat % 2 == 0
        free = mine_to_sell and node.get(order.seat) is None
        if free:
            node.add(order.seat, order.who)
        order.decide(free)
