"""The ledger moves money: it writes a movement, the account's new balance and the events that tell of both, or nothing.

Nothing else writes balances. Everything here runs inside a unit of work; what may move is decided before, by the rules.
"""

from quart_app.domains.bank import rules
from quart_app.domains.bank.events import BALANCES, BalanceChanged, account_topic
from quart_app.domains.bank.models import ADD_MOVEMENT, Account, Movement
from quart_app.domains.bank.shapes import AccountMovement, AccountSummary
from quart_app.realtime import timestamp
from quart_app.storage.unit_of_work import UnitOfWork


async def open_account(work: UnitOfWork, cedula: str, name: str, amount: int, at: int) -> Account:
    """Make an account with `amount` cents in it, and return it; `at` is ms since the Unix epoch."""
    account = await Account.create(cedula=cedula, name=name, balance=0, created_at=at)
    await move(work, account, rules.MovementKind.OPENING, amount, at)
    return account


async def move(work: UnitOfWork, account: Account, kind: rules.MovementKind, amount: int, at: int) -> Movement:
    """Move `amount` cents and return the movement. Raise what `rules.moved` raises, before anything is written."""
    balance = rules.moved(account.balance, kind, amount)
    movement = Movement(
        id=work.next_position,
        account=account,
        kind=kind,
        amount=rules.change(kind, amount),
        balance=balance,
        at=at,
    )
    values = (movement.id, account.id, movement.kind, movement.amount, movement.balance, movement.at)
    work.add_unread(ADD_MOVEMENT, *values)
    account.balance = balance
    await account.save(update_fields=["balance"])
    changed = BalanceChanged(account.cedula, rules.dollars(balance))
    for topic in (account_topic(account.cedula), BALANCES):
        work.record(topic, changed.type, changed, transaccion=account_movement(account, movement))
    return movement


def account_movement(account: Account, movement: Movement) -> AccountMovement:
    """Return a movement as the wire has it."""
    return AccountMovement(
        transaccion_id=movement.id,
        cedula=account.cedula,
        nombre=account.name,
        tipo=rules.MovementKind(movement.kind),
        monto=rules.dollars(abs(movement.amount)),
        saldo=rules.dollars(movement.balance),
        created_at=timestamp(movement.at),
    )


def summary(account: Account, balance: int) -> AccountSummary:
    """Return an account with `balance` cents as the wire has it."""
    return AccountSummary(account.cedula, account.name, rules.dollars(balance))
