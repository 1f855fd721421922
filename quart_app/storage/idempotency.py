"""Answers kept by idempotency key, so that a repeated command changes nothing and gets the first answer.

A key is unique within its scope (who asks, and for what), and belongs to what was asked with it first: asked for
something else it is refused. Keys are looked up and stored for a whole group of units at once, inside the group's
transaction.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from typing import Any, Final, NamedTuple, Self

import msgspec
from tortoise.backends.base.client import BaseDBAsyncClient

from quart_app.realtime import Identity, Refused
from quart_app.realtime.limits import ANSWER_KEPT, KEY_CHARACTERS
from quart_app.storage.connections import sql
from quart_app.surroundings import now

COLUMNS: Final = "scope, key, answer, fingerprint, created_at"

_SCOPE_CHARACTERS = 255  # characters, as many as the column holds
_LOOKED_UP: Final = 1_000  # keys in one statement; SQLite takes 32,766 values, and two are one key


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The key of a command: `key` is what the client chose, `scope` keeps the keys of different clients and commands
    apart. `fingerprint` tells what was asked with the key, and does not count when two keys are compared.

    Raise Refused (`invalid_key`) where the client's key is empty, too long or not printable.
    """

    scope: str
    key: str
    fingerprint: str = field(default="", compare=False)

    @classmethod
    def of(cls, command: str, who: Identity, key: str | None, asked: object) -> Self | None:
        """Return the key that `who` gave to a `command`, None where they gave none. `asked` is everything that they
        asked for, as anything that JSON can hold; it must hold nothing that differs when they repeat the command."""
        return None if key is None else cls(f"{command}:{who.key_owner}", key, fingerprint(asked))

    def check(self, asked_first: str | None) -> None:
        """Raise Refused (`key_reused`) where the fingerprint `asked_first`, None if unknown, is another one."""
        if asked_first not in {None, self.fingerprint}:
            raise Refused("key_reused", "this key was used for something else before: take a new one", status=422)

    def __post_init__(self) -> None:
        if not self.key.isprintable() or not 0 < len(self.key) <= KEY_CHARACTERS:
            wrong = f"1 to {KEY_CHARACTERS} printable characters"
            raise Refused("invalid_key", f"a key is {wrong}", fields={"key": wrong})
        if not self.scope.isprintable() or not 0 < len(self.scope) <= _SCOPE_CHARACTERS:
            raise Refused("invalid_key", f"the scope of a key is 1 to {_SCOPE_CHARACTERS} printable characters")


class Answer(NamedTuple):
    """The first answer to a key: `json` is its text, empty where that was too large to be kept; `fingerprint` tells
    what was asked, and is None in rows of older versions."""

    json: bytes
    fingerprint: str | None

    @classmethod
    def of(cls, json: bytes, fingerprint: str) -> Self:
        """Return what is kept of an answer: all of it up to `limits.ANSWER_KEPT` bytes, above that only that it was
        given."""
        return cls(json if len(json) <= ANSWER_KEPT else b"", fingerprint)

    def result(self) -> Any:
        """Return the result that was answered. Raise Refused (`answer_not_kept`)."""
        if not self.json:
            said = "this was done with this key before, and its answer was too large to be kept: look at what there is"
            raise Refused("answer_not_kept", said, status=409)
        return msgspec.json.decode(self.json)


def fingerprint(asked: object) -> str:
    """Return what tells `asked`, anything that JSON can hold, from everything else; the order of names is no part."""
    return blake2b(msgspec.json.encode(asked, order="deterministic"), digest_size=16).hexdigest()


async def answers(client: BaseDBAsyncClient, keys: Collection[IdempotencyKey]) -> dict[IdempotencyKey, Answer]:
    """Return the answers that some of `keys` got before."""
    found: dict[IdempotencyKey, Answer] = {}
    left = iter(keys)
    while some := list(islice(left, _LOOKED_UP)):
        found |= await _answers(client, some)
    return found


async def _answers(client: BaseDBAsyncClient, keys: Collection[IdempotencyKey]) -> dict[IdempotencyKey, Answer]:
    pairs = ", ".join(["(?, ?)"] * len(keys))
    # A join, because SQLite answers `(scope, key) IN (VALUES …)` by reading the whole table.
    statement = (
        f"WITH wanted (scope, key) AS (VALUES {pairs}) SELECT given.scope, given.key, given.answer, given.fingerprint"  # noqa: S608 - only placeholders
        " FROM wanted CROSS JOIN idempotency_keys AS given WHERE given.scope = wanted.scope AND given.key = wanted.key"
    )
    _, rows = await client.execute_query(
        sql(statement, client), [part for key in keys for part in (key.scope, key.key)]
    )
    return {
        IdempotencyKey(row["scope"], row["key"]): Answer(row["answer"].encode(), row["fingerprint"]) for row in rows
    }


def rows(given: Mapping[IdempotencyKey, Answer]) -> list[list[Any]]:
    """Return the rows, of `COLUMNS`, that keep the answers `given` now."""
    at = now()
    return [[key.scope, key.key, answer.json.decode(), answer.fingerprint, at] for key, answer in given.items()]


async def purge(client: BaseDBAsyncClient, before: int, limit: int, *, latest: int) -> int:
    """Forget keys from before `before` (ms since the Unix epoch), `limit` at most; return how many.

    Keys go in the order in which they came, so no index by time is needed. A key whose time is after `latest` was
    stored by a clock that was wrong: its time is set to `latest`.
    """
    _, rows = await client.execute_query(
        sql("SELECT id, created_at FROM idempotency_keys ORDER BY id LIMIT ?", client), [limit]
    )
    if rows and any(row["created_at"] > latest for row in rows):
        redate = "UPDATE idempotency_keys SET created_at = ? WHERE created_at > ? AND id <= ?"
        await client.execute_query(sql(redate, client), [latest, latest, rows[-1]["id"]])
    old = 0
    while old < len(rows) and rows[old]["created_at"] < before:
        old += 1
    if old:
        await client.execute_query(sql("DELETE FROM idempotency_keys WHERE id <= ?", client), [rows[old - 1]["id"]])
    return old
