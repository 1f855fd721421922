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
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

PREFIX: Final = "ENVIVO_"
CLIENT_VARIABLES: Final = frozenset(PREFIX + name for name in ("URL", "TOKEN", "USER_ID", "USERNAME"))
"""The variables of the commands that talk to a server; the server itself reads none of them."""
SECRET_KEY_CHARACTERS: Final = 32  # RFC 7518 section 3.2: a key for HS256 has at least 256 bits
SHORTEST_SENSOR_INTERVAL: Final = 0.05  # s

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
    compression: Annotated[
        bool, Meta(title="Compress for the WebSockets that offer to read it", description="0 or 1")
    ] = False
    empty: Annotated[bool, Meta(title="Leave a new database without the examples", description="0 or 1")] = False
    retention: Annotated[
        int, Meta(ge=1, le=10**12, title="Events kept in the log", description="a whole number from 1 up")
    ] = 1_000_000
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
    workers: Workers = 1

    def __repr__(self) -> str:
        """Show every setting except the secret."""
        shown = {name: getattr(self, name) for name in self.__struct_fields__}
        shown["secret_key"] = "***" if self.secret_key else None
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    @property
    def sqlite_path(self) -> Path | None:
        """The path of the SQLite file, None where the database is another or only in memory."""
        scheme, _, rest = self.database_url.partition("://")
        path = rest.partition("?")[0]
        return Path(path) if scheme == "sqlite" and path != ":memory:" else None


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
    if spec.name == "allowed_origins" and isinstance(value, str):
        value = [origin.strip() for origin in value.split(",") if origin.strip()]
    shown = f"({len(str(raw))} characters)" if spec.name == "secret_key" else raw
    name = f"{spec.variable} ({spec.option})"
    try:
        converted = msgspec.convert(value, spec.type, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(name, shown, spec.may_be) from error
    if spec.name == "allowed_origins":
        return tuple(_origin(name, origin) for origin in converted)
    too_short = spec.name == "sensor_interval" and 0 < converted < SHORTEST_SENSOR_INTERVAL
    if spec.name == "backplane_url" or too_short or (isinstance(converted, float) and math.isnan(converted)):
        raise SettingsError(name, shown, spec.may_be)
    return converted


def _origin(name: str, origin: str) -> str:
    """Return an origin as browsers send it (RFC 6454 section 6.2): lower case, no path, no default port."""
    try:
        parts = urlsplit(origin.lower())
        port = parts.port
    except ValueError as error:
        raise SettingsError(name, origin, SPECS["allowed_origins"].may_be) from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise SettingsError(name, origin, SPECS["allowed_origins"].may_be)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = port in {None, 443 if parts.scheme == "https" else 80}
    return f"{parts.scheme}://{host}" if default else f"{parts.scheme}://{host}:{port}"


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a server that listens on ``host``."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _command(options: Mapping[str, object]) -> str:
    """Return the command that starts the server with `options`, except those of access, which the remedy sets
    itself."""
    words = ["envivo", "serve"]
    for spec in SPECS.values():
        given = options.get(spec.name)
        if given is None or spec.name in {"access", "secret_key"}:
            continue
        words.append(spec.option)
        if not isinstance(spec.default, bool):
            words.append(shlex.quote(str(given)))
    return " ".join(words)


def _check_access(settings: Settings, options: Mapping[str, object]) -> None:
    suggestion = secrets.token_urlsafe(SECRET_KEY_CHARACTERS)
    if settings.access == "open" and not is_loopback(settings.host):
        raise SettingsError(
            "ENVIVO_HOST (--host)",
            settings.host,
            "127.0.0.1, ::1 or localhost in open mode, where everybody is who they say they are.\n"
            "For a public address put these lines into the file .env:\n"
            f"    ENVIVO_ACCESS=secure\n    ENVIVO_SECRET_KEY={suggestion}\n"
            f"then type `{_command({**options, 'host': settings.host})}`, "
            "and `envivo token --user 1 --name Ana` for each person's token",
        )
    if settings.access == "secure" and settings.secret_key is None:
        raise SettingsError(
            "ENVIVO_SECRET_KEY (--secret-key)",
            None,
            f"{SPECS['secret_key'].may_be} in secure mode, for example\n    ENVIVO_SECRET_KEY={suggestion}",
        )
