"""What could be wrong in a cluster: each function does one wrong to an honest history or to its rows.

The name says what; `WRONGS` tells which check has to find it. A wrong raises NoVictim where the history has nothing
that it could befall.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any, Final, TypeVar

from tests.cluster.asking import OPEN, PULSE, ROOM
from tests.cluster.case import Case, Command, Connection
from tests.cluster.checks.presence import JOINED, LEFT
from tests.cluster.checks.signals import SIGNAL
from tests.cluster.history import Connect, Event, Fail, History, Line, Present, Settled, Welcome, changed
from tests.cluster.rows import LogEvent, Rows, TermWrite
from tests.cluster.simulated import Simulation

T = TypeVar("T")


class NoVictim(Exception):
    """The history has nothing that a wrong could befall."""


@dataclass
class Victim:
    """A history and its rows, to be changed; `case` is what they were."""

    lines: list[Line]
    rows: Rows
    case: Case
    random: Random

    @classmethod
    def of(cls, honest: Simulation, random: Random) -> "Victim":
        rows = honest.rows
        tables = {name: dict(table) for name, table in rows.tables.items()}
        copied = Rows([*rows.log], rows.floor, tables, [*rows.terms])
        return cls([*honest.lines], copied, Case(honest.lines, rows), random)

    def one(self, candidates: Iterable[T]) -> T:
        """Return one of them. Raise NoVictim."""
        found = list(candidates)
        if not found:
            raise NoVictim
        return self.random.choice(found)

    def replace(self, line: Line, *others: Line) -> None:
        """Put other lines in the place of one."""
        index = next(index for index, one in enumerate(self.lines) if one is line)
        self.lines[index : index + 1] = others

    def more(self, write: Callable[[History], None]) -> None:
        """Let something happen before the end."""
        *before, settled = self.lines
        assert isinstance(settled, Settled)
        later = History(clock=lambda: settled.at - 0.001)
        later._numbers = iter(range(10**9, 2 * 10**9))  # type: ignore[assignment]  # numbers that nobody has
        write(later)
        self.lines[:] = [*before, *later.lines, settled]

    def attempt(self, do: str, asked: dict[str, Any], outcome: Any, process: str = "late", key: str = "late") -> None:
        """Let somebody ask for something more; an outcome that is text is a refusal."""

        def write(history: History) -> None:
            op = history.invoke(process, do, asked, key)
            if isinstance(outcome, str):
                history.fail(op, outcome)
            else:
                history.ok(op, outcome)

        self.more(write)

    def append(self, like: LogEvent) -> None:
        """Let the log have one more event."""
        self.rows.log.append(like._replace(position=self.rows.log[-1].position + 1))

    def put(self, event: LogEvent) -> None:
        """Let the log have another event at its position."""
        self.rows.log[event.position - 1] = event

    def swap(self, one: Command, other: Command) -> None:
        """Let the log have what two commands made at each other's places."""
        first, second = (self.case.stored[command.mark or ()][0] for command in (one, other))
        self.put(second._replace(position=first.position))
        self.put(first._replace(position=second.position))

    # Whom it may befall

    def events(self) -> list[Event]:
        return [line for line in self.lines if isinstance(line, Event) and line.cursor is not None]

    def acknowledged(self, *kinds: str) -> list[Command]:
        return [command for command, _ in self.case.acknowledged if not kinds or command.do in kinds]

    def open_connections(self, topic: str) -> list[Connection]:
        return [one for one in self.case.connections if one.gone is None and topic in one.connect.topics]

    def owed_signals(self) -> list[Event]:
        """The signals that readers got, and would have missed."""
        asked = {c.asked["mark"]: c.attempts[0] for c in self.case.commands if c.do == SIGNAL}
        owed: list[Event] = []
        for one in self.case.connections:
            heard = [line for line in one.heard if isinstance(line, Event) and line.topic == PULSE]
            latest = max((asked[line.data["mark"]].invoke.at for line in heard), default=0.0)
            until = latest if one.gone else self.lines[-1].at
            for line in heard:
                attempt = asked[line.data["mark"]]
                if one.welcome is not None and attempt.invoke.at > one.welcome.at and attempt.ended < until:
                    owed.append(line)
        return owed


def a_hole(it: Victim) -> None:
    del it.rows.log[it.random.randrange(1, len(it.rows.log) - 1)]


def a_position_twice(it: Victim) -> None:
    event = it.one(it.rows.log)
    it.rows.log.insert(event.position, event)


def an_event_lost(it: Victim) -> None:
    it.lines.remove(it.one(it.events()))


def an_event_repeated(it: Victim) -> None:
    event = it.one(it.events())
    it.replace(event, event, changed(event))


