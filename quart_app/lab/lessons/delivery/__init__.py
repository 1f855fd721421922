"""Lesson 2: at most once, at least once, and once in effect."""
