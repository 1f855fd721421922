"""What clients may send to the clinic, by field and type: new records, changes of them, questions for lists.

A change has the fields of the new record, all optional. What a shape cannot say, `rules.FIELDS` checks.
"""

from datetime import date, datetime
from typing import Annotated, Any, get_type_hints

from msgspec import UNSET, Meta, Struct, UnsetType, defstruct, field

from quart_app.domains.clinic import rules
from quart_app.domains.clinic.shapes import InvoiceStatus, Method, ReservationStatus
from quart_app.realtime.limits import KEY_CHARACTERS, LARGEST_ID

Id = Annotated[int, Meta(ge=1, le=LARGEST_ID, examples=[1], extra={"words": "the id of a record"})]
Name = Annotated[str, Meta(min_length=1, max_length=rules.NAME_CHARACTERS)]
Line = Annotated[str, Meta(max_length=rules.NAME_CHARACTERS)]
Text = Annotated[str, Meta(max_length=rules.TEXT_CHARACTERS)]
Phone = Annotated[str, Meta(max_length=rules.PHONE_CHARACTERS, examples=["+593 99 123 4567"])]
Email = Annotated[str, Meta(max_length=rules.EMAIL_CHARACTERS, examples=["valeria@clinica.ec"])]
UserId = (
    Annotated[int, Meta(ge=0, le=10**15 - 1, extra={"words": "a whole number"})]
    | Annotated[
        str,
        Meta(
            min_length=1,
            max_length=rules.USER_CHARACTERS,
            description="letters, digits, _ . and -",
            extra={"words": f"1 to {rules.USER_CHARACTERS} letters, digits, _ . and -"},
        ),
    ]
)
Money = Annotated[float, Meta(ge=0, le=rules.AMOUNT_LIMIT, description="at most two decimals", examples=[25.5])]
Paid = Annotated[float, Meta(gt=0, le=rules.AMOUNT_LIMIT, description="at most two decimals", examples=[25.5])]
Moment = Annotated[datetime, Meta(tz=True, description="from 1990 to 2100", examples=["2026-03-02T14:30:00Z"])]
Day = Annotated[date, Meta(description="from 1990 to 2100", examples=["2026-03-02"])]
Minutes = Annotated[int, Meta(ge=5, le=rules.MINUTES_LIMIT, examples=[30])]
Age = Annotated[int, Meta(ge=0, le=rules.AGE_LIMIT, description="years")]
Weight = Annotated[float, Meta(ge=0.001, le=rules.WEIGHT_LIMIT, description="kg")]
Quantity = Annotated[int, Meta(ge=1, le=rules.QUANTITY_LIMIT)]


class NewPet(Struct, frozen=True, forbid_unknown_fields=True):
    """A new pet; `user_id` is the owner, who is told of everything that concerns it."""

    name: Annotated[Name, Meta(examples=["Luna"])]
    species: Annotated[Name, Meta(examples=["Perro"])]
    breed: Annotated[Line, Meta(examples=["Golden Retriever"])] = ""
    age: Age | None = None
    user_id: UserId | None = None
    owner_name: Line = ""
    owner_phone: Phone = ""
    notes: Text = ""


class NewService(Struct, frozen=True, forbid_unknown_fields=True):
    """A new service of the clinic."""

    name: Annotated[Name, Meta(examples=["Vacunación"])]
    price: Money
    duration_minutes: Minutes
    description: Text = ""
    active: bool = True


class NewEmployee(Struct, frozen=True, forbid_unknown_fields=True):
    """A new employee of the clinic."""

    name: Annotated[Name, Meta(examples=["Dra. Valeria Andrade"])]
    role: Annotated[Name, Meta(examples=["Veterinaria"])]
    email: Email = ""
    phone: Phone = ""
    active: bool = True


class NewReservation(Struct, frozen=True, forbid_unknown_fields=True):
    """A new reservation; without `ends_at` it lasts as long as the service does."""

    pet_id: Id
    service_id: Id
    employee_id: Id
    starts_at: Moment
    ends_at: Moment | None = None
    status: ReservationStatus = "scheduled"
    notes: Text = ""


class NewInvoiceLine(Struct, frozen=True, forbid_unknown_fields=True):
    """A line of an invoice."""

    description: Name
    unit_price: Money
    quantity: Quantity = 1


class NewInvoice(Struct, frozen=True, forbid_unknown_fields=True):
    """A new invoice for a pet, a user or both, by `lines` or by one `amount`.

    A reservation says which pet the invoice is for, and a pet whose it is.
    """

    pet_id: Id | None = None
    user_id: UserId | None = None
    reservation_id: Id | None = None
    lines: Annotated[list[NewInvoiceLine], Meta(min_length=1, max_length=rules.LINES)] | None = None
    amount: Paid | None = None
    issued_at: Moment | None = None
    due_on: Day | None = None
    notes: Text = ""


class NewPayment(Struct, frozen=True, forbid_unknown_fields=True):
    """A new payment, never more than what is owed; `paid_at` is now where nothing is said."""

    invoice_id: Id
    amount: Paid
    method: Method
    paid_at: Moment | None = None
    reference: Line = ""


class NewMedicalEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A new entry in a pet's medical history; `date` is today (UTC) where nothing is said."""

    pet_id: Id
    employee_id: Id
    diagnosis: Annotated[str, Meta(min_length=1, max_length=rules.TEXT_CHARACTERS)]
    reservation_id: Id | None = None
    date: Day | None = None
    treatment: Text = ""
    weight: Weight | None = None
    notes: Text = ""


def change_of(new: type[Struct], *, fixed: str = "", **more: Any) -> type[Struct]:
    """Return the shape of a change: `version`, `more` and the fields of `new` except the `fixed` one, all optional."""
    version = Annotated[int, Meta(ge=1, description="the one this change was made to; refused where it is older")]
    shapes = {**get_type_hints(new, include_extras=True), **more, "version": version}
    optional = [(name, shape | UnsetType, UNSET) for name, shape in shapes.items() if name != fixed]
    made = defstruct(
        f"{new.__name__.removeprefix('New')}Change",
        optional,
        frozen=True,
        forbid_unknown_fields=True,
        kw_only=True,
        module=__name__,
    )
    made.__doc__ = "The fields that are given change."
    return made


PetChange = change_of(NewPet)
ServiceChange = change_of(NewService)
EmployeeChange = change_of(NewEmployee)
ReservationChange = change_of(NewReservation)
InvoiceChange = change_of(NewInvoice, status=InvoiceStatus)
PaymentChange = change_of(NewPayment, fixed="invoice_id")
MedicalEntryChange = change_of(NewMedicalEntry)


class Once(Struct, frozen=True):
    """The headers of a change."""

    key: (
        Annotated[
            str,
            Meta(min_length=1, max_length=KEY_CHARACTERS, description="Your own name for the change: done once"),
        ]
        | None
    ) = field(name="Idempotency-Key", default=None)


class RecordQuery(Struct, frozen=True, kw_only=True):
    """The query of every list; `after` is the id that the page before ended with."""

    limit: Annotated[int, Meta(ge=1, le=rules.PAGE_LIMIT)] = rules.PAGE_DEFAULT
    after: Id | None = None


Search = Annotated[str, Meta(max_length=rules.NAME_CHARACTERS, description="a part of the name")]
User = Annotated[str, Meta(max_length=rules.USER_CHARACTERS)]


class PetQuery(RecordQuery, frozen=True, kw_only=True):
    """The query of `GET /api/pets`."""

    q: Search | None = None
    of_user: User | None = None
    species: Line | None = None


class ServiceQuery(RecordQuery, frozen=True, kw_only=True):
    """The query of `GET /api/services`."""

    q: Search | None = None
    active: bool | None = None


class EmployeeQuery(RecordQuery, frozen=True, kw_only=True):
    """The query of `GET /api/employees`."""

    q: Search | None = None
    role: Line | None = None
    active: bool | None = None


class ReservationQuery(RecordQuery, frozen=True, kw_only=True):
    """The query of `GET /api/reservations`, for those that touch the time `from` … `to`."""

    pet_id: Id | None = None
    service_id: Id | None = None
    employee_id: Id | None = None
    of_user: User | None = None
    status: ReservationStatus | None = None
    from_: Moment | None = field(name="from", default=None)
    to: Moment | None = None


class InvoiceQuery(RecordQuery, frozen=True, kw_only=True):
    """The query of `GET /api/invoices`, for those issued `from` … before `to`."""

    pet_id: Id | None = None
    of_user: User | None = None
    reservation_id: Id | None = None
    status: InvoiceStatus | None = None
    from_: Moment | None = field(name="from", default=None)
    to: Moment | None = None


class PaymentQuery(RecordQuery, frozen=True, kw_only=True):
    """The query of `GET /api/payments`, for those paid `from` … before `to`."""

    invoice_id: Id | None = None
    of_user: User | None = None
    method: Method | None = None
    from_: Moment | None = field(name="from", default=None)
    to: Moment | None = None


class MedicalQuery(RecordQuery, frozen=True, kw_only=True):
    """The query of `GET /api/medical-history`, for entries dated `from` … `to`, both included."""

    pet_id: Id | None = None
    employee_id: Id | None = None
    reservation_id: Id | None = None
    of_user: User | None = None
    from_: Day | None = field(name="from", default=None)
    to: Day | None = None


class ActivityQuery(RecordQuery, frozen=True, kw_only=True):
    """The query of `GET /api/activity-logs`, for lines written `from` … before `to`."""

    entity_type: Annotated[str, Meta(max_length=32, examples=["pets"])] | None = None
    entity_id: Id | None = None
    of_user: User | None = None
    action: Annotated[str, Meta(max_length=16, examples=["created"])] | None = None
    from_: Moment | None = field(name="from", default=None)
    to: Moment | None = None


class ClinicMessage(Struct, frozen=True):
    """What a client says on one of the clinic's topics."""

    type: Annotated[str, Meta(min_length=1, max_length=64)]
