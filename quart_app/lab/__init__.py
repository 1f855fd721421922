"""The laboratory: the engine and the client in a world of their own, in which time, chance, roads and deaths are given.

The code that runs in it is the engine's own. A run is a value: the same seed gives the same run, to the letter.

`world/` is what runs take place in. `lessons/` has a folder per lesson; `lesson.py` reads them, `running.py` runs them,
`checker/` judges a run, `workshop.py` runs what students write. `soak/` plays random scenarios for the engine itself.
"""

from quart_app.lab.strategies import strategy

__all__ = ["strategy"]
