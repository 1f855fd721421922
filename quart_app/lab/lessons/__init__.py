"""The lessons, a folder each.

`lesson.toml` says what there is to choose, `scenario.py` is what happens, `strategies.py` is what is compared (it is
shown to students as it stands), `mine.py` is what they begin with, and `texts.toml` has every text.
"""
