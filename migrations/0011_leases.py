from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("envivo", "0010_sessions")]

    operations = [
        ops.CreateModel(
            name="LeaseRow",
            fields=[
                ("name", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=160)),
                ("holder", fields.CharField(max_length=40)),
                ("term", fields.BigIntField()),
                ("expires_at", fields.BigIntField()),
            ],
            options={"table": "leases", "app": "envivo", "pk_attr": "name"},
            bases=["Model"],
        ),
    ]
