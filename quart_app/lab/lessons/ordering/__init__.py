"""Lesson 3: order by arrival, by clocks, and by positions of one log."""
