"""The laboratory: the engine and the client in a world of their own, in which time, chance, roads and deaths are given.

The code that runs in it is the engine's own. A run is a value: the same seed gives the same run, to the letter.
"""
