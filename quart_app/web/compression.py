"""How answers that are text travel: compressed, for who accepts that (RFC 9110 section 12.5.3).

This file owns the coding of contents. It must not know what is in them.
"""

import asyncio
import gzip
from typing import Final

from quart import Response
from quart.wrappers.response import DataBody

from quart_app.web.context import this_request

_LEVEL: Final = 6
_WORTH_IT: Final = 1_000  # bytes


def is_accepted(response: Response) -> bool:
    """Return whether the content of an answer may be compressed; caches are told what this depends on."""
    response.vary.add("Accept-Encoding")
    return this_request().accept_encodings["gzip"] > 0


async def compressed(content: bytes) -> bytes:
    """Return a content as gzip (RFC 1952), always the same for the same content; the loop goes on meanwhile."""
    return await asyncio.to_thread(gzip.compress, content, _LEVEL, mtime=0)


def put(response: Response, content: bytes) -> None:
    """Let a compressed content be that of an answer."""
    response.set_data(content)
    response.headers["Content-Encoding"] = "gzip"


async def compress(response: Response) -> Response:
    """Compress an answer whose content is all there, where its visitor accepts that and it is worth it; return it."""
    if isinstance(response.response, DataBody) and is_accepted(response):
        content: bytes = await response.get_data(as_text=False)
        if len(content) > _WORTH_IT:
            put(response, await compressed(content))
    return response
