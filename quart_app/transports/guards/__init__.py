"""ASGI middleware that turns requests away before anything reads them."""
