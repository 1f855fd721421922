"""Lesson 12: what twenty letters weigh on each way, and when they come."""
