"""The clients of the engine: how they are let in, what they say, and how long they stay."""
