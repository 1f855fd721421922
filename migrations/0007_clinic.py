import functools
from json import dumps, loads

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("envivo", "0006_alerts")]

    operations = [
        ops.CreateModel(
            name="Activity",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("user_id", fields.CharField(max_length=64)),
                ("username", fields.CharField(max_length=64)),
                ("entity_type", fields.CharField(max_length=32)),
                ("entity_id", fields.BigIntField()),
                ("action", fields.CharField(max_length=16)),
                ("summary", fields.CharField(max_length=200)),
                (
                    "changed",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")),
                        decoder=loads,
                    ),
                ),
                ("created_at", fields.BigIntField()),
            ],
            options={
                "table": "clinic_activity_logs",
                "app": "envivo",
                "indexes": [
                    Index(fields=["entity_type", "entity_id"], name="clinic_activity_logs_entity"),
                    Index(fields=["user_id"], name="clinic_activity_logs_user"),
                    Index(fields=["created_at"], name="clinic_activity_logs_time"),
                ],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Employee",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("version", fields.IntField()),
                ("created_at", fields.BigIntField()),
                ("updated_at", fields.BigIntField()),
                ("name", fields.CharField(max_length=80)),
                ("role", fields.CharField(max_length=80)),
                ("email", fields.CharField(max_length=254)),
                ("phone", fields.CharField(max_length=30)),
                ("active", fields.BooleanField()),
            ],
            options={
                "table": "clinic_employees",
                "app": "envivo",
                "pk_attr": "id",
            },
            bases=["Kept"],
        ),
        ops.CreateModel(
            name="Pet",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("version", fields.IntField()),
                ("created_at", fields.BigIntField()),
                ("updated_at", fields.BigIntField()),
                ("name", fields.CharField(max_length=80)),
                ("species", fields.CharField(max_length=80)),
                ("breed", fields.CharField(max_length=80)),
                ("age", fields.IntField(null=True)),
                ("user_id", fields.CharField(null=True, max_length=64)),
                ("owner_name", fields.CharField(max_length=80)),
                ("owner_phone", fields.CharField(max_length=30)),
                ("notes", fields.TextField(unique=False)),
            ],
            options={
                "table": "clinic_pets",
                "app": "envivo",
                "indexes": [Index(fields=["user_id"], name="clinic_pets_user")],
                "pk_attr": "id",
            },
            bases=["Kept"],
        ),
        ops.CreateModel(
            name="Service",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("version", fields.IntField()),
                ("created_at", fields.BigIntField()),
                ("updated_at", fields.BigIntField()),
                ("name", fields.CharField(max_length=80)),
                ("description", fields.TextField(unique=False)),
                ("price", fields.BigIntField()),
                ("duration_minutes", fields.IntField()),
                ("active", fields.BooleanField()),
            ],
            options={
                "table": "clinic_services",
                "app": "envivo",
                "pk_attr": "id",
            },
            bases=["Kept"],
        ),
        ops.CreateModel(
            name="Reservation",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("version", fields.IntField()),
                ("created_at", fields.BigIntField()),
                ("updated_at", fields.BigIntField()),
                (
                    "pet",
                    fields.ForeignKeyField(
                        "envivo.Pet",
                        source_field="pet_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="reservations",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "service",
                    fields.ForeignKeyField(
                        "envivo.Service",
                        source_field="service_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="reservations",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "employee",
                    fields.ForeignKeyField(
                        "envivo.Employee",
                        source_field="employee_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="reservations",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("starts_at", fields.BigIntField()),
                ("ends_at", fields.BigIntField()),
                ("status", fields.CharField(max_length=16)),
                ("notes", fields.TextField(unique=False)),
            ],
            options={
                "table": "clinic_reservations",
                "app": "envivo",
                "indexes": [
                    Index(fields=["employee_id", "starts_at"], name="clinic_reservations_employee"),
                    Index(fields=["pet_id", "starts_at"], name="clinic_reservations_pet"),
                    Index(fields=["service_id"], name="clinic_reservations_service"),
                    Index(fields=["starts_at"], name="clinic_reservations_start"),
                ],
                "pk_attr": "id",
            },
            bases=["Kept"],
        ),
        ops.CreateModel(
            name="Invoice",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("version", fields.IntField()),
                ("created_at", fields.BigIntField()),
                ("updated_at", fields.BigIntField()),
                (
                    "pet",
                    fields.ForeignKeyField(
                        "envivo.Pet",
                        source_field="pet_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="invoices",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("user_id", fields.CharField(null=True, max_length=64)),
                (
                    "reservation",
                    fields.ForeignKeyField(
                        "envivo.Reservation",
                        source_field="reservation_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="invoices",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "lines",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")),
                        decoder=loads,
                    ),
                ),
                ("total", fields.BigIntField()),
                ("paid", fields.BigIntField()),
                ("status", fields.CharField(max_length=16)),
                ("issued_at", fields.BigIntField()),
                ("due_on", fields.CharField(max_length=10)),
                ("notes", fields.TextField(unique=False)),
            ],
            options={
                "table": "clinic_invoices",
                "app": "envivo",
                "indexes": [
                    Index(fields=["pet_id"], name="clinic_invoices_pet"),
                    Index(fields=["user_id"], name="clinic_invoices_user"),
                    Index(fields=["reservation_id"], name="clinic_invoices_reservation"),
                    Index(fields=["issued_at"], name="clinic_invoices_issued"),
                ],
                "pk_attr": "id",
            },
            bases=["Kept"],
        ),
        ops.CreateModel(
            name="MedicalEntry",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("version", fields.IntField()),
                ("created_at", fields.BigIntField()),
                ("updated_at", fields.BigIntField()),
                (
                    "pet",
                    fields.ForeignKeyField(
                        "envivo.Pet",
                        source_field="pet_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="medical_history",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "employee",
                    fields.ForeignKeyField(
                        "envivo.Employee",
                        source_field="employee_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="medical_history",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "reservation",
                    fields.ForeignKeyField(
                        "envivo.Reservation",
                        source_field="reservation_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="medical_history",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("date", fields.CharField(max_length=10)),
                ("diagnosis", fields.TextField(unique=False)),
                ("treatment", fields.TextField(unique=False)),
                ("weight", fields.FloatField(null=True)),
                ("notes", fields.TextField(unique=False)),
            ],
            options={
                "table": "clinic_medical_history",
                "app": "envivo",
                "indexes": [
                    Index(fields=["pet_id", "date"], name="clinic_medical_history_pet"),
                    Index(fields=["employee_id"], name="clinic_medical_history_employee"),
                    Index(fields=["reservation_id"], name="clinic_medical_history_reserv"),
                ],
                "pk_attr": "id",
            },
            bases=["Kept"],
        ),
        ops.CreateModel(
            name="Payment",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("version", fields.IntField()),
                ("created_at", fields.BigIntField()),
                ("updated_at", fields.BigIntField()),
                (
                    "invoice",
                    fields.ForeignKeyField(
                        "envivo.Invoice",
                        source_field="invoice_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="payments",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("amount", fields.BigIntField()),
                ("method", fields.CharField(max_length=16)),
                ("paid_at", fields.BigIntField()),
                ("reference", fields.CharField(max_length=80)),
            ],
            options={
                "table": "clinic_payments",
                "app": "envivo",
                "indexes": [
                    Index(fields=["invoice_id"], name="clinic_payments_invoice"),
                    Index(fields=["paid_at"], name="clinic_payments_paid"),
                ],
                "pk_attr": "id",
            },
            bases=["Kept"],
        ),
    ]
