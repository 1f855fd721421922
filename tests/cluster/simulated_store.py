"""What the nodes of the simulated cluster have in common: a log and rows, kept in the plainest way there is."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from tests.cluster.asking import FIRST_DAY
from tests.cluster.history import Json
from tests.cluster.rows import LogEvent, Rows, TermWrite


class Refusal(Exception):
    """A command that is refused, with its code."""


class Store:
    """The log, the rows, and the answers to keys; a command `chat.say` is the method `chat_say`."""

    def __init__(self) -> None:
        self.log: list[LogEvent] = []
        self.answers: dict[tuple[str, str], Any] = {}
        self.balances: dict[str, int] = {}
        self.products: dict[int, Json] = {}
        self.reservations: dict[int, Json] = {}
        self.taken: dict[tuple[str, int, int], int] = {}
        self.movements: dict[int, tuple[Any, ...]] = {}
        self.messages: dict[int, tuple[Any, ...]] = {}
        self.ids = count(1)

    def append(self, topic: str, type: str, data: Any, **fields: Any) -> int:
        self.log.append(LogEvent(len(self.log) + 1, topic, type, {"data": data, **fields}))
        return len(self.log)

    def do(self, process: str, do: str, asked: Json, key: str | None) -> Any:
        """Carry out a command once. Raise Refusal."""
        if key is not None and (process, key) in self.answers:
            return self.answers[process, key]
        answer = getattr(self, do.replace(".", "_"))(process, **asked)
        if key is not None:
            self.answers[process, key] = answer
        return answer

    def chat_say(self, _process: str, room: int, user: str, content: str) -> Any:
        id = len(self.log) + 1
        self.messages[id] = (room, user, content)
        self.append(f"rooms/{room}", "message", {"id": id, "user_id": user, "content": content})
        return {"id": id}

    chat_send = chat_say

    def log_publish(self, _process: str, topic: str, mark: str) -> Any:
        return {"position": self.append(topic, "fact", {"mark": mark})}

    def bank_open(self, _process: str, cedula: str, nombre: str, cents: int) -> Any:
        if cedula in self.balances:
            raise Refusal("cuenta_existente")
        self._move(cedula, nombre, "apertura", cents, cents)
        return {"cedula": cedula, "nombre": nombre, "balance": cents / 100}

    def bank_deposit(self, _process: str, cedula: str, cents: int) -> Any:
        return self._moved(cedula, "deposito", cents, cents)

    def bank_withdraw(self, _process: str, cedula: str, cents: int) -> Any:
        if cedula in self.balances and self.balances[cedula] < cents:
            raise Refusal("fondos_insuficientes")
        return self._moved(cedula, "retiro", cents, -cents)

    def bank_balance(self, _process: str, cedula: str) -> Any:
        if cedula not in self.balances:
            raise Refusal("cuenta_no_encontrada")
        return {"balance": self.balances[cedula] / 100}

    def _moved(self, cedula: str, kind: str, cents: int, change: int) -> Any:
        if cedula not in self.balances:
            raise Refusal("cuenta_no_encontrada")
        id = self._move(cedula, "Ana", kind, cents, change)
        return {"cedula": cedula, "nuevo_saldo": self.balances[cedula] / 100, "transaccion_id": id}

    def _move(self, cedula: str, nombre: str, kind: str, cents: int, change: int) -> int:
        id, balance = len(self.log) + 1, self.balances.get(cedula, 0) + change
        self.balances[cedula] = balance
        self.movements[id] = (cedula, kind, change, balance)
        told = {
            "transaccion_id": id,
            "cedula": cedula,
            "nombre": nombre,
            "tipo": kind,
            "monto": cents / 100,
            "saldo": balance / 100,
        }
        for topic in (f"accounts/{cedula}", "balances"):
            self.append(topic, "balance_updated", {"cedula": cedula, "balance": balance / 100}, transaccion=told)
        return id

    def products_create(self, _process: str, nombre: str, cents: int) -> Any:
        id = next(self.ids)
        product = {"id": id, "nombre": nombre, "descripcion": "", "precio": cents / 100, "stock": 1, "version": 1}
        self.products[id] = product
        self.append("products", "PRODUCT_CREATED", product)
        return product

    def products_update(self, _process: str, id: int, version: int | None, descripcion: str) -> Any:
        product = self._product(id, version)
        self.products[id] = product = {**product, "descripcion": descripcion, "version": product["version"] + 1}
        self.append("products", "PRODUCT_UPDATED", product)
        return product

    def products_delete(self, _process: str, id: int, version: int | None) -> Any:
        product = self._product(id, version)
        del self.products[id]
        self.append("products", "PRODUCT_DELETED", {"id": id})
        return product

    def _product(self, id: int, version: int | None) -> Json:
        if id not in self.products:
            raise Refusal("product_not_found")
        if version not in {None, self.products[id]["version"]}:
            raise Refusal("version_conflict")
        return self.products[id]

    def clinic_reserve(self, _process: str, **asked: Any) -> Any:
        return self._keep({**asked, "reservation_id": next(self.ids), "version": 0, "status": "scheduled"}, "created")

    def clinic_change(self, _process: str, id: int, **asked: Any) -> Any:
        return self._keep({**self.reservations[id], **asked}, "updated")

    def _keep(self, record: Json, action: str) -> Any:
        id, before = record["reservation_id"], self.reservations.get(record["reservation_id"])
        if any(self.taken.get(place, id) != id for place in _places(record)):
            raise Refusal("overlap")
        for place in _places(before) if before else ():
            self.taken.pop(place, None)
        record = {**record, "version": record["version"] + 1}
        self.reservations[id] = record
        if record["status"] != "cancelled":
            self.taken.update(dict.fromkeys(_places(record), int(id)))
        self.append("reservations", "realtime_update", record, entity_type="reservations", action=action)
        return record

    def rows(self, terms: list[TermWrite]) -> Rows:
        products = {
            id: (one["nombre"], one["descripcion"], round(one["precio"] * 100), one["stock"], one["version"])
            for id, one in self.products.items()
        }
        return Rows(
            self.log,
            tables={
                "accounts": {cedula: (balance,) for cedula, balance in self.balances.items()},
                "movements": self.movements,
                "products": products,
                "reservations": {id: _row(record) for id, record in self.reservations.items()},
                "messages": self.messages,
            },
            terms=terms,
        )


def _slot(at: str) -> int:
    return (datetime.fromisoformat(at) - FIRST_DAY) // timedelta(minutes=30)


def _places(record: Json) -> list[tuple[str, int, int]]:
    slots = range(_slot(record["starts_at"]), _slot(record["ends_at"]))
    return [(who, record[f"{who}_id"], slot) for who in ("employee", "pet") for slot in slots]


def _row(record: Json) -> tuple[Any, ...]:
    starts, ends = (int(datetime.fromisoformat(record[name]).timestamp() * 1000) for name in ("starts_at", "ends_at"))
    return (
        record["version"],
        record["pet_id"],
        record["employee_id"],
        starts,
        ends,
        record["status"],
        record["notes"],
    )
