"""Lesson 1: a change of transport leaves no hole where it says from where it goes on."""
