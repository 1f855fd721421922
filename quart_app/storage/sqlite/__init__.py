"""SQLite as the store: the file that this process holds, and the writer's transaction on it."""
