"""A practice under any sequence of changes, right and wrong ones: what holds after each of them.

Before every change its answer is foretold from the records as they stand, by rules written a second time here.
"""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from quart_app.domains.clinic.entities import ENTITIES
from quart_app.realtime.messages.refused import Refused
from tests.domains.clinic.store import KINDS_KEPT, Json, Tables, opened, replay

MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC)
NEXT = {
    "scheduled": {"confirmed", "done", "cancelled"},
    "confirmed": {"scheduled", "done", "cancelled"},
    "done": {"confirmed"},
    "cancelled": {"scheduled", "confirmed"},
}

ids = st.integers(1, 3)
starts = st.integers(0, 8).map(lambda quarter: (MORNING + timedelta(minutes=15 * quarter)).isoformat())
amounts = st.integers(1, 3000).map(lambda cents: cents / 100)
users = st.sampled_from([None, 1, 2, "ana"])


def cents(amount: float) -> int:
    return round(amount * 100)


def overlap(one: Json, other: Json) -> bool:
    return bool(one["starts_at"] < other["ends_at"] and other["starts_at"] < one["ends_at"])


class Practice(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.store = self.runner.run(self.stack.enter_async_context(opened()))
        self.tables = self.runner.run(self.store.tables())
        self.rebuilt: Tables = {kind: {} for kind in ENTITIES}
        self.position = self.changes = 0

    def teardown(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()

    def attempt(self, expected: int, verb: str, kind: str, *given: Any) -> Json | None:
        """Do it; `expected` is 200 or the status it is refused with, and then nothing has changed."""
        try:
            answer: Json = self.runner.run(getattr(self.store, verb)(kind, *given))
        except Refused as refused:
            assert refused.status == expected, (verb, kind, given, refused.message)
            assert refused.status == 404 or refused.fields
            assert self.runner.run(self.store.tables()) == self.tables
            return None
        assert expected == 200, (verb, kind, given, answer)
        self.tables = self.runner.run(self.store.tables())
        id = answer[ENTITIES[kind].id_name]
        assert self.tables[kind].get(id) == (None if verb == "delete" else answer)
        return answer

    def there(self, **references: int | None) -> bool:
        """Whether everything that is referred to is there; by kinds, `_` for `-`."""
        return all(id is None or id in self.tables[kind.replace("_", "-")] for kind, id in references.items())

    # What people do

    @initialize()
    def open_the_practice(self) -> None:
        for user in (1, 2):
            self.attempt(200, "create", "pets", {"name": "Luna", "species": "Perro", "user_id": user})
        self.attempt(200, "create", "services", {"name": "Consulta", "price": 25, "duration_minutes": 30})
        for name in ("Ana", "Luis"):
            self.attempt(200, "create", "employees", {"name": name, "role": "Veterinaria"})
        self.reserve(1, 1, 1, MORNING.isoformat())
        self.bill(1, None, None, 30.3)
        self.bill(None, 2, None, 9.99)

    @rule(name=st.sampled_from(["Simón", "Nina"]), user_id=users)
    def bring_a_pet(self, name: str, user_id: int | str | None) -> None:
        self.attempt(200, "create", "pets", {"name": name, "species": "Gato", "user_id": user_id})

    @rule(id=ids, user_id=users)
    def give_a_pet_away(self, id: int, user_id: int | str | None) -> None:
        self.attempt(200 if self.there(pets=id) else 404, "update", "pets", id, {"user_id": user_id})

    @rule(id=ids, active=st.booleans())
    def hire_or_fire(self, id: int, active: bool) -> None:
        self.attempt(200 if self.there(employees=id) else 404, "update", "employees", id, {"active": active})

    @rule(minutes=st.sampled_from([15, 30, 60]))
    def offer(self, minutes: int) -> None:
        self.attempt(200, "create", "services", {"name": "Vacuna", "price": 9.99, "duration_minutes": minutes})

    @rule(pet_id=ids, service_id=ids, employee_id=ids, starts_at=starts)
    def reserve(self, pet_id: int, service_id: int, employee_id: int, starts_at: str) -> None:
        body = {"pet_id": pet_id, "service_id": service_id, "employee_id": employee_id, "starts_at": starts_at}
        expected = 400
        if self.there(pets=pet_id, services=service_id, employees=employee_id):
            lasts = timedelta(minutes=self.tables["services"][service_id]["duration_minutes"])
            ends_at = (datetime.fromisoformat(starts_at) + lasts).isoformat()
            expected = 200 if self.free({**body, "ends_at": ends_at}) and self.works(employee_id) else 409
        self.attempt(expected, "create", "reservations", body)

    @rule(id=ids, service_id=ids)
    def reserve_right_after(self, id: int, service_id: int) -> None:
        if visit := self.tables["reservations"].get(id):
            self.reserve(visit["pet_id"], service_id, visit["employee_id"], visit["ends_at"])

    @rule(id=ids, starts_at=starts)
    def move(self, id: int, starts_at: str) -> None:
        expected = 404
        if visit := self.tables["reservations"].get(id):
            lasts = datetime.fromisoformat(visit["ends_at"]) - datetime.fromisoformat(visit["starts_at"])
            moved = {"starts_at": starts_at, "ends_at": (datetime.fromisoformat(starts_at) + lasts).isoformat()}
            expected = 200 if visit["status"] == "cancelled" or self.free(visit | moved) else 409
        self.attempt(expected, "update", "reservations", id, {"starts_at": starts_at})

    @rule(id=ids, status=st.sampled_from(list(NEXT)))
    def progress(self, id: int, status: str) -> None:
        expected = 404
        if visit := self.tables["reservations"].get(id):
            good = status == visit["status"] or status in NEXT[visit["status"]]
            comes_back = visit["status"] == "cancelled" != status
            expected = 200 if good and (not comes_back or self.free(visit)) else 409
        self.attempt(expected, "update", "reservations", id, {"status": status})

    @rule(pet_id=st.none() | ids, user_id=users, reservation_id=st.none() | ids, amount=amounts)
    def bill(self, pet_id: int | None, user_id: int | str | None, reservation_id: int | None, amount: float) -> None:
        body = {"pet_id": pet_id, "user_id": user_id, "reservation_id": reservation_id, "amount": amount}
        whose = pet_id or reservation_id or user_id
        good = whose and self.there(pets=pet_id, reservations=reservation_id) and self.same(pet_id, reservation_id)
        self.attempt(200 if good else 400, "create", "invoices", body)

    @rule(id=ids, amount=amounts)
    def correct_a_bill(self, id: int, amount: float) -> None:
        expected = 404
        if invoice := self.tables["invoices"].get(id):
            changes = cents(amount) != cents(invoice["total"])
            void = invoice["status"] == "void" and changes
            expected = 409 if void or cents(amount) < cents(invoice["paid"]) else 200
        self.attempt(expected, "update", "invoices", id, {"amount": amount})

    @rule(id=ids, status=st.sampled_from(["open", "void"]))
    def void_or_reopen(self, id: int, status: str) -> None:
        expected = 404
        if invoice := self.tables["invoices"].get(id):
            good = not invoice["paid"] if status == "void" else invoice["status"] != "paid"
            expected = 200 if good else 409
        self.attempt(expected, "update", "invoices", id, {"status": status})

    @rule(invoice_id=ids, amount=amounts)
    def pay(self, invoice_id: int, amount: float) -> None:
        expected = 400
        if invoice := self.tables["invoices"].get(invoice_id):
            expected = 200 if cents(amount) <= cents(invoice["balance"]) else 409
        self.attempt(expected, "create", "payments", {"invoice_id": invoice_id, "amount": amount, "method": "cash"})

    @rule(invoice_id=ids)
    def pay_all(self, invoice_id: int) -> None:
        if (invoice := self.tables["invoices"].get(invoice_id)) and invoice["balance"]:
            body = {"invoice_id": invoice_id, "amount": invoice["balance"], "method": "card"}
            self.attempt(200, "create", "payments", body)
            assert self.tables["invoices"][invoice_id]["status"] == "paid"

    @rule(id=ids, amount=amounts)
    def correct_a_payment(self, id: int, amount: float) -> None:
        expected = 404
        if payment := self.tables["payments"].get(id):
            invoice = self.tables["invoices"][payment["invoice_id"]]
            good = cents(amount) <= cents(invoice["balance"]) + cents(payment["amount"])
            expected = 200 if good else 409
        self.attempt(expected, "update", "payments", id, {"amount": amount})

    @rule(pet_id=ids, employee_id=ids, reservation_id=st.none() | ids)
    def treat(self, pet_id: int, employee_id: int, reservation_id: int | None) -> None:
        body = {"pet_id": pet_id, "employee_id": employee_id, "reservation_id": reservation_id, "diagnosis": "Sano"}
        there = self.there(pets=pet_id, employees=employee_id, reservations=reservation_id)
        good = there and self.same(pet_id, reservation_id)
        self.attempt(200 if good else 400, "create", "medical-history", body)

    @rule(kind=st.sampled_from(KINDS_KEPT), id=ids)
    def remove(self, kind: str, id: int) -> None:
        expected = 404
        if id in self.tables[kind]:
            expected = 409 if self.referred_to(kind, id) else 200
        self.attempt(expected, "delete", kind, id)

    # The rules, a second time

    def works(self, employee_id: int) -> bool:
        return bool(self.tables["employees"][employee_id]["active"])

    def same(self, pet_id: int | None, reservation_id: int | None) -> bool:
        visit = self.tables["reservations"].get(reservation_id or 0)
        return pet_id is None or visit is None or visit["pet_id"] == pet_id

    def free(self, visit: Json) -> bool:
        times = {name: datetime.fromisoformat(visit[name]) for name in ("starts_at", "ends_at")}
        for other in self.tables["reservations"].values():
            shares = other["employee_id"] == visit["employee_id"] or other["pet_id"] == visit["pet_id"]
            its = {name: datetime.fromisoformat(other[name]) for name in ("starts_at", "ends_at")}
            another = other["reservation_id"] != visit.get("reservation_id")
            if shares and another and other["status"] != "cancelled" and overlap(times, its):
                return False
        return True

    def referred_to(self, kind: str, id: int) -> bool:
        name = ENTITIES[kind].id_name
        return any(
            record.get(name) == id
            for other, table in self.tables.items()
            if other not in {kind, "activity-logs"}
            for record in table.values()
        )

    # What always holds

    @invariant()
    def references_never_dangle(self) -> None:
        for entity in ENTITIES.values():
            for record in self.tables[entity.name].values():
                for field, of in entity.references.items():
                    assert record[field] is None or record[field] in self.tables[of]

    @invariant()
    def nobody_is_in_two_places(self) -> None:
        active = [visit for visit in self.tables["reservations"].values() if visit["status"] != "cancelled"]
        for visit in active:
            assert visit["starts_at"] < visit["ends_at"]
            assert self.free(visit)

    @invariant()
    def invoices_are_what_their_payments_make_of_them(self) -> None:
        for id, invoice in self.tables["invoices"].items():
            payments = [one for one in self.tables["payments"].values() if one["invoice_id"] == id]
            paid = sum(cents(one["amount"]) for one in payments)
            assert cents(invoice["paid"]) == paid <= cents(invoice["total"])
            if invoice["status"] == "void":
                assert (invoice["balance"], payments) == (0, [])
            else:
                assert cents(invoice["balance"]) == cents(invoice["total"]) - paid
                assert (invoice["status"] == "paid") == (invoice["balance"] == 0)

    @invariant()
    def the_streams_rebuild_the_tables(self) -> None:
        events = self.runner.run(self.store.events(self.position))
        if events:
            self.position = events[-1].position
        replay(events, self.rebuilt)
        assert self.rebuilt == self.tables
        self.changes += sum(event.topic in KINDS_KEPT for event in events)
        assert self.changes == len(self.tables["activity-logs"])


TestPractice = Practice.TestCase
TestPractice.settings = settings(max_examples=12, stateful_step_count=40, deadline=None)
