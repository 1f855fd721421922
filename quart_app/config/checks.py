"""What settings must not be together, in the words of whoever has typed them: above all, doors that would let in whom
they should not.
"""

import secrets
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from quart_app.config.settings import SECRETS, Settings
from quart_app.config.specs import SPECS, SettingsError
from quart_app.doors import GUIDE_KEY, OPEN, SECRET_KEY_CHARACTERS, SECURE, Door, is_guessable, is_loopback, unfit
from quart_app.issuers import RULES_MAY_BE

_TOGETHER: Final = (("oidc_issuer", "oidc_client_id"), ("jwks_url", "token_issuer", "token_audience"))
"""The settings that mean something together alone."""
_FOR_EVERYBODY: Final = frozenset(
    {
        "https://accounts.google.com",
        "https://appleid.apple.com",
        "https://gitlab.com",
        "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
    }
)
"""The providers at which everybody can have an account, so that an account there says nothing."""


def check(settings: Settings, options: Mapping[str, object]) -> None:
    """Raise `SettingsError` for the first settings that do not go together; `options` are those that were typed for a
    command."""
    _check_logs(settings)
    _check_backplane(settings)
    _check_workers(settings)
    _check_access(settings, options)


def _check_backplane(settings: Settings) -> None:
    """Raise `SettingsError` where a backplane would join nodes that cannot have one database."""
    if settings.backplane_url is not None and settings.database_url.startswith("sqlite:"):
        backplane, database = SPECS["backplane_url"], SPECS["database_url"]
        raise SettingsError(
            f"{backplane.variable} ({backplane.option})",
            "set",
            "left out with SQLite, whose file one process opens: several nodes need one PostgreSQL database, "
            f"{database.variable}=postgres://<user>@<host>/<name>",
        )


def _check_workers(settings: Settings) -> None:
    """Raise `SettingsError` where several processes would serve without being nodes of one backplane."""
    if settings.workers == 1:
        return
    if sys.platform == "win32":
        may_be = "1 on Windows, where a process does not hand its sockets on"
    elif settings.backplane_url is not None:
        return
    elif settings.database_url.startswith("sqlite:"):
        may_be = (
            "1 with SQLite, whose file one process opens: several need one PostgreSQL database and a Redis or Valkey"
        )
    else:
        may_be = "1 without a backplane: each worker is a node, and a Redis or Valkey tells them what is new"
    command = f"envivo serve --workers {settings.workers}"
    needed = "--database-url postgres://<user>@<host>/<name> --backplane-url redis://<host>"
    raise SettingsError("ENVIVO_WORKERS (--workers)", settings.workers, f"{may_be}; type {command} {needed}")


def check_served(settings: Settings) -> None:
    """Raise `SettingsError` for settings that a server would pass over: without what they are for, they let nobody in
    or keep nobody out, whatever they say."""
    if settings.claim_rules and settings.oidc_issuer is None and settings.jwks_url is None:
        raise SettingsError(
            "ENVIVO_OIDC_ISSUER (--oidc-issuer)",
            None,
            f"{SPECS['oidc_issuer'].may_be}; ENVIVO_CLAIM_RULES cannot do without it, or without ENVIVO_JWKS_URL",
        )
    if any(door.secure and (door.provider or door.issuer) for door in settings.doors):
        return
    for name in ("oidc_issuer", "jwks_url"):
        if (given := getattr(settings, name)) is not None:
            may_be = (
                "left out where no door asks for tokens of ENVIVO_SECRET_KEY: type --access secure, "
                "or name a door in ENVIVO_DOOR (--door) that is secure and has no key= of its own"
            )
            raise SettingsError(f"{SPECS[name].variable} ({SPECS[name].option})", given, may_be)


def doubts(settings: Settings) -> Iterator[str]:
    """Return what a server does as it was told, and its operator can hardly mean."""
    for network in settings.trusted_proxies:
        if network.prefixlen == 0:
            yield (
                f"ENVIVO_TRUSTED_PROXIES (--trusted-proxies) has {network}, which is everybody: whoever asks may write "
                "any address into X-Forwarded-For, and is counted and logged under it; name the proxy's own address"
            )


def _check_logs(settings: Settings) -> None:
    """Raise `SettingsError` where one file would be both logs: each is rotated by itself."""
    path = settings.security_log_path
    if settings.log_file is not None and path is not None and path.absolute() == Path(settings.log_file).absolute():
        may_be = "another file than ENVIVO_LOG_FILE"
        raise SettingsError("ENVIVO_SECURITY_LOG (--security-log)", str(path), may_be)


