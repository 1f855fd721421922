"""Whatever comes, at once or in any order: nobody overdraws, and every balance is the sum of its movements."""

import asyncio
from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import httpx
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.domains.bank.accounts import new_cedula, open_account, signed_cents
from tests.domains.chat.people import DEADLINE
from tests.running import ServerProcess, eventually

Command = tuple[str, dict[str, str], str]
"""A deposit or a withdrawal: its name, its body, its key."""
AMOUNTS = st.one_of(st.integers(1, 100_000), st.sampled_from([1, 10, 99, 100, 101]))  # cents


async def test_a_hundred_parallel_withdrawals_never_overdraw(rest: httpx.AsyncClient) -> None:
    account = await open_account(rest, 50)
    async with account.watcher() as watcher:
        await watcher.hear("connected")
        answers = await asyncio.gather(*(account.withdraw("0.99") for _ in range(100)))
        await watcher.hear("balance_updated", lambda message: message["data"]["balance"] == 0.5)
    assert Counter(answer.status_code for answer in answers) == {200: 50, 409: 50}
    told = [answer.json()["data"]["nuevo_saldo"] for answer in answers if answer.status_code == 200]
    assert sorted(told) == [round(0.5 + 0.99 * n, 2) for n in range(50)]
    heard = [message["data"]["balance"] for message in watcher.heard if message["type"] == "balance_updated"]
    assert heard == sorted(told, reverse=True)
    assert await account.balance() == 0.5
    assert sum(await account.all_cents()) == 50


class BankMachine(RuleBasedStateMachine):
    """Opens, deposits, withdraws over REST, with keys used again, against a dictionary."""

    url = ""
    accounts: Bundle[str] = Bundle("accounts")
    commands: Bundle[Command] = Bundle("commands")

    def __init__(self) -> None:
        super().__init__()
        self.rest = httpx.Client(base_url=self.url, timeout=DEADLINE, cookies={"envivo_user": "machine"})
        self.cents: dict[str, int] = {}
        self.answers: dict[str, str] = {}

    def teardown(self) -> None:
        """However it went, the sums are right in the end."""
        for cedula, cents in self.cents.items():
            account = self.rest.get(f"/api/cuentas/{cedula}").json()["data"]
            movements = self.rest.get(f"/api/cuentas/{cedula}/transacciones?limit=200").json()["data"]
            assert Decimal(str(account["balance"])) * 100 == cents == sum(map(signed_cents, movements))
            assert movements[0]["saldo"] == account["balance"]
        self.rest.close()

    @rule(target=accounts, cents=st.integers(0, 1_000_000))
    def open(self, cents: int) -> str:
        cedula = new_cedula()
        body = {"cedula": cedula, "nombre": "Ana", "saldo_inicial": str(Decimal(cents) / 100)}
        assert self.rest.post("/api/cuentas", json=body).status_code == 201
        self.cents[cedula] = cents
        return cedula

    @rule(target=commands, cedula=accounts, name=st.sampled_from(["deposito", "retiro"]), cents=AMOUNTS)
    def move(self, cedula: str, name: str, cents: int) -> Command | MultipleResults[Command]:
        key = f"{cedula}-{len(self.answers)}"
        body = {"cedula": cedula, "monto": str(Decimal(cents) / 100)}
        answer = self.rest.post(f"/api/{name}", json=body, headers={"Idempotency-Key": key})
        balance = self.cents[cedula] + (cents if name == "deposito" else -cents)
        if balance < 0:
            assert answer.status_code == 409
            return multiple()
        assert answer.status_code == 200
        assert Decimal(str(answer.json()["data"]["nuevo_saldo"])) * 100 == balance
        self.cents[cedula] = balance
        self.answers[key] = answer.text
        return name, body, key

    @rule(command=commands)
    def repeat(self, command: Command) -> None:
        name, body, key = command
        answer = self.rest.post(f"/api/{name}", json=body, headers={"Idempotency-Key": key})
        assert answer.text == self.answers[key]


def test_in_any_order_balances_are_the_sums_of_their_movements(server: ServerProcess) -> None:
    machine = type("Machine", (BankMachine,), {"url": server.url})
    run_state_machine_as_test(machine, settings=settings(max_examples=12, stateful_step_count=15, deadline=None))


async def test_killed_in_the_middle_of_deposits_what_was_acknowledged_is_there_once(
    make_server: Callable[..., ServerProcess],
) -> None:
    server = make_server()
    async with httpx.AsyncClient(base_url=server.url, timeout=DEADLINE) as rest:
        account = await open_account(rest, 0)
        acknowledged: list[int] = []
        killed = asyncio.Event()

        async def depositor(number: int) -> None:
            """Each deposit with its own number of cents, repeated with its key until it is acknowledged."""
            for n in range(25):
                cents = number * 25 + n + 1
                key = {"Idempotency-Key": f"deposit-{cents}"}
                while True:
                    try:
                        answer = await account.deposit(str(Decimal(cents) / 100), **key)
                        break
                    except httpx.TransportError:
                        await killed.wait()
                assert answer.status_code == 200
                acknowledged.append(cents)

        async def killer() -> None:
            await eventually(lambda: len(acknowledged) >= 60, DEADLINE)
            before = set(acknowledged)
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
            assert before <= set(await account.all_cents())
            killed.set()

        async with asyncio.TaskGroup() as group:
            group.create_task(killer())
            for number in range(8):
                group.create_task(depositor(number))
        cents = await account.all_cents()
        assert sorted(cents) == list(range(201))  # the opening with nothing, and each deposit once
        assert await account.balance() == 201.0
