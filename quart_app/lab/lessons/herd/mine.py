from quart_app.lab import strategy


@strategy("herd", name="Mine")
def mine(client):
    return min(10, 1.5**client.attempt)
