from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="EventRow",
            fields=[
                ("position", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("topic", fields.CharField(max_length=128)),
                ("type", fields.CharField(max_length=64)),
                ("fields", fields.TextField(unique=False)),
                ("at", fields.BigIntField()),
                ("hidden_from", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "event_log",
                "app": "envivo",
                "indexes": [Index(fields=["topic", "position"], name="event_log_topic")],
                "pk_attr": "position",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="IdempotencyRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("scope", fields.CharField(max_length=255)),
                ("key", fields.CharField(max_length=255)),
                ("answer", fields.TextField(unique=False)),
                ("created_at", fields.BigIntField()),
            ],
            options={
                "table": "idempotency_keys",
                "app": "envivo",
                "unique_together": (("scope", "key"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LogState",
            fields=[
                ("name", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=16)),
                ("value", fields.TextField(unique=False)),
            ],
            options={"table": "log_state", "app": "envivo", "pk_attr": "name"},
            bases=["Model"],
        ),
    ]
