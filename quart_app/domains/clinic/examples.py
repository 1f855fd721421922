"""A small practice in Quito for a new database: who works there, whose pets come, two weeks around now.

The examples are made as ordinary use would make it, through the same checks, so that every stream tells of it from the
start.
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from quart_app.domains.clinic import entities
from quart_app.domains.clinic.journal import Journal
from quart_app.domains.clinic.requests import (
    NewEmployee,
    NewInvoice,
    NewInvoiceLine,
    NewMedicalEntry,
    NewPayment,
    NewPet,
    NewReservation,
    NewService,
)
from quart_app.domains.clinic.service import Shown, insert
from quart_app.domains.clinic.shapes import Method, ReservationStatus
from quart_app.realtime import Identity
from quart_app.storage.unit_of_work import UnitOfWork

_RECEPTION: Final = Identity("recepcion", "Recepción")
ECUADOR: Final = timezone(timedelta(hours=-5))
_DAYS: Final = range(-7, 8)
_HOURS: Final = (9, 11, 15)  # when a day's visits begin; no service takes longer than the time between two of them
_SUNDAY: Final = 6

_EMPLOYEES: Final = (
    NewEmployee("Dra. Valeria Andrade", "Veterinaria", "valeria@clinica.ec", "+593 99 412 7781"),
    NewEmployee("Dr. Mateo Cevallos", "Cirujano veterinario", "mateo@clinica.ec", "+593 98 730 1145"),
    NewEmployee("Camila Ríos", "Estilista canina", "camila@clinica.ec", "+593 96 208 5539"),
)
_SERVICES: Final = (
    NewService("Consulta general", 25, 30, "Revisión completa y recomendaciones."),
    NewService("Vacunación", 18.5, 20, "Vacuna y carné al día."),
    NewService("Desparasitación", 12, 20, "Interna y externa, según el peso."),
    NewService("Baño y corte", 22, 60, "Baño, corte de pelo y de uñas."),
    NewService("Limpieza dental", 65, 60, "Con ultrasonido, bajo sedación."),
    NewService("Esterilización", 120, 120, "Cirugía con control posterior."),
)
_PETS: Final = (
    NewPet("Luna", "Perro", "Golden Retriever", 3, 123, "María José Cedeño", "+593 99 555 0101", "Alérgica al pollo."),
    NewPet("Simón", "Gato", "Mestizo", 5, 123, "María José Cedeño", "+593 99 555 0101"),
    NewPet("Rocky", "Perro", "Bóxer", 7, 124, "Luis Alberto Guamán", "+593 98 555 0102", "Displasia de cadera leve."),
    NewPet("Canela", "Perro", "French Poodle", 2, 125, "Ana Lucía Paredes", "+593 97 555 0103"),
    NewPet("Copito", "Conejo", "Cabeza de león", 1, 126, "Diego Morales", "+593 96 555 0104"),
    NewPet("Nina", "Gato", "Siamés", 4, 127, "Gabriela Tituaña", "+593 95 555 0105", "Nerviosa: mejor con bozal."),
    NewPet("Max", "Perro", "Pastor alemán", 6, 127, "Gabriela Tituaña", "+593 95 555 0105"),
    NewPet("Paco", "Loro", "Amazónico", 12, 128, "Jorge Chiriboga", "+593 94 555 0106"),
)
_CARE: Final = (
    ((1, 0), (3, 2), (0, 0)),
    ((0, 0), (2, 1)),
    ((4, 1), (0, 0), (3, 2)),
    ((5, 1), (3, 2), (1, 0)),
    ((0, 0), (2, 0)),
    ((1, 1), (4, 1)),
    ((3, 2), (0, 1), (1, 0)),
    ((0, 0),),
)
"""For each pet the visits that take turns, each as the indexes of a service and of an employee."""
_STYLIST: Final = 2

_FINDINGS: Final = (
    ("Sano, buen estado general", "Control en un año"),
    ("Otitis externa leve", "Gotas óticas dos veces al día por siete días"),
    ("Sobrepeso", "Dieta hipocalórica y paseos diarios"),
    ("Gastritis leve", "Dieta blanda tres días; omeprazol en ayunas"),
)
_WEIGHTS: Final = (28.4, 4.6, 31.2, 6.1, 1.9, 3.8, 34.5, 0.42)
_METHODS: Final[tuple[Method, ...]] = ("card", "cash", "transfer")


async def practice(work: UnitOfWork) -> None:
    """Fill an empty database with two weeks of records, one before and one after the present day."""
    await fill(work, datetime.now(ECUADOR))


async def fill(work: UnitOfWork, now: datetime) -> None:
    """Fill an empty database with two weeks of records around `now`, whose time zone is the practice's."""
    journal = Journal(work, _RECEPTION)
    employees = [await insert(journal, entities.EMPLOYEES, employee) for employee in _EMPLOYEES]
    services = {one["service_id"]: one for one in [await insert(journal, entities.SERVICES, new) for new in _SERVICES]}
    pets = [await insert(journal, entities.PETS, pet) for pet in _PETS]
    done = await _fortnight(journal, now, list(services), employees, pets)
    seen = [visit for visit in done if visit["employee_id"] != employees[_STYLIST]["employee_id"]]
    for number, visit in enumerate(seen):
        await _medical_entry(journal, number, visit)
    for number, visit in enumerate(done[::2]):
        await _invoice(journal, number, visit, services[visit["service_id"]])


