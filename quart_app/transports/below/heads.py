"""The heads of plain requests over HTTP/1.1 (RFC 9112 sections 3 and 5), which most are.

What is read here h11 reads the same; whatever is not as plain as this is h11's to read or to refuse.
"""

import re
from typing import Final, NamedTuple

Headers = list[tuple[bytes, bytes]]

HEAD_BYTES: Final = 16 * 1024
_HEAD: Final = re.compile(
    rb"([A-Z]{3,8}) (/[!-~]*) HTTP/1\.1\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r\n)+)\r\n"
)


class Head(NamedTuple):
    """The head of a request, of which the names of headers are in lower case; it has `size` bytes.

    `named` has the headers by their names, of several the last.
    """

    method: bytes
    target: bytes
    headers: Headers
    named: dict[bytes, bytes]
    size: int

    def count(self, name: bytes) -> int:
        """Return how many headers of that name there are."""
        return sum([one == name for one, _ in self.headers])


def plain_head(data: bytes) -> Head | None:
    """Return the head that `data` begins with, None where that is not whole, or not plain."""
    found = _HEAD.match(data, 0, HEAD_BYTES)
    if found is None:
        return None
    headers: Headers = []
    for line in found[3][:-2].split(b"\r\n"):
        name, _, value = line.partition(b":")
        headers.append((name.lower(), value.strip(b" \t")))
    return Head(found[1], found[2], headers, dict(headers), found.end())
