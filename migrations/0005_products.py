from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("envivo", "0004_bank")]

    operations = [
        ops.CreateModel(
            name="ProductRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("nombre", fields.CharField(max_length=255)),
                ("descripcion", fields.TextField(default="", unique=False)),
                ("precio_cents", fields.BigIntField()),
                ("stock", fields.IntField(default=0)),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.BigIntField()),
                ("updated_at", fields.BigIntField()),
            ],
            options={"table": "products", "app": "envivo", "pk_attr": "id"},
            bases=["Model"],
        ),
    ]
