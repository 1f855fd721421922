"""The bank as its rules have it: what each movement of the log must say, and what may be answered where."""

from decimal import Decimal
from typing import Any

from quart_app.domains.bank import rules
from quart_app.domains.bank.events import BALANCES, account_topic
from tests.cluster.models.model import Mark, Model
from tests.cluster.models.timeline import Timeline
from tests.cluster.rows import LogEvent, Tables

_KINDS = {
    "bank.open": rules.MovementKind.OPENING,
    "bank.deposit": rules.MovementKind.DEPOSIT,
    "bank.withdraw": rules.MovementKind.WITHDRAWAL,
}


def cents(dollars: float) -> int:
    """Return the cents of an amount as the wire has it."""
    return int(Decimal(repr(dollars)).scaleb(2))


class Bank(Model):
    """`bank.open`, `bank.deposit` and `bank.withdraw` of `cents` for a `cedula`, and `bank.balance`, which looks."""

    def __init__(self) -> None:
        self._balances: Timeline[int] = Timeline()
        self._accounts: dict[str, tuple[int]] = {}
        self._movements: dict[int, tuple[str, str, int, int]] = {}
        self._told: LogEvent | None = None

    @staticmethod
    def mark_of_command(do: str, asked: dict[str, Any]) -> Mark | None:
        return (BALANCES, asked["cedula"], _KINDS[do], asked["cents"]) if do in _KINDS else None

    @staticmethod
    def mark_of_event(event: LogEvent) -> Mark | None:
        if event.topic != BALANCES:
            return None
        moved = event.fields["transaccion"]
        return (BALANCES, moved["cedula"], moved["tipo"], cents(moved["monto"]))

    def apply(self, event: LogEvent) -> str | None:
        told, self._told = self._told, None
        if told is not None and (event.topic, event.position, event.fields) != (
            BALANCES,
            told.position + 1,
            told.fields,
        ):
            return f"comes where all are to be told of the movement at {told.position}"
        if event.topic == BALANCES:
            return None if told is not None else "tells of a movement that its account does not tell of"
        return self._moved(event) if event.topic.startswith(account_topic("")) else None

    def _moved(self, event: LogEvent) -> str | None:
        self._told = event
        moved, cedula = event.fields["transaccion"], event.topic.removeprefix(account_topic(""))
        kind, amount, before = rules.MovementKind(moved["tipo"]), cents(moved["monto"]), self._balances.now(cedula)
        if (before is None) != (kind is rules.MovementKind.OPENING):
            return f"is a {kind} of an account that " + ("does not exist" if before is None else "exists")
        try:
            after = rules.moved(before or 0, kind, amount)
        except ValueError as error:
            return f"moves {amount} cents where there are {before}: {error}"
        self._balances.put(cedula, event.position, after)
        self._accounts[cedula] = (after,)
        self._movements[event.position] = (cedula, kind, rules.change(kind, amount), after)
        if (cents(moved["saldo"]), cents(event.data["balance"])) != (after, after):
            return f"leaves {moved['saldo']} dollars where the movements leave {after} cents"
        if moved["transaccion_id"] != event.position:
            return f"calls itself movement {moved['transaccion_id']}"
        return None

    def answer(self, do: str, event: LogEvent) -> dict[str, Any]:
        moved = event.fields["transaccion"]
        if do == "bank.open":
            return {"cedula": moved["cedula"], "nombre": moved["nombre"], "balance": moved["saldo"]}
        return {
            "cedula": moved["cedula"],
            "nuevo_saldo": moved["saldo"],
            "transaccion_id": moved["transaccion_id"],
        }

    def refuses(self, asked: dict[str, Any], code: str, low: int, high: int) -> bool:
        """Return whether the bank could refuse this somewhere between two positions."""
        states = self._balances.during(asked["cedula"], low, high)
        match code:
            case "fondos_insuficientes":
                return any(state is not None and state < asked["cents"] for state in states)
            case "cuenta_existente":
                return any(state is not None for state in states)
            case "cuenta_no_encontrada":
                return None in states
            case _:
                return False

    def shows(self, asked: dict[str, Any], answer: Any, low: int, high: int) -> bool:
        """Return whether a look could see this somewhere between two positions."""
        return cents(answer["balance"]) in self._balances.during(asked["cedula"], low, high)

    def tables(self) -> Tables:
        return {"accounts": self._accounts, "movements": self._movements}
