"""Lesson 6: where it is kept that something was done already."""
