"""The page texts, Spanish and English, from one catalogue, and which of the two a visitor reads.

This file owns the files `texts.toml` (one for what all pages share, one beside each domain that has pages), the
language cookie, the writing of numbers and the template globals `_`, `lang` and `texts`. It must not know any page: a
template or a page module names a key, nothing here does.
"""

import tomllib
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from quart import Quart, Response, g, has_request_context, request
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from quart_app.web.address import over_tls

LANGUAGES = ("es", "en")
LANGUAGE_COOKIE = "envivo_language"
COOKIE_SECONDS = 365 * 24 * 3600
_ACCEPTED_CHARACTERS: Final = 200  # that are looked at of the languages which a visitor accepts
_PACKAGE = Path(__file__).parents[1]
_SPANISH_NUMBERS: Final = str.maketrans(",.", ".,")

Texts = dict[str, str]


class CatalogueError(RuntimeError):
    """A text is missing: the catalogue lacks a language for a key, has a section twice, or lacks a key that a page asks
    for."""


@cache
def catalogue() -> MappingProxyType[str, Texts]:
    """Return every text as ``{"section.key": {"es": …, "en": …}}``.

    Raise `CatalogueError` when a key lacks one of the two languages, or two files have the same section.
    """
    sections: dict[str, dict[str, Texts]] = {}
    for path in sorted(_PACKAGE.glob("**/texts.toml")):
        found = tomllib.loads(path.read_text("utf-8"))
        if twice := found.keys() & sections.keys():
            raise CatalogueError(f"{path} has the section {', '.join(sorted(twice))} of another file")
        sections |= found
    flat: dict[str, Texts] = {}
    for section, entries in sections.items():
        for key, texts in entries.items():
            if set(texts) != set(LANGUAGES):
                raise CatalogueError(f"{section}.{key} has {sorted(texts)}, needs {sorted(LANGUAGES)}")
            flat[f"{section}.{key}"] = texts
    return MappingProxyType(flat)


def choose_language(cookie: str | None, accepted: str | None) -> str:
    """Return ``"es"`` or ``"en"``: the visitor's own choice first, then `accepted` (RFC 9110 section 12.5.4 order)."""
    return cookie if cookie in LANGUAGES else (accepted or LANGUAGES[0])


def current_language() -> str:
    """Return the language of the request being answered, which is found out once; Spanish where there is none."""
    if not has_request_context():
        return LANGUAGES[0]
    language: str | None = g.get("language")
    if language is None:
        language = g.language = choose_language(request.cookies.get(LANGUAGE_COOKIE), _accepted())
    return language


def _accepted() -> str | None:
    """Return the language that the visitor's browser prefers, None where it accepts neither."""
    asked = request.headers.get("Accept-Language", "")[:_ACCEPTED_CHARACTERS]
    if len(asked) == _ACCEPTED_CHARACTERS:  # the last of them may be cut
        asked = asked.rpartition(",")[0]
    return parse_accept_header(asked, LanguageAccept).best_match(LANGUAGES)


def local_number(english: str, language: str | None = None) -> str:
    """Return a number that is written as in English, such as 1,234.5, as `language` writes it; without one, as the
    current language does."""
    return english.translate(_SPANISH_NUMBERS) if (language or current_language()) == "es" else english


def translate(key: str, **values: object) -> str:
    """Return the text of `key` in the current language with ``{name}`` places filled from `values`.

    Raise `CatalogueError` for an unknown key: a page with a hole in it must not pass for a page.
    """
    texts = catalogue().get(key)
    if texts is None:
        raise CatalogueError(f"no text named {key}")
    text = texts[current_language()]
    return text.format(**values) if values else text


def texts(*sections: str) -> dict[str, str]:
    """Return ``{"section.key": text}`` of whole `sections` in the current language, for the page modules."""
    language = current_language()
    chosen = tuple(f"{section}." for section in sections)
    return {key: entry[language] for key, entry in catalogue().items() if key.startswith(chosen)}


def remember_language(response: Response, language: str) -> None:
    """Keep the visitor's choice in a cookie for a year."""
    response.set_cookie(
        LANGUAGE_COOKIE, language, max_age=COOKIE_SECONDS, samesite="Lax", httponly=True, secure=over_tls()
    )


def _template_names() -> dict[str, Any]:
    return {"_": translate, "texts": texts, "lang": current_language(), "languages": LANGUAGES}


def register(app: Quart) -> None:
    """Give every template of `app` the names ``_``, ``texts``, ``lang`` and ``languages``."""
    catalogue()
    app.context_processor(_template_names)
