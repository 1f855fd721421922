"""What every REST view does: read JSON and numbers from the request, write JSON into the answer."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

import msgspec
from quart import Response, after_this_request
from quart.wrappers.response import DataBody
from werkzeug.datastructures import Headers

from quart_app.realtime import Refused, checked, encode, too_deep
from quart_app.realtime.limits import JSON_DEPTH
from quart_app.web.compression import compress
from quart_app.web.context import this_request
from quart_app.web.operations import JSON

Shape = TypeVar("Shape")

_JSON_TYPE: Final = ("Content-Type", JSON)
_LARGE: Final = 8_000
"""The bytes from which on an answer is compressed, for who accepts that: below, it is one or two packets anyway."""
_NOT_KEPT: Final = ("Cache-Control", "no-store")


async def json_body() -> Any:
    """Return the request's JSON. Raise Refused (`unsupported_media_type`, 415; `invalid_json`).

    No other content type is taken: a page of another site could send that without asking first (Fetch standard,
    CORS-safelisted request headers).
    """
    return await _body(msgspec.json.decode)


async def exact_json_body() -> Any:
    """Return the request's JSON like `json_body`, with each number that has a fraction or an exponent as a `Decimal`.

    What people count, money above all, does not pass through binary floats.
    """
    return await _body(_decode_exactly)


async def _body(decode: Callable[[str | bytes], Any]) -> Any:
    asked = this_request()
    if asked.mimetype != JSON:
        raise Refused("unsupported_media_type", "the body has to be application/json", status=415)
    data: bytes = await asked.get_data(as_text=False)  # type: ignore[assignment]  # Quart tells of text too
    try:
        body = decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("invalid_json", f"the body is not valid JSON: {error}") from error
    if data.count(b"[") + data.count(b"{") > JSON_DEPTH and too_deep(body):
        raise Refused("invalid_json", f"nested deeper than {JSON_DEPTH} levels")
    return body


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond what even a Decimal has
        return Decimal("Infinity")


_decode_exactly = msgspec.json.Decoder(float_hook=_decimal).decode


def query_as(shape: type[Shape]) -> Shape:
    """Return the parameters of the query as a `shape`. Raise Refused (`bad_request`) that names the wrong ones."""
    return checked(this_request().args.to_dict(), shape, strict=False)


def idempotency_key() -> str | None:
    """Return the client's own name for what it asks, None where it gives none."""
    return this_request().headers.get("Idempotency-Key")


class _Ready(Headers):
    """Headers that are known to be good; werkzeug would look at each for every answer."""

    def __init__(self, *headers: tuple[str, str]) -> None:
        self._list = list(headers)


def json_answer(value: dict[str, Any], status: int = 200) -> Response:
    """Return an answer whose body is `value`, on a line of its own for those who read it in a terminal."""
    body = encode(value) + b"\n"
    headers = _Ready(_JSON_TYPE, ("Content-Length", str(len(body))), _NOT_KEPT)
    if len(body) > _LARGE:
        after_this_request(compress)  # type: ignore[arg-type]  # it is given this answer, which is Quart's own
    return Response(DataBody(body), status=status, headers=headers)


def success(data: Any, *, status: int = 200, **beside: Any) -> Response:
    """Return an answer with `data` in the envelope of REST, and what stands `beside` it."""
    return json_answer({"success": True, "data": data, **beside}, status)
