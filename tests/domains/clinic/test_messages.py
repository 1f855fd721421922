"""What the old clients hear: the contract's own messages, on each of their sockets."""

import re
from contextlib import AsyncExitStack

import pytest

from tests.domains.clinic.practice import KINDS, LUNA, STARTS, Json, Practice, assert_refused, old_client
from tests.running import ServerProcess

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


CHANGES: dict[str, Json] = {
    "pets": {"notes": "Muerde"},
    "services": {"price": 19.99},
    "employees": {"active": False},
    "reservations": {"status": "confirmed"},
    "invoices": {"notes": "Con descuento"},
    "payments": {"amount": 5.05},
    "medical-history": {"weight": 12.5},
}


def assert_message(message: Json, expected: Json) -> None:
    """The message is the expected one; it may have more fields, and the times that it has are ISO 8601."""
    assert message | expected | {"data": message["data"]} == message
    assert message["data"] | expected["data"] == message["data"]
    assert TIME.fullmatch(message["timestamp"])


async def test_a_pet_is_told_as_the_contract_says(server: ServerProcess, practice: Practice) -> None:
    async with old_client(server.url, "pets") as pets, old_client(server.url, "user/123") as owner:
        made = await practice.pet()
        created = await pets.next()
        assert created["data"] == made
        assert_message(
            created,
            {
                "type": "realtime_update",
                "entity_type": "pets",
                "action": "created",
                "data": {"pet_id": made["pet_id"], **LUNA},
            },
        )
        notified = await owner.next()
        assert_message(
            notified,
            {
                "type": "notification",
                "notification_type": "pet_created",
                "user_id": "123",
                "data": {"pet_name": "Luna", "pet_id": made["pet_id"]},
            },
        )
        assert notified["data"].keys() == {"pet_name", "pet_id"}

        changed = await practice.changed("pets", made, age=4)
        updated = await pets.next()
        assert (updated["action"], updated["data"]) == ("updated", changed)
        assert (changed["age"], changed["version"]) == (4, 2)
        assert (await owner.next())["notification_type"] == "pet_updated"

        await practice.rest.delete(practice.path("pets", made))
        deleted = await pets.next()
        assert (deleted["action"], deleted["data"]) == ("deleted", changed)
        assert (await owner.next())["notification_type"] == "pet_deleted"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "activity-logs"])
async def test_every_kind_is_told_on_its_socket_and_logged(
    server: ServerProcess, practice: Practice, kind: str
) -> None:
    async with old_client(server.url, kind) as records, old_client(server.url, "activity-logs") as log:
        made = await practice.one_of(kind)
        id = made[KINDS[kind]]
        await practice.changed(kind, made, **CHANGES[kind])
        removed = await practice.rest.delete(practice.path(kind, made))
        assert removed.status_code == 200
        for action in ("created", "updated", "deleted"):
            told = await records.hear("realtime_update", **{KINDS[kind]: id})
            assert (told["entity_type"], told["action"]) == (kind, action)
            line = await log.hear("realtime_update", entity_type=kind, entity_id=id)
            assert (line["entity_type"], line["action"]) == ("activity-logs", "created")
            assert line["data"]["action"] == action
            assert (line["data"]["user_id"], line["data"]["username"]) == (7, "Ana")
            assert line["data"]["summary"]


