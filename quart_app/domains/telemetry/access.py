"""The access rules of the telemetry: everybody who is let in may look; devices send readings, operators too, and they
dismiss alerts. In open mode everybody may do everything."""

from quart_app.realtime import Identity, Refused


def may_send(identity: Identity) -> bool:
    """Tell whether `identity` may send readings."""
    return identity.has_role("device", "operator")


def may_dismiss(identity: Identity) -> bool:
    """Tell whether `identity` may dismiss alerts."""
    return identity.has_role("operator")


def require_device(identity: Identity) -> None:
    """Raise Refused (`forbidden`, 403) unless `identity` may send readings."""
    if not may_send(identity):
        raise Refused("forbidden", "readings are for the roles device and operator to send", status=403)


def require_operator(identity: Identity) -> None:
    """Raise Refused (`forbidden`, 403) unless `identity` may dismiss alerts."""
    if not may_dismiss(identity):
        raise Refused("forbidden", "alerts are for the role operator to dismiss", status=403)
