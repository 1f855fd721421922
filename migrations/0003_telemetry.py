from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("envivo", "0002_chat")]

    operations = [
        ops.CreateModel(
            name="Reading",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("reservoir_id", fields.CharField(max_length=40)),
                ("temperature", fields.FloatField()),
                ("ph", fields.FloatField()),
                ("conductivity", fields.FloatField()),
                ("water_level", fields.FloatField()),
                ("at", fields.BigIntField()),
            ],
            options={
                "table": "readings",
                "app": "envivo",
                "indexes": [
                    Index(fields=["reservoir_id", "at"], name="readings_reservoir"),
                    Index(fields=["at"], name="readings_at"),
                ],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
    ]