def events_reordered(it: Victim) -> None:
    one, other = it.one((a, b) for a, b in pairwise(it.events()) if a.connection == b.connection)
    it.replace(one)
    it.replace(other, other, one)


def an_event_altered(it: Victim) -> None:
    event = it.one(it.events())
    it.replace(event, changed(event, data={"otherwise": True}))


def acknowledged_but_missing(it: Victim) -> None:
    it.attempt("log.publish", {"topic": OPEN, "mark": "nowhere"}, {"position": 1})


def refused_but_stored(it: Victim) -> None:
    command = it.one(one for one in it.acknowledged() if len(one.attempts) == 1)
    (ok,) = command.oks
    it.replace(ok, Fail(at=ok.at, op=ok.op, code="refused"))


def stored_twice(it: Victim) -> None:
    it.append(it.one(it.case.stored.values())[0])


def stored_for_nobody(it: Victim) -> None:
    it.append(LogEvent(0, OPEN, "fact", {"data": {"mark": "of nobody"}}))


def order_of_a_sender(it: Victim) -> None:
    facts = it.acknowledged("log.publish")
    it.swap(*it.one((a, b) for a in facts for b in facts if a.process == b.process and a is not b))


def order_of_time(it: Victim) -> None:
    facts = it.acknowledged("log.publish")
    it.swap(*it.one((a, b) for a in facts for b in facts if a.ok and a.process != b.process and a.ok.at < b.invoked))


def a_wrong_balance(it: Victim) -> None:
    event = it.one(event for event in it.rows.log if event.topic.startswith("accounts/"))
    it.put(event._replace(fields={**event.fields, "data": {**event.data, "balance": event.data["balance"] + 1}}))


def a_wrong_receipt(it: Victim) -> None:
    ok = it.one(it.acknowledged("bank.deposit", "bank.withdraw")).ok
    assert ok is not None
    it.replace(ok, changed(ok, answer={**ok.answer, "nuevo_saldo": ok.answer["nuevo_saldo"] + 0.01}))


def half_a_movement(it: Victim) -> None:
    event = it.one(event for event in it.rows.log if event.topic == "balances")
    it.put(event._replace(topic="log/else", fields={"data": {"mark": "else"}}))


def an_overdraft(it: Victim) -> None:
    event = it.one(event for event in it.rows.log if event.topic.startswith("accounts/"))
    moved = {**event.fields["transaccion"], "tipo": "retiro", "monto": 10_000_000.0}
    it.append(event._replace(fields={**event.fields, "transaccion": moved}))


def refused_with_enough_money(it: Victim) -> None:
    cedula, _ = it.one((cedula, row) for cedula, row in it.rows.tables["accounts"].items() if row[0] > 1)
    it.attempt("bank.withdraw", {"cedula": cedula, "cents": 1}, "fondos_insuficientes")


def an_old_balance(it: Victim) -> None:
    cedula, (cents,) = it.one(it.rows.tables["accounts"].items())
    it.attempt("bank.balance", {"cedula": cedula}, {"balance": (cents + 1) / 100})


def a_version_twice(it: Victim) -> None:
    it.append(it.one(event for event in it.rows.log if event.type == "PRODUCT_UPDATED"))


def refused_at_the_right_version(it: Victim) -> None:
    known = max(position for _, position in it.case.acknowledged)
    products = {event.data["id"]: event for event in it.rows.log if event.topic == "products"}
    product = it.one(one.data for one in products.values() if "version" in one.data and one.position <= known)
    asked = {"id": product["id"], "version": product["version"], "descripcion": "late"}
    it.attempt("products.update", asked, "version_conflict")


def reserved_twice(it: Victim) -> None:
    taken = {id for id, row in it.rows.tables["reservations"].items() if row[5] != "cancelled"}
    kept = {event.data["reservation_id"]: event for event in it.rows.log if event.topic == "reservations"}
    event = kept[it.one(taken)]
    record = {**event.data, "reservation_id": 10**6, "version": 1, "notes": "late"}
    it.append(event._replace(fields={**event.fields, "data": record, "action": "created"}))


def refused_in_a_free_time(it: Victim) -> None:
    times = {"starts_at": "2001-01-01T08:00:00+00:00", "ends_at": "2001-01-01T09:00:00+00:00"}
    it.attempt("clinic.reserve", {"pet_id": 1, "employee_id": 1, **times, "notes": "late"}, "overlap")


def a_row_altered(it: Victim) -> None:
    table = it.one(table for table in it.rows.tables.values() if table)
    key = it.one(table)
    table[key] = (*table[key][:-1], "altered")


