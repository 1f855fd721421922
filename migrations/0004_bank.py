from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("envivo", "0003_telemetry")]

    operations = [
        ops.CreateModel(
            name="Account",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("cedula", fields.CharField(unique=True, max_length=20)),
                ("name", fields.CharField(max_length=100)),
                ("balance", fields.BigIntField()),
                ("created_at", fields.BigIntField()),
            ],
            options={"table": "bank_accounts", "app": "envivo", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Movement",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "envivo.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="movements",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("kind", fields.CharField(max_length=16)),
                ("amount", fields.BigIntField()),
                ("balance", fields.BigIntField()),
                ("at", fields.BigIntField()),
            ],
            options={
                "table": "bank_movements",
                "app": "envivo",
                "indexes": [Index(fields=["account_id", "id"], name="bank_movements_account")],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
    ]
