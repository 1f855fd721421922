"""The settings: what an operator may decide, where each value is read from, and what it may be.

This module is the only reader of the environment and of ``.env``, and owns the rule that a public address needs the
secure mode. It knows nothing of what the settings are used for.

Errors: `SettingsError` (a ValueError) for every value that cannot be used.
"""

import ipaddress
import math
import os
import re
import secrets
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from quart_app.doors import (
    FRONT,
    MAY_BE,
    OPEN,
    SECURE,
    TOKEN_LIFETIME,
    Door,
    Network,
    is_confidential,
    is_loopback,
    read_door,
)
from quart_app.issuers import RULES_MAY_BE, Issuer, Provider, Rule, read_rule

PREFIX: Final = "ENVIVO_"
CLIENT_VARIABLES: Final = frozenset(PREFIX + name for name in ("URL", "TOKEN", "USER_ID", "USERNAME"))
"""The variables of the commands that talk to a server; the server itself reads none of them."""
SECRET_KEY_CHARACTERS: Final = 32  # RFC 7518 section 3.2: a key for HS256 has at least 256 bits
SHORTEST_SENSOR_INTERVAL: Final = 0.05  # s
_DIFFERENT_CHARACTERS: Final = 8  # that a key has, at least

_URL = "an address of https, or of http on this machine"
_SECONDS = "a number of seconds from {} to {}"
_DOTENV_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")

Port = Annotated[
    int,
    Meta(ge=0, le=65535, title="Port to listen on", description="a whole number from 0 to 65535; 0 takes a free one"),
]
_ONE_PROCESS = (
    "1: streams live in the memory of one process, and each of two would serve half of every room; "
    "one process on one core takes many thousands of connections"
)
Workers = Annotated[int, Meta(ge=1, le=1, title="Server processes", description=_ONE_PROCESS)]


def _seconds(title: str, least: float, most: float) -> Meta:
    return Meta(ge=least, le=most, title=title, description=_SECONDS.format(f"{least:g}", f"{most:g}"))


