"""The guide as it is served: rendered without a hole, searched, linked, printed; its Markdown turned into good HTML."""

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from quart.typing import TestClientProtocol as Client

from quart_app.app import create_app
from quart_app.config import load_settings
from quart_app.web.guide.book import FOLDER, Book, GuideError, folded
from quart_app.web.guide.highlight import highlight
from quart_app.web.guide.markdown import ONE_DOCUMENT, SINGLE_PAGES, Page
from quart_app.web.guide.places import fill_places
from quart_app.web.guide.tables import operations
from quart_app.web.guide.views import make_book
from quart_app.web.i18n import LANGUAGES, catalogue
from quart_app.web.reference.openapi import openapi

WORDS = {key: texts["en"] for key, texts in catalogue().items() if key.startswith("guide.")}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The OpenAPI document of the whole program."""
    app = create_app(load_settings())
    return openapi(app.url_map, app.view_functions)


@pytest.fixture(scope="module", params=LANGUAGES)
def book(request: pytest.FixtureRequest, document: dict[str, Any]) -> Book:
    return make_book(request.param, document, WORDS)


async def body(client: Client, path: str, language: str = "en") -> str:
    answer = await client.get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200
    text: str = await answer.get_data(as_text=True)
    return text


def test_both_languages_have_the_same_pages() -> None:
    spanish, english = ([path.name for path in sorted((FOLDER / one).iterdir())] for one in LANGUAGES)
    assert spanish == english


async def test_the_contents_and_every_page_are_served(client: Client, book: Book) -> None:
    contents = await body(client, "/guide")
    for name in book.pages:
        assert f'href="/guide/{name}"' in contents
        page = await body(client, f"/guide/{name}")
        assert page.count("<h1") == 1
        ids = re.findall(r' id="([^"]+)"', page)
        assert len(ids) == len(set(ids)), name
        assert not re.search("[\ue000\ue001]|<p>{{", page)


async def test_every_page_says_which_comes_before_and_after(client: Client) -> None:
    assert 'rel="prev" href="/guide/start"' in await body(client, "/guide/idea")
    assert 'rel="next" href="/guide/idea"' in await body(client, "/guide/start")
    assert 'rel="prev"' not in await body(client, "/guide/start")


async def test_a_page_speaks_the_language_of_the_visitor(client: Client) -> None:
    assert "The one idea" in await body(client, "/guide/idea", "en")
    assert "La idea" in await body(client, "/guide/idea", "es")


async def test_a_page_that_is_not_there_is_a_404(client: Client) -> None:
    assert (await client.get("/guide/nothing")).status_code == 404
    assert (await client.get("/guide/en/01-start.md")).status_code == 404


async def test_the_examples_have_the_address_that_was_asked_at(client: Client) -> None:
    answer = await client.get("/guide/start", headers={"Host": "127.0.0.1:9123"})
    text = await answer.get_data(as_text=True)
    assert "http://127.0.0.1:9123/api/publish" in text
    assert "127.0.0.1:8000" not in text.partition("guide-text")[2]


async def test_a_search_without_javascript_answers_on_a_page(client: Client) -> None:
    page = await body(client, "/guide?q=badge")
    assert 'value="badge"' in page
    assert "<mark>" in page
    assert "Nothing in the guide says “xyzzy”" in await body(client, "/guide?q=xyzzy")


async def test_what_is_searched_for_is_text(client: Client) -> None:
    page = await body(client, "/guide/search?q=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>" not in page
    assert "alert(1)" in unescape(page)
    assert "<html" not in page


async def test_the_whole_guide_is_one_page_that_refers_to_itself(client: Client, book: Book) -> None:
    page = await body(client, "/guide/print")
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(book.pages) <= set(ids)
    text = page.partition('<article class="guide-text">')[2].partition("</article>")[0]
    assert page.count("<h1") == 1
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(ids)
    assert 'href="/guide/' not in text


def test_every_word_has_to_be_there_and_accents_do_not_count(document: dict[str, Any]) -> None:
    book = make_book("es", document, WORDS)
    found = book.search("SONDEO largo")
    assert found.count
    assert found == book.search("sóndeo LARGO")
    assert book.search("sondeo xyzzy").count == 0
    assert book.search("   ").count == 0


def test_an_excerpt_is_of_whole_words(document: dict[str, Any]) -> None:
    book = make_book("en", document, WORDS)
    for found in book.search("cursor").first:
        words = "".join(text for text, _ in found.excerpt).strip("…").split()
        section = next(one for page in book.pages.values() for one in page.sections if one.title == found.title)
        assert set(words) <= set(section.text.split()), found.title


def test_the_contents_say_of_each_page_one_sentence(book: Book) -> None:
    for page in book.pages.values():
        assert page.summary.endswith((".", "?")), page.name
        assert len(page.summary) < 220, page.name


def test_a_title_comes_before_a_mention(document: dict[str, Any]) -> None:
    book = make_book("en", document, WORDS)
    best = book.search("ladder").first[0]
    assert best.title == "The ladder"
    assert best.href == "/guide/idea#the-ladder"
    assert ("ladder", True) in best.excerpt


def test_a_word_of_the_text_comes_before_one_of_the_code(tmp_path: Path) -> None:
    (tmp_path / "01-a.md").write_text(
        "# A\n\n## Code\n\nIt is short.\n\n```py\n# anchovy anchovy anchovy\n```\n\n"
        "## Table\n\n| a | b |\n| --- | --- |\n| anchovy | a fish |\n"
    )
    assert [found.title for found in Book(tmp_path, {}, WORDS).search("anchovy").first] == ["Table", "Code"]


async def test_a_common_word_says_how_many_sections_have_it(client: Client, document: dict[str, Any]) -> None:
    every = make_book("en", document, WORDS).search("the")
    assert every.count > len(every.first) == 12
    assert re.search(r">The first 12 of \d{2,} results<", await body(client, "/guide/search?q=the"))


async def test_the_page_of_a_search_says_what_was_searched_for(client: Client) -> None:
    page = await body(client, "/guide?q=xyzzy")
    assert "<title>Search: “xyzzy” · Guide · En Vivo</title>" in page
    assert "<h1>Search: “xyzzy”</h1>" in page
    assert 'go to the <a href="/guide">contents of the guide</a>' in page


@pytest.mark.parametrize("text", ["Straße", "ﬁn", "İstanbul", "Ñandú ½", "e\u0301"])
def test_a_folded_text_is_as_long_as_before(text: str) -> None:
    assert len(folded(text)) == len(text)


def rendered(source: str) -> str:
    return fill_places(Page("here", source, WORDS).html(SINGLE_PAGES), "https://example.org")


def test_a_page_may_hold_no_html_and_no_style() -> None:
    html = rendered("# T\n\n<script>alert(1)</script> <b>x</b>\n\n| a | b |\n| --- | ---: |\n| 1 | 2 |\n")
    assert "<script" not in html
    assert "<b>" not in html
    assert "style=" not in html
    assert '<td class="right">2</td>' in html


def test_headings_have_the_anchors_of_github() -> None:
    html = rendered("# T\n\n## The `code` of it: one, two!\n\n## Año ¿qué?\n\n## Año ¿qué?\n")
    assert re.findall(r'<h2 id="([^"]+)"', html) == ["the-code-of-it-one-two", "año-qué", "año-qué-1"]


def test_a_heading_that_is_called_as_its_page_has_an_anchor_of_its_own() -> None:
    assert re.findall(r' id="([^"]+)"', rendered("# The place\n\n## Here\n\n## Here\n")) == ["here", "here-1", "here-2"]


def test_an_address_in_a_table_may_be_broken_where_it_has_a_sign() -> None:
    html = rendered(
        "# T\n\n`?a=&b=`\n\n| a | b |\n| --- | --- |\n| `/a/b` | `?after=&limit=` `/api/pets/{id}` `{a, b?}` |\n"
    )
    assert "<code>?a=&amp;b=</code>" in html
    assert "<code>/a/b</code>" in html
    told = rendered("# T\n\n| a |\n| --- |\n| `it was changed by a newer version` |\n")
    assert '<code class="sentence">it was changed' in told
    assert "<code>?after=&amp;<wbr>limit=</code> <code>/api/<wbr>pets/<wbr>{id}</code> <code>{a, b?}</code>" in html


@pytest.mark.parametrize(
    ("link", "href"),
    [
        ("04-wire.md", "/guide/wire"),
        ("04-wire.md#close-codes", "/guide/wire#close-codes"),
        ("#t", "/guide/here#t"),
        ("../../../static/guide/servers.svg", "/static/guide/servers.svg"),
        ("http://127.0.0.1:8000/chat", "https://example.org/chat"),
        ("https://mercure.rocks", "https://mercure.rocks"),
    ],
)
def test_links_of_the_files_lead_somewhere_on_the_server(link: str, href: str) -> None:
    assert f'<a href="{href}">x</a>' in rendered(f"# T\n\n[x]({link})\n")


def test_a_file_of_the_repository_is_no_link_on_the_server() -> None:
    html = rendered("# T\n\nsee [`app.py`](../../app.py), [y](../../../static/js/envivo) and [x](04-wire.md)\n")
    assert 'see <code>app.py</code>, y and <a href="/guide/wire">x</a>' in html


def test_links_inside_one_document_stay_in_it() -> None:
    html = Page("here", "# T\n\n## A\n\n[x](04-wire.md#b) [y](04-wire.md) [z](#a)\n", WORDS).html(ONE_DOCUMENT)
    assert re.findall(r'<a href="([^"]+)"', html) == ["#wire--b", "#wire", "#here--a"]
    assert '<h3 id="here--a"' in html


def test_a_callout_says_what_it_is() -> None:
    html = rendered("# T\n\n> [!WARNING]\n> Not *this*.\n\n> a quotation\n")
    assert '<blockquote class="callout warning">\n<p><strong>Careful.</strong> Not <em>this</em>.</p>' in html
    assert "<blockquote>\n<p>a quotation</p>" in html


def test_a_configuration_file_keeps_the_address_of_its_machine() -> None:
    html = rendered(
        "# T\n\n```nginx\nproxy_pass http://127.0.0.1:8000;\n```\n\n```js\nconnect('ws://127.0.0.1:8000')\n```\n"
    )
    assert "http://127.0.0.1:8000" in html
    assert "wss://example.org" in html


@pytest.mark.parametrize(
    ("code", "language", "words"),
    [
        (
            'x = "# no" # yes',
            "py",
            ['<span class="code-string">"# no"</span>', '<span class="code-comment"># yes</span>'],
        ),
        ("fetch('http://a') // b", "js", ["<span class=\"code-string\">'http://a'</span>", ">// b</span>"]),
        ("curl -s http://a/#b", "sh", ['<span class="code-word">curl</span> -s http://a/#b']),
        ("if <b>", "text", ["if &lt;b&gt;"]),
    ],
)
def test_code_is_coloured_and_escaped(code: str, language: str, words: list[str]) -> None:
    html = highlight(code, language)
    assert all(word in html for word in words), html
    assert unescape(re.sub("<[^>]+>", "", html)) == code


def test_a_table_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "01-a.md").write_text("# A\n\n{{ nothing }}\n")
    with pytest.raises(GuideError, match="nothing"):
        Book(tmp_path, {}, WORDS)


def test_a_file_that_is_in_no_part_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("# B\n")
    with pytest.raises(GuideError, match=r"notes\.md"):
        Book(tmp_path, {}, WORDS)


def test_every_operation_says_in_spanish_what_it_does(document: dict[str, Any]) -> None:
    english, spanish = (
        {line for line in operations(document, language, "").splitlines() if line.startswith("| `")}
        for language in ("en", "es")
    )
    assert english & spanish == set(), "operations.toml beside the guide's code lacks these"
    assert len(english) == sum(len(methods) for methods in document["paths"].values())


def test_an_operation_shows_what_it_takes(document: dict[str, Any]) -> None:
    table = operations(document, "en", "bank")
    assert "| `POST` `/api/cuentas` |" in table
    assert "`{cedula, nombre, saldo_inicial?}`" in table
    assert "`?after=&limit=`" in table
    assert "/api/rooms" not in table
    assert "`If-Match`" in operations(document, "en", "products")


def test_each_part_of_the_rest_interface_has_a_name_in_both_languages(document: dict[str, Any]) -> None:
    assert {entry["name"] for entry in document["tags"]} == {
        key.removeprefix("guide.tag_") for key in catalogue() if key.startswith("guide.tag_")
    }
    assert "### Clínica" in operations(document, "es", "")
    assert "### Engine room" in operations(document, "en", "")


def test_a_part_of_ones_own_goes_by_its_tag() -> None:
    own = {"tags": [{"name": "polls"}], "paths": {}}
    assert "### Polls" in operations(own, "es", "")
