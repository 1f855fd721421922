"""Markdown into HTML as the guide wants it: anchors on headings, callouts, tables that scroll, code that can be copied.

This module owns what is allowed in a page: no raw HTML and no inline style, which the page's policy would refuse.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token

from quart_app.web.guide.highlight import highlight
from quart_app.web.guide.places import open_places

_FOR_THE_OPERATOR: Final = frozenset({"nginx", "caddy", "ini", "yaml", "toml"})
"""Languages of configuration files: the address in them is that of the machine they are on."""

_PAGE_LINK: Final = re.compile(r"(?:\d\d-)?(?P<page>[a-z-]+)\.md(?:#(?P<anchor>.+))?")
_STATIC_LINK: Final = re.compile(r"(?:\.\./)+(?P<path>static/.+\.\w+)")
_CALLOUT: Final = re.compile(r"\[!(NOTE|TIP|WARNING)\]\n?")
_BREAK: Final = re.compile(r"(?<=[\w=}>][&?/])(?=[\w{<])")  # inside an address, where a narrow column may break it
_SENTENCE_SPACES: Final = 5
_ALIGNED: Final = re.compile(r"text-align:(left|center|right)")


@dataclass(frozen=True, slots=True)
class Edition:
    """How the pages refer to each other, and how deep their headings begin."""

    page: str
    section: str
    anchor: str
    deeper: int = 0


SINGLE_PAGES: Final = Edition("/guide/{page}", "/guide/{page}#{anchor}", "{anchor}")
ONE_DOCUMENT: Final = Edition("#{page}", "#{page}--{anchor}", "{page}--{anchor}", deeper=1)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, the plain words up to the next one, and the code there; `anchor` is empty for the page's own title."""

    anchor: str
    title: str
    level: int
    words: str
    code: str

    @property
    def text(self) -> str:
        """The words, and after them the code."""
        return f"{self.words}\n{self.code}" if self.code else self.words


def _anchor(title: str, earlier: Counter[str]) -> str:
    """Return the anchor of a heading, as GitHub makes it, and count it among the `earlier` ones of its page."""
    plain = re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")
    alike = earlier[plain]
    earlier[plain] += 1
    return f"{plain}-{alike}" if alike else plain


class Page:
    """A file of the guide, read: its sections, and its HTML in either edition."""

    def __init__(self, name: str, source: str, words: Mapping[str, str]) -> None:
        """Read `source`; `words` are the texts that the rendering adds, by key."""
        self.name = name
        self._source = source
        self._words = words
        self.sections = tuple(_sections(name, _parser().parse(source)))
        self.title = self.sections[0].title
        self.summary = re.split(r"(?<=\.)\s", self.sections[0].words, maxsplit=1)[0]

    def html(self, edition: Edition) -> str:
        """Return the page's HTML, the places of this server's address still open."""
        parser = _parser()
        tokens = parser.parse(self._source)
        _Shaping(self, edition, self._words).shape(tokens)
        html: str = parser.renderer.render(tokens, parser.options, {})
        return html


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("code_inline", _inline_code)
    return parser


def _sections(page: str, tokens: Sequence[Token]) -> list[Section]:
    found: list[Section] = []
    earlier = Counter({page: 1})  # the anchor of its title
    title, anchor, level = "", "", 1
    words: list[str] = []
    code: list[str] = []
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            if found or title:
                found.append(Section(anchor, title, level, "\n".join(words), "\n".join(code)))
            level = int(token.tag[1])
            title, words, code = _plain_text(tokens[at + 1]), [], []
            anchor = _anchor(title, earlier) if level > 1 else ""
        elif token.type == "inline" and tokens[at - 1].type != "heading_open":
            words.append(_plain_text(token))
        elif token.type == "fence":
            code.append(token.content)
    return [*found, Section(anchor, title, level, "\n".join(words), "\n".join(code))]


def _plain_text(token: Token) -> str:
    """Return the words of an inline token without its marks."""
    pieces = (
        " " if child.type in {"softbreak", "hardbreak"} else child.content
        for child in token.children or ()
        if child.type != "image"
    )
    return _CALLOUT.sub("", "".join(pieces)).strip()