def _quota(title: str) -> Meta:
    return Meta(ge=0, le=10**15, title=title, description="a whole number from 1 up, or 0 for as many as they like")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one process, with times in seconds. `load_settings` builds them and checks each value."""

    host: Annotated[str, Meta(title="Address to listen on", description="an IP address or a host name")] = "127.0.0.1"
    port: Port = 8000
    database_url: Annotated[
        str,
        Meta(
            pattern=r"^(sqlite|postgres|postgresql)://.+$",
            title="Database",
            description="sqlite://<file>, such as sqlite://envivo.db, or postgres://<user>@<host>/<name>",
        ),
    ] = "sqlite://envivo.db"
    backplane_url: Annotated[
        str | None, Meta(title="Backplane between processes", description="left out: this version runs as one process")
    ] = None
    access: Annotated[
        Literal["open", "secure"],
        Meta(
            title="Who may do what",
            description="open (everybody is who they say, this machine only) or secure (signed tokens)",
        ),
    ] = "open"
    secret_key: Annotated[
        Annotated[str, Meta(min_length=SECRET_KEY_CHARACTERS)] | None,
        Meta(
            title="Key that signs the tokens of the secure mode",
            description=f"at least {SECRET_KEY_CHARACTERS} characters that nobody can guess",
        ),
    ] = None
    allowed_origins: Annotated[
        tuple[str, ...],
        Meta(
            title="Other sites whose pages may connect",
            description="origins separated by commas, such as https://example.org,http://localhost:5173",
        ),
    ] = ()
    previous_key: Annotated[
        Annotated[str, Meta(min_length=SECRET_KEY_CHARACTERS)] | None,
        Meta(
            title="Key that signed the tokens before; they stay good",
            description="what ENVIVO_SECRET_KEY was until you changed it",
        ),
    ] = None
    public_url: Annotated[
        str | None,
        Meta(
            title="Address that the world has this server at, behind a proxy",
            description="http:// or https:// and a name, such as https://class.example.org",
        ),
    ] = None
    trusted_proxies: Annotated[
        tuple[Network, ...],
        Meta(
            title="Proxies whose word on a client's address is taken",
            description="addresses or networks separated by commas, such as 127.0.0.1,10.0.0.0/8",
        ),
    ] = ()
    token_lifetime: Annotated[
        int,
        Meta(
            ge=60,
            le=10 * TOKEN_LIFETIME,
            title="Seconds that a token may last",
            description="a whole number from 60 up",
        ),
    ] = TOKEN_LIFETIME
    door: Annotated[
        tuple[Door, ...],
        Meta(title="One more door to listen at, beside the first; may be given again", description=MAY_BE),
    ] = ()
    oidc_issuer: Annotated[
        str | None,
        Meta(title="OpenID provider that people may sign in with", description=f"its issuer, {_URL}"),
    ] = None
    oidc_client_id: Annotated[
        str | None, Meta(title="Name of this server at that provider", description="the client ID that it gave you")
    ] = None
    oidc_client_secret: Annotated[
        str | None,
        Meta(title="Secret of this server at that provider", description="the client secret, where it gave you one"),
    ] = None
    jwks_url: Annotated[
        str | None,
        Meta(title="Where another issuer of tokens publishes its keys", description=f"a JSON Web Key Set, {_URL}"),
    ] = None
    token_issuer: Annotated[
        str | None, Meta(title="Claim iss of the tokens of that issuer", description="text, often an address")
    ] = None
    token_audience: Annotated[
        str | None, Meta(title="Claim aud of the tokens of that issuer", description="the name of this server there")
    ] = None
    claim_rules: Annotated[
        tuple[Rule, ...],
        Meta(title="Whom claims of the provider and of the other issuer let in, as what", description=RULES_MAY_BE),
    ] = ()
    sensor_interval: Annotated[
        float,
        Meta(
            ge=0,
            le=86400,
            title="Seconds between two simulated sensor readings",
            description=f"0 for none, or {_SECONDS.format(SHORTEST_SENSOR_INTERVAL, 86400)}",
        ),
    ] = 10.0
    stats_interval: Annotated[float, _seconds("Seconds between two messages of statistics", 0.05, 86400)] = 3.0
    heartbeat: Annotated[float, _seconds("Seconds of silence before a heartbeat", 0.1, 3600)] = 30.0
    peer_timeout: Annotated[float, _seconds("Seconds after which a peer that takes nothing is dropped", 1, 86400)] = (
        120.0
    )
    address_connections: Annotated[
        int,
        Meta(ge=1, le=10**6, title="TCP connections of one address at a time", description="a whole number from 1 up"),
    ] = 2_000
    address_rate: Annotated[
        int,
        Meta(ge=1, le=10**6, title="New connections of one address a second", description="a whole number from 1 up"),
    ] = 500
    compression: Annotated[
        bool, Meta(title="Compress for the WebSockets that offer to read it", description="0 or 1")
    ] = False
    empty: Annotated[bool, Meta(title="Leave a new database without the examples", description="0 or 1")] = False
    retention: Annotated[
        int, Meta(ge=1, le=10**12, title="Events kept in the log", description="a whole number from 1 up")
    ] = 1_000_000
    retention_bytes: Annotated[
        int,
        Meta(ge=10**6, le=10**15, title="Bytes of events in the log", description="a whole number from 1000000 up"),
    ] = 4_000_000_000
    quota_connections: Annotated[int, _quota("Connections of one user at once")] = 100
    quota_topics: Annotated[int, _quota("Topics of log/, state/ and live/ that one user follows at once")] = 200
    quota_new_topics: Annotated[int, _quota("Topics that one user makes in a minute")] = 600
    quota_subscriptions: Annotated[int, _quota("Subscriptions of one user in a minute")] = 6_000
    quota_state_keys: Annotated[int, _quota("Values of one user in state/ topics")] = 200
    quota_state_bytes: Annotated[int, _quota("Bytes of these values")] = 1_000_000
    quota_stored_bytes: Annotated[int, _quota("Bytes that one user stores in log/ topics in a day")] = 1_000_000_000
    quota_requests: Annotated[int, _quota("Requests of one user in a second, ten times as many at once")] = 50
    functions: Annotated[
        str | None,
        Meta(title="File with feeds and commands of your own", description="a Python file, such as my_feeds.py"),
    ] = None
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(title="Least level that is logged", description="debug, info, warning or error"),
    ] = "info"
    log_file: Annotated[
        str | None,
        Meta(title="File to log to, beside standard error", description="a file, such as logs/websocket.log"),
    ] = None
    security_log: Annotated[
        str | None,
        Meta(
            title="File of the security log",
            description="a file, such as logs/security.log; left out: one beside the SQLite file",
        ),
    ] = None
    security_contact: Annotated[
        Annotated[str, Meta(pattern=r"^(mailto:[^\s@]+@[^\s@]+|https://\S+|tel:\+?[0-9-]+)$")] | None,
        Meta(
            title="Whom to tell of a hole in this server",
            description="an address for /.well-known/security.txt, such as mailto:security@example.org or https://…",
        ),
    ] = None
    workers: Workers = 1

    def __repr__(self) -> str:
        """Show every setting except the secret."""
        shown = {name: getattr(self, name) for name in self.__struct_fields__}
        for name in _SECRETS:
            shown[name] = "***" if shown[name] else None
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def quotas(self) -> dict[str, int]:
        """Return what one user may have of each thing, by the names that the engine gives them."""
        prefix = "quota_"
        names = [name for name in self.__struct_fields__ if name.startswith(prefix)]
        return {name.removeprefix(prefix): getattr(self, name) for name in names}

    @property
    def front(self) -> Door:
        """The first door, which ENVIVO_HOST, ENVIVO_PORT and ENVIVO_ACCESS describe."""
        return Door(
            name=FRONT,
            host=self.host,
            port=self.port,
            access=self.access,
            key=self.secret_key,
            old_keys=self._old_keys,
            token_lifetime=self.token_lifetime,
            public_url=self.public_url,
            origins=self.allowed_origins,
            proxies=self.trusted_proxies,
            issuer=self._issuer,
            provider=self._provider,
        )

    @property
    def doors(self) -> tuple[Door, ...]:
        """All doors, the first one first. One without a key of its own has that of the first."""
        return self.front, *(
            msgspec.structs.replace(
                door,
                key=door.key or self.secret_key,
                old_keys=() if door.key else self._old_keys,
                token_lifetime=self.token_lifetime,
                origins=self.allowed_origins,
                proxies=self.trusted_proxies,
                issuer=None if door.key else self._issuer,
                provider=None if door.key else self._provider,
            )
            for door in self.door
        )

    @property
    def _old_keys(self) -> tuple[str, ...]:
        return () if self.previous_key is None else (self.previous_key,)

    @property
    def _issuer(self) -> Issuer | None:
        if self.jwks_url is None or self.token_issuer is None or self.token_audience is None:
            return None
        return Issuer(
            name=self.token_issuer, audience=self.token_audience, keys_url=self.jwks_url, rules=self.claim_rules
        )

    @property
    def _provider(self) -> Provider | None:
        if self.oidc_issuer is None or self.oidc_client_id is None:
            return None
        return Provider(
            issuer=self.oidc_issuer,
            client_id=self.oidc_client_id,
            client_secret=self.oidc_client_secret,
            rules=self.claim_rules,
        )

    @property
    def sqlite_path(self) -> Path | None:
        """The path of the SQLite file, None where the database is another or only in memory."""
        scheme, _, rest = self.database_url.partition("://")
        path = rest.partition("?")[0]
        return Path(path) if scheme == "sqlite" and path != ":memory:" else None

    @property
    def security_log_path(self) -> Path | None:
        """The path of the security log, None where nothing is kept: with a database that is only in memory."""
        if self.security_log is not None:
            return Path(self.security_log)
        if (database := self.sqlite_path) is not None:
            return database.with_name(f"{database.stem}-security.log")
        return None if self.database_url.startswith("sqlite:") else Path("envivo-security.log")


class SettingsError(ValueError):
    """The error of a setting that cannot be used; the message names the setting, its value, and what it may be."""

    def __init__(self, name: str, was: object, may_be: str) -> None:
        shown = f"is {was!r}" if was is not None else "is not set"
        super().__init__(f"{name} {shown}; it may be {may_be}")
        self.name = name


class SettingSpec(msgspec.Struct, frozen=True):
    """One setting as an operator sees it: its name, its purpose, its possible values, its default."""

    name: str
    title: str
    may_be: str
    default: object
    type: Any

    @property
    def variable(self) -> str:
        """The name of the setting in the environment, e.g. ``ENVIVO_PORT``."""
        return PREFIX + self.name.upper()

    @property
    def option(self) -> str:
        """The name of the setting on the command line, e.g. ``--port``."""
        return "--" + self.name.replace("_", "-")


def _specs() -> dict[str, SettingSpec]:
    specs = {}
    hints = get_type_hints(Settings, include_extras=True)
    for field in msgspec.structs.fields(Settings):
        annotated = hints[field.name]
        meta = next(extra for extra in get_args(annotated)[1:] if isinstance(extra, Meta))
        specs[field.name] = SettingSpec(field.name, meta.title or "", meta.description or "", field.default, annotated)
    return specs


SPECS: Final[Mapping[str, SettingSpec]] = _specs()


def load_settings(**options: object) -> Settings:
    """Return the settings in force: an option that is not None, else the environment, else ``.env``, else the default.

    ``options`` are named like the fields of `Settings`; their values may be text, as typed.
    Raise `SettingsError` for the first value that cannot be used, TypeError for an option that does not exist.
    """
    unknown = sorted(set(options) - set(SPECS))
    if unknown:
        raise TypeError(f"there is no setting named {', '.join(unknown)}")
    dotenv = read_dotenv(Path(".env"))
    values: dict[str, Any] = {}
    for spec in SPECS.values():
        # An empty variable counts as absent: compose files and CI systems set them so.
        raw = options.get(spec.name)
        raw = raw if raw is not None else os.environ.get(spec.variable) or dotenv.get(spec.variable) or None
        if raw is not None:
            values[spec.name] = _convert(spec, raw)
    settings = Settings(**values)
    _check_logs(settings)
    _check_access(settings, options)
    return settings


def local_url() -> str:
    """Return where `envivo serve` listens when it is started here, with this environment and this ``.env``."""
    port = client_variable(SPECS["port"].variable) or ""
    return f"http://127.0.0.1:{port if port.isdigit() and int(port) else Settings().port}"


def client_variable(name: str) -> str | None:
    """Return the value of a variable in the environment, else in ``.env``, None where it is in neither.

    A ``.env`` that the server could not read is another program's, and says nothing here.
    """
    if value := os.environ.get(name):
        return value
    try:
        return read_dotenv(Path(".env")).get(name) or None
    except SettingsError:
        return None


def read_dotenv(path: Path) -> dict[str, str]:
    """Return the ``ENVIVO_`` variables of a ``.env`` file; an absent file has none.

    Each line is ``NAME=value``; ``export`` may stand before it, and the value is bare or in one pair of quotes. ``#``
    starts a comment on a line of its own or after a space. Nothing is expanded. Raise `SettingsError` for a line it
    cannot read and for an ``ENVIVO_`` name that is neither a setting nor one of `CLIENT_VARIABLES`.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(str(path), str(error), "a readable text file in UTF-8") from error
    names = CLIENT_VARIABLES | {spec.variable for spec in SPECS.values()}
    found = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _DOTENV_LINE.fullmatch(text)
        if match is None:
            raise SettingsError(f"{path}, line {number}", text, "NAME=value, or a comment after #")
        name, value = match.groups()
        if name in names:
            found[name] = _unquote(value)
        elif name.startswith(PREFIX):
            raise SettingsError(f"{path}, line {number}", name, ", ".join(sorted(names)))
    return found


