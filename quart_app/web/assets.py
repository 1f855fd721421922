"""The files under `/static`: where the vendored modules are, how long a browser may keep a file, of what type it is.

This file owns the import map and the caching headers. It must not know what is drawn with them. Third-party files live
in folders that carry their version, so they never change and are kept for a year; ours are asked for again (ETag).
"""

import base64
import hashlib
import json
import mimetypes
from collections.abc import Callable
from typing import Any

from quart import Quart, Response

from quart_app.web.context import this_request

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


def _with_cache_headers(send_static_file: Callable[..., Any]) -> Callable[..., Any]:
    """Return a view that gives the files of the view `send_static_file` the headers by which browsers keep them."""

    async def send_kept_file(filename: str) -> Response:
        response: Response = await send_static_file(filename=filename)
        if response.status_code != 200:
            return response
        asked = this_request()
        response.headers["Cache-Control"] = KEEP_FOR_A_YEAR if asked.path.startswith(f"{_VENDOR}/") else ASK_AGAIN
        response.headers.pop("Expires", None)
        return await response.make_conditional(asked)

    return send_kept_file


def register(app: Quart) -> None:
    """Serve the static files of `app` with the right types and caching, and give templates the asset names."""
    for suffix, kind in _TYPES.items():
        mimetypes.add_type(kind, suffix)
    app.view_functions["static"] = _with_cache_headers(app.view_functions["static"])
    app.context_processor(lambda: {"import_map": IMPORT_MAP, "uplot_css": UPLOT_CSS, "font": FONT})
