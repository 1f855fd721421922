from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("envivo", "0005_products")]

    operations = [
        ops.CreateModel(
            name="Alert",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("reservoir_id", fields.CharField(max_length=40)),
                ("measure", fields.CharField(null=True, max_length=20)),
                ("cause", fields.CharField(max_length=20)),
                ("severity", fields.CharField(max_length=10)),
                ("peak", fields.CharField(max_length=10)),
                ("value", fields.FloatField(null=True)),
                ("threshold", fields.FloatField(null=True)),
                ("raised_at", fields.BigIntField()),
                ("changed_at", fields.BigIntField()),
                ("closed_at", fields.BigIntField(null=True)),
                ("closed_by", fields.CharField(null=True, max_length=20)),
                ("standing", fields.BooleanField(default=True)),
            ],
            options={
                "table": "telemetry_alerts",
                "app": "envivo",
                "indexes": [
                    Index(fields=["standing", "reservoir_id"], name="telemetry_alerts_standing"),
                    Index(fields=["closed_at"], name="telemetry_alerts_closed"),
                ],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
    ]
