"""Lesson 8: what a ✓ promises, and when it may be given."""
