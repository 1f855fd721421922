"""Lesson 4: what a reader that is too slow costs, and whom."""
