from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("envivo", "0001_initial")]

    operations = [
        ops.CreateModel(
            name="Room",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("name", fields.CharField(unique=True, max_length=80)),
                ("description", fields.CharField(default="", max_length=200)),
                ("created_at", fields.BigIntField()),
            ],
            options={"table": "chat_rooms", "app": "envivo", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RoomMember",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "room",
                    fields.ForeignKeyField(
                        "envivo.Room",
                        source_field="room_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="members",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("user_id", fields.TextField(unique=False)),
                ("username", fields.TextField(unique=False)),
                ("last_seen", fields.BigIntField()),
                ("last_read", fields.BigIntField(default=0)),
            ],
            options={
                "table": "chat_members",
                "app": "envivo",
                "unique_together": (("room_id", "user_id"),),
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RoomMessage",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "room",
                    fields.ForeignKeyField(
                        "envivo.Room",
                        source_field="room_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="messages",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("user_id", fields.TextField(unique=False)),
                ("username", fields.TextField(unique=False)),
                ("content", fields.TextField(unique=False)),
                ("created_at", fields.BigIntField()),
                ("position", fields.BigIntField()),
            ],
            options={
                "table": "chat_messages",
                "app": "envivo",
                "indexes": [Index(fields=["room_id", "id"], name="chat_messages_room")],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
    ]
