"""PostgreSQL as the store: how its connections are set up, the writer's transaction, and the lock of the process.

It is imported where the database URL names PostgreSQL, and only there: its driver is an extra.
"""