def _unquote(value: str) -> str:
    for quote in "'\"":
        if value.startswith(quote) and (end := value.find(quote, 1)) > 0:
            return value[1:end]
    return re.split(r"\s+#", value, maxsplit=1)[0].rstrip()


def _convert(spec: SettingSpec, raw: object) -> Any:
    value = raw.strip() if isinstance(raw, str) else raw
    shown = f"({len(str(raw))} characters)" if spec.name in {*_SECRETS, "door"} else raw
    name = f"{spec.variable} ({spec.option})"
    try:
        if spec.name in _READERS:
            return _READERS[spec.name](value)
        converted = msgspec.convert(value, spec.type, strict=False)
    except ValueError as error:  # that of msgspec is one
        raise SettingsError(name, shown, spec.may_be) from error
    too_short = spec.name == "sensor_interval" and 0 < converted < SHORTEST_SENSOR_INTERVAL
    if spec.name == "backplane_url" or too_short or (isinstance(converted, float) and math.isnan(converted)):
        raise SettingsError(name, shown, spec.may_be)
    return converted


def _several(value: Any, separator: str = ",") -> list[str]:
    """Return the texts of a setting that may have several: from one text, or from an option that was given again."""
    texts = value.split(separator) if isinstance(value, str) else [str(one) for one in value]
    return [text.strip() for text in texts if text.strip()]


