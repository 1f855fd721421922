from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("envivo", "0011_leases")]

    operations = [
        ops.CreateModel(
            name="DepthRow",
            fields=[
                ("position", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("depth", fields.BigIntField()),
            ],
            options={"table": "event_depths", "app": "envivo", "pk_attr": "position"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ReaderRow",
            fields=[
                ("name", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=160)),
                ("term", fields.CharField(max_length=32)),
                ("position", fields.BigIntField()),
            ],
            options={"table": "readers", "app": "envivo", "pk_attr": "name"},
            bases=["Model"],
        ),
    ]
