"""The tables of the clinic.

Times are ms since the Unix epoch, dates ISO 8601, money is whole cents, users' ids are text. A `version` counts the
changes of a row. What is referred to cannot be deleted.
"""

from tortoise.fields import (
    BigIntField,
    BooleanField,
    CharField,
    FloatField,
    ForeignKeyField,
    ForeignKeyNullableRelation,
    ForeignKeyRelation,
    IntField,
    JSONField,
    OnDelete,
    TextField,
)
from tortoise.indexes import Index
from tortoise.models import Model

from quart_app.domains.clinic.rules import (
    EMAIL_CHARACTERS,
    LABEL_CHARACTERS,
    NAME_CHARACTERS,
    PHONE_CHARACTERS,
    USER_CHARACTERS,
)

_DAY_CHARACTERS = 10


class Kept(Model):
    """The columns that the tables of all records have."""

    id = BigIntField(primary_key=True, generated=True)
    version = IntField()
    created_at = BigIntField()
    updated_at = BigIntField()

    class Meta:
        abstract = True


class Pet(Kept):
    """A pet and its owner."""

    name = CharField(max_length=NAME_CHARACTERS)
    species = CharField(max_length=NAME_CHARACTERS)
    breed = CharField(max_length=NAME_CHARACTERS)
    age = IntField(null=True)
    user_id = CharField(max_length=USER_CHARACTERS, null=True)
    owner_name = CharField(max_length=NAME_CHARACTERS)
    owner_phone = CharField(max_length=PHONE_CHARACTERS)
    notes = TextField()

    class Meta:
        table = "clinic_pets"
        indexes = (Index(fields=("user_id",), name="clinic_pets_user"),)


class Service(Kept):
    """Something that the clinic offers."""

    name = CharField(max_length=NAME_CHARACTERS)
    description = TextField()
    price = BigIntField()
    duration_minutes = IntField()
    active = BooleanField()

    class Meta:
        table = "clinic_services"


class Employee(Kept):
    """Somebody who works at the clinic."""

    name = CharField(max_length=NAME_CHARACTERS)
    role = CharField(max_length=NAME_CHARACTERS)
    email = CharField(max_length=EMAIL_CHARACTERS)
    phone = CharField(max_length=PHONE_CHARACTERS)
    active = BooleanField()

    class Meta:
        table = "clinic_employees"


class Reservation(Kept):
    """The time that a pet, an employee and a service have together."""

    pet: ForeignKeyRelation[Pet] = ForeignKeyField(
        "envivo.Pet", related_name="reservations", on_delete=OnDelete.RESTRICT
    )
    pet_id: int
    service: ForeignKeyRelation[Service] = ForeignKeyField(
        "envivo.Service", related_name="reservations", on_delete=OnDelete.RESTRICT
    )
    service_id: int
    employee: ForeignKeyRelation[Employee] = ForeignKeyField(
        "envivo.Employee", related_name="reservations", on_delete=OnDelete.RESTRICT
    )
    employee_id: int
    starts_at = BigIntField()
    ends_at = BigIntField()
    status = CharField(max_length=16)
    notes = TextField()

    class Meta:
        table = "clinic_reservations"
        indexes = (
            Index(fields=("employee_id", "starts_at"), name="clinic_reservations_employee"),
            Index(fields=("pet_id", "starts_at"), name="clinic_reservations_pet"),
            Index(fields=("service_id",), name="clinic_reservations_service"),
            Index(fields=("starts_at",), name="clinic_reservations_start"),
        )


class Invoice(Kept):
    """What was billed.

    `lines` is `[{description, quantity, unit_price}]`, empty where only the `total` was given; `paid` is the sum of its
    payments.
    """

    pet: ForeignKeyNullableRelation[Pet] = ForeignKeyField(
        "envivo.Pet", related_name="invoices", on_delete=OnDelete.RESTRICT, null=True
    )
    pet_id: int | None
    user_id = CharField(max_length=USER_CHARACTERS, null=True)
    reservation: ForeignKeyNullableRelation[Reservation] = ForeignKeyField(
        "envivo.Reservation", related_name="invoices", on_delete=OnDelete.RESTRICT, null=True
    )
    reservation_id: int | None
    lines = JSONField[list[dict[str, int | str]]]()
    total = BigIntField()
    paid = BigIntField()
    status = CharField(max_length=16)
    issued_at = BigIntField()
    due_on = CharField(max_length=_DAY_CHARACTERS)
    notes = TextField()

    class Meta:
        table = "clinic_invoices"
        indexes = (
            Index(fields=("pet_id",), name="clinic_invoices_pet"),
            Index(fields=("user_id",), name="clinic_invoices_user"),
            Index(fields=("reservation_id",), name="clinic_invoices_reservation"),
            Index(fields=("issued_at",), name="clinic_invoices_issued"),
        )

    @property
    def balance(self) -> int:
        """The cents that are still owed; 0 on a void invoice."""
        return 0 if self.status == "void" else self.total - self.paid


class Payment(Kept):
    """Money that was paid on an invoice."""

    invoice: ForeignKeyRelation[Invoice] = ForeignKeyField(
        "envivo.Invoice", related_name="payments", on_delete=OnDelete.RESTRICT
    )
    invoice_id: int
    amount = BigIntField()
    method = CharField(max_length=16)
    paid_at = BigIntField()
    reference = CharField(max_length=NAME_CHARACTERS)

    class Meta:
        table = "clinic_payments"
        indexes = (
            Index(fields=("invoice_id",), name="clinic_payments_invoice"),
            Index(fields=("paid_at",), name="clinic_payments_paid"),
        )


class MedicalEntry(Kept):
    """An entry in the medical history of a pet."""

    pet: ForeignKeyRelation[Pet] = ForeignKeyField(
        "envivo.Pet", related_name="medical_history", on_delete=OnDelete.RESTRICT
    )
    pet_id: int
    employee: ForeignKeyRelation[Employee] = ForeignKeyField(
        "envivo.Employee", related_name="medical_history", on_delete=OnDelete.RESTRICT
    )
    employee_id: int
    reservation: ForeignKeyNullableRelation[Reservation] = ForeignKeyField(
        "envivo.Reservation", related_name="medical_history", on_delete=OnDelete.RESTRICT, null=True
    )
    reservation_id: int | None
    date = CharField(max_length=_DAY_CHARACTERS)
    diagnosis = TextField()
    treatment = TextField()
    weight = FloatField(null=True)
    notes = TextField()

    class Meta:
        table = "clinic_medical_history"
        indexes = (
            Index(fields=("pet_id", "date"), name="clinic_medical_history_pet"),
            Index(fields=("employee_id",), name="clinic_medical_history_employee"),
            Index(fields=("reservation_id",), name="clinic_medical_history_reserv"),
        )


class Activity(Model):
    """A line of the activity log: who did what to which record, and which fields a change touched."""

    id = BigIntField(primary_key=True, generated=True)
    user_id = CharField(max_length=USER_CHARACTERS)
    username = CharField(max_length=USER_CHARACTERS)
    entity_type = CharField(max_length=32)
    entity_id = BigIntField()
    action = CharField(max_length=16)
    summary = CharField(max_length=LABEL_CHARACTERS)
    changed = JSONField[list[str]]()
    created_at = BigIntField()

    class Meta:
        table = "clinic_activity_logs"
        indexes = (
            Index(fields=("entity_type", "entity_id"), name="clinic_activity_logs_entity"),
            Index(fields=("user_id",), name="clinic_activity_logs_user"),
            Index(fields=("created_at",), name="clinic_activity_logs_time"),
        )
