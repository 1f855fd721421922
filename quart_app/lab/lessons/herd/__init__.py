"""Lesson 7: a thousand clients that come back to a server, each in their own way."""
