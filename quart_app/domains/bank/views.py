"""REST of the bank: reads the request, asks the service, answers.

Every snapshot carries the cursor that was read before its data.
"""

from quart import Blueprint, Response

from quart_app.domains import Program
from quart_app.domains.bank.access import require_holder, require_teller
from quart_app.domains.bank.counters import LiveCounters
from quart_app.domains.bank.requests import AccountsPage, Cedula, MoneyMove, MovementsPage, NewAccount
from quart_app.domains.bank.service import Bank
from quart_app.domains.bank.shapes import AccountMovement, AccountSummary, Receipt, Statistics
from quart_app.realtime import Hub, checked
from quart_app.web.context import speaker
from quart_app.web.nodes import NODES, beside_data
from quart_app.web.operations import Operation
from quart_app.web.rest import exact_json_body, idempotency_key, query_as, success

_ID = (("id", Cedula),)


def routes(program: Program, bank: Bank, counters: LiveCounters) -> Blueprint:
    """Return `/api/cuentas…`, `/api/deposito`, `/api/retiro`, `/api/transacciones` and `/api/stats`."""
    views = _Views(program.hub, bank, counters)
    blueprint = Blueprint("bank", __name__)
    blueprint.get("/api/cuentas")(views.accounts)
    blueprint.post("/api/cuentas")(views.open_account)
    blueprint.get("/api/cuentas/<id>")(views.account)
    blueprint.get("/api/cuentas/<id>/transacciones")(views.account_transactions)
    blueprint.get("/api/transacciones")(views.transactions)
    blueprint.post("/api/deposito")(views.deposit)
    blueprint.post("/api/retiro")(views.withdraw)
    blueprint.get("/api/stats")(views.stats)
    return blueprint


class _Views:
    def __init__(self, hub: Hub, bank: Bank, counters: LiveCounters) -> None:
        self._hub = hub
        self._bank = bank
        self._counters = counters

    @Operation(
        tag="bank", query=AccountsPage, answer=list[AccountSummary], beside=(("cursor", str), ("after", str | None))
    )
    async def accounts(self) -> Response:
        """List the accounts in the order of their cédulas.

        `cursor` is where to follow `balances` from; `after`, where it is not null, is where the next page begins.
        """
        require_teller(speaker())
        page = query_as(AccountsPage)
        cursor = self._hub.cursor
        accounts = await self._bank.accounts(page)
        return success(accounts, cursor=cursor, after=accounts[-1].cedula if len(accounts) == page.limit else None)

    @Operation(tag="bank", body=NewAccount, answer=AccountSummary, status=201, refusals=(409,))
    async def open_account(self) -> Response:
        """Open an account: 409 `cuenta_existente` where the cédula has one.

        Tellers open any account, with money in it or not; others open their own, empty.
        """
        who = speaker()
        new = checked(await exact_json_body(), NewAccount)
        require_holder(who, new.cedula)
        return success(await self._bank.open_account(new, who, key=idempotency_key()), status=201)

    @Operation(tag="bank", path=_ID, answer=AccountSummary, beside=(("cursor", str),), refusals=(404,))
    async def account(self, id: str) -> Response:
        """Return an account and its balance.

        `id` is the cédula; `cursor` is where to follow the account from.
        """
        require_holder(speaker(), id)
        cursor = self._hub.cursor
        return success(await self._bank.account(id), cursor=cursor)

    @Operation(
        tag="bank",
        path=_ID,
        query=MovementsPage,
        answer=list[AccountMovement],
        beside=(("cursor", str),),
        refusals=(404,),
    )
    async def account_transactions(self, id: str) -> Response:
        """List the movements of an account, newest first: `limit` of them before the one with the id `before`."""
        require_holder(speaker(), id)
        return await self._transactions(id)

    @Operation(tag="bank", query=MovementsPage, answer=list[AccountMovement], beside=(("cursor", str),))
    async def transactions(self) -> Response:
        """List the movements of all accounts, newest first: `limit` of them before the one with the id `before`."""
        require_teller(speaker())
        return await self._transactions(None)

    async def _transactions(self, cedula: str | None) -> Response:
        page = query_as(MovementsPage)
        cursor = self._hub.cursor
        return success(await self._bank.transactions(cedula, page), cursor=cursor)

    @Operation(tag="bank", body=MoneyMove, answer=Receipt, beside=(("message", str),), refusals=(404, 409))
    async def deposit(self) -> Response:
        """Put money into an account, which tellers do: 409 `saldo_maximo` where it would hold too much."""
        who = speaker()
        require_teller(who)
        asked = checked(await exact_json_body(), MoneyMove)
        receipt = await self._bank.deposit(asked, who, key=idempotency_key())
        return success(receipt, message="Depósito realizado")

    @Operation(tag="bank", body=MoneyMove, answer=Receipt, beside=(("message", str),), refusals=(404, 409))
    async def withdraw(self) -> Response:
        """Take money out of an account: 409 `fondos_insuficientes` where there is not as much."""
        who = speaker()
        asked = checked(await exact_json_body(), MoneyMove)
        require_holder(who, asked.cedula)
        receipt = await self._bank.withdraw(asked, who, key=idempotency_key())
        return success(receipt, message="Retiro realizado")

    @Operation(tag="bank", answer=Statistics, beside=(("estadisticas", Statistics),), perhaps=NODES)
    async def stats(self) -> Response:
        """Return the counters of the moment.

        `estadisticas` is where the older system's clients look for them.
        """
        who = speaker()
        statistics, survey = await self._counters.now()
        return success(statistics, estadisticas=statistics, **beside_data(survey, who))
