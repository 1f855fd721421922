"""The clinic's reservations as its rules have them: no employee and no pet is in two places at once."""

from bisect import bisect_left, insort
from collections import defaultdict
from datetime import datetime
from math import inf
from typing import Any, NamedTuple

from quart_app.domains.clinic import rules
from tests.cluster.models.model import Mark, Model
from tests.cluster.rows import LogEvent, Tables

TOPIC = "reservations"
_ACTIONS = {"clinic.reserve": "created", "clinic.change": "updated"}


class Stay(NamedTuple):
    """A time that somebody is taken by a reservation (ms since the Unix epoch), as the log has it from one position
    until another."""

    starts_at: int
    ends_at: int
    reservation_id: int
    since: float
    until: float = inf


def moment(text: str) -> int:
    """Return the ms since the Unix epoch of a time as the wire has it."""
    return rules.moment(datetime.fromisoformat(text))


class Clinic(Model):
    """`clinic.reserve` and `clinic.change` of reservations, each with `notes` of its own."""

    def __init__(self) -> None:
        self._reservations: dict[int, dict[str, Any]] = {}
        self._stays: dict[tuple[str, int], list[Stay]] = defaultdict(list)
        """By whom they take (an employee or a pet): all there ever were, in the order of their times."""

    @staticmethod
    def mark_of_command(do: str, asked: dict[str, Any]) -> Mark:
        return (TOPIC, _ACTIONS[do], asked["notes"])

    @staticmethod
    def mark_of_event(event: LogEvent) -> Mark | None:
        return (TOPIC, event.fields["action"], event.data["notes"]) if event.topic == TOPIC else None

    def apply(self, event: LogEvent) -> str | None:
        if event.topic != TOPIC:
            return None
        record = event.data
        id, before = record["reservation_id"], self._reservations.get(record["reservation_id"])
        if before is not None:
            self._end(before, event.position)
        clash = self._clash(record, id, event.position, event.position)
        self._reservations[id] = record
        if record["status"] != "cancelled":
            for who in _taken(record):
                insort(
                    self._stays[who],
                    Stay(moment(record["starts_at"]), moment(record["ends_at"]), id, event.position),
                )
        if (before is None) != (event.fields["action"] == "created"):
            return f"is a reservation {event.fields['action']} that " + ("is unknown" if before is None else "exists")
        if record["version"] != (1 if before is None else before["version"] + 1):
            return f"makes version {record['version']} of version {0 if before is None else before['version']}"
        if clash is not None and record["status"] != "cancelled":
            return f"overlaps reservation {clash.reservation_id}"
        if before is not None and record["status"] not in {before["status"], *rules.STATUS_AFTER[before["status"]]}:
            return f"is {record['status']} after {before['status']}"
        return None

    def _end(self, record: dict[str, Any], position: int) -> None:
        starts_at = moment(record["starts_at"])
        for who in _taken(record):
            stays = self._stays[who]
            for index in range(bisect_left(stays, (starts_at,)), len(stays)):
                stay = stays[index]
                if stay.starts_at != starts_at:
                    break
                if stay.reservation_id == record["reservation_id"] and stay.until == inf:
                    stays[index] = stay._replace(until=position)

    def _clash(self, asked: dict[str, Any], id: int | None, low: int, high: int) -> Stay | None:
        """Return what overlaps a time that is asked for, as the log had it anywhere between two positions."""
        starts_at, ends_at = moment(asked["starts_at"]), moment(asked["ends_at"])
        for who in _taken(asked):
            stays = self._stays[who]
            for index in range(bisect_left(stays, (starts_at - rules.LONGEST,)), bisect_left(stays, (ends_at,))):
                stay = stays[index]
                known = stay.since <= high and stay.until > low
                if known and stay.ends_at > starts_at and stay.reservation_id != id:
                    return stay
        return None

    def answer(self, do: str, event: LogEvent) -> dict[str, Any]:
        """Return what who caused the event is to be answered: the record."""
        return dict(event.data)

    def refuses(self, asked: dict[str, Any], code: str, low: int, high: int) -> bool:
        """Return whether the clinic could refuse this somewhere between two positions."""
        return code == "overlap" and self._clash(asked, asked.get("id"), low, high) is not None

    def tables(self) -> Tables:
        return {"reservations": {id: _row(record) for id, record in self._reservations.items()}}


def _taken(record: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    return (("employee", record["employee_id"]), ("pet", record["pet_id"]))


def _row(record: dict[str, Any]) -> tuple[Any, ...]:
    times = (moment(record["starts_at"]), moment(record["ends_at"]))
    return (record["version"], record["pet_id"], record["employee_id"], *times, record["status"], record["notes"])
