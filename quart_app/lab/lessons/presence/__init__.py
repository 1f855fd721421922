"""Lesson 5: who is there, judged by silence, and by leases with time to come back."""
