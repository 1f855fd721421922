"""The files a page is made of: complete, of the right type, kept as long as they may be, and readable."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from quart.typing import TestClientProtocol as Client

from quart_app.resources import static_folder
from quart_app.web.assets import FONT, IMPORT_MAP, UPLOT_CSS, Files
from tests.running import NODE_CLIENTS

STATIC = static_folder()
VENDORED = sorted(path for path in (STATIC / "vendor").iterdir() if path.is_dir())
PAGE_MODULES = sorted((STATIC / "js" / "pages").rglob("*.js"))
MODULE_LINES = 150


@pytest.mark.parametrize("folder", VENDORED, ids=lambda path: path.name)
def test_a_vendored_package_has_its_version_and_its_licence(folder: Path) -> None:
    package = json.loads((folder / "package.json").read_text("utf-8"))
    assert folder.name.endswith(f"-{package['version']}")
    assert package["license"]
    assert (folder / "LICENSE").stat().st_size > 200


@pytest.mark.node
@pytest.mark.parametrize("folder", VENDORED, ids=lambda path: path.name)
def test_a_vendored_file_is_as_it_was_published(folder: Path) -> None:
    """The package itself is as it was published: npm checks it against the hash in its lock file."""
    package = json.loads((folder / "package.json").read_text("utf-8"))
    published = NODE_CLIENTS / "node_modules" / package["name"]
    lock = json.loads((NODE_CLIENTS / "package-lock.json").read_text("utf-8"))
    assert lock["packages"][f"node_modules/{package['name']}"]["version"] == package["version"]
    known = {path.read_bytes() for path in published.rglob("*") if path.is_file()}
    assert [path.name for path in folder.iterdir() if path.read_bytes() not in known] == []


def test_what_is_vendored_is_locked_with_a_hash() -> None:
    lock = json.loads((NODE_CLIENTS / "package-lock.json").read_text("utf-8"))["packages"]
    names = [json.loads((folder / "package.json").read_text("utf-8"))["name"] for folder in VENDORED]
    assert [name for name in names if not lock[f"node_modules/{name}"]["integrity"].startswith("sha512-")] == []


async def test_every_module_of_the_import_map_is_served_as_javascript(client: Client) -> None:
    for path in json.loads(IMPORT_MAP)["imports"].values():
        answer = await client.get(path)
        assert (answer.status_code, answer.mimetype) == (200, "text/javascript"), path


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (UPLOT_CSS, "text/css"),
        (FONT, "font/woff2"),
        ("/static/favicon.svg", "image/svg+xml"),
        ("/static/manifest.webmanifest", "application/manifest+json"),
    ],
)
async def test_the_other_files_have_the_type_a_browser_insists_on(client: Client, path: str, kind: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.mimetype) == (200, kind)


async def test_vendored_files_are_kept_for_a_year_and_ours_are_asked_for_again(client: Client) -> None:
    kept = await client.get(FONT)
    ours = await client.get("/static/js/pages/shared/theme.js")
    assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert ours.headers["Cache-Control"] == "no-cache"
    assert "Expires" not in ours.headers
    again = await client.get("/static/js/pages/shared/theme.js", headers={"If-None-Match": ours.headers["ETag"]})
    assert again.status_code == 304
    assert await again.get_data() == b""


async def body(answer: Any) -> bytes:
    content: bytes = await answer.get_data(as_text=False)
    return content


async def versioned(client: Client, name: str) -> str:
    """Return the address by which pages name a file of ours."""
    page = await (await client.get("/chat")).get_data(as_text=True)
    (version,) = set(re.findall(r"/static/v/([0-9a-f]{12})/", page))
    return f"/static/v/{version}/{name}"


@pytest.mark.parametrize("name", ["css/base.css", "js/pages/shared/theme.js", "js/pages/chat/room.js"])
async def test_what_a_page_names_is_kept_for_a_year_and_travels_compressed(client: Client, name: str) -> None:
    address = await versioned(client, name)
    plain = await client.get(address)
    small = await client.get(address, headers={"Accept-Encoding": "gzip"})
    for answer in (plain, small):
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "Accept-Encoding" in answer.headers["Vary"]
    assert small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(await body(small)) == await body(plain)
    assert small.headers["ETag"] != plain.headers["ETag"]
    for answer, headers in ((plain, {}), (small, {"Accept-Encoding": "gzip"})):
        again = await client.get(address, headers={"If-None-Match": answer.headers["ETag"], **headers})
        assert (again.status_code, await again.get_data()) == (304, b"")


async def test_the_version_before_is_answered_with_the_present_file_which_is_not_kept(client: Client) -> None:
    answer = await client.get("/static/v/0123456789ab/css/base.css")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert await answer.get_data() == (STATIC / "css" / "base.css").read_bytes()
    assert (await client.get("/static/v/0123456789ab/js/pages/nothing.js")).status_code == 404
    assert (await client.get("/static/v/0123456789ab/js/../../pyproject.js")).status_code == 404


async def test_a_page_names_the_vendored_modules_that_its_own_will_ask_for(client: Client) -> None:
    page = await (await client.get("/chat")).get_data(as_text=True)
    named = re.findall(r'<link rel="modulepreload" href="([^"]+)">', page)
    assert [Path(one).name for one in named] == ["htm.mjs", "preact.mjs", "hooks.mjs"]
    modules = {Path(one).name for one in Files(STATIC).needs("js/pages/clinic/clinic.js")}
    assert modules == {"htm.mjs", "preact.mjs", "hooks.mjs", "signals.mjs", "signals-core.mjs"}


async def test_pages_and_long_answers_travel_compressed_for_who_accepts_that(client: Client) -> None:
    for path, compressed in (("/chat", True), ("/openapi.json", True), ("/health", False)):
        answer = await client.get(path, headers={"Accept-Encoding": "gzip, br"})
        plain = await client.get(path)
        assert (answer.headers.get("Content-Encoding") == "gzip") is compressed
        assert "Content-Encoding" not in plain.headers
        if compressed:
            content = await body(answer)
            assert int(answer.headers["Content-Length"]) == len(content)
            assert len(gzip.decompress(content)) > 2 * len(content)
            refused = await client.get(path, headers={"Accept-Encoding": "gzip;q=0"})
            assert "Content-Encoding" not in refused.headers


def test_the_version_changes_with_a_file_and_so_does_what_is_packed(tmp_path: Path) -> None:
    module, entry = tmp_path / "js" / "it.js", tmp_path / "js" / "page.js"
    module.parent.mkdir()
    entry.write_text('import { it } from "./it.js";\nit();\n')
    module.write_text("export const it = () => 1;\n")
    files = Files(tmp_path, looks_every=-1)
    before = files.look()
    assert b"() => 1" in (files.packed("js/page.js") or b"")
    assert files.look() == before
    module.write_text("export const it = () => 22;\n")
    assert files.look() != before
    assert b"() => 22" in (files.packed("js/page.js") or b"")
    module.write_text("export const it = () => 1;\n")
    assert files.look() == before  # it names the content, so that all nodes have the same


async def test_a_static_file_never_varies_by_cookie_and_nobody_has_a_session(client: Client) -> None:
    client.app.secret_key = "a key, with which Quart would make sessions"
    answer = await client.get("/static/js/pages/shared/theme.js")
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert "Set-Cookie" not in answer.headers
    assert "Set-Cookie" not in (await client.get("/")).headers


@pytest.mark.parametrize("module", PAGE_MODULES, ids=lambda path: path.name)
def test_a_page_module_stays_short_and_says_what_it_owns(module: Path) -> None:
    lines = module.read_text("utf-8").splitlines()
    assert len(lines) <= MODULE_LINES
    assert lines[0].startswith("//")


async def test_the_browser_that_asks_for_favicon_ico_is_sent_to_the_icon(client: Client) -> None:
    answer = await client.get("/favicon.ico")
    assert (answer.status_code, answer.headers["Location"]) == (301, "/static/favicon.svg")
