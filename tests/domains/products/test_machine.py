"""Any order of making, changing and deleting: the table, the list and the event stream stay one and the same."""

from typing import Any

import httpx
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.domains.products.clerks import DEADLINE, REST, Json, folded
from tests.running import ServerProcess

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "nombre": TEXTS.map(lambda text: f"{text}x"),
    "descripcion": TEXTS,
    "precio": st.integers(0, 10**12 - 1).map(lambda cents: cents / 100),
    "stock": st.integers(0, 2**31 - 1),
}
NEW = st.fixed_dictionaries(FIELDS)
CHANGES = st.fixed_dictionaries({}, optional=FIELDS).filter(bool)
PLACES = st.integers(0, 1000)  # which product of those there are; ids are another run's
MEANT = st.sampled_from(["any", "current", "another"])


class InventoryMachine(RuleBasedStateMachine):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.rest = httpx.Client(base_url=url, timeout=DEADLINE)
        for product in self.rest.get(REST).json()["data"]:
            self.rest.delete(f"{REST}/{product['id']}")
        self.model: dict[int, Json] = {}
        self.heard: dict[int, Json] = {}
        self.cursor: str = self.rest.get(REST).json()["cursor"]

    def teardown(self) -> None:
        self.rest.close()

    @rule(fields=NEW)
    def make(self, fields: Json) -> None:
        answer = self.rest.post(REST, json=fields)
        assert answer.status_code == 201, answer.text
        product = answer.json()["data"]
        assert {name: product[name] for name in fields} == fields
        assert product["id"] > max(self.model, default=0)
        self.model[product["id"]] = product

    @precondition(lambda self: self.model)
    @rule(place=PLACES, fields=CHANGES, meant=MEANT)
    def change(self, place: int, fields: Json, meant: str) -> None:
        known = self._at(place)
        answer = self.rest.put(f"{REST}/{known['id']}", json={**fields, **self._version(known, meant)})
        if meant == "another":
            assert answer.status_code == 409
            assert answer.json()["data"] == known
            return
        assert answer.status_code == 200, answer.text
        product = answer.json()["data"]
        assert product == {**known, **fields, "version": known["version"] + 1, "updated_at": product["updated_at"]}
        self.model[product["id"]] = product

    @precondition(lambda self: self.model)
    @rule(place=PLACES, meant=MEANT)
    def delete(self, place: int, meant: str) -> None:
        known = self._at(place)
        answer = self.rest.delete(f"{REST}/{known['id']}", params=self._version(known, meant))
        assert answer.json()["data"] == known
        assert answer.status_code == (409 if meant == "another" else 200)
        if meant != "another":
            del self.model[known["id"]]
            assert self.rest.put(f"{REST}/{known['id']}", json={"stock": 1}).status_code == 404

    def _at(self, place: int) -> Json:
        return self.model[sorted(self.model)[place % len(self.model)]]

    @staticmethod
    def _version(known: Json, meant: str) -> Json:
        return {"current": {"version": known["version"]}, "another": {"version": known["version"] + 1}}.get(meant, {})

    @invariant()
    def the_list_is_the_model(self) -> None:
        assert self.rest.get(REST).json()["data"] == [self.model[id] for id in sorted(self.model)]

    @invariant()
    def the_stream_is_the_table(self) -> None:
        answer = self.rest.get("/api/log", params={"topic": "products", "since": self.cursor}).json()
        self.heard = folded(self.heard, answer["data"])
        self.cursor = answer["id"]
        assert self.heard == self.model


def test_table_list_and_stream_are_one(server: ServerProcess) -> None:
    class Machine(InventoryMachine):
        def __init__(self) -> None:
            super().__init__(server.url)

    run_state_machine_as_test(Machine, settings=settings(max_examples=10, stateful_step_count=20, deadline=None))
