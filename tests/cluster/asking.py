"""The commands that a load is made of."""

from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Final

from tests.cluster.history import Json

ROOM: Final = "rooms/1"
OPEN: Final = "log/facts"
TALK: Final = "log/talk"
PULSE: Final = "live/pulse"
FED: Final = "sensors"  # what a feed writes, one node at a time, while somebody listens
TOPICS: Final = (ROOM, OPEN, TALK, "balances", "products", "reservations")
FACT: Final = "fact"  # the type of what is published
CEDULAS: Final = tuple(f"{cedula:010}" for cedula in range(1, 5))
PETS: Final = 4
EMPLOYEES: Final = 3
FIRST_DAY: Final = datetime(2026, 3, 2, tzinfo=UTC)


class Asking:
    """What writers think of: commands of all domains, each with a mark of its own.

    `products` and `reservations` are those that are known, by their ids; reservations are made within so many `days`.
    """

    def __init__(self, random: Random, products: dict[int, Json], reservations: dict[int, Json], days: int) -> None:
        self.random = random
        self.products = products
        self.reservations = reservations
        self.days = days
        self.numbers = count(100)
        self.deleted: set[int] = set()

    def command(self, user: str) -> tuple[str, Json]:
        """Return something that `user` asks for."""
        n, random = next(self.numbers), self.random
        match random.choice(("say", "fact", "bank", "bank", "look", "product", "reserve", "signal")):
            case "say":
                return random.choice(("chat.say", "chat.send")), {"room": 1, "user": user, "content": f"message {n}"}
            case "fact":
                return "log.publish", {"topic": OPEN, "mark": f"fact {n}"}
            case "signal":
                return "live.publish", {"topic": PULSE, "mark": f"signal {n}"}
            case "look":
                return "bank.balance", {"cedula": random.choice(CEDULAS)}
            case "bank":
                do = random.choice(("bank.deposit", "bank.deposit", "bank.withdraw"))
                return do, {"cedula": random.choice(CEDULAS), "cents": n}
            case "product":
                return self._product(n)
            case _:
                return self._reservation(n)

    def _product(self, n: int) -> tuple[str, Json]:
        known = self.products.keys() - self.deleted
        do = self.random.choice(("create", "update", "update", "delete"))
        if do == "create" or not known:
            return "products.create", {"nombre": f"product {n}", "cents": n}
        id = self.random.choice(sorted(known)[-8:])
        version = self.random.choice((None, self.products[id]["version"]))
        if do == "update":
            return "products.update", {"id": id, "version": version, "descripcion": f"text {n}"}
        self.deleted.add(id)
        return "products.delete", {"id": id, "version": None}

    def _reservation(self, n: int) -> tuple[str, Json]:
        starts_at = FIRST_DAY + timedelta(minutes=30 * self.random.randrange(48 * self.days))
        asked = {
            "pet_id": self.random.randint(1, PETS),
            "employee_id": self.random.randint(1, EMPLOYEES),
            "starts_at": starts_at.isoformat(),
            "ends_at": (starts_at + timedelta(minutes=30 * self.random.randint(1, 3))).isoformat(),
            "notes": f"reservation {n}",
        }
        known = sorted(id for id in list(self.reservations)[-8:])
        if not known or self.random.random() < 0.7:
            return "clinic.reserve", asked
        if self.random.random() < 0.5:
            return "clinic.change", {"id": self.random.choice(known), **asked}
        kept = self.reservations[self.random.choice(known)]
        status = "cancelled" if kept["status"] == "scheduled" else "scheduled"
        return "clinic.change", {"id": kept["reservation_id"], **asked, "status": status}

    def learn(self, do: str, answer: Json) -> None:
        """Take in what came of a command."""
        if do in {"products.create", "products.update"}:
            self.products[answer["id"]] = answer
        elif do == "products.delete":
            self.products.pop(answer["id"], None)
        elif do in {"clinic.reserve", "clinic.change"}:
            self.reservations[answer["reservation_id"]] = answer
