"""The files under `/static`: where the vendored modules are, how long a browser may keep a file, of what type it is.

This file owns the import map, the caching headers, and how files travel. It must not know what is drawn with them.
Third-party files live in folders that carry their version, so they never change and are kept for a year; ours are asked
for again (ETag). Pages name ours below `/static/v/<version>`, where they are kept for a year, too: the version changes
with any of them. There a module comes in one file with those that it imports. What is text is compressed.
"""

import base64
import hashlib
import json
import mimetypes
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from quart import Quart, Response
from werkzeug.security import safe_join

from quart_app.resources import static_folder
from quart_app.web.compression import compressed, is_accepted, put
from quart_app.web.context import this_request
from quart_app.web.packing import pack

_VENDOR = "/static/vendor"
_IMPORTS = {
    "preact": f"{_VENDOR}/preact-11.2.0/preact.mjs",
    "preact/hooks": f"{_VENDOR}/preact-11.2.0/hooks.mjs",
    "@preact/signals-core": f"{_VENDOR}/preact-signals-core-1.14.5/signals-core.mjs",
    "@preact/signals": f"{_VENDOR}/preact-signals-2.11.4/signals.mjs",
    "htm": f"{_VENDOR}/htm-3.1.1/htm.mjs",
    "vue": f"{_VENDOR}/vue-3.5.45/vue.runtime.esm-browser.prod.js",
    "uplot": f"{_VENDOR}/uplot-1.6.32/uPlot.esm.js",
}
IMPORT_MAP = json.dumps({"imports": _IMPORTS}, separators=(",", ":"))
# An import map has to be inline; its hash is what lets it pass a policy without 'unsafe-inline' (CSP3 section 2.3.1).
IMPORT_MAP_HASH = "sha256-" + base64.b64encode(hashlib.sha256(IMPORT_MAP.encode()).digest()).decode()
UPLOT_CSS = f"{_VENDOR}/uplot-1.6.32/uPlot.min.css"
FONT = f"{_VENDOR}/figtree-5.3.0/figtree-latin-wght-normal.woff2"

KEEP_FOR_A_YEAR = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"

# The types a browser insists on under `nosniff`; on Windows the registry may say "text/plain" for .js.
_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
_COMPRESSED: Final = {".js", ".mjs", ".css", ".svg", ".webmanifest"}
_VERSIONED: Final = "v/"
_NAMED: Final = re.compile(r"""(?:from|import)\s*["']([^."'/][^"']*)["']""")


@dataclass
class Files:
    """What is known of our files, until one of them changes."""

    root: Path
    looks_every: float = 2.0
    """The time for which it is taken for granted that no file has changed (s)."""
    version: str = ""
    _stamp: object = None
    _looked_at: float = float("-inf")
    _packed: dict[str, bytes] = field(default_factory=dict)
    _outside: dict[str, list[str]] = field(default_factory=dict)
    _small: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """What was compressed, by its name and what tells its content."""

    def look(self) -> str:
        """Return the version of all files of ours, which names their content."""
        now = time.monotonic()
        if now - self._looked_at > self.looks_every:
            self._looked_at = now
            stamp = [(path, (found := path.stat()).st_mtime_ns, found.st_size) for path in self._ours()]
            if stamp != self._stamp:
                digest = hashlib.sha256()
                for path, *_ in stamp:
                    digest.update(f"{path.relative_to(self.root).as_posix()}\0".encode() + path.read_bytes())
                self.version, self._stamp = digest.hexdigest()[:12], stamp
                for known in (self._packed, self._outside, self._small):
                    known.clear()
        return self.version

    def _ours(self) -> Iterator[Path]:
        for folder in ("css", "js"):
            yield from (path for path in sorted((self.root / folder).rglob("*")) if path.is_file())

    def packed(self, name: str) -> bytes | None:
        """Return a module of ours with those that it imports, None where there is none of this name."""
        if name not in self._packed:
            path = safe_join(str(self.root), name)
            if path is None or not Path(path).is_file():
                return None
            found = pack(Path(path), self.root)
            self._packed[name], self._outside[name] = found.text.encode(), found.outside
        return self._packed[name]

    def needs(self, name: str) -> list[str]:
        """Return the addresses of the vendored modules that a module of ours comes to need."""
        if self.packed(name) is None:
            return []
        waiting, found = list(self._outside[name]), dict[str, None]()
        while waiting:
            if (address := _IMPORTS.get(waiting.pop(0))) is not None and address not in found:
                found[address] = None
                text = (self.root / address.removeprefix("/static/")).read_text("utf-8")
                waiting += _NAMED.findall(text)
        return list(found)

    async def small(self, name: str, content: bytes, mark: str) -> bytes:
        """Return the content of a file, compressed; `mark` tells it from what the file was before."""
        if (name, mark) not in self._small:
            for known in [one for one in self._small if one[0] == name]:
                del self._small[known]
            self._small[name, mark] = await compressed(content)
        return self._small[name, mark]


def _with_cache_headers(files: Files, send_static_file: Callable[..., Any]) -> Callable[..., Any]:
    """Return a view that gives the files of the view `send_static_file` the headers by which browsers keep them."""

    async def send_kept_file(filename: str) -> Response:
        version, name = "", filename
        if filename.startswith(_VERSIONED):
            version, _, name = filename.removeprefix(_VERSIONED).partition("/")
        response = await _module(name) if version and name.startswith("js/") and name.endswith(".js") else None
        if response is None:
            response = await send_static_file(filename=name)
        if response.status_code != 200:
            return response
        kept = name.startswith("vendor/") or version == files.look()
        response.headers["Cache-Control"] = KEEP_FOR_A_YEAR if kept else ASK_AGAIN
        response.headers.pop("Expires", None)
        asked = this_request()
        if Path(name).suffix in _COMPRESSED and is_accepted(response):
            await _compress(response, filename)
        return await response.make_conditional(asked)

    async def _module(name: str) -> Response | None:
        files.look()
        if (content := files.packed(name)) is None:
            return None
        response = Response(content, content_type="text/javascript; charset=utf-8")
        response.set_etag(hashlib.sha256(content).hexdigest()[:20])
        return response

    async def _compress(response: Response, name: str) -> None:
        mark = response.get_etag()[0] or ""
        content: bytes = await response.get_data(as_text=False)
        put(response, await files.small(name, content, mark))
        response.set_etag(f"{mark}-gzip")

    return send_kept_file


def register(app: Quart) -> None:
    """Serve the static files of `app` with the right types and caching, and give templates the asset names."""
    for suffix, kind in _TYPES.items():
        mimetypes.add_type(kind, suffix)
    files = Files(static_folder())
    app.view_functions["static"] = _with_cache_headers(files, app.view_functions["static"])

    def needs(address: str) -> list[str]:
        return files.needs(address.partition(f"/static/{_VERSIONED}{files.look()}/")[2])

    app.context_processor(
        lambda: {
            "import_map": IMPORT_MAP,
            "uplot_css": UPLOT_CSS,
            "font": FONT,
            "static": f"/static/{_VERSIONED}{files.look()}",
            "needs": needs,
        }
    )
