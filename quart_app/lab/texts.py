"""The laboratory's words, Spanish and English, from the catalogue's files: those of a lesson, and the common ones.

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


def words(language: str, folder: Path = _COMMON) -> Say:
    """Return what says a key in `language`: from the `texts.toml` of a lesson's folder, else the common one. Its places
    are filled as `written` writes them. The function raises KeyError."""
    texts = _read(_COMMON) | _read(folder)

    def say(key: str, **values: Any) -> str:
        return texts[key][language].format(**{name: written(value, language) for name, value in values.items()})

    return say


def texts(language: str, folder: Path = _COMMON) -> dict[str, str]:
    """Return all texts that `words` says, by key, with their places open."""
    return {key: said[language] for key, said in (_read(_COMMON) | _read(folder)).items()}


def written(value: object, language: str) -> object:
    """Return a value as the language writes it: a number with a fraction has one decimal, a list is joined, an empty
    one is `none`."""
    match value:
        case float():
            return f"{value:.1f}".replace(".", "," if language == "es" else ".")
        case list() | tuple():
            return ", ".join(str(written(one, language)) for one in value) or _read(_COMMON)["none"][language]
    return value
