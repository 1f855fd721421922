"""What a model of a domain is."""

from typing import Any

from tests.cluster.rows import LogEvent, Tables

Mark = tuple[Any, ...]


class Model:
    """A domain in which nothing has happened yet, nothing is refused, and no rows are made."""

    @staticmethod
    def mark_of_command(do: str, asked: dict[str, Any]) -> Mark | None:
        """Return what the event that a command makes is known by, None where it makes none."""
        raise NotImplementedError

    @staticmethod
    def mark_of_event(event: LogEvent) -> Mark | None:
        """Return what an event is known by, None where it is none that a command is answered for."""
        raise NotImplementedError

    def apply(self, event: LogEvent) -> str | None:
        """Carry out what an event tells; return what is wrong with it, None where it is right."""

    def answer(self, do: str, event: LogEvent) -> Any:
        """Return what the command that made an event is to be answered."""
        raise NotImplementedError

    def refuses(self, asked: dict[str, Any], code: str, low: int, high: int) -> bool:
        """Return whether a command could be refused with `code` somewhere between two positions of the log."""
        return False

    def shows(self, asked: dict[str, Any], answer: Any, low: int, high: int) -> bool:
        """Return whether a look, which makes no event, could see this somewhere between two positions."""
        return False

    def tables(self) -> Tables:
        """Return the rows that the events make, by table and key."""
        return {}
