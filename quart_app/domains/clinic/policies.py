"""The rules of each kind of record that look things up: whose time is taken, what is owed, what belongs to whom.

They run inside the unit of work that makes the change, so what they have seen stays true until it is written.
"""

from datetime import date
from typing import Any, TypeVar, cast

from tortoise.functions import Sum

from quart_app.domains.clinic import rules
from quart_app.domains.clinic.entity import About, Draft, Policy, Writing
from quart_app.domains.clinic.models import Employee, Invoice, MedicalEntry, Payment, Pet, Reservation, Service
from quart_app.realtime import Refused, timestamp, wrong_fields
from quart_app.surroundings import now

Named = TypeVar("Named", Service, Employee)


def _conflict(code: str, **fields: str) -> Refused:
    return wrong_fields(fields, code=code, status=409)


def _wrong(**fields: str) -> Refused:
    return wrong_fields(fields)


class NamedPolicy(Policy[Named]):
    """The policy of kinds that are called by their name and have no other rules."""

    async def about(self, row: Named) -> About:
        return About(row.name)


class PetPolicy(Policy[Pet]):
    """The policy of pets, which are about themselves and belong to their owner."""

    async def about(self, row: Pet) -> About:
        return About(row.name, row, row.user_id)


class ReservationPolicy(Policy[Reservation]):
    """The policy of reservations: neither an employee nor a pet is in two places at once."""

    async def prepare(self, draft: Draft[Reservation]) -> None:
        self._check_active(draft)
        self._set_end(draft)
        self._check_status(draft)
        await self._check_pet(draft)
        times = ("starts_at", "ends_at", "employee_id", "pet_id", "status")
        if draft.value("status") != "cancelled" and draft.changes(*times):
            await self._check_free(draft, "employee_id")
            await self._check_free(draft, "pet_id")

    async def about(self, row: Reservation) -> About:
        pet = await Pet.get(id=row.pet_id)
        return About(f"{pet.name} · {timestamp(row.starts_at)[:16].replace('T', ' ')}", pet, pet.user_id)

    @staticmethod
    def _check_active(draft: Draft[Reservation]) -> None:
        for name in ("service_id", "employee_id"):
            if draft.changes(name) and not draft.related[name].active:
                raise _conflict("inactive", **{name: f"{draft.related[name].name} is not active"})

    @staticmethod
    def _set_end(draft: Draft[Reservation]) -> None:
        starts_at = draft.value("starts_at")
        if "ends_at" not in draft.fields and draft.changes("starts_at", "service_id"):
            row = draft.row
            lasts = draft.related["service_id"].duration_minutes * rules.MINUTE
            if row is not None and not draft.changes("service_id"):
                lasts = row.ends_at - row.starts_at
            draft.fields["ends_at"] = starts_at + lasts
        if not 0 < draft.value("ends_at") - starts_at <= rules.LONGEST:
            raise _wrong(ends_at=f"after starts_at, {rules.MINUTES_LIMIT // 60} hours later at most")

    @staticmethod
    def _check_status(draft: Draft[Reservation]) -> None:
        if draft.row is None or not draft.changes("status"):
            return
        allowed = rules.STATUS_AFTER[draft.row.status]
        if draft.fields["status"] not in allowed:
            may_be = ", ".join(sorted(allowed))
            raise _conflict("invalid_transition", status=f"after {draft.row.status} it can be {may_be}")

    @staticmethod
    async def _check_pet(draft: Draft[Reservation]) -> None:
        if draft.row is None or not draft.changes("pet_id"):
            return
        for name, model in (("invoices", Invoice), ("medical-history", MedicalEntry)):
            if await model.filter(reservation_id=draft.row.id).exists():
                raise _conflict("in_use", pet_id=f"{name} of this reservation are about the pet it has")

    @staticmethod
    async def _check_free(draft: Draft[Reservation], name: str) -> None:
        starts_at, ends_at = draft.value("starts_at"), draft.value("ends_at")
        # The lower bound says nothing new: it lets the index end the search.
        others = Reservation.filter(
            starts_at__lt=ends_at, ends_at__gt=starts_at, starts_at__gt=starts_at - rules.LONGEST
        ).exclude(status="cancelled")
        if draft.row is not None:
            others = others.exclude(id=draft.row.id)
        taken = await others.filter(**{name: draft.value(name)}).order_by("starts_at").first()
        if taken is not None:
            until = f"from {timestamp(taken.starts_at)} to {timestamp(taken.ends_at)}"
            raise _conflict(
                "overlap", **{name: f"{draft.related[name].name} has reservation {taken.id} {until}, which overlaps"}
            )


async def _settle_pet(draft: Draft[Invoice] | Draft[MedicalEntry]) -> None:
    """Give a record that has a reservation the reservation's pet. Raise Refused where it names another."""
    reservation = draft.related.get("reservation_id")
    if reservation is None:
        return
    if draft.value("pet_id") is None:
        draft.fields["pet_id"] = reservation.pet_id
        draft.related["pet_id"] = await Pet.get(id=reservation.pet_id)
    elif draft.value("pet_id") != reservation.pet_id:
        raise _wrong(reservation_id=f"reservation {reservation.id} is of another pet")


