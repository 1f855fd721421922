"""The pages of the bank: the accounts, one account, the administration panel.

Every page carries the cursor that was read before its data, and goes live from there.
"""

from typing import Any

import msgspec
from quart import Blueprint, Response, render_template

from quart_app.domains import Program
from quart_app.domains.bank import rules
from quart_app.domains.bank.access import is_teller, may_visit, require_holder, require_teller
from quart_app.domains.bank.counters import LiveCounters
from quart_app.domains.bank.requests import AccountsPage, MovementsPage
from quart_app.domains.bank.service import Bank
from quart_app.realtime import Hub
from quart_app.web.context import speaker
from quart_app.web.i18n import local_number


def pages(program: Program, bank: Bank, counters: LiveCounters) -> Blueprint:
    """Return `/bank`, `/bank/admin` and `/bank/<cédula>`."""
    shown = _Pages(program.hub, bank, counters)
    blueprint = Blueprint("bank_pages", __name__, template_folder="templates")
    blueprint.get("/bank")(shown.accounts)
    blueprint.get("/bank/admin")(shown.administration)
    blueprint.get("/bank/<id>")(shown.account)
    blueprint.add_app_template_filter(money, "money")
    return blueprint


def money(amount: float) -> str:
    """Return an amount of dollars as people here write it, in the language of the request."""
    return f"${local_number(f'{amount:,.2f}')}"


class _Pages:
    def __init__(self, hub: Hub, bank: Bank, counters: LiveCounters) -> None:
        self._hub = hub
        self._bank = bank
        self._counters = counters

    async def accounts(self) -> str | Response:
        """Show the accounts, and the form that opens one; a holder is led to their own account."""
        visitor = speaker()
        if not is_teller(visitor) and may_visit(visitor):
            return Response(status=303, headers={"Location": f"/bank/{visitor.user_id}"})
        require_teller(visitor)
        cursor = self._hub.cursor
        accounts = await self._bank.accounts(AccountsPage(limit=rules.PAGE_LIMIT))
        return await _page("bank/accounts.html", cursor, accounts=accounts, most=rules.PAGE_LIMIT)

    async def account(self, id: str) -> str:
        """Show one account with its last movements; the page goes live from `cursor`."""
        visitor = speaker()
        require_holder(visitor, id)
        cursor = self._hub.cursor
        movements = await self._bank.transactions(id, MovementsPage())
        account = await self._bank.account(id)
        return await _page("bank/account.html", cursor, account=account, movements=movements, teller=is_teller(visitor))

    async def administration(self) -> str:
        """Show the live counters and the latest movements of the whole bank."""
        require_teller(speaker())
        cursor = self._hub.cursor
        movements = await self._bank.transactions(None, MovementsPage())
        statistics, _ = await self._counters.now()
        return await _page("bank/admin.html", cursor, statistics=statistics, movements=movements)


async def _page(template: str, cursor: str, **shown: Any) -> str:
    """Return the page drawn from `shown`, which its script also gets, as JSON inside the page."""
    return await render_template(template, **msgspec.to_builtins({"cursor": cursor, **shown}))
