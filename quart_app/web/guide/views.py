"""The routes of the guide. Each language's book is made when somebody first asks for it, off the event loop; what it is
made with is imported then."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from quart import Blueprint, abort, render_template, request

from quart_app.context import App
from quart_app.web.address import origin
from quart_app.web.context import app
from quart_app.web.guide.places import fill_places
from quart_app.web.guide.tables import limit_table, operations
from quart_app.web.i18n import current_language, texts
from quart_app.web.reference.views import openapi_of

if TYPE_CHECKING:
    from quart_app.web.guide.book import Book, Table

guide_pages = Blueprint("guide", __name__, template_folder="templates")
_books: WeakKeyDictionary[App, dict[str, "Book"]] = WeakKeyDictionary()


async def _book() -> "Book":
    """Return the guide in the visitor's language."""
    described, language = app(), current_language()
    books = _books.setdefault(described, {})
    if language not in books:
        books[language] = await asyncio.to_thread(make_book, language, openapi_of(described), texts("guide"))
    return books[language]


def make_book(language: str, document: Mapping[str, Any], words: Mapping[str, str]) -> "Book":
    """Return the guide in `language`, with the tables of the OpenAPI `document`."""
    from quart_app.web.guide.book import FOLDER, Book

    tables: dict[str, Table] = {
        "operations": partial(operations, document, language),
        "limits": lambda _about: limit_table(language),
    }
    return Book(FOLDER / language, tables, words)


@guide_pages.get("/guide")
async def contents() -> str:
    """Show all pages, or with ``q`` what a search finds."""
    book = await _book()
    query = request.args.get("q", "").strip()
    return await render_template("guide/contents.html", book=book, query=query, found=book.search(query))


@guide_pages.get("/guide/search")
async def search() -> str:
    """Answer what a search for ``q`` finds, as the piece of a page."""
    book = await _book()
    query = request.args.get("q", "").strip()
    return await render_template("guide/_found.html", query=query, found=book.search(query))


@guide_pages.get("/guide/print")
async def whole() -> str:
    """Show the whole guide as one page, to be printed."""
    book = await _book()
    html = await asyncio.to_thread(lambda: book.whole)
    return await render_template("guide/whole.html", book=book, html=fill_places(html, origin()))


@guide_pages.get("/guide/<name>")
async def page(name: str) -> str:
    """Show one page."""
    book = await _book()
    if name not in book.pages:
        abort(404)
    html = await asyncio.to_thread(book.html, name)
    before, after = book.around(name)
    return await render_template(
        "guide/page.html",
        book=book,
        page=book.pages[name],
        html=fill_places(html, origin()),
        before=before,
        after=after,
    )