def _check_access(settings: Settings, options: Mapping[str, object]) -> None:
    """Raise `SettingsError` where a door would let in whom it should not."""
    suggestion = secrets.token_urlsafe(SECRET_KEY_CHARACTERS)
    if settings.access == OPEN and not is_loopback(settings.host):
        raise SettingsError(
            "ENVIVO_HOST (--host)",
            settings.host,
            "127.0.0.1, ::1 or localhost in open mode, where everybody is who they say they are.\n"
            "For a public address put these lines into the file .env:\n"
            f"    ENVIVO_ACCESS=secure\n    ENVIVO_SECRET_KEY={suggestion}\n"
            f"then type `{_command({**options, 'host': settings.host})}`, "
            "and `envivo token --user 1 --name Ana` for each person's token",
        )
    if settings.access == SECURE and settings.secret_key is None:
        raise SettingsError(
            "ENVIVO_SECRET_KEY (--secret-key)",
            None,
            f"{SPECS['secret_key'].may_be} in secure mode, for example\n    ENVIVO_SECRET_KEY={suggestion}",
        )
    for door in settings.doors:
        _check_door(door, settings, suggestion)
    for together in _TOGETHER:
        _check_together(settings, together)
    if settings.oidc_issuer in _FOR_EVERYBODY and not settings.claim_rules:
        raise SettingsError(
            "ENVIVO_CLAIM_RULES (--claim-rules)",
            None,
            f"{RULES_MAY_BE}. At {settings.oidc_issuer} everybody can have an account: sub=*:user lets everybody in",
        )


def _command(options: Mapping[str, object]) -> str:
    """Return the command that starts the server with `options`, except those of access, which the remedy sets
    itself."""
    words = ["envivo", "serve"]
    for spec in SPECS.values():
        given = options.get(spec.name)
        if given in (None, ()) or spec.name in {"access", *SECRETS}:
            continue
        words.append(spec.option)
        if not isinstance(spec.default, bool):
            words.append(shlex.quote(str(given)))
    return " ".join(words)


def _check_together(settings: Settings, names: Sequence[str]) -> None:
    """Raise `SettingsError` where some of these settings are set, and others are not."""
    missing = [name for name in names if getattr(settings, name) is None]
    if missing and len(missing) < len(names):
        spec = SPECS[missing[0]]
        others = " and ".join(SPECS[name].variable for name in names if name not in missing)
        raise SettingsError(f"{spec.variable} ({spec.option})", None, f"{spec.may_be}; {others} cannot do without it")


def _check_door(door: Door, settings: Settings, suggestion: str) -> None:
    wrong = unfit(door, settings.doors)
    if wrong == "host":
        raise SettingsError(
            f"the address of the door {door.name}",
            door.host,
            "127.0.0.1, ::1 or localhost for an open door, where everybody is who they say they are; "
            f"{door.name}={door.host}:{door.port},secure is a door that asks for tokens",
        )
    if wrong == "key" and door.key is None:
        may_be = f"ENVIVO_SECRET_KEY, or key= of the door itself, for example key={suggestion}"
        raise SettingsError(f"the key of the door {door.name}", None, may_be)
    if wrong == "key":
        raise _key_error(door, settings, suggestion)


def _key_error(door: Door, settings: Settings, suggestion: str) -> SettingsError:
    """Return the error of the first key of `door` that is too short, or could be guessed."""
    keys = [key for key in (door.key, *door.old_keys) if key is not None]
    key = next(key for key in keys if len(key) < SECRET_KEY_CHARACTERS or is_guessable(key))
    typed = {settings.previous_key: "previous_key", settings.secret_key: "secret_key"}.get(key)
    name = f"{SPECS[typed].variable} ({SPECS[typed].option})" if typed else f"the key of the door {door.name}"
    was = GUIDE_KEY if key == GUIDE_KEY else f"({len(key)} characters)"
    but = "not the example of the guide" if key == GUIDE_KEY else "not the same few over and over"
    instead = "left out: its tokens are good no more" if typed == "previous_key" else f"for example {suggestion}"
    return SettingsError(name, was, f"{SPECS['secret_key'].may_be}, and {but}; {instead}")
