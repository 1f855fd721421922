from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("envivo", "0009_fingerprint")]

    operations = [
        ops.CreateModel(
            name="Revocation",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("kind", fields.CharField(max_length=8)),
                ("name", fields.CharField(max_length=64)),
                ("at", fields.BigIntField()),
            ],
            options={"table": "revocations", "app": "envivo", "unique_together": (("kind", "name"),), "pk_attr": "id"},
            bases=["Model"],
        ),
    ]
