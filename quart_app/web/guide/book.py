"""The guide as a whole: its files in their order, read once for each language, and what a search finds in them."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from quart_app.web.guide.markdown import ONE_DOCUMENT, SINGLE_PAGES, Page, Section

FOLDER: Final = Path(__file__).parents[2] / "guide"
PARTS: Final = ("begin", "systems", "run")
"""The parts of the guide: a file `0x-….md` is of the first, `1x-….md` of the second, `2x-….md` of the third."""

_FILE: Final = re.compile(r"(?P<part>\d)\d-(?P<name>[a-z-]+)\.md")
_MADE: Final = re.compile(r"^\{\{ (?P<table>\w+)(?: (?P<about>\w+))? \}\}$", re.MULTILINE)
_RESULTS: Final = 12
_AROUND: Final = 70  # characters of an excerpt before and after what was found
_QUERY_CHARACTERS: Final = 100
_QUERY_WORDS: Final = 8  # each is looked for in every section

Table = Callable[[str], str]
"""A function that makes the Markdown of a table; its argument is what the file names after the table's name."""


class GuideError(RuntimeError):
    """A file of the guide has a name or a table that does not exist."""


@dataclass(frozen=True, slots=True)
class Found:
    """A section that a search found: where it is, and the words around the first hit with the hits marked."""

    href: str
    page: str
    title: str
    excerpt: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Results:
    """What a search found: the best sections, and how many there are in all."""

    first: Sequence[Found] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class _Indexed:
    """A section as it is searched: its title, its words, and its words with the code that follows them, all folded."""

    page: Page
    section: Section
    title: str
    words: str
    text: str


class Book:
    """All pages of one language's folder. `tables` make what a file names, as `{{ limits }}` on a line of its own."""

    def __init__(self, folder: Path, tables: Mapping[str, Table], words: Mapping[str, str]) -> None:
        self.parts: dict[str, list[Page]] = {part: [] for part in PARTS}
        self.pages: dict[str, Page] = {}
        for path in sorted(folder.glob("*.md")):
            match = _FILE.fullmatch(path.name)
            if match is None or int(match["part"]) >= len(PARTS):
                raise GuideError(f"{path.name} is not named like 04-wire.md")
            source = _MADE.sub(lambda made: _table(made, tables), path.read_text("utf-8"))
            page = self.pages[match["name"]] = Page(match["name"], source, words)
            self.parts[PARTS[int(match["part"])]].append(page)
        self._html: dict[str, str] = {}

    def html(self, name: str) -> str:
        """Return the HTML of the page `name`, which is rendered once."""
        if name not in self._html:
            self._html[name] = self.pages[name].html(SINGLE_PAGES)
        return self._html[name]

    @cached_property
    def whole(self) -> str:
        """All pages as one document, to be printed."""
        return "\n".join(page.html(ONE_DOCUMENT) for page in self.pages.values())

    def around(self, name: str) -> tuple[Page | None, Page | None]:
        """Return the pages before and after the page `name`."""
        names = list(self.pages)
        at = names.index(name)
        before = self.pages[names[at - 1]] if at else None
        after = self.pages[names[at + 1]] if at + 1 < len(names) else None
        return before, after

    @cached_property
    def _index(self) -> Sequence[_Indexed]:
        return tuple(
            _Indexed(page, section, *map(folded, (section.title, section.words, section.text)))
            for page in self.pages.values()
            for section in page.sections
        )

    def search(self, query: str) -> Results:
        """Return the sections that have every word of `query`, best first; accents and case do not count."""
        words = list(dict.fromkeys(folded(query[:_QUERY_CHARACTERS]).split()))[:_QUERY_WORDS]
        if not words:
            return Results()
        scored = ((_score(one, words), one) for one in self._index)
        best = sorted(((score, one) for score, one in scored if score), key=lambda pair: -pair[0])
        return Results([_found(one, words) for _, one in best[:_RESULTS]], len(best))


def _table(made: re.Match[str], tables: Mapping[str, Table]) -> str:
    if made["table"] not in tables:
        raise GuideError(f"there is no table named {made['table']}")
    return tables[made["table"]](made["about"] or "")


def folded(text: str) -> str:
    """Return `text` in small letters without accents, each letter at the place where it was."""
    return "".join((unicodedata.normalize("NFD", letter)[0].lower() or letter)[0] for letter in text)


def _score(one: _Indexed, words: Sequence[str]) -> int:
    """Return 0 where a word is missing, else more for words in the title, less for words in the text, least in code."""
    score = 0
    for word in words:
        in_title, in_text = one.title.find(word), one.text.find(word)
        if in_title < 0 and in_text < 0:
            return 0
        score += 1 + 10 * (in_title >= 0) + 5 * bool(re.search(rf"\b{re.escape(word)}", one.title))
        score += 2 * bool(re.search(rf"\b{re.escape(word)}\b", one.words)) + min(one.words.count(word), 4)
    return score + (one.section.level == 1)


def _found(one: _Indexed, words: Sequence[str]) -> Found:
    form = SINGLE_PAGES.section if one.section.anchor else SINGLE_PAGES.page
    href = form.format(page=one.page.name, anchor=one.section.anchor)
    first = min((at for word in words if (at := one.text.find(word)) >= 0), default=0)
    begin = _word(one.text, first - _AROUND)
    end = _word(one.text, first + 2 * _AROUND)
    excerpt = _marked(one.section.text[begin:end].replace("\n", " "), one.text[begin:end], words)
    before, after = ("…" if begin else ""), ("…" if end < len(one.text) else "")
    return Found(href, one.page.title, one.section.title, ((before, False), *excerpt, (after, False)))


def _word(text: str, at: int) -> int:
    """Return the index where the word that holds the character at `at` begins."""
    if not 0 < at < len(text):
        return max(0, min(at, len(text)))
    return 1 + max(text.rfind(" ", 0, at), text.rfind("\n", 0, at))


def _marked(shown: str, plain: str, words: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    pieces: list[tuple[str, bool]] = []
    end = 0
    for match in re.finditer("|".join(map(re.escape, words)), plain):
        pieces += [(shown[end : match.start()], False), (shown[match.start() : match.end()], True)]
        end = match.end()
    return (*pieces, (shown[end:], False))
