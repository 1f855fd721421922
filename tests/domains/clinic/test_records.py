"""Records over REST: what can be done, what collides, what belongs together."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.domains.clinic.practice import KINDS, LUNA, Json, Practice, assert_refused

MADE_BY_CLIENTS = [kind for kind in KINDS if kind != "activity-logs"]


def ids(response: httpx.Response) -> list[int]:
    body = response.json()
    assert response.status_code == 200, body
    kind = response.request.url.path.rpartition("/")[2]
    return [record[KINDS[kind]] for record in body["data"]]


@pytest.mark.parametrize("kind", MADE_BY_CLIENTS)
async def test_a_record_is_made_changed_listed_and_removed(practice: Practice, kind: str) -> None:
    made = await practice.one_of(kind)
    assert made["version"] == 1
    assert await practice.got(kind, made) == made
    listed = (await practice.rest.get(f"/api/{kind}?limit=500")).json()
    assert made in listed["data"]
    assert listed["cursor"]
    assert await practice.changed(kind, made) == made
    removed = await practice.rest.delete(practice.path(kind, made))
    assert removed.json()["data"] == made
    for method in ("GET", "DELETE"):
        assert_refused(await practice.rest.request(method, practice.path(kind, made)), 404)
    assert_refused(await practice.rest.put(practice.path(kind, made), json={}), 404)


async def test_only_what_is_given_changes(practice: Practice) -> None:
    pet = await practice.pet(notes="Tranquila", owner_phone="+593 99 123 4567")
    changed = await practice.changed("pets", pet, age=None, owner_name=" María  José ", user_id="maria")
    assert changed == pet | {
        "age": None,
        "owner_name": "María José",
        "user_id": "maria",
        "version": 2,
        "updated_at": changed["updated_at"],
    }


async def test_a_change_to_an_older_version_is_refused(practice: Practice) -> None:
    pet = await practice.pet()
    await practice.changed("pets", pet, age=4, version=1)
    late = await practice.rest.put(practice.path("pets", pet), json={"age": 5, "version": 1})
    assert_refused(late, 409, "version_conflict", "version")
    assert (await practice.got("pets", pet))["age"] == 4


async def test_a_repeated_key_makes_one_record(practice: Practice) -> None:
    body, headers = LUNA | {"user_id": "clave"}, {"Idempotency-Key": "una-vez"}
    first, second = [await practice.rest.post("/api/pets", json=body, headers=headers) for _ in range(2)]
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert ids(await practice.rest.get("/api/pets?of_user=clave")) == [first.json()["data"]["pet_id"]]
    elsewhere = {"name": "x", "role": "y"}
    other = await practice.rest.post("/api/employees", json=elsewhere, headers=headers)
    assert other.json()["data"]["name"] == "x"


async def test_a_repeated_key_changes_and_removes_once(practice: Practice) -> None:
    pet, headers = await practice.pet(), {"Idempotency-Key": "una-vez"}
    path, change = practice.path("pets", pet), {"age": 4, "version": 1}
    first, second = [await practice.rest.put(path, json=change, headers=headers) for _ in range(2)]
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert first.json()["data"]["version"] == 2
    gone, again = [await practice.rest.delete(path, headers=headers) for _ in range(2)]
    assert gone.status_code == again.status_code == 200
    assert gone.json() == again.json()
    too_long = await practice.rest.post("/api/pets", json=LUNA, headers={"Idempotency-Key": "x" * 129})
    assert_refused(too_long, 400, "invalid_key", "key")


async def test_the_activity_log_is_read_only(practice: Practice) -> None:
    await practice.pet()
    newest = (await practice.rest.get("/api/activity-logs?limit=1")).json()["data"][0]
    path = practice.path("activity-logs", newest)
    assert await practice.got("activity-logs", newest) == newest
    for response in (
        await practice.rest.post("/api/activity-logs", json={}),
        await practice.rest.put(path, json={}),
        await practice.rest.delete(path),
    ):
        assert_refused(response, 405)


async def test_a_change_of_nothing_is_no_change(practice: Practice) -> None:
    pet = await practice.pet()
    before = (await practice.rest.get("/api/activity-logs?limit=1")).json()
    assert await practice.changed("pets", pet, name=" Luna ", age=3) == pet
    after = (await practice.rest.get("/api/activity-logs?limit=1")).json()
    assert after == before


# Lists


async def test_lists_come_in_pages(practice: Practice) -> None:
    made = [(await practice.pet(user_id="paginas"))["pet_id"] for _ in range(5)]
    lines = (await practice.rest.get("/api/activity-logs?limit=2")).json()
    assert lines["data"][0]["activity_log_id"] == lines["data"][1]["activity_log_id"] + 1
    assert lines["after"] == lines["data"][1]["activity_log_id"]
    found, after = [], ""
    for expected in (2, 2, 1):
        page = await practice.rest.get(f"/api/pets?of_user=paginas&limit=2{after}")
        assert len(ids(page)) == expected
        found += ids(page)
        after = f"&after={page.json()['after']}"
    assert page.json()["after"] is None
    assert found == made


async def test_lists_are_narrowed(practice: Practice) -> None:
    pet = await practice.pet(user_id="filtro", name="Ñandú", species="Ave")
    service = await practice.service(active=False, name="Retirado")
    employee = await practice.employee(role="Becaria")
    at = {"employee_id": employee["employee_id"], "pet_id": pet["pet_id"]}
    early = await practice.reservation(**at, starts_at="2026-05-04T09:00:00Z")
    late = await practice.reservation(**at, starts_at="2026-05-05T09:00:00Z", status="confirmed")
    invoice = await practice.invoice(reservation_id=early["reservation_id"], issued_at="2026-05-04T10:00:00Z")
    payment = await practice.payment(invoice_id=invoice["invoice_id"], paid_at="2026-05-06T10:00:00Z", method="card")
    entry = await practice.medical_entry(**at, date="2026-05-04", reservation_id=early["reservation_id"])

    async def found(question: str) -> list[int]:
        return ids(await practice.rest.get(f"/api/{question}"))

    whose = "of_user=filtro"
    assert await found("pets?q=and&species=Ave") == [pet["pet_id"]]
    assert await found("pets?q=%25and") == []
    assert await found("services?q=Retirado&active=false") == [service["service_id"]]
    assert await found("services?q=Retirado&active=true") == []
    assert await found("employees?role=Becaria") == [employee["employee_id"]]
    both = [early["reservation_id"], late["reservation_id"]]
    assert await found(f"reservations?employee_id={employee['employee_id']}") == both
    assert await found(f"reservations?{whose}") == both
    assert await found(f"reservations?{whose}&status=confirmed") == both[1:]
    assert await found(f"reservations?{whose}&from=2026-05-04T09:15:00Z&to=2026-05-05T09:00:00Z") == both[:1]
    assert await found(f"reservations?{whose}&from=2026-05-04T09:30:00Z") == both[1:]
    assert await found(f"invoices?{whose}&status=open&from=2026-05-04T10:00:00Z") == [invoice["invoice_id"]]
    assert await found(f"invoices?{whose}&to=2026-05-04T10:00:00Z") == []
    assert await found(f"invoices?reservation_id={early['reservation_id']}") == [invoice["invoice_id"]]
    assert await found(f"payments?{whose}&method=card") == [payment["payment_id"]]
    assert await found(f"medical-history?{whose}&from=2026-05-04&to=2026-05-04") == [entry["medical_history_id"]]
    assert await found(f"medical-history?{whose}&from=2026-05-05") == []
    log = await practice.rest.get(f"/api/activity-logs?entity_type=pets&entity_id={pet['pet_id']}&of_user=7")
    assert [line["action"] for line in log.json()["data"]] == ["created"]


# Reservations


async def test_a_reservation_lasts_as_long_as_its_service(practice: Practice) -> None:
    visit = await practice.reservation(starts_at="2026-03-02T09:30:00-05:00")
    assert (visit["starts_at"], visit["ends_at"]) == ("2026-03-02T14:30:00.000Z", "2026-03-02T15:00:00.000Z")
    moved = await practice.changed("reservations", visit, starts_at="2026-03-02T16:00:00Z")
    assert moved["ends_at"] == "2026-03-02T16:30:00.000Z"
    stretched = await practice.changed("reservations", visit, ends_at="2026-03-02T17:00:00Z")
    assert stretched["ends_at"] == "2026-03-02T17:00:00.000Z"
    moved = await practice.changed("reservations", visit, starts_at="2026-03-02T10:00:00Z")
    assert moved["ends_at"] == "2026-03-02T11:00:00.000Z"
    longer = await practice.service(duration_minutes=90)
    assert (await practice.changed("reservations", visit, service_id=longer["service_id"]))["ends_at"][11:16] == "11:30"


@pytest.mark.parametrize("shared", ["employee_id", "pet_id"])
async def test_reservations_of_one_do_not_overlap(practice: Practice, shared: str) -> None:
    first = await practice.reservation()
    same = {shared: first[shared]}
    for starts_at in ("2026-03-02T14:01:00Z", "2026-03-02T14:30:00Z", "2026-03-02T14:59:00Z"):
        body = await practice.reservation_body(**same, starts_at=starts_at)
        assert_refused(await practice.rest.post("/api/reservations", json=body), 409, "overlap", shared)
    around = await practice.reservation_body(**same, starts_at="2026-03-02T14:00:00Z", ends_at="2026-03-02T16:00:00Z")
    assert_refused(await practice.rest.post("/api/reservations", json=around), 409, "overlap", shared)
    before = await practice.reservation(**same, starts_at="2026-03-02T14:00:00Z")
    after = await practice.reservation(**same, starts_at="2026-03-02T15:00:00Z")
    late = {"starts_at": "2026-03-02T14:20:00Z"}
    assert_refused(await practice.rest.put(practice.path("reservations", before), json=late), 409, "overlap", shared)
    await practice.changed("reservations", first, status="cancelled")
    await practice.changed("reservations", before, **late)
    back = {"status": "scheduled"}
    assert_refused(await practice.rest.put(practice.path("reservations", first), json=back), 409, "overlap", shared)
    assert (await practice.got("reservations", after))["version"] == 1


async def test_of_two_at_once_one_gets_the_hour(practice: Practice) -> None:
    employee_id = (await practice.employee())["employee_id"]
    bodies = [await practice.reservation_body(employee_id=employee_id) for _ in range(5)]
    answers = await asyncio.gather(*[practice.rest.post("/api/reservations", json=body) for body in bodies])
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert len(ids(await practice.rest.get(f"/api/reservations?employee_id={employee_id}"))) == 1


async def test_of_two_changes_to_one_version_one_is_made(practice: Practice) -> None:
    visit = await practice.reservation()
    path = practice.path("reservations", visit)
    changes = [{"notes": f"nota {number}", "version": 1} for number in range(4)]
    answers = await asyncio.gather(*[practice.rest.put(path, json=change) for change in changes])
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    (winner,) = [answer for answer in answers if answer.status_code == 200]
    assert await practice.got("reservations", visit) == winner.json()["data"]


async def test_a_pet_goes_or_gets_its_reservation_never_both(practice: Practice) -> None:
    for _ in range(3):
        body = await practice.reservation_body()
        removal, reservation = await asyncio.gather(
            practice.rest.delete(f"/api/pets/{body['pet_id']}"), practice.rest.post("/api/reservations", json=body)
        )
        assert (removal.status_code, reservation.status_code) in {(200, 400), (409, 201)}


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        ("scheduled", "done", True),
        ("confirmed", "scheduled", True),
        ("done", "confirmed", True),
        ("cancelled", "scheduled", True),
        ("done", "cancelled", False),
        ("cancelled", "done", False),
    ],
)
async def test_a_status_follows_another(practice: Practice, before: str, after: str, allowed: bool) -> None:
    visit = await practice.reservation(status=before)
    response = await practice.rest.put(practice.path("reservations", visit), json={"status": after})
    if allowed:
        assert response.json()["data"]["status"] == after
    else:
        assert_refused(response, 409, "invalid_transition", "status")


async def test_who_left_gets_no_reservation(practice: Practice) -> None:
    body = await practice.reservation_body()
    gone = await practice.employee(active=False)
    refused = await practice.rest.post("/api/reservations", json=body | {"employee_id": gone["employee_id"]})
    assert_refused(refused, 409, "inactive", "employee_id")
    visit = await practice.made("reservations", body)
    old = {"service_id": (await practice.service(active=False))["service_id"]}
    assert_refused(
        await practice.rest.put(practice.path("reservations", visit), json=old), 409, "inactive", "service_id"
    )


# Invoices and payments


async def test_an_invoice_is_what_its_payments_make_of_it(practice: Practice) -> None:
    lines = [
        {"description": "Vacuna", "unit_price": 10.1, "quantity": 3},
        {"description": "Carné", "unit_price": 0.2},
    ]
    invoice = await practice.invoice(lines=lines, amount=None)
    assert (invoice["total"], invoice["balance"], invoice["status"]) == (30.5, 30.5, "open")
    assert invoice["lines"] == [lines[0], lines[1] | {"quantity": 1}]
    first = await practice.payment(invoice_id=invoice["invoice_id"], amount=30.49)
    too_much = {"invoice_id": invoice["invoice_id"], "amount": 0.02, "method": "cash"}
    assert_refused(await practice.rest.post("/api/payments", json=too_much), 409, "more_than_owed", "amount")
    second = await practice.payment(invoice_id=invoice["invoice_id"], amount=0.01)
    paid = await practice.got("invoices", invoice)
    assert (paid["paid"], paid["balance"], paid["status"]) == (30.5, 0, "paid")

    more = await practice.rest.put(practice.path("payments", second), json={"amount": 0.02})
    assert_refused(more, 409, "more_than_owed", "amount")
    await practice.changed("payments", first, amount=20)
    await practice.rest.delete(practice.path("payments", second))
    reopened = await practice.got("invoices", invoice)
    assert (reopened["paid"], reopened["balance"], reopened["status"]) == (20, 10.5, "open")
    assert_refused(await practice.rest.put(practice.path("invoices", invoice), json={"amount": 19.99}), 409, None)
    cheaper = await practice.changed("invoices", invoice, amount=20)
    assert (cheaper["total"], cheaper["lines"], cheaper["status"]) == (20, [], "paid")


async def test_parallel_payments_never_pay_too_much(practice: Practice) -> None:
    invoice = await practice.invoice(amount=30)
    body = {"invoice_id": invoice["invoice_id"], "amount": 10, "method": "card"}
    answers = await asyncio.gather(*[practice.rest.post("/api/payments", json=body) for _ in range(6)])
    assert sorted(answer.status_code for answer in answers) == [201, 201, 201, 409, 409, 409]
    assert (await practice.got("invoices", invoice))["status"] == "paid"


async def test_a_void_invoice_takes_no_payment(practice: Practice) -> None:
    invoice = await practice.invoice()
    payment = await practice.payment(invoice_id=invoice["invoice_id"])
    path = practice.path("invoices", invoice)
    assert_refused(await practice.rest.put(path, json={"status": "void"}), 409, "paid", "status")
    assert_refused(await practice.rest.put(path, json={"status": "paid"}), 409, "invalid_transition", "status")
    await practice.rest.delete(practice.path("payments", payment))
    void = await practice.changed("invoices", invoice, status="void")
    assert (void["status"], void["balance"]) == ("void", 0)
    body = {"invoice_id": invoice["invoice_id"], "amount": 1, "method": "cash"}
    assert_refused(await practice.rest.post("/api/payments", json=body), 409, "void", "invoice_id")
    assert_refused(await practice.rest.put(path, json={"amount": 1}), 409, "void", "amount")
    assert (await practice.changed("invoices", invoice, status="open"))["balance"] == 30.3


async def test_an_invoice_knows_whose_it_is(practice: Practice) -> None:
    visit = await practice.reservation(pet_id=(await practice.pet(user_id="duena"))["pet_id"])
    invoice = await practice.invoice(reservation_id=visit["reservation_id"], issued_at="2026-03-02T15:00:00Z")
    assert (invoice["pet_id"], invoice["user_id"]) == (visit["pet_id"], "duena")
    assert invoice["due_on"] == "2026-04-01"
    path = practice.path("invoices", invoice)
    assert_refused(await practice.rest.put(path, json={"due_on": "2026-03-01"}), 400, None, "due_on")
    other = {"pet_id": (await practice.pet())["pet_id"]}
    assert_refused(await practice.rest.put(path, json=other), 400, None, "reservation_id")
    nobody = {"amount": 5}
    assert_refused(await practice.rest.post("/api/invoices", json=nobody), 400, None, "user_id")
    freed = await practice.changed("invoices", invoice, reservation_id=None, **other)
    assert freed["user_id"] == 123


# References


async def used(practice: Practice) -> dict[str, Json]:
    visit = await practice.reservation()
    at = {"pet_id": visit["pet_id"], "reservation_id": visit["reservation_id"]}
    invoice = await practice.invoice(**at)
    await practice.payment(invoice_id=invoice["invoice_id"])
    await practice.medical_entry(**at, employee_id=visit["employee_id"])
    return {"visit": visit, "invoice": invoice}


async def test_what_is_referred_to_stays(practice: Practice) -> None:
    records = await used(practice)
    visit, invoice = records["visit"], records["invoice"]
    for path, by in (
        (f"/api/pets/{visit['pet_id']}", {"reservations", "invoices", "medical-history"}),
        (f"/api/services/{visit['service_id']}", {"reservations"}),
        (f"/api/employees/{visit['employee_id']}", {"reservations", "medical-history"}),
        (f"/api/reservations/{visit['reservation_id']}", {"invoices", "medical-history"}),
        (f"/api/invoices/{invoice['invoice_id']}", {"payments"}),
    ):
        refused = await practice.rest.delete(path)
        assert_refused(refused, 409, "in_use")
        assert refused.json()["error"]["fields"].keys() == by
        assert (await practice.rest.get(path)).status_code == 200


async def test_a_reservation_keeps_the_pet_that_was_treated(practice: Practice) -> None:
    visit = (await used(practice))["visit"]
    other = {"pet_id": (await practice.pet())["pet_id"]}
    assert_refused(await practice.rest.put(practice.path("reservations", visit), json=other), 409, "in_use", "pet_id")
    body = other | {"employee_id": visit["employee_id"], "reservation_id": visit["reservation_id"], "diagnosis": "x"}
    assert_refused(await practice.rest.post("/api/medical-history", json=body), 400, None, "reservation_id")


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("reservations", "pet_id"),
        ("reservations", "service_id"),
        ("reservations", "employee_id"),
        ("invoices", "pet_id"),
        ("invoices", "reservation_id"),
        ("medical-history", "pet_id"),
        ("medical-history", "employee_id"),
        ("medical-history", "reservation_id"),
    ],
)
async def test_a_reference_to_nothing_is_refused_by_its_field(practice: Practice, kind: str, field: str) -> None:
    made = await practice.one_of(kind)
    bodies: dict[str, Any] = {
        "reservations": await practice.reservation_body(),
        "invoices": {"amount": 5, "user_id": 1},
        "medical-history": {"diagnosis": "x", "pet_id": 1, "employee_id": 1},
    }
    for id in (999_999, 2**63 - 1):
        changed = await practice.rest.put(practice.path(kind, made), json={field: id})
        assert_refused(changed, 400, "bad_request", field)
        posted = await practice.rest.post(f"/api/{kind}", json=bodies[kind] | {field: id})
        assert_refused(posted, 400, "bad_request", field)
