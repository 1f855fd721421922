"""The eight kinds of record of the clinic, and nothing of how they are kept and served."""

from collections.abc import Mapping
from typing import Any, Final

from quart_app.domains.clinic import models, policies, requests, shapes
from quart_app.domains.clinic.entity import Entity

PETS: Final = Entity(
    name="pets",
    singular="pet",
    called="a pet",
    model=models.Pet,
    record=shapes.PetRecord,
    new=requests.NewPet,
    change=requests.PetChange,
    query=requests.PetQuery,
    lookups={"q": "name__icontains", "of_user": "user_id", "species": "species"},
    policy=policies.PetPolicy(),
)
SERVICES: Final = Entity(
    name="services",
    singular="service",
    called="a service",
    model=models.Service,
    record=shapes.ServiceRecord,
    new=requests.NewService,
    change=requests.ServiceChange,
    query=requests.ServiceQuery,
    lookups={"q": "name__icontains", "active": "active"},
    readers="everybody",
    policy=policies.NamedPolicy[models.Service](),
)
EMPLOYEES: Final = Entity(
    name="employees",
    singular="employee",
    called="an employee",
    model=models.Employee,
    record=shapes.EmployeeRecord,
    new=requests.NewEmployee,
    change=requests.EmployeeChange,
    query=requests.EmployeeQuery,
    lookups={"q": "name__icontains", "role": "role", "active": "active"},
    private=("email", "phone"),
    readers="everybody",
    policy=policies.NamedPolicy[models.Employee](),
)
RESERVATIONS: Final = Entity(
    name="reservations",
    singular="reservation",
    called="a reservation",
    model=models.Reservation,
    record=shapes.ReservationRecord,
    new=requests.NewReservation,
    change=requests.ReservationChange,
    query=requests.ReservationQuery,
    references={"pet_id": "pets", "service_id": "services", "employee_id": "employees"},
    lookups={
        "pet_id": "pet_id",
        "service_id": "service_id",
        "employee_id": "employee_id",
        "of_user": "pet__user_id",
        "status": "status",
        "from": "ends_at__gt",
        "to": "starts_at__lt",
    },
    noticed=("reservation_id", "starts_at", "status"),
    policy=policies.ReservationPolicy(),
)
INVOICES: Final = Entity(
    name="invoices",
    singular="invoice",
    called="an invoice",
    model=models.Invoice,
    record=shapes.InvoiceRecord,
    new=requests.NewInvoice,
    change=requests.InvoiceChange,
    query=requests.InvoiceQuery,
    references={"pet_id": "pets", "reservation_id": "reservations"},
    lookups={
        "pet_id": "pet_id",
        "of_user": "user_id",
        "reservation_id": "reservation_id",
        "status": "status",
        "from": "issued_at__gte",
        "to": "issued_at__lt",
    },
    noticed=("invoice_id", "total", "balance", "status"),
    newest_first=True,
    policy=policies.InvoicePolicy(),
)
PAYMENTS: Final = Entity(
    name="payments",
    singular="payment",
    called="a payment",
    model=models.Payment,
    record=shapes.PaymentRecord,
    new=requests.NewPayment,
    change=requests.PaymentChange,
    query=requests.PaymentQuery,
    references={"invoice_id": "invoices"},
    lookups={
        "invoice_id": "invoice_id",
        "of_user": "invoice__user_id",
        "method": "method",
        "from": "paid_at__gte",
        "to": "paid_at__lt",
    },
    noticed=("payment_id", "invoice_id", "amount"),
    newest_first=True,
    policy=policies.PaymentPolicy(),
)
MEDICAL_HISTORY: Final = Entity(
    name="medical-history",
    singular="medical_history",
    called="an entry of the medical history",
    model=models.MedicalEntry,
    record=shapes.MedicalRecord,
    new=requests.NewMedicalEntry,
    change=requests.MedicalEntryChange,
    query=requests.MedicalQuery,
    references={"pet_id": "pets", "employee_id": "employees", "reservation_id": "reservations"},
    lookups={
        "pet_id": "pet_id",
        "employee_id": "employee_id",
        "reservation_id": "reservation_id",
        "of_user": "pet__user_id",
        "from": "date__gte",
        "to": "date__lte",
    },
    noticed=("medical_history_id", "date"),
    newest_first=True,
    policy=policies.MedicalPolicy(),
)
ACTIVITY_LOGS: Final[Entity[Any]] = Entity(  # its rows are not `Kept`: they never change
    name="activity-logs",
    singular="activity_log",
    called="an entry of the activity log",
    model=models.Activity,
    record=shapes.ActivityRecord,
    query=requests.ActivityQuery,
    lookups={
        "entity_type": "entity_type",
        "entity_id": "entity_id",
        "of_user": "user_id",
        "action": "action",
        "from": "created_at__gte",
        "to": "created_at__lt",
    },
    newest_first=True,
    readers="staff",
)

KEPT: Final[tuple[Entity[Any], ...]] = (PETS, SERVICES, EMPLOYEES, RESERVATIONS, INVOICES, PAYMENTS, MEDICAL_HISTORY)
"""The kinds of record that clients may change."""

ENTITIES: Final[Mapping[str, Entity[Any]]] = {entity.name: entity for entity in (*KEPT, ACTIVITY_LOGS)}
"""All kinds of record, by name."""
