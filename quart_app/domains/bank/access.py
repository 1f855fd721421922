"""The access rules of the bank: a holder sees their own account, administrators see and do everything, and in open mode
everybody is an administrator."""

from quart_app.realtime import Identity, Refused


def require_administrator(identity: Identity) -> None:
    """Raise Refused (`forbidden`, 403) unless `identity` is an administrator."""
    if not identity.is_admin:
        raise Refused("forbidden", "only the bank's administration sees all accounts", status=403)


def require_holder(identity: Identity, cedula: str) -> None:
    """Raise Refused (`forbidden`, 403) unless `identity` may see the account of `cedula`, whether it exists or not.

    A holder's user id is their cédula; administrators may see every account.
    """
    if identity.user_id != cedula and not identity.is_admin:
        raise Refused("forbidden", "an account is its holder's, and the administration's", status=403)
