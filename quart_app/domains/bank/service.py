"""What can be done in the bank: open an account, deposit, withdraw, look at accounts and their movements.

The service loads, decides by the rules, saves, records. It answers with the shapes of the wire; it knows nothing of
connections.
"""

from typing import TypeVar

import msgspec

from quart_app.domains.bank import ledger, rules
from quart_app.domains.bank.access import require_teller
from quart_app.domains.bank.counters import LiveCounters
from quart_app.domains.bank.events import account_topic
from quart_app.domains.bank.models import Account, Movement
from quart_app.domains.bank.requests import AccountsPage, MoneyMove, MovementsPage, NewAccount
from quart_app.domains.bank.shapes import AccountMovement, AccountSummary, Receipt
from quart_app.realtime import Identity, Refused, all_cleaned
from quart_app.storage.idempotency import IdempotencyKey
from quart_app.storage.unit_of_work import Committer, UnitOfWork
from quart_app.surroundings import now

T = TypeVar("T")
U = TypeVar("U")


class Bank:
    """The use cases of the bank."""

    def __init__(self, committer: Committer, counters: LiveCounters) -> None:
        self._committer = committer
        self._counters = counters

    async def open_account(self, new: NewAccount, opener: Identity, *, key: str | None = None) -> AccountSummary:
        """Open an account. With a `key` (the opener's own) it is opened once.

        Raise Refused: `bad_request`, `forbidden` (403) for money that no teller puts in, `cuenta_existente` (409),
        `demasiadas_cuentas` (409).
        """
        cedula, name, amount = all_cleaned(
            cedula=(new.cedula, rules.clean_cedula),
            nombre=(new.nombre, rules.clean_name),
            saldo_inicial=(new.saldo_inicial, rules.clean_opening),
        )
        if amount:
            require_teller(opener)

        async def unit(work: UnitOfWork) -> AccountSummary:
            if await Account.exists(cedula=cedula):
                taken = "has an account already"
                raise Refused("cuenta_existente", f"{cedula} {taken}", status=409, fields={"cedula": taken})
            if await Account.all().count() >= rules.ACCOUNTS:
                raise Refused("demasiadas_cuentas", f"there are {rules.ACCOUNTS:,} accounts already", status=409)
            account = await ledger.open_account(work, cedula, name, amount, now())
            work.attribute(opener, rules.MovementKind.OPENING, account_topic(cedula), rules.written(amount))
            return ledger.summary(account, account.balance)

        with self._counters.operation():
            answer = await self._committer.commit(
                unit, key=IdempotencyKey.of("bank/cuentas", opener, key, (cedula, name, amount))
            )
        return msgspec.convert(answer, AccountSummary)

    async def deposit(self, asked: MoneyMove, asker: Identity, *, key: str | None = None) -> Receipt:
        """Put money in. With a `key` (the asker's own) it is put in once.

        Raise Refused: `bad_request`, `cuenta_no_encontrada` (404), `saldo_maximo` (409).
        """
        return await self._move(rules.MovementKind.DEPOSIT, asked, asker, key)

    async def withdraw(self, asked: MoneyMove, asker: Identity, *, key: str | None = None) -> Receipt:
        """Take money out. With a `key` (the asker's own) it is taken out once.

        Raise Refused: `bad_request`, `cuenta_no_encontrada` (404), `fondos_insuficientes` (409).
        """
        return await self._move(rules.MovementKind.WITHDRAWAL, asked, asker, key)

    async def _move(self, kind: rules.MovementKind, asked: MoneyMove, asker: Identity, key: str | None) -> Receipt:
        cedula, amount = all_cleaned(cedula=(asked.cedula, rules.clean_cedula), monto=(asked.monto, rules.clean_amount))

        async def unit(work: UnitOfWork) -> Receipt:
            account = await _account(cedula)
            try:
                movement = await ledger.move(work, account, kind, amount, now())
            except rules.InsufficientFunds as error:
                raise _no_room("fondos_insuficientes", str(error)) from error
            except ValueError as error:
                raise _no_room("saldo_maximo", str(error)) from error
            detail = f"{rules.written(amount)}, transaccion {movement.id}"
            work.attribute(asker, kind, account_topic(cedula), detail)
            return Receipt(cedula, rules.dollars(movement.balance), movement.id)

        with self._counters.operation():
            scoped = IdempotencyKey.of(f"bank/{kind}", asker, key, (cedula, amount))
            answer = await self._committer.commit(unit, key=scoped)
        return msgspec.convert(answer, Receipt)

    async def account(self, cedula: str) -> AccountSummary:
        """Return an account as it is now. Raise Refused (`cuenta_no_encontrada`, 404)."""
        account = await _account(cedula)
        return ledger.summary(account, account.balance)

    async def account_at(self, cedula: str, position: int) -> AccountSummary:
        """Return an account as it was at a position of the log, empty before its opening.

        Raise Refused (`cuenta_no_encontrada`, 404).
        """
        account = await _account(cedula)
        last = await Movement.filter(account_id=account.id, id__lte=position).order_by("-id").first()
        return ledger.summary(account, last.balance if last else 0)

    async def accounts(self, page: AccountsPage) -> list[AccountSummary]:
        """Return a page of the accounts, in the order of their cédulas."""
        rows = await Account.filter(cedula__gt=page.after).order_by("cedula").limit(page.limit)
        return [ledger.summary(row, row.balance) for row in rows]

    async def transactions(self, cedula: str | None, page: MovementsPage) -> list[AccountMovement]:
        """Return a page of the movements, newest first, of one account or of the whole bank.

        Raise Refused (`cuenta_no_encontrada`, 404).
        """
        found = Movement.filter(id__lt=page.before)
        if cedula is not None:
            found = found.filter(account_id=(await _account(cedula)).id)
        rows = await found.order_by("-id").limit(page.limit).select_related("account")
        return [ledger.account_movement(row.account, row) for row in rows]


async def _account(cedula: str) -> Account:
    account = await Account.get_or_none(cedula=cedula) if rules.is_cedula(cedula) else None
    if account is None:
        raise Refused("cuenta_no_encontrada", "there is no account of this cédula", status=404)
    return account


def _no_room(code: str, said: str) -> Refused:
    return Refused(code, f"monto: {said}", status=409, fields={"monto": said})
