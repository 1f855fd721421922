"""The laboratory's words, Spanish and English, from the catalogue's files: the common ones and those of a lesson.

The pages read the same files by `web.i18n`; here they are read without a framework.
"""

import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "es")
_COMMON = Path(__file__).parent

Say = Callable[..., str]
"""Returns the text of a key, with its places filled."""


@cache
def _read(folder: Path) -> dict[str, dict[str, str]]:
    sections: dict[str, dict[str, dict[str, str]]] = tomllib.loads((folder / "texts.toml").read_text("utf-8"))
    return {key: texts for section in sections.values() for key, texts in section.items()}


def words(language: str, folder: Path | None = None) -> Say:
    """Return what says a key in `language`: from the `texts.toml` of a lesson's folder, or the common one. A number
    with a fraction is written with one decimal, as the language does. The function raises KeyError."""
    texts = _read(folder or _COMMON)

    def say(key: str, **values: Any) -> str:
        return texts[key][language].format(**{name: written(value, language) for name, value in values.items()})

    return say


def written(value: object, language: str) -> object:
    """Return a number as the language writes it, and anything else as it is."""
    if not isinstance(value, float):
        return value
    return f"{value:.1f}".replace(".", "," if language == "es" else ".")
