"""What is told of the clinic: changes of records, notices to pets' owners, and the topics that carry them.

This file knows neither tables nor sockets.
"""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from quart_app.domains.clinic.shapes import (
    Action,
    ActivityRecord,
    EmployeeRecord,
    InvoiceRecord,
    MedicalRecord,
    Notice,
    PaymentRecord,
    PetRecord,
    ReservationRecord,
    ServiceRecord,
)
from quart_app.realtime import Kind, MessageShape, TopicShape

UPDATE: Final = "realtime_update"
NOTIFICATION: Final = "notification"
USERS: Final = "user/"


def user_topic(user_id: str) -> str:
    """Return the topic of a user's notices."""
    return USERS + user_id


_SPOKEN = (
    MessageShape(
        "test",
        "Any JSON object with a `type` is validated and acknowledged with `ack`; it changes nothing.",
        fields={"message": Any},
    ),
)
_HEARD = MessageShape("ack", "A client's message was well-formed.", fields={"received": str})


def _records(name: str, record: type[Struct], summary: str, action: Any = Action) -> TopicShape:
    update = MessageShape(UPDATE, summary, data=record, fields={"entity_type": Literal[name], "action": action})
    return TopicShape(name, summary, Kind.DURABLE, (update, _HEARD), _SPOKEN)


TOPICS: Final = (
    _records("pets", PetRecord, "A pet came, changed or went; `data` is all of it."),
    _records("reservations", ReservationRecord, "A reservation was made, changed or removed."),
    _records("payments", PaymentRecord, "A payment was taken, corrected or taken back."),
    _records("invoices", InvoiceRecord, "An invoice was written, changed (its payments do it too) or removed."),
    _records("medical-history", MedicalRecord, "An entry of a pet's medical history."),
    _records("services", ServiceRecord, "What the clinic offers."),
    _records("employees", EmployeeRecord, "Who works here."),
    _records("activity-logs", ActivityRecord, "A line for every change of a record.", Literal["created"]),
    TopicShape(
        "user/{user_id}",
        "What concerns one user: the records of their pets.",
        Kind.DURABLE,
        (
            MessageShape(
                NOTIFICATION,
                "A record that belongs to the user has changed.",
                data=Notice,
                fields={
                    "notification_type": Annotated[str, Meta(examples=["pet_created"])],
                    "user_id": Annotated[str, Meta(examples=["123"])],
                },
            ),
            _HEARD,
        ),
        _SPOKEN,
    ),
)
