"""The records of the clinic as REST answers them and as its topics tell of them, by field and type.

A record looks the same however it comes. This file knows neither tables nor sockets.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Action = Literal["created", "updated", "deleted"]
ReservationStatus = Literal["scheduled", "confirmed", "done", "cancelled"]
InvoiceStatus = Literal["open", "paid", "void"]
Method = Literal["cash", "card", "transfer"]

Id = Annotated[int, Meta(ge=1, examples=[1])]
User = Annotated[int | str, Meta(description="a number where it is all digits", examples=[123])]
Amount = Annotated[float, Meta(description="exact, two decimals", examples=[25.5])]
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"}, examples=["2026-03-02T14:30:00.000Z"])]
Day = Annotated[str, Meta(extra_json_schema={"format": "date"}, examples=["2026-03-02"])]


class Record(Struct, frozen=True, kw_only=True):
    """What all records have: `version` counts the changes, and a change may name the one it was made to."""

    version: Annotated[int, Meta(ge=1, examples=[1])]
    created_at: Time
    updated_at: Time


class PetRecord(Record, frozen=True):
    """A pet and its owner."""

    pet_id: Id
    name: Annotated[str, Meta(examples=["Luna"])]
    species: Annotated[str, Meta(examples=["Perro"])]
    breed: Annotated[str, Meta(examples=["Golden Retriever"])]
    age: Annotated[int | None, Meta(description="years", examples=[3])]
    user_id: User | None
    owner_name: str
    owner_phone: str
    notes: str


class ServiceRecord(Record, frozen=True):
    """Something that the clinic offers."""

    service_id: Id
    name: Annotated[str, Meta(examples=["Vacunación"])]
    description: str
    price: Amount
    duration_minutes: Annotated[int, Meta(examples=[30])]
    active: bool


class EmployeeRecord(Record, frozen=True):
    """Somebody who works at the clinic; how to reach them, the staff are told."""

    employee_id: Id
    name: Annotated[str, Meta(examples=["Dra. Valeria Andrade"])]
    role: Annotated[str, Meta(examples=["Veterinaria"])]
    active: bool
    email: str | UnsetType = UNSET
    phone: str | UnsetType = UNSET


class ReservationRecord(Record, frozen=True):
    """The time that a pet, an employee and a service have together."""

    reservation_id: Id
    pet_id: Id
    service_id: Id
    employee_id: Id
    starts_at: Time
    ends_at: Time
    status: ReservationStatus
    notes: str


class InvoiceLine(Struct, frozen=True):
    """A line of an invoice."""

    description: str
    quantity: int
    unit_price: Amount


class InvoiceRecord(Record, frozen=True):
    """An invoice: `user_id` is who was billed; `balance` is `total` less `paid`, nothing on a void one."""

    invoice_id: Id
    pet_id: Id | None
    user_id: User | None
    reservation_id: Id | None
    lines: list[InvoiceLine]
    total: Amount
    paid: Amount
    balance: Amount
    status: InvoiceStatus
    issued_at: Time
    due_on: Day
    notes: str


class PaymentRecord(Record, frozen=True):
    """Money that was paid on an invoice."""

    payment_id: Id
    invoice_id: Id
    amount: Amount
    method: Method
    paid_at: Time
    reference: str


class MedicalRecord(Record, frozen=True):
    """An entry in the medical history of a pet."""

    medical_history_id: Id
    pet_id: Id
    employee_id: Id
    reservation_id: Id | None
    date: Day
    diagnosis: str
    treatment: str
    weight: Annotated[float | None, Meta(description="kg", examples=[12.4])]
    notes: str


class ActivityRecord(Struct, frozen=True):
    """A line of the activity log: who did what to which record.

    `summary` names the record as people do, `changed` the fields of an update.
    """

    activity_log_id: Id
    user_id: User
    username: str
    entity_type: Annotated[str, Meta(examples=["pets"])]
    entity_id: Id
    action: Action
    summary: Annotated[str, Meta(examples=["Luna"])]
    changed: list[str]
    created_at: Time


class Notice(Struct, frozen=True):
    """What the owner of a pet is told: which pet, which record, and what matters of it."""

    pet_name: str | UnsetType = UNSET
    pet_id: Id | UnsetType = UNSET
    reservation_id: Id | UnsetType = UNSET
    invoice_id: Id | UnsetType = UNSET
    payment_id: Id | UnsetType = UNSET
    medical_history_id: Id | UnsetType = UNSET
    starts_at: Time | UnsetType = UNSET
    date: Day | UnsetType = UNSET
    amount: Amount | UnsetType = UNSET
    total: Amount | UnsetType = UNSET
    balance: Amount | UnsetType = UNSET
    status: ReservationStatus | InvoiceStatus | UnsetType = UNSET
