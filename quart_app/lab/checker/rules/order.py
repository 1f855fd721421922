"""Rules about order: all have the same, it ends alike for all, and an answer comes after its question."""

from quart_app.lab.checker.columns import Columns
from quart_app.lab.checker.history import Happened, History
from quart_app.lab.checker.rules.rule import Rule, breach_of
from quart_app.lab.checker.verdict import Breach


class _OfColumns(Rule):
    """A rule about the columns of readers. `placed` looks when a card is put into one."""

    def __init__(self) -> None:
        super().__init__()
        self.columns = Columns()

    def look(self, event: Happened, history: History) -> Breach | None:
        self.columns.add(event)
        return self.placed(event["lane"], event["msg"]) if event["do"] == "show" else None

    def placed(self, reader: str, card: str) -> Breach | None:
        """Return the counter-example that a card in a reader's column makes, None where it makes none."""
        return None

    def looked_at(self, history: History) -> int:
        return len(self.columns.takes)

    def waits_for(self, history: History) -> tuple[str, ...]:
        columns = self.columns.of.values()
        going_on = [card for card in self.columns.takes if history.stories[card].given_up is None]
        return tuple(card for card in going_on if any(card not in column for column in columns))


class SameOrder(_OfColumns):
    """Two cards stand in the same order in every column that has both."""

    def placed(self, reader: str, card: str) -> Breach | None:
        for other in self.columns.of:
            for card_there in reversed(self.columns.of[reader]):
                if card_there != card and card in self.columns.of[other] and card_there in self.columns.of[other]:
                    one, two = card, card_there
                    if not self.columns.before(reader, card, card_there):
                        one, two = two, one
                    if self.columns.before(other, two, one):
                        return self._inverted(reader, other, one, two)
        return None

    def _inverted(self, a: str, b: str, one: str, two: str) -> Breach:
        """`a` has one card above the other, and `b` has it below."""
        takes, shows = self.columns.takes, self.columns.shows
        painted = [takes[card] for card in (one, two)]
        shown = [shows[reader, card] for reader in (a, b) for card in (one, two)]
        values = {"a": a.title(), "b": b.title(), "one": one, "two": two, "at_one": painted[0]["t"]}
        own = [painted[0]["lane"] == a and shown[0] < shown[1], painted[1]["lane"] == b and shown[3] < shown[2]]
        why = "own_first" if all(own) else "one_own" if own[0] else "crossed"
        if own[1] and not own[0]:
            return self._inverted(b, a, two, one)
        return breach_of(why, [*(event["n"] for event in painted), *shown], at_two=painted[1]["t"], **values)


class Converged(_OfColumns):
    """In the end no column lacks a card, and all boards show the same: each the last card of its column."""

    def end(self, history: History) -> Breach | None:
        columns, takes = self.columns.of, self.columns.takes
        if self.waits_for(history):
            return None
        for card, painted in takes.items():
            for reader, column in columns.items():
                if card not in column:
                    shown = [painted["n"], history.stories[card].given_up, *history.stories[card].losses]
                    values = {"card": card, "who": painted["lane"].title(), "at": painted["t"]}
                    return breach_of("missing", shown, reader=reader.title(), **values)
        for a in columns:
            for b in columns:
                one, two = columns[a][-1], columns[b][-1]
                if one != two:
                    return self._differ(a, b, one, two)
        return None

    def _differ(self, a: str, b: str, one: str, two: str) -> Breach:
        painted = [self.columns.takes[card] for card in (one, two)]
        shown = [self.columns.shows[reader, card] for reader in (a, b) for card in (one, two)]
        times = sorted(event["t"] for event in painted)
        values = {"a": a.title(), "b": b.title(), "one": one, "two": two}
        values |= {"at": times[0], "gap": round(1_000 * (times[1] - times[0]))}
        return breach_of("differ", [*(event["n"] for event in painted), *shown], **values)


class AnswerAfterQuestion(_OfColumns):
    """No answer stands above the question that it answers."""

    def placed(self, reader: str, card: str) -> Breach | None:
        for answer, question in self.columns.above(reader):
            if card in {answer, question}:
                return self._above(reader, answer, question)
        return None

    def _above(self, reader: str, answer: str, question: str) -> Breach:
        columns = self.columns
        answered, asked = columns.takes[answer], columns.takes[question]
        seen, skew = columns.shows.get((answered["lane"], question)), columns.skews.get(answered["lane"])
        behind = asked["clock"] - asked["t"] - answered["clock"] + answered["t"]
        values = {"reader": reader.title(), "answer": answer, "question": question, "behind": behind}
        values |= {"who": answered["lane"].title(), "asker": asked["lane"].title(), "at": answered["t"]}
        by_clock = answered["clock"] < asked["clock"] and seen is not None and seen < answered["n"]
        shown = [columns.shows[reader, card] for card in (answer, question)]
        numbers = [None if skew is None else skew["n"], asked["n"], seen, answered["n"], *shown]
        return breach_of("clock" if by_clock else "above", numbers, asked=asked["t"], **values)
