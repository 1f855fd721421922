"""The access rules of the bank: holders see their own account and take money out of it, tellers see and do everything;
administrators, as everybody is in open mode, are tellers too."""

from quart_app.domains.bank import rules
from quart_app.realtime import Identity, Refused


def is_teller(identity: Identity) -> bool:
    """Tell whether `identity` works at the bank."""
    return identity.has_role("teller")


def may_visit(identity: Identity) -> bool:
    """Tell whether the bank has something to show to `identity`: all accounts, or the one that may be their own."""
    return is_teller(identity) or rules.is_cedula(identity.user_id)


def require_teller(identity: Identity) -> None:
    """Raise Refused (`forbidden`, 403) unless `identity` works at the bank."""
    if not is_teller(identity):
        raise Refused("forbidden", "this is for the bank's tellers", status=403)


def require_holder(identity: Identity, cedula: str) -> None:
    """Raise Refused (`forbidden`, 403) unless `identity` may use the account of `cedula`, whether it exists or not.

    A holder's user id is their cédula; tellers may use every account.
    """
    if identity.user_id != cedula and not is_teller(identity):
        raise Refused("forbidden", "an account is its holder's, and the tellers'", status=403)