class _Shaping:
    """The shaping of one page's tokens into what its edition shows."""

    def __init__(self, page: Page, edition: Edition, words: Mapping[str, str]) -> None:
        self._page = page.name
        self._edition = edition
        self._words = words
        self._headed = iter(page.sections)  # in the order of their headings

    def shape(self, tokens: list[Token]) -> None:
        for at, token in enumerate(tokens):
            if token.type == "heading_open":
                self._heading(token, tokens[at + 1])
            elif token.type == "heading_close":
                token.tag = f"h{int(token.tag[1]) + self._edition.deeper}"
            elif token.type == "blockquote_open":
                self._callout(token, tokens[at + 2])
            elif token.type in {"th_open", "td_open"}:
                _alignment(token)
            elif token.type == "inline":
                self._inline(token)
                if tokens[at - 1].type == "td_open":
                    _let_code_break(token, first=tokens[at - 2].type == "tr_open")
            elif token.type == "fence":
                token.meta = {"words": self._words}
        _hold_tables(tokens, self._words["guide.table"])

    def _heading(self, opening: Token, inline: Token) -> None:
        section = next(self._headed)
        opening.tag = f"h{section.level + self._edition.deeper}"
        if section.level == 1:
            opening.attrSet("id", self._page)
            return
        opening.attrSet("id", self._edition.anchor.format(page=self._page, anchor=section.anchor))
        label = escape(self._words["guide.anchor"].format(title=section.title))
        link = Token("html_inline", "", 0)
        href = self._edition.section.format(page=self._page, anchor=section.anchor)
        link.content = f' <a class="anchor" href="{escape(href)}" aria-label="{label}">#</a>'
        inline.children = [*(inline.children or ()), link]

    def _callout(self, quote: Token, inline: Token) -> None:
        match = _CALLOUT.match(inline.content)
        if match is None or not inline.children:
            return
        kind = match[1].lower()
        quote.attrSet("class", f"callout {kind}")
        rest = inline.children[1:]
        while rest and rest[0].type == "softbreak":
            rest = rest[1:]
        label = Token("html_inline", "", 0)
        label.content = f"<strong>{escape(self._words[f'guide.{kind}'])}</strong> "
        inline.children = [label, *rest]

    def _inline(self, token: Token) -> None:
        children: list[Token] = []
        dropped = False
        for child in token.children or ():
            if child.type == "link_open":
                target = self._target(str(child.attrGet("href")))
                dropped = target is None
                child.attrSet("href", target or "")
            if dropped and child.type in {"link_open", "link_close"}:
                continue
            if child.type == "image":
                child.attrSet("src", self._target(str(child.attrGet("src"))) or "")
                child.attrSet("loading", "lazy")
            if child.type == "text":
                child.content = open_places(child.content)
            children.append(child)
        token.children = children

    def _target(self, href: str) -> str | None:
        """Return where a link of the file leads in this edition; None for a file that is in the repository only."""
        if href.startswith("#"):
            return self._edition.section.format(page=self._page, anchor=href[1:])
        if match := _PAGE_LINK.fullmatch(href):
            form = self._edition.section if match["anchor"] else self._edition.page
            return form.format(page=match["page"], anchor=match["anchor"])
        if match := _STATIC_LINK.fullmatch(href):
            return f"/{match['path']}"
        if re.match(r"https?://", href):
            return open_places(href)
        return None


def _hold_tables(tokens: list[Token], label: str) -> None:
    """Put each table into a place that scrolls sideways, and that a keyboard reaches."""
    for at in range(len(tokens) - 1, -1, -1):
        if tokens[at].type not in {"table_open", "table_close"}:
            continue
        opening = tokens[at].type == "table_open"
        holder = Token("html_block", "", 0)
        said = escape(label)
        holder.content = f'<div class="table" tabindex="0" role="group" aria-label="{said}">' if opening else "</div>\n"
        tokens.insert(at if opening else at + 1, holder)


def _alignment(cell: Token) -> None:
    style = cell.attrs.pop("style", None)
    if style and (match := _ALIGNED.search(str(style))):
        cell.attrSet("class", match[1])


def _let_code_break(cell: Token, *, first: bool) -> None:
    """Let the code of a cell break where an address has a sign.

    The first cell of a row is what one looks for: its code stays whole, except a sentence.
    """
    for child in cell.children or ():
        if child.type == "code_inline":
            child.meta["breaks"] = not first
            child.meta["sentence"] = first and child.content.count(" ") >= _SENTENCE_SPACES


def _fence(_renderer: RendererProtocol, tokens: Sequence[Token], index: int, _options: Any, _env: Any) -> str:
    token = tokens[index]
    language = token.info.strip()
    code = token.content if language in _FOR_THE_OPERATOR else open_places(token.content)
    words: Mapping[str, str] = token.meta["words"]
    return (
        f'<div class="code"><pre tabindex="0" role="group" aria-label="{escape(words["guide.code"])}">'
        f"<code>{highlight(code, language)}</code></pre></div>\n"
    )


def _inline_code(_renderer: RendererProtocol, tokens: Sequence[Token], index: int, _options: Any, _env: Any) -> str:
    code = open_places(tokens[index].content)
    pieces = _BREAK.split(code) if tokens[index].meta.get("breaks") else [code]
    opening = '<code class="sentence">' if tokens[index].meta.get("sentence") else "<code>"
    return f"{opening}{'<wbr>'.join(escape(piece, quote=False) for piece in pieces)}</code>"
