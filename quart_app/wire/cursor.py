"""The grammar of cursors: a client's place in a log, which it gives back as `since`."""

import re
from typing import NamedTuple, Self


class Cursor(NamedTuple):
    """A place in one log, in the form that clients keep: `<epoch>-<position>`.

    `epoch` names the term of the log that the position belongs to: each start of the server begins one with its first
    event. A long poll's cursor also says which transient events its client has seen: `run` names the process and the
    topics they were counted by, `seen` holds one count per topic, in the order of topic names.
    """

    epoch: str
    position: int
    run: str = ""
    seen: tuple[int, ...] = ()

    def __str__(self) -> str:
        if not self.run:
            return f"{self.epoch}-{self.position}"
        return ".".join((str(self.plain), self.run, *(format(count, "x") for count in self.seen)))

    @property
    def plain(self) -> "Cursor":
        """The same place without the counts of transient events; every transport takes it."""
        return Cursor(self.epoch, self.position)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the cursor that `text` spells; raise ValueError for anything else."""
        match = _CURSOR.fullmatch(text)
        if match is None:
            raise ValueError(f"{text[:80]!r} is not a cursor")
        counts = tuple(int(count, 16) for count in (match["seen"] or "").split(".") if count)
        return cls(match["epoch"], int(match["position"]), match["run"] or "", counts)

    def reaches(self, other: "Cursor") -> bool:
        """Return whether this cursor stands at the position of `other` or further.

        Both cursors are to be of one log: a client gets cursors of another log only after a `reset`. Within a log terms
        follow each other, and the positions go on.
        """
        return self.position >= other.position


_CURSOR = re.compile(
    r"(?P<epoch>[a-z0-9]{1,32})-(?P<position>[0-9]{1,18})"
    r"(?:\.(?P<run>[a-z0-9]{1,16})(?P<seen>(?:\.[0-9a-f]{1,15}){0,100}))?"
)
