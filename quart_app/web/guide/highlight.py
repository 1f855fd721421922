"""Colours for code in the guide: comments, strings, numbers and the words of a language, and nothing finer."""

import re
from collections.abc import Mapping
from html import escape
from typing import Final

_PYTHON: Final = (
    "and as assert async await break class continue def del elif else except False finally for from global if import "
    "in is lambda None nonlocal not or pass raise return True try while with yield match case"
)
_JAVASCRIPT: Final = (
    "async await break case catch class const continue default do else export extends false finally for from function "
    "if import in instanceof let new null of return static switch this throw true try typeof undefined while"
)
_SHELL: Final = (
    "cd cp curl do docker done envivo export fi for if in install make mkdir npm pip python python3 sudo systemctl then"
)
_NGINX: Final = (
    "listen location map proxy_buffering proxy_http_version proxy_pass proxy_read_timeout proxy_send_timeout "
    "proxy_set_header return server server_name ssl_certificate ssl_certificate_key upstream keepalive"
)
_LITERALS: Final = "false null true"
_WORDS: Final[Mapping[str, frozenset[str]]] = {
    language: frozenset(words.split())
    for language, words in {
        "py": _PYTHON,
        "python": _PYTHON,
        "js": _JAVASCRIPT,
        "html": _JAVASCRIPT,
        "sh": _SHELL,
        "nginx": _NGINX,
        "json": _LITERALS,
        "toml": _LITERALS,
        "yaml": _LITERALS,
    }.items()
}
_HASH: Final = r"(?<!\S)#[^\n]*"
_SLASHES: Final = r"(?<![:\S])//[^\n]*|/\*.*?\*/"
_COMMENTS: Final = {"js": _SLASHES, "html": rf"{_SLASHES}|<!--.*?-->", "json": r"(?!)"}
_STRINGS: Final = r"\"\"\".*?\"\"\"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`[^`]*`"


def highlight(code: str, language: str) -> str:
    """Return `code` as HTML; a language that is not known is only escaped."""
    if language not in _WORDS and language not in {"ini", "caddy"}:
        return escape(code, quote=False)
    words = _WORDS.get(language, frozenset())
    pattern = re.compile(
        rf"(?P<comment>{_COMMENTS.get(language, _HASH)})|(?P<string>{_STRINGS})"
        r"|(?P<number>(?<![\w/:.-])\d[\d_.]*\b)|(?P<word>[A-Za-z_][\w]*)",
        re.DOTALL,
    )
    pieces: list[str] = []
    end = 0
    for match in pattern.finditer(code):
        kind = match.lastgroup
        pieces.append(escape(code[end : match.start()], quote=False))
        text = escape(match[0], quote=False)
        coloured = kind != "word" or match[0] in words
        pieces.append(f'<span class="code-{kind}">{text}</span>' if coloured else text)
        end = match.end()
    pieces.append(escape(code[end:], quote=False))
    return "".join(pieces)
