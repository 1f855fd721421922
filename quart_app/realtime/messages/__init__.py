"""The messages of the engine: events, their bytes, their shapes, and refusals. This package knows no client."""