def a_row_missing(it: Victim) -> None:
    table = it.one(table for table in it.rows.tables.values() if table)
    del table[it.one(table)]


def two_answers(it: Victim) -> None:
    command = it.one(one for one in it.acknowledged() if one.attempts[0].invoke.key)
    key = command.attempts[0].invoke.key or ""
    it.attempt(command.do, command.asked, {"another": "answer"}, process=command.process, key=key)


def a_signal_lost(it: Victim) -> None:
    it.lines.remove(it.one(it.owed_signals()))


def a_signal_twice(it: Victim) -> None:
    event = it.one(it.owed_signals())
    it.replace(event, event, changed(event))


def a_signal_of_nobody(it: Victim) -> None:
    event = it.one(it.owed_signals())
    it.replace(event, event, changed(event, data={"mark": "of nobody"}))


def a_gap_of_nothing(it: Victim) -> None:
    number = it.one(it.open_connections(PULSE)).connect.connection
    it.more(lambda history: history.gap(number, PULSE, 10**6))


def joined_twice(it: Victim) -> None:
    event = it.one(line for line in it.lines if isinstance(line, Event) and line.type == JOINED)
    it.replace(event, event, changed(event))


def left_while_connected(it: Victim) -> None:
    watch, left = it.one((a, b) for a in it.open_connections(ROOM) for b in it.open_connections(ROOM) if a is not b)
    data = {"user_id": left.connect.user}

    first = next(line for line in watch.heard if isinstance(line, Present) and line.topic == ROOM)
    if left.welcome is None or left.welcome.at > watch.connect.at or left.connect.user not in first.users:
        raise NoVictim
    it.more(lambda history: history.event(watch.connect.connection, ROOM, LEFT, data))


def a_join_untold(it: Victim) -> None:
    here = {one.connect.user for one in it.open_connections(ROOM)}
    last: dict[tuple[int, str], Event] = {}
    for one in it.open_connections(ROOM):
        for line in one.heard:
            if isinstance(line, Event) and line.type in {JOINED, LEFT}:
                last[one.connect.connection, line.data["user_id"]] = line
    it.lines.remove(it.one(line for (_, user), line in last.items() if line.type == JOINED and user in here))


def a_guest_whom_nobody_saw(it: Victim) -> None:
    number = it.one(it.open_connections(ROOM)).connect.connection
    it.more(lambda history: history.event(number, ROOM, JOINED, {"user_id": "ghost"}))


def an_old_term(it: Victim) -> None:
    write = it.one(it.rows.terms)
    it.rows.terms.append(TermWrite(write.lease, 0, write.holder, write.position + 1))


def a_term_of_two(it: Victim) -> None:
    write = it.rows.terms[-1]
    it.rows.terms.append(TermWrite(write.lease, write.term, "another", write.position + 1))


def a_reset(it: Victim) -> None:
    welcome = it.one(line for line in it.lines if isinstance(line, Welcome))
    it.more(lambda history: history.reset(welcome.connection, "epoch-1", "unknown_log"))


def let_in_elsewhere(it: Victim) -> None:
    resumed = {line.connection for line in it.lines if isinstance(line, Connect) and line.since is not None}
    welcome = it.one(line for line in it.lines if isinstance(line, Welcome) and line.connection in resumed)
    it.replace(welcome, changed(welcome, cursor="epoch-999999"))


WRONGS: Final[dict[Callable[[Victim], None], int]] = {
    a_hole: 1,
    a_position_twice: 1,
    an_event_lost: 2,
    an_event_repeated: 2,
    events_reordered: 2,
    an_event_altered: 2,
    acknowledged_but_missing: 3,
    refused_but_stored: 3,
    stored_twice: 3,
    stored_for_nobody: 3,
    order_of_a_sender: 4,
    order_of_time: 5,
    a_wrong_balance: 6,
    a_wrong_receipt: 6,
    half_a_movement: 6,
    an_overdraft: 6,
    refused_with_enough_money: 6,
    an_old_balance: 6,
    a_version_twice: 6,
    refused_at_the_right_version: 6,
    reserved_twice: 6,
    refused_in_a_free_time: 6,
    a_row_altered: 7,
    a_row_missing: 7,
    two_answers: 8,
    a_signal_lost: 9,
    a_signal_twice: 9,
    a_signal_of_nobody: 9,
    a_gap_of_nothing: 9,
    joined_twice: 10,
    left_while_connected: 10,
    a_join_untold: 10,
    a_guest_whom_nobody_saw: 10,
    an_old_term: 11,
    a_term_of_two: 11,
    a_reset: 12,
    let_in_elsewhere: 12,
}
"""The wrongs, and which check has to find each."""