class InvoicePolicy(Policy[Invoice]):
    """The policy of invoices: what is owed is the total less the payments, and never negative.

    The payments decide whether an invoice is paid.
    """

    async def prepare(self, draft: Draft[Invoice]) -> None:
        await _settle_pet(draft)
        self._settle_user(draft)
        self._settle_total(draft)
        self._settle_dates(draft)
        row = draft.row
        paid = row.paid if row is not None else 0
        wanted = draft.fields.pop("status", row.status if row is not None else "open")
        if wanted == "void":
            self._check_void(draft, paid)
        else:
            settled = "paid" if paid == draft.value("total") else "open"
            if row is not None and wanted not in {row.status, settled}:
                raise _conflict("invalid_transition", status=f"it is {settled}: that depends on the payments alone")
            wanted = settled
        draft.fields.update(status=wanted, paid=paid)

    async def about(self, row: Invoice) -> About:
        pet = None if row.pet_id is None else await Pet.get(id=row.pet_id)
        whose = pet.name if pet is not None else row.user_id
        return About(f"{whose} · {_money(row.total)}", pet, row.user_id)

    @staticmethod
    def _settle_user(draft: Draft[Invoice]) -> None:
        unsaid = draft.value("user_id") is None if draft.row is None else "user_id" not in draft.fields
        if unsaid and draft.changes("pet_id") and (pet := draft.related.get("pet_id")):
            draft.fields["user_id"] = pet.user_id
        if draft.value("pet_id") is None and draft.value("user_id") is None:
            reason = "an invoice is for a pet or for a user"
            raise _wrong(pet_id=reason, user_id=reason)

    @staticmethod
    def _settle_total(draft: Draft[Invoice]) -> None:
        lines, amount = draft.fields.get("lines"), draft.fields.pop("amount", None)
        if lines is not None and amount is not None:
            raise _wrong(amount="left out where there are lines")
        if lines is not None:
            draft.fields["total"] = rules.total_of(lines)
        elif amount is not None:
            draft.fields.update(lines=[], total=amount)
        elif draft.row is None:
            raise _wrong(lines="at least one, or an amount")
        field = "amount" if amount is not None else "lines"
        if not 0 < draft.value("total") <= rules.AMOUNT_LIMIT * 100:
            raise _wrong(**{field: f"more than nothing, at most {rules.AMOUNT_LIMIT:,} in all"})
        row = draft.row
        if row is not None and draft.value("total") < row.paid:
            raise _conflict("less_than_paid", **{field: f"{_money(row.paid)} of it is paid already"})
        if row is not None and row.status == "void" and draft.changes("total", "lines"):
            raise _conflict("void", **{field: "it is void"})

    @staticmethod
    def _settle_dates(draft: Draft[Invoice]) -> None:
        if draft.value("issued_at") is None:
            draft.fields["issued_at"] = now()
        issued_on = rules.day_of(draft.value("issued_at"))
        if draft.value("due_on") is None:
            draft.fields["due_on"] = (issued_on + rules.DUE_AFTER).isoformat()
        if draft.changes("due_on", "issued_at") and draft.value("due_on") < issued_on.isoformat():
            raise _wrong(due_on="not before it is issued")

    @staticmethod
    def _check_void(draft: Draft[Invoice], paid: int) -> None:
        if paid:
            raise _conflict("paid", status=f"{_money(paid)} of it is paid: take the payments back first")
        if draft.row is None:
            raise _wrong(status="a new invoice is open")


class PaymentPolicy(Policy[Payment]):
    """The policy of payments: nobody pays more than is owed."""

    async def prepare(self, draft: Draft[Payment]) -> None:
        invoice: Any = draft.related["invoice_id"]
        if draft.value("paid_at") is None:
            draft.fields["paid_at"] = now()
        owed = invoice.balance + (draft.row.amount if draft.row is not None else 0)
        if invoice.status == "void":
            raise _conflict("void", invoice_id=f"invoice {invoice.id} is void")
        if draft.value("amount") > owed:
            raise _conflict("more_than_owed", amount=f"{_money(owed)} is owed")

    async def about(self, row: Payment) -> About:
        invoice = await Invoice.get(id=row.invoice_id)
        pet = None if invoice.pet_id is None else await Pet.get(id=invoice.pet_id)
        return About(f"{_money(row.amount)} · #{invoice.id}", pet, invoice.user_id)

    async def follow(self, row: Payment, writing: Writing) -> None:
        """Let the invoice become what its payments make of it."""
        payments = Payment.filter(invoice_id=row.invoice_id)
        [found] = cast("list[int | None]", await payments.annotate(sum=Sum("amount")).values_list("sum", flat=True))
        paid = int(found or 0)  # PostgreSQL adds whole numbers up to a decimal
        invoice = await Invoice.get(id=row.invoice_id)
        status = "paid" if paid == invoice.total else "open"
        await writing.update("invoices", invoice, {"paid": paid, "status": status})


class MedicalPolicy(Policy[MedicalEntry]):
    """The policy of the medical history: an entry is about its reservation's pet, and of today unless it says when."""

    async def prepare(self, draft: Draft[MedicalEntry]) -> None:
        await _settle_pet(draft)
        if draft.value("date") is None:
            draft.fields["date"] = self._today().isoformat()

    async def about(self, row: MedicalEntry) -> About:
        pet = await Pet.get(id=row.pet_id)
        diagnosis = " ".join(row.diagnosis.split())
        return About(f"{pet.name} · {diagnosis}"[: rules.LABEL_CHARACTERS], pet, pet.user_id)

    @staticmethod
    def _today() -> date:
        return rules.day_of(now())


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
