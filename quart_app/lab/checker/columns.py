"""The columns into which readers put what is painted, as the events of a run tell it.

`take` is the painting of a card: its painter's `clock` (s), and the card that it answers (`re`). `show` puts a card
into the column of a lane, `at` a place, from where the others move down.
"""

from itertools import combinations

from quart_app.lab.checker.history import Happened


class Columns:
    """The cards of each reader, in their order, and the numbers of the events that have put them there."""

    def __init__(self) -> None:
        self.of: dict[str, list[str]] = {}
        self.takes: dict[str, Happened] = {}
        """By card, the event in which it was painted."""
        self.shows: dict[tuple[str, str], int] = {}
        """By reader and card, the number of the event that has put it there."""
        self.skews: dict[str, Happened] = {}
        """By lane, the event that has set its clock last."""

    def add(self, event: Happened) -> None:
        """Take note of an event."""
        lane = event["lane"]
        match event["do"]:
            case "take":
                self.of.setdefault(lane, [])
                self.takes[event["msg"]] = event
            case "show":
                self.of.setdefault(lane, []).insert(event["at"], event["msg"])
                self.shows[lane, event["msg"]] = event["n"]
            case "skew":
                self.skews[lane] = event

    def before(self, reader: str, one: str, other: str) -> bool:
        """Tell whether a reader has one card above another; False where they do not have both."""
        column = self.of[reader]
        return one in column and other in column and column.index(one) < column.index(other)

    def inversions(self, a: str, b: str) -> list[tuple[str, str]]:
        """Return the pairs of cards that one reader has in this order, and another one in the other."""
        return [(one, other) for one, other in combinations(self.of[a], 2) if self.before(b, other, one)]

    def above(self, reader: str) -> list[tuple[str, str]]:
        """Return the answers that a reader has above their questions, each with its question."""
        pairs = ((card, self.takes[card].get("re")) for card in self.of[reader])
        return [(card, question) for card, question in pairs if question and self.before(reader, card, question)]
