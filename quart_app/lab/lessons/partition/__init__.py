"""Lesson 9: what each side of a cut may answer."""
