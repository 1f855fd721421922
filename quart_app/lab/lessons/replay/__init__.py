"""Lesson 11: going back in the log, and what must not be done again."""
