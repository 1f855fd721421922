"""The tables of the bank: accounts, and every movement there ever was in them.

Money is whole cents, times are ms since the Unix epoch. An account's balance is the sum of its movements' amounts;
both are written together, in `ledger.py` only.
"""

from typing import Final

from tortoise.fields import BigIntField, CharField, ForeignKeyField, ForeignKeyRelation, OnDelete
from tortoise.indexes import Index
from tortoise.models import Model

from quart_app.domains.bank.rules import CEDULA_CHARACTERS, NAME_CHARACTERS


class Account(Model):
    """An account of a holder; `balance` is in cents."""

    id = BigIntField(primary_key=True, generated=True)
    cedula = CharField(max_length=CEDULA_CHARACTERS, unique=True)
    name = CharField(max_length=NAME_CHARACTERS)
    balance = BigIntField()
    created_at = BigIntField()

    class Meta:
        table = "bank_accounts"


ADD_MOVEMENT: Final = "INSERT INTO bank_movements (id, account_id, kind, amount, balance, at) VALUES (?, ?, ?, ?, ?, ?)"


class Movement(Model):
    """A movement of money in an account.

    `id` is the position of the event that told of it, so movements are ordered as they were committed. `amount` is
    below 0 where money left; `balance` is what was in the account afterwards.
    """

    id = BigIntField(primary_key=True, generated=True)
    account: ForeignKeyRelation[Account] = ForeignKeyField(
        "envivo.Account", related_name="movements", on_delete=OnDelete.RESTRICT
    )
    account_id: int
    kind = CharField(max_length=16)
    amount = BigIntField()
    balance = BigIntField()
    at = BigIntField()

    class Meta:
        table = "bank_movements"
        indexes = (Index(fields=("account_id", "id"), name="bank_movements_account"),)
