"""What a new bank shows: a few holders and what they did in the last month."""

from dataclasses import dataclass
from typing import Final

from quart_app.domains.bank import ledger
from quart_app.domains.bank.models import Account
from quart_app.domains.bank.rules import MovementKind
from quart_app.storage.unit_of_work import UnitOfWork
from quart_app.surroundings import now

_MINUTE: Final = 60_000  # ms


@dataclass(frozen=True, slots=True)
class _Entry:
    """One movement of the examples: `cents` moved in an account, `days` and `minutes` ago."""

    days: int
    minutes: int
    cedula: str
    kind: MovementKind
    cents: int

    @property
    def ago(self) -> int:
        return (self.days * 24 * 60 + self.minutes) * _MINUTE


_HOLDERS: Final = {
    "0912345675": "Luis Alberto Zambrano",
    "1102938475": "Rosa Elena Quishpe",
    "1350509525": "María Fernanda Cedeño",
    "1717171717": "Comercial Andina Cía. Ltda.",
    "1803456789": "Jorge Iván Toapanta",
}

_HISTORY: Final = (
    _Entry(31, 320, "1350509525", MovementKind.OPENING, 4_200_00),
    _Entry(30, 95, "1717171717", MovementKind.OPENING, 18_500_00),
    _Entry(29, 410, "0912345675", MovementKind.OPENING, 350_00),
    _Entry(27, 605, "1717171717", MovementKind.WITHDRAWAL, 3_120_40),
    _Entry(25, 130, "1350509525", MovementKind.WITHDRAWAL, 60_00),
    _Entry(24, 515, "0912345675", MovementKind.DEPOSIT, 460_00),
    _Entry(22, 250, "1102938475", MovementKind.OPENING, 1_275_50),
    _Entry(21, 80, "1350509525", MovementKind.WITHDRAWAL, 118_35),
    _Entry(20, 470, "1717171717", MovementKind.DEPOSIT, 6_840_00),
    _Entry(18, 335, "1102938475", MovementKind.WITHDRAWAL, 89_90),
    _Entry(16, 90, "1350509525", MovementKind.DEPOSIT, 1_450_00),
    _Entry(15, 555, "0912345675", MovementKind.WITHDRAWAL, 72_25),
    _Entry(13, 615, "1350509525", MovementKind.WITHDRAWAL, 340_00),
    _Entry(12, 210, "1717171717", MovementKind.WITHDRAWAL, 4_975_15),
    _Entry(10, 145, "1803456789", MovementKind.OPENING, 0),
    _Entry(10, 140, "1803456789", MovementKind.DEPOSIT, 820_00),
    _Entry(8, 375, "1350509525", MovementKind.WITHDRAWAL, 24_50),
    _Entry(7, 430, "1102938475", MovementKind.DEPOSIT, 300_00),
    _Entry(6, 60, "1717171717", MovementKind.DEPOSIT, 2_310_75),
    _Entry(5, 490, "1803456789", MovementKind.WITHDRAWAL, 150_00),
    _Entry(4, 285, "0912345675", MovementKind.DEPOSIT, 125_00),
    _Entry(3, 520, "1350509525", MovementKind.DEPOSIT, 182_85),
    _Entry(2, 165, "1102938475", MovementKind.WITHDRAWAL, 45_60),
    _Entry(1, 400, "1717171717", MovementKind.WITHDRAWAL, 1_000_00),
    _Entry(1, 35, "1803456789", MovementKind.WITHDRAWAL, 63_20),
    _Entry(0, 190, "1350509525", MovementKind.WITHDRAWAL, 40_00),
)


async def open_examples(work: UnitOfWork) -> None:
    """Open the accounts and move the money, in the order in which it happened."""
    accounts: dict[str, Account] = {}
    for entry in _HISTORY:
        at = now() - entry.ago
        if entry.kind is MovementKind.OPENING:
            name = _HOLDERS[entry.cedula]
            accounts[entry.cedula] = await ledger.open_account(work, entry.cedula, name, entry.cents, at)
        else:
            await ledger.move(work, accounts[entry.cedula], entry.kind, entry.cents, at)
