"""How the commands of a load are asked for over REST, and what is the answer in what comes back."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from quart_app.domains.bank.rules import written
from quart_app.wire import Cursor
from tests.cluster.asking import FACT
from tests.cluster.history import Json


class Request(NamedTuple):
    """A command as REST has it, and what finds the answer in its answer's JSON: None where the server could not."""

    method: str
    path: str
    body: Json | None = None
    answer: Callable[[Json], Any] = lambda answer: answer["data"]


def place(cursor: str) -> Json:
    """Return the answer to a publication, of which the cursor is known."""
    return {"position": Cursor.parse(cursor).position}


def _say(asked: Json) -> Request:
    path = f"/api/rooms/{asked['room']}/messages"
    return Request("POST", path, {"content": asked["content"]}, lambda answer: {"id": answer["data"]["id"]})


def _send(asked: Json) -> Request:
    body = {"type": "message", "content": asked["content"]}
    return Request("POST", f"/send/rooms/{asked['room']}", body, _sent)


def _sent(answer: Json) -> Json | None:
    (reply,) = answer["messages"]
    return None if reply["type"] == "error" else {"id": reply["message_id"]}


def _publish(asked: Json) -> Request:
    body = {"topic": asked["topic"], "type": FACT, "data": {"mark": asked["mark"]}}
    return Request("POST", "/api/publish", body, lambda answer: place(answer["id"]))


def _open(asked: Json) -> Request:
    body = {"cedula": asked["cedula"], "nombre": asked["nombre"], "saldo_inicial": written(asked["cents"])}
    return Request("POST", "/api/cuentas", body)


def _deposit(asked: Json) -> Request:
    return Request("POST", "/api/deposito", {"cedula": asked["cedula"], "monto": written(asked["cents"])})


def _withdraw(asked: Json) -> Request:
    return _deposit(asked)._replace(path="/api/retiro")


def _balance(asked: Json) -> Request:
    path = f"/api/cuentas/{asked['cedula']}"
    return Request("GET", path, answer=lambda answer: {"balance": answer["data"]["balance"]})


def _create(asked: Json) -> Request:
    body = {"nombre": asked["nombre"], "precio": written(asked["cents"]), "stock": 1}
    return Request("POST", "/api/productos", body)


def _update(asked: Json) -> Request:
    version = {} if asked["version"] is None else {"version": asked["version"]}
    return Request("PUT", f"/api/productos/{asked['id']}", {"descripcion": asked["descripcion"], **version})


def _delete(asked: Json) -> Request:
    return Request("DELETE", f"/api/productos/{asked['id']}")


def _reserve(asked: Json) -> Request:
    return Request("POST", "/api/reservations", {**asked, "service_id": 1})


def _change(asked: Json) -> Request:
    fields = {name: value for name, value in asked.items() if name != "id"}
    return Request("PUT", f"/api/reservations/{asked['id']}", fields)


REQUESTS: Final[Mapping[str, Callable[[Json], Request]]] = {
    "chat.say": _say,
    "chat.send": _send,
    "log.publish": _publish,
    "live.publish": _publish,
    "bank.open": _open,
    "bank.deposit": _deposit,
    "bank.withdraw": _withdraw,
    "bank.balance": _balance,
    "products.create": _create,
    "products.update": _update,
    "products.delete": _delete,
    "clinic.reserve": _reserve,
    "clinic.change": _change,
}
"""What makes the request of each command."""
