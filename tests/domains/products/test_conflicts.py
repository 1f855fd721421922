"""Two who change the same product: either both changes are kept, or one of the two is told."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.domains.products.clerks import REST, make


async def test_a_change_for_another_version_is_refused_with_the_product_as_it_is(rest: httpx.AsyncClient) -> None:
    product = await make(rest)
    path = f"{REST}/{product['id']}"
    now = (await rest.put(path, json={"stock": 1, "version": 1})).json()["data"]
    late = await rest.put(path, json={"stock": 2, "version": 1})
    assert late.status_code == 409
    body = late.json()
    assert (body["success"], body["error"]["code"], body["data"]) == (False, "version_conflict", now)
    assert late.headers["ETag"] == '"2"'
    assert (await rest.delete(path, params={"version": 1})).json()["data"] == now
    assert (await rest.get(path)).json()["data"] == now
    assert (await rest.delete(path, params={"version": 2})).status_code == 200


@pytest.mark.parametrize(
    ("tags", "status"),
    [('"2"', 200), ("2", 200), ('"1", "2"', 200), ("*", 200), ('"1"', 409), ('W/"2"', 409), ('"x"', 409), ("", 409)],
)
async def test_if_match_is_honoured(rest: httpx.AsyncClient, tags: str, status: int) -> None:
    path = f"{REST}/{(await make(rest))['id']}"
    assert (await rest.put(path, json={"stock": 1})).headers["ETag"] == '"2"'
    assert (await rest.get(path)).headers["ETag"] == '"2"'
    assert (await rest.put(path, json={"precio": 3}, headers={"If-Match": tags})).status_code == status
    tags = tags.replace("2", "3")
    assert (await rest.delete(path, headers={"If-Match": tags})).status_code == (200 if status == 200 else 409)


async def test_version_and_if_match_have_to_agree(rest: httpx.AsyncClient) -> None:
    path = f"{REST}/{(await make(rest))['id']}"
    answer = await rest.put(path, json={"stock": 1, "version": 1}, headers={"If-Match": '"2"'})
    assert answer.status_code == 409


async def test_of_many_with_one_version_one_wins(rest: httpx.AsyncClient) -> None:
    path = f"{REST}/{(await make(rest))['id']}"
    answers = await asyncio.gather(*(rest.put(path, json={"stock": n, "version": 1}) for n in range(20)))
    (won,) = [answer.json()["data"] for answer in answers if answer.status_code == 200]
    assert [answer.status_code for answer in answers].count(409) == 19
    assert all(answer.json()["data"] == won for answer in answers if answer.status_code == 409)
    assert (await rest.get(path)).json()["data"] == won


async def test_two_who_count_lose_nothing(rest: httpx.AsyncClient) -> None:
    path = f"{REST}/{(await make(rest, stock=0))['id']}"

    async def count() -> None:
        product: dict[str, Any] = (await rest.get(path)).json()["data"]
        for _ in range(20):
            while True:
                change = {"stock": product["stock"] + 1, "version": product["version"]}
                answer = await rest.put(path, json=change)
                product = answer.json()["data"]
                if answer.status_code == 200:
                    break

    await asyncio.gather(count(), count())
    assert (await rest.get(path)).json()["data"]["stock"] == 40


async def test_without_a_version_other_fields_stay_as_another_made_them(rest: httpx.AsyncClient) -> None:
    path = f"{REST}/{(await make(rest, stock=0, precio=0))['id']}"
    changes = [{"stock": n} for n in range(1, 11)] + [{"precio": n} for n in range(1, 11)]
    answers = await asyncio.gather(*(rest.put(path, json=change) for change in changes))
    assert {answer.status_code for answer in answers} == {200}
    product = (await rest.get(path)).json()["data"]
    last = {
        name: max(answers, key=lambda one: one.json()["data"]["version"] if name in one.request.content.decode() else 0)
        for name in ("stock", "precio")
    }
    assert {name: product[name] for name in last} == {name: last[name].json()["data"][name] for name in last}
    assert product["version"] == 21


async def test_of_many_deletions_one_counts(rest: httpx.AsyncClient) -> None:
    path = f"{REST}/{(await make(rest))['id']}"
    answers = await asyncio.gather(*(rest.delete(path) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [404] * 9