async def test_owners_hear_of_everything_that_is_theirs(server: ServerProcess, practice: Practice) -> None:
    pet = await practice.pet(user_id="ana-7", name="Simón")
    async with old_client(server.url, "user/ana-7") as owner:
        of_pet = {"pet_name": "Simón", "pet_id": pet["pet_id"]}
        visit = await practice.reservation(pet_id=pet["pet_id"])
        heard = await owner.next()
        assert (heard["notification_type"], heard["user_id"]) == ("reservation_created", "ana-7")
        assert heard["data"] == of_pet | {name: visit[name] for name in ("reservation_id", "starts_at", "status")}

        await practice.medical_entry(pet_id=pet["pet_id"], reservation_id=visit["reservation_id"])
        assert (await owner.next())["notification_type"] == "medical_history_created"

        invoice = await practice.invoice(reservation_id=visit["reservation_id"])
        heard = await owner.next()
        assert heard["notification_type"] == "invoice_created"
        assert heard["data"] == of_pet | {name: invoice[name] for name in ("invoice_id", "total", "balance", "status")}

        payment = await practice.payment(invoice_id=invoice["invoice_id"], amount=30.3)
        heard = await owner.next()
        assert heard["notification_type"] == "payment_created"
        assert heard["data"] == of_pet | {name: payment[name] for name in ("payment_id", "invoice_id", "amount")}
        heard = await owner.next()
        assert (heard["notification_type"], heard["data"]["status"]) == ("invoice_updated", "paid")


async def test_a_pet_that_changes_hands_is_told_to_both(server: ServerProcess, practice: Practice) -> None:
    pet = await practice.pet(user_id="before")
    async with AsyncExitStack() as stack:
        owners = [await stack.enter_async_context(old_client(server.url, f"user/{id}")) for id in ("before", "after")]
        await practice.changed("pets", pet, user_id="after")
        for owner in owners:
            assert (await owner.next())["data"]["pet_id"] == pet["pet_id"]


@pytest.mark.parametrize("name", [*KINDS, "user/123"])
async def test_what_an_old_client_says_is_validated_and_acknowledged(server: ServerProcess, name: str) -> None:
    async with old_client(server.url, name) as client:
        await client.send({"type": "test", "message": "Hola"})
        assert (await client.hear("ack"))["received"] == "test"
        await client.send({"type": "test", "message": {"any": ["json"]}, "key": "k1"})
        assert (await client.hear("ack"))["key"] == "k1"
        for bad in ({}, {"type": ""}, {"type": 5}, {"type": None, "message": "x"}, {"type": "x" * 65}):
            await client.send(bad)
            error = await client.next()
            assert error["type"] == "error"
            assert error["data"]["fields"].keys() == {"type"}
        for bad_json in ("{", "[]", '"x"', "5"):
            await client.send(bad_json)
            assert (await client.next())["data"]["code"] == "invalid_json"
        await client.send({"action": "ping"})
        assert (await client.next())["type"] == "pong"


async def test_what_follows_a_list_is_what_came_after_it(server: ServerProcess, practice: Practice) -> None:
    pet = await practice.pet()
    page = (await practice.rest.get("/api/pets?limit=500")).json()
    assert pet in page["data"]
    changed = await practice.changed("pets", pet, notes="después")
    async with old_client(server.url, "pets", f"?since={page['cursor']}") as pets:
        told = await pets.next()
        assert (told["action"], told["data"]) == ("updated", changed)


async def test_a_payment_and_its_invoice_are_told_in_one_go(server: ServerProcess, practice: Practice) -> None:
    invoice = await practice.invoice(amount=20, user_id="moroso")
    async with AsyncExitStack() as stack:
        invoices = await stack.enter_async_context(old_client(server.url, "invoices"))
        await practice.payment(invoice_id=invoice["invoice_id"], amount=7.5)
        told = (await invoices.hear("realtime_update", invoice_id=invoice["invoice_id"]))["data"]
        assert (told["paid"], told["balance"], told["status"]) == (7.5, 12.5, "open")


async def test_what_was_missed_is_replayed(server: ServerProcess, practice: Practice) -> None:
    made = await practice.reservation(starts_at=STARTS)
    async with old_client(server.url, "reservations", "?since=0") as desk:
        told = await desk.hear("realtime_update", reservation_id=made["reservation_id"])
        assert told["data"] == made


async def test_a_name_below_a_user_is_no_topic(practice: Practice) -> None:
    assert_refused(await practice.rest.get("/poll/user/1/pets?wait=0"), 404, "topic_not_found")
