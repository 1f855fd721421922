from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("envivo", "0008_terms")]

    operations = [
        ops.AddField(model_name="IdempotencyRow", name="fingerprint", field=fields.CharField(null=True, max_length=32)),
    ]
