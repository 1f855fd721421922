"""The access rules of the inventory: everybody who is let in may look, employees change it; in open mode everybody is
one."""

from quart_app.realtime import Identity, Refused


def may_change(identity: Identity) -> bool:
    """Tell whether `identity` may make, change and delete products."""
    return identity.has_role("employee")


def require_employee(identity: Identity) -> None:
    """Raise Refused (`forbidden`, 403) unless `identity` may change the inventory."""
    if not may_change(identity):
        raise Refused("forbidden", "products are for employees to change", status=403)
