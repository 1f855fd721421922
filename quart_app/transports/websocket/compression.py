"""permessage-deflate (RFC 7692) that remembers nothing from one message to the next.

So a message compressed once can go to every connection that has agreed to it, and none costs more than an uncompressed
one between two messages. What is sent through wsproto is compressed for its connection alone. This module knows
wsproto, whose own extension keeps a window for each direction and puts no bound on what a message may inflate to.
"""

import re
import zlib
from collections.abc import Callable, Iterable
from typing import Final

from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol, Opcode, RsvBits

from quart_app.realtime import DEFLATE_TAIL, deflated
from quart_app.realtime.limits import DEFLATE_WINDOW_BITS, INBOUND_MESSAGE_BYTES

NAME: Final = "permessage-deflate"
_MOST: Final = INBOUND_MESSAGE_BYTES + 5  # bytes: a message cut here is still too long once its last character is gone
_FILLING: Final = b"\x00" + DEFLATE_TAIL
"""All that may come after a block that says it is the last one (RFC 7692 section 7.2.3.4)."""
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = rf'[ \t]*;[ \t]*({_TOKEN})(?:[ \t]*=[ \t]*(?:({_TOKEN})|"({_TOKEN})"))?'
_OFFER = re.compile(rf"[ \t]*({_TOKEN})((?:{_PARAMETER})*)[ \t]*(?:,|$)|[ \t]*,")
_BITS = re.compile("[89]|1[0-5]")


def answer_to(lines: Iterable[str]) -> str | None:
    """Return what to agree to of the offers in the Sec-WebSocket-Extensions header, None for nothing.

    The first offer that can be kept is taken. Nothing is agreed to where the header is no list of offers.
    """
    text = ",".join(lines)
    end = 0
    answers = []
    while end < len(text):
        offer = _OFFER.match(text, end)
        if offer is None:
            return None
        end = offer.end()
        if offer[1] == NAME:
            answers.append(_answer([(found[1], found[2] or found[3]) for found in re.finditer(_PARAMETER, offer[2])]))
    return next((answer for answer in answers if answer is not None), None)


def _answer(parameters: list[tuple[str, str | None]]) -> str | None:
    """Return the answer to one offer (RFC 7692 section 7.1), None where it is to be declined."""
    offered = dict(parameters)
    if len(offered) < len(parameters):
        return None
    answer = f"{NAME}; server_no_context_takeover; client_no_context_takeover"
    for name, value in parameters:
        if name in {"server_no_context_takeover", "client_no_context_takeover"}:
            kept = value is None
        elif name == "client_max_window_bits":
            kept = value is None or _BITS.fullmatch(value) is not None
        elif name == "server_max_window_bits":
            kept = value is not None and _BITS.fullmatch(value) is not None and int(value) >= DEFLATE_WINDOW_BITS
            answer += f"; server_max_window_bits={DEFLATE_WINDOW_BITS}"
        else:
            kept = False
        if not kept:
            return None
    return answer


class Inflater:
    """One compressed message on its way in: data goes in as it comes, what it inflates to comes out.

    Of a message that inflates to more than INBOUND_MESSAGE_BYTES a little more than that comes out. Raise zlib.error
    for what was not compressed so.
    """

    __slots__ = ("_room", "_zlib")

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)
        self._room = _MOST

    def take(self, data: bytes) -> bytes:
        """Return what `data` inflates to, as far as there is room for it."""
        if not self._room:
            return b""
        inflated = self._zlib.decompress(data, self._room)
        if len(self._zlib.unused_data) > len(_FILLING):
            raise zlib.error("the message goes on after its end")
        self._room -= len(inflated)
        return inflated if self._room else _without_last_character(inflated)

    def end(self) -> bytes:
        """Return the last of the message."""
        last = self.take(DEFLATE_TAIL)
        if self._zlib.eof and self._zlib.unused_data != _FILLING:
            raise zlib.error("the message goes on after its end")
        return last


class MessageDeflate(Extension):
    """The extension of one connection, on the server's side, once it is agreed to."""

    name = NAME

    def __init__(self) -> None:
        self._inflater: Inflater | None = None
        self._reading = False

    def enabled(self) -> bool:
        return True

    def offer(self) -> bool:
        return False  # that is for clients

    def frame_inbound_header(
        self, proto: FrameDecoder | FrameProtocol, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        """Note what RSV1 tells of: a compressed message, in the first of its frames; control frames may come between
        them."""
        if rsv.rsv1 and opcode not in {Opcode.TEXT, Opcode.BINARY}:
            return CloseReason.PROTOCOL_ERROR
        if rsv.rsv1:
            self._inflater = Inflater()
        self._reading = not opcode.iscontrol() and self._inflater is not None
        return RsvBits(True, False, False)

    def frame_inbound_payload_data(self, proto: FrameDecoder | FrameProtocol, data: bytes) -> bytes | CloseReason:
        return self._inflated(Inflater.take, data) if self._reading else data

    def frame_inbound_complete(self, proto: FrameDecoder | FrameProtocol, fin: bool) -> bytes | CloseReason | None:
        if not fin or not self._reading:
            return None
        last = self._inflated(Inflater.end)
        self._inflater = None
        return last

    def frame_outbound(
        self, proto: FrameDecoder | FrameProtocol, opcode: Opcode, rsv: RsvBits, data: bytes, fin: bool
    ) -> tuple[RsvBits, bytes]:
        whole = fin and opcode in {Opcode.TEXT, Opcode.BINARY}
        smaller = deflated(data) if whole else None
        return (rsv, data) if smaller is None else (RsvBits(True, rsv.rsv2, rsv.rsv3), smaller)

    def _inflated(self, step: Callable[..., bytes], *data: bytes) -> bytes | CloseReason:
        try:
            inflated = step(self._inflater, *data)
        except zlib.error:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA
        return inflated


def _without_last_character(cut: bytes) -> bytes:
    """Return `cut` without up to four bytes of its end, so that text that was cut anywhere is text."""
    for _ in range(3):
        if cut[-1] & 0xC0 == 0x80:
            cut = cut[:-1]
    return cut[:-1] if cut[-1] >= 0xC0 else cut