async def _fortnight(
    journal: Journal, now: datetime, services: list[int], employees: list[Shown], pets: list[Shown]
) -> list[Shown]:
    """Make the reservations of two weeks, and return those that are done."""
    today = now.replace(minute=0, second=0, microsecond=0)
    days = [today + timedelta(days=day) for day in _DAYS]
    open = [day for day in days if day.weekday() != _SUNDAY or day == today]
    starts = [day.replace(hour=hour) for day in open for hour in _HOURS]
    visits = []
    for number, starts_at in enumerate(starts):
        pet = number * 3 % len(pets)
        care = _CARE[pet]
        service, employee = care[number // len(pets) % len(care)]
        reservation = NewReservation(
            pets[pet]["pet_id"],
            services[service],
            employees[employee]["employee_id"],
            starts_at.astimezone(UTC),
            status=_status(number, starts_at, now),
        )
        visits.append(await insert(journal, entities.RESERVATIONS, reservation))
    return [visit for visit in visits if visit["status"] == "done"]


def _status(number: int, starts_at: datetime, now: datetime) -> ReservationStatus:
    if number % 11 == 7:
        return "cancelled"
    if starts_at + timedelta(hours=2) <= now:
        return "done"
    return "confirmed" if starts_at < now + timedelta(days=3) else "scheduled"


async def _medical_entry(journal: Journal, number: int, visit: Shown) -> None:
    """Write what was found at a visit."""
    diagnosis, treatment = _FINDINGS[number % len(_FINDINGS)]
    entry = NewMedicalEntry(
        visit["pet_id"],
        visit["employee_id"],
        diagnosis,
        visit["reservation_id"],
        datetime.fromisoformat(visit["ends_at"]).date(),
        treatment,
        _WEIGHTS[(visit["pet_id"] - 1) % len(_WEIGHTS)],
    )
    await insert(journal, entities.MEDICAL_HISTORY, entry)


async def _invoice(journal: Journal, number: int, visit: Shown, service: Shown) -> None:
    """Write an invoice for a visit. Of every three invoices one is paid in full, one in part, one not at all."""
    lines = [NewInvoiceLine(service["name"], service["price"])]
    if number % 2:
        lines.append(NewInvoiceLine("Medicación", 4.35, 2))
    issued_at = datetime.fromisoformat(visit["ends_at"])
    invoice = NewInvoice(reservation_id=visit["reservation_id"], lines=lines, issued_at=issued_at)
    written = await insert(journal, entities.INVOICES, invoice)
    amount = (written["total"], 10.0, None)[number % 3]
    if amount is not None:
        payment = NewPayment(written["invoice_id"], amount, _METHODS[number % len(_METHODS)], issued_at)
        await insert(journal, entities.PAYMENTS, payment)
