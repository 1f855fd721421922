"""The engine: a log, a bus, subscriptions as cursors, presence and feeds.

It knows nothing of Quart, of the ORM or of any domain. The names below are what the rest of the
program may use; everything else is private to the engine.
"""
