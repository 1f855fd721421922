from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("envivo", "0007_clinic")]

    operations = [
        ops.CreateModel(
            name="LogTerm",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("name", fields.CharField(max_length=32)),
                ("after", fields.BigIntField()),
            ],
            options={"table": "log_terms", "app": "envivo", "pk_attr": "id"},
            bases=["Model"],
        ),
        # What named the log so far is the name of its first term.
        ops.RunSQL("INSERT INTO log_terms (name, after) SELECT value, 0 FROM log_state WHERE name = 'epoch'"),
        ops.RunSQL("DELETE FROM log_state WHERE name = 'epoch'"),
    ]