def _origins(value: Any) -> tuple[str, ...]:
    return tuple(_origin(text) for text in _several(value))


def _networks(value: Any) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in _several(value))


def _doors(value: Any) -> tuple[Door, ...]:
    doors = tuple(read_door(text) for text in _several(value, ";"))
    if len({door.name for door in doors}) < len(doors):
        raise ValueError("two doors have the same name")
    return doors


def _rules(value: Any) -> tuple[Rule, ...]:
    return tuple(read_rule(text) for text in _several(value, ";"))


def _confidential(url: str) -> str:
    if not is_confidential(url):
        raise ValueError(_URL)
    return url


def _origin(text: str) -> str:
    """Return an origin as browsers send it (RFC 6454 section 6.2): lower case, no path, no default port. Raise
    ValueError."""
    parts = urlsplit(text.lower())
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("no origin")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = parts.port in {None, 443 if parts.scheme == "https" else 80}
    return f"{parts.scheme}://{host}" if default else f"{parts.scheme}://{host}:{parts.port}"


_SECRETS: Final = ("secret_key", "previous_key", "oidc_client_secret")
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
_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "allowed_origins": _origins,
    "public_url": _origin,
    "trusted_proxies": _networks,
    "door": _doors,
    "oidc_issuer": _confidential,
    "jwks_url": _confidential,
    "claim_rules": _rules,
}
"""The settings that are not read as msgspec reads their types."""


