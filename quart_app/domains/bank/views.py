"""The bank over plain HTTP: REST and its pages.

Parses, asks the service, renders; every snapshot carries the cursor that was read before its data.
"""

from typing import Any

import msgspec
from quart import Blueprint, Response, render_template, request

from quart_app.domains import Program
from quart_app.domains.bank import rules
from quart_app.domains.bank.access import require_administrator, require_holder
from quart_app.domains.bank.counters import Counters
from quart_app.domains.bank.events import AccountSummary, Receipt, Statistics, Transaction
from quart_app.domains.bank.requests import AccountsPage, Cedula, MoneyMove, MovementsPage, NewAccount
from quart_app.domains.bank.service import Bank
from quart_app.identity import identify
from quart_app.realtime import Identity, checked
from quart_app.web.i18n import current_language
from quart_app.web.operations import Operation
from quart_app.web.rest import exact_json_body, idempotency_key, query_as, success

_ID = (("id", Cedula),)


def routes(program: Program, bank: Bank, counters: Counters) -> Blueprint:
    """`/api/cuentas…`, `/api/deposito`, `/api/retiro`, `/api/transacciones`, `/api/stats`, `/bank…`."""
    api = _Api(program, bank, counters)
    pages = _Pages(program, bank, counters)
    blueprint = Blueprint("bank", __name__, template_folder="templates")
    blueprint.get("/api/cuentas")(api.accounts)
    blueprint.post("/api/cuentas")(api.open_account)
    blueprint.get("/api/cuentas/<id>")(api.account)
    blueprint.get("/api/cuentas/<id>/transacciones")(api.account_transactions)
    blueprint.get("/api/transacciones")(api.transactions)
    blueprint.post("/api/deposito")(api.deposit)
    blueprint.post("/api/retiro")(api.withdraw)
    blueprint.get("/api/stats")(api.stats)
    blueprint.get("/bank")(pages.accounts_page)
    blueprint.get("/bank/admin")(pages.administration_page)
    blueprint.get("/bank/<id>")(pages.account_page)
    blueprint.add_app_template_filter(money, "money")
    return blueprint


def money(amount: float) -> str:
    """An amount of dollars as people here write it, in the language of the request."""
    text = f"{amount:,.2f}"
    return f"${text}" if current_language() == "en" else f"${text.translate(str.maketrans(',.', '.,'))}"


