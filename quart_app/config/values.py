"""From what was typed for one setting to its value."""

import ipaddress
import math
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from quart_app.config.settings import SECRETS, SHORTEST_SENSOR_INTERVAL
from quart_app.config.specs import SettingsError, SettingSpec
from quart_app.doors import Door, Network, is_confidential, read_door
from quart_app.issuers import Rule, read_rule
from quart_app.typed import TypedError


def convert(spec: SettingSpec, raw: object) -> Any:
    """Return the value of a setting that is given as `raw`. Raise `SettingsError` for what it may not be."""
    value = raw.strip() if isinstance(raw, str) else raw
    shown = f"({len(str(raw))} characters)" if spec.name in SECRETS else raw
    name = f"{spec.variable} ({spec.option})"
    try:
        if spec.name in _READERS:
            return _READERS[spec.name](value)
        converted = msgspec.convert(value, spec.type, strict=False)
    except TypedError as error:
        raise SettingsError(f"{error.what} in {name}", error.was, error.may_be) from error
    except ValueError as error:  # that of msgspec is one
        raise SettingsError(name, shown, spec.may_be) from error
    too_short = spec.name == "sensor_interval" and 0 < converted < SHORTEST_SENSOR_INTERVAL
    if too_short or (isinstance(converted, float) and math.isnan(converted)):
        raise SettingsError(name, shown, spec.may_be)
    return converted


def _several(value: Any, separator: str = ",") -> list[str]:
    """Return the texts of a setting that may have several: from one text, or from an option that was given again."""
    texts = value.split(separator) if isinstance(value, str) else [str(one) for one in value]
    return [text.strip() for text in texts if text.strip()]


def _backplane_url(value: Any) -> str:
    if urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError(value)
    return str(value)


def _origins(value: Any) -> tuple[str, ...]:
    return tuple(_origin(text) for text in _several(value))


def _networks(value: Any) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in _several(value))


def _doors(value: Any) -> tuple[Door, ...]:
    doors = tuple(read_door(text) for text in _several(value, ";"))
    names = [door.name for door in doors]
    for name in names:
        if names.count(name) > 1:
            raise TypedError("the name of two doors", name, "that of one")
    return doors


def _rules(value: Any) -> tuple[Rule, ...]:
    return tuple(read_rule(text) for text in _several(value, ";"))


def _confidential(url: str) -> str:
    if not is_confidential(url):
        raise ValueError(url)
    return url


def _origin(text: str) -> str:
    """Return an origin as browsers send it (RFC 6454 section 6.2): lower case, no path, no default port. Raise
    ValueError."""
    parts = urlsplit(text.lower())
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("no origin")
    if "*" in parts.hostname:
        raise ValueError("a * stands for itself alone in an origin")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = parts.port in {None, 443 if parts.scheme == "https" else 80}
    return f"{parts.scheme}://{host}" if default else f"{parts.scheme}://{host}:{parts.port}"


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "backplane_url": _backplane_url,
    "allowed_origins": _origins,
    "public_url": _origin,
    "trusted_proxies": _networks,
    "door": _doors,
    "oidc_issuer": _confidential,
    "jwks_url": _confidential,
    "claim_rules": _rules,
}
"""The settings that are not read as msgspec reads their types."""
