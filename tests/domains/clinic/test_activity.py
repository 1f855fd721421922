"""The activity log says who did what, names things as people do, and does not grow for ever."""

from quart_app.domains.clinic import rules
from quart_app.domains.clinic.models import Activity
from quart_app.storage.ids import continue_after
from quart_app.storage.unit_of_work import UnitOfWork
from quart_app.surroundings import now
from tests.domains.clinic.store import opened


async def test_every_change_is_a_line_that_people_understand() -> None:
    async with opened() as store:
        pet = await store.create("pets", {"name": "Luna", "species": "Perro", "user_id": 1})
        await store.create("services", {"name": "Consulta", "price": 25, "duration_minutes": 30})
        await store.create("employees", {"name": "Ana", "role": "Veterinaria"})
        visit = {"pet_id": 1, "service_id": 1, "employee_id": 1, "starts_at": "2026-03-02T14:30:00Z"}
        await store.create("reservations", visit)
        await store.create("invoices", {"reservation_id": 1, "amount": 12.5})
        await store.create("payments", {"invoice_id": 1, "amount": 12.5, "method": "cash"})
        await store.create("medical-history", {"pet_id": 1, "employee_id": 1, "diagnosis": "Otitis\nleve " + "x" * 300})
        await store.update("pets", 1, {"age": 4, "notes": "Muerde", "name": pet["name"]})
        lines = list((await store.tables())["activity-logs"].values())
    lines.sort(key=lambda line: line["activity_log_id"])
    assert [(line["entity_type"], line["action"], line["summary"][:24]) for line in lines] == [
        ("pets", "created", "Luna"),
        ("services", "created", "Consulta"),
        ("employees", "created", "Ana"),
        ("reservations", "created", "Luna · 2026-03-02 14:30"),
        ("invoices", "created", "Luna · 12.50"),
        ("payments", "created", "12.50 · #1"),
        ("invoices", "updated", "Luna · 12.50"),
        ("medical-history", "created", "Luna · Otitis leve xxxxx"),
        ("pets", "updated", "Luna"),
    ]
    assert [line["changed"] for line in lines if line["action"] == "updated"] == [["paid", "status"], ["age", "notes"]]
    assert {(line["user_id"], line["username"]) for line in lines} == {(7, "Ana")}
    assert all(len(line["summary"]) <= rules.LABEL_CHARACTERS for line in lines)


async def test_the_oldest_lines_make_room() -> None:
    async def a_lot_has_happened(_work: UnitOfWork) -> None:
        await Activity.create(
            id=rules.LINES_KEPT + rules.TRIM_EVERY - 1,
            user_id="7",
            username="Ana",
            entity_type="pets",
            entity_id=1,
            action="updated",
            summary="Luna",
            changed=[],
            created_at=now(),
        )
        await continue_after(Activity)

    async with opened() as store:
        for _ in range(3):
            await store.create("pets", {"name": "Luna", "species": "Perro"})
        await store.writer.commit(a_lot_has_happened)
        await store.create("pets", {"name": "Nina", "species": "Gato"})
        lines = (await store.tables())["activity-logs"]
        assert sorted(lines) == [rules.LINES_KEPT + rules.TRIM_EVERY - 1, rules.LINES_KEPT + rules.TRIM_EVERY]