class _Api:
    def __init__(self, program: Program, bank: Bank, counters: Counters) -> None:
        self._program = program
        self._bank = bank
        self._counters = counters

    def _speaker(self) -> Identity:
        return identify(self._program.settings, request)

    @Operation(
        tag="bank", query=AccountsPage, answer=list[AccountSummary], beside=(("cursor", str), ("after", str | None))
    )
    async def accounts(self) -> Response:
        """Accounts in order of cédula, and `cursor` to follow `balances` from; `after`, where it is not null, is where
        the next page begins."""
        require_administrator(self._speaker())
        page = query_as(AccountsPage)
        cursor = self._program.hub.cursor
        accounts = await self._bank.accounts(page)
        return success(accounts, cursor=cursor, after=accounts[-1].cedula if len(accounts) == page.limit else None)

    @Operation(tag="bank", body=NewAccount, answer=AccountSummary, status=201, refusals=(409,))
    async def open_account(self) -> Response:
        """Open an account, with money in it or not: 409 `cuenta_existente` where the cédula has one."""
        speaker = self._speaker()
        new = checked(await exact_json_body(), NewAccount)
        require_holder(speaker, new.cedula)
        return success(await self._bank.open_account(new, speaker, key=idempotency_key()), status=201)

    @Operation(tag="bank", path=_ID, answer=AccountSummary, beside=(("cursor", str),), refusals=(404,))
    async def account(self, id: str) -> Response:
        """An account and its balance, and `cursor` to follow it from; `id` is the cédula."""
        require_holder(self._speaker(), id)
        cursor = self._program.hub.cursor
        return success(await self._bank.account(id), cursor=cursor)

    @Operation(
        tag="bank",
        path=_ID,
        query=MovementsPage,
        answer=list[Transaction],
        beside=(("cursor", str),),
        refusals=(404,),
    )
    async def account_transactions(self, id: str) -> Response:
        """The movements of an account, newest first: `limit` of them before the one with the id `before`."""
        require_holder(self._speaker(), id)
        return await self._transactions(id)

    @Operation(tag="bank", query=MovementsPage, answer=list[Transaction], beside=(("cursor", str),))
    async def transactions(self) -> Response:
        """The movements of all accounts, newest first: `limit` of them before the one with the id `before`."""
        require_administrator(self._speaker())
        return await self._transactions(None)

    async def _transactions(self, cedula: str | None) -> Response:
        page = query_as(MovementsPage)
        cursor = self._program.hub.cursor
        return success(await self._bank.transactions(cedula, page), cursor=cursor)

    @Operation(tag="bank", body=MoneyMove, answer=Receipt, beside=(("message", str),), refusals=(404, 409))
    async def deposit(self) -> Response:
        """Put money into an account: 409 `saldo_maximo` where it would hold too much."""
        speaker = self._speaker()
        asked = checked(await exact_json_body(), MoneyMove)
        require_holder(speaker, asked.cedula)
        receipt = await self._bank.deposit(asked, speaker, key=idempotency_key())
        return success(receipt, message="Depósito realizado")

    @Operation(tag="bank", body=MoneyMove, answer=Receipt, beside=(("message", str),), refusals=(404, 409))
    async def withdraw(self) -> Response:
        """Take money out of an account: 409 `fondos_insuficientes` where there is not as much."""
        speaker = self._speaker()
        asked = checked(await exact_json_body(), MoneyMove)
        require_holder(speaker, asked.cedula)
        receipt = await self._bank.withdraw(asked, speaker, key=idempotency_key())
        return success(receipt, message="Retiro realizado")

    @Operation(tag="bank", answer=Statistics, beside=(("estadisticas", Statistics),))
    async def stats(self) -> Response:
        """The counters of the moment; `estadisticas` is where the older system's clients look for them."""
        self._speaker()
        statistics = self._counters.now()
        return success(statistics, estadisticas=statistics)


class _Pages:
    def __init__(self, program: Program, bank: Bank, counters: Counters) -> None:
        self._program = program
        self._bank = bank
        self._counters = counters

    def _visitor(self) -> Identity:
        return identify(self._program.settings, request)

    async def accounts_page(self) -> str:
        """The accounts, and the form that opens one."""
        require_administrator(self._visitor())
        cursor = self._program.hub.cursor
        accounts = await self._bank.accounts(AccountsPage(limit=rules.PAGE_LIMIT))
        return await _page("bank/accounts.html", cursor, accounts=accounts, most=rules.PAGE_LIMIT)

    async def account_page(self, id: str) -> str:
        """One account with its last movements, from whose `cursor` the page goes live."""
        visitor = self._visitor()
        require_holder(visitor, id)
        cursor = self._program.hub.cursor
        movements = await self._bank.transactions(id, MovementsPage())
        account = await self._bank.account(id)
        return await _page(
            "bank/account.html", cursor, account=account, movements=movements, administrator=visitor.is_admin
        )

    async def administration_page(self) -> str:
        """The live counters and the latest movements of the whole bank."""
        require_administrator(self._visitor())
        cursor = self._program.hub.cursor
        movements = await self._bank.transactions(None, MovementsPage())
        return await _page("bank/admin.html", cursor, statistics=self._counters.now(), movements=movements)


async def _page(template: str, cursor: str, **shown: Any) -> str:
    """The page with what it shows, which its module takes over from the data island."""
    return await render_template(template, **msgspec.to_builtins({"cursor": cursor, **shown}))
