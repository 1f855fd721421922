"""The description of a kind of record, and the decisions that a kind may add while a change is made.

The mechanism for all of them is in `service` and `journal`; it knows no kind by name. No kind is described here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol, TypeVar

import msgspec

from quart_app.domains.clinic.models import Kept, Pet
from quart_app.domains.clinic.rules import FIELDS
from quart_app.domains.clinic.shapes import Notice

Row = TypeVar("Row", bound=Kept)
"""The rows of one kind of record."""

Readers = Literal["everybody", "owner", "staff"]
"""The readers of a kind's records: everybody, the user whom a record belongs to, or the staff alone. Staff may read all
of them, and nobody else changes any."""


@dataclass(frozen=True, slots=True)
class About:
    """What a record is about: what people call it, the pet, and the user whom it belongs to."""

    label: str
    pet: Pet | None = None
    user_id: str | None = None


@dataclass(slots=True)
class Draft(Generic[Row]):
    """A record as it is to become.

    `row` is the record as it is, None for a new one; `fields` is what is given, as it is kept; `related` holds the rows
    that it will refer to, by the field that does.
    """

    row: Row | None
    fields: dict[str, Any]
    related: dict[str, Any] = field(default_factory=dict)

    def value(self, name: str) -> Any:
        """Return the value that a field will have; None where it is not given and the record has none."""
        return self.fields[name] if name in self.fields else getattr(self.row, name, None)

    def changes(self, *names: str) -> bool:
        """Tell whether one of the fields gets a new value; all fields of a new record do."""
        return self.row is None or any(
            name in self.fields and self.fields[name] != getattr(self.row, name) for name in names
        )


class Writing(Protocol):
    """What a policy may change beside its own record, in the same unit of work."""

    async def update(self, entity_type: str, row: Kept, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Change a row, tell of the change, and return the record as on the wire."""


class Policy(Generic[Row]):
    """The rules of one kind of record that look things up. The default has none."""

    async def prepare(self, draft: Draft[Row]) -> None:
        """Complete the draft's fields. Raise Refused where the record may not become so; nothing is written yet."""

    async def about(self, row: Row) -> About:
        """Return what the record is about; by default that is its own id and nothing else."""
        return About(str(row.id))

    async def follow(self, row: Row, writing: Writing) -> None:
        """Change what depends on a record that was written or removed just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity(Generic[Row]):
    """One kind of record.

    `name` is the topic and the path. `called` is what the reference calls one record, with its article. `model` is its
    table, and `record` is the shape of one record on the wire. `new`, `change` and `query` are the shapes of what
    clients send; without the first two the kind is read only. `references` names the fields that hold an id, and of
    which kind. `lookups` maps each parameter of the query to the Tortoise filter that it stands for. `noticed` names
    the fields that the user is told. `private` names those that only staff read, whoever may read the record; so its
    topic is theirs, too. `newest_first` is the order of lists.
    """

    name: str
    singular: str
    called: str
    model: type[Row]
    record: type[msgspec.Struct]
    query: type[msgspec.Struct]
    lookups: Mapping[str, str]
    new: type[msgspec.Struct] | None = None
    change: type[msgspec.Struct] | None = None
    references: Mapping[str, str] = field(default_factory=dict)
    noticed: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    newest_first: bool = False
    readers: Readers = "owner"
    policy: Policy[Row] = field(default_factory=Policy)

    @property
    def id_name(self) -> str:
        """The field that holds a record's own id on the wire."""
        return f"{self.singular}_id"

    def shown(self, row: Row) -> dict[str, Any]:
        """Return a row as it goes out, in the types that JSON has."""
        values = {}
        for name in self.record.__struct_fields__:
            value = row.id if name == self.id_name else getattr(row, name)
            values[name] = FIELDS[name].show(value) if name in FIELDS and value is not None else value
        shown: dict[str, Any] = msgspec.to_builtins(msgspec.convert(values, self.record))
        return shown

    def notice(self, row: Row, pet: Pet | None) -> Notice:
        """Return what the user is told of a row."""
        shown = self.shown(row)
        of_pet = {} if pet is None else {"pet_name": pet.name, "pet_id": pet.id}
        return Notice(**of_pet, **{name: shown[name] for name in self.noticed})
