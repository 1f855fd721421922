"""Lesson 10: one leader, who falls asleep and does not know it."""
