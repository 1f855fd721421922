"""Who may see and do what: holders their own account, administration everything. In open mode everybody is both."""

from quart_app.realtime import Identity, Refused


def require_administrator(identity: Identity) -> None:
    """Raises Refused (`forbidden`, 403)."""
    if not identity.is_admin:
        raise Refused("forbidden", "only the bank's administration sees all accounts", status=403)


def require_holder(identity: Identity, cedula: str) -> None:
    """A holder's user id is their cédula. Raises Refused (`forbidden`, 403), whether the account exists or not."""
    if identity.user_id != cedula and not identity.is_admin:
        raise Refused("forbidden", "an account is its holder's, and the administration's", status=403)