def _command(options: Mapping[str, object]) -> str:
    """Return the command that starts the server with `options`, except those of access, which the remedy sets
    itself."""
    words = ["envivo", "serve"]
    for spec in SPECS.values():
        given = options.get(spec.name)
        if given in (None, ()) or spec.name in {"access", *_SECRETS}:
            continue
        words.append(spec.option)
        if not isinstance(spec.default, bool):
            words.append(shlex.quote(str(given)))
    return " ".join(words)


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
        _check_door(door, suggestion)
    for together in _TOGETHER:
        _check_together(settings, together)
    if settings.oidc_issuer in _FOR_EVERYBODY and not settings.claim_rules:
        raise SettingsError(
            "ENVIVO_CLAIM_RULES (--claim-rules)",
            None,
            f"{RULES_MAY_BE}. At {settings.oidc_issuer} everybody can have an account: sub=*:user lets everybody in",
        )


def _check_together(settings: Settings, names: Sequence[str]) -> None:
    """Raise `SettingsError` where some of these settings are set, and others are not."""
    missing = [name for name in names if getattr(settings, name) is None]
    if missing and len(missing) < len(names):
        spec = SPECS[missing[0]]
        others = " and ".join(SPECS[name].variable for name in names if name not in missing)
        raise SettingsError(f"{spec.variable} ({spec.option})", None, f"{spec.may_be}; {others} cannot do without it")


def _check_door(door: Door, suggestion: str) -> None:
    if not door.secure:
        if not is_loopback(door.host):
            raise SettingsError(
                f"the address of the door {door.name}",
                door.host,
                "127.0.0.1, ::1 or localhost for an open door, where everybody is who they say they are; "
                f"{door.name}={door.host}:{door.port},secure is a door that asks for tokens",
            )
        return
    if door.key is None:
        may_be = f"ENVIVO_SECRET_KEY, or key= of the door itself, for example key={suggestion}"
        raise SettingsError(f"the key of the door {door.name}", None, may_be)
    guessed = len(set(door.key)) < _DIFFERENT_CHARACTERS and not is_loopback(door.host)
    if len(door.key) < SECRET_KEY_CHARACTERS or guessed:
        may_be = f"{SPECS['secret_key'].may_be}, and not the same few over and over; for example {suggestion}"
        raise SettingsError(f"the key of the door {door.name}", f"({len(door.key)} characters)", may_be)
