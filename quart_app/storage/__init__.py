"""The storage: the database, the event log in it, and the one writer.

It knows Tortoise and SQL, and nothing of sockets, of Quart or of any domain. A domain changes rows and records events
through `writer.Writer.run` and reads through its own models.
"""

from quart_app.storage import uncommented as uncommented  # before any model is made
