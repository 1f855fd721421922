"""The settings of one process, each declared with what it may be; and what they say together."""

import os
import re
import socket
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from quart_app.doors import FRONT, MAY_BE, SECRET_KEY_CHARACTERS, TOKEN_LIFETIME, Door, Network
from quart_app.issuers import RULES_MAY_BE, Issuer, Provider, Rule

SHORTEST_SENSOR_INTERVAL: Final = 0.05  # s
SECRETS: Final = ("secret_key", "previous_key", "oidc_client_secret", "backplane_url")
"""The settings that nobody is shown."""

NODE_NAME: Final = 40
"""The characters that the name of a node may have at most."""

_NODE_CHARACTERS = "A-Za-z0-9._-"
_URL = "an address of https, or of http on this machine"
_SECONDS = "a number of seconds from {} to {}"

Port = Annotated[
    int,
    Meta(ge=0, le=65535, title="Port to listen on", description="a whole number from 0 to 65535; 0 takes a free one"),
]
Workers = Annotated[
    int,
    Meta(
        ge=1,
        le=64,
        title="Server processes, each of them a node",
        description="a whole number from 1 to 64; more than 1 with PostgreSQL and a backplane",
    ),
]


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
        str | None,
        Meta(
            title="Backplane between nodes",
            description="redis://<host>, rediss://<host> or unix://<path> of a Redis or Valkey, the same for all nodes "
            "on one PostgreSQL database; left out where one process is alone",
        ),
    ] = None
    node: Annotated[
        Annotated[str, Meta(pattern=rf"^[{_NODE_CHARACTERS}]{{1,{NODE_NAME}}}$")] | None,
        Meta(
            title="Name of this process among the nodes of a backplane",
            description=f"1 to {NODE_NAME} letters, digits, dots, dashes or underscores, such as class-1; "
            "left out: the name of this machine and the number of the process",
        ),
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
            description="origins in full, without *, separated by commas, such as https://example.org,http://localhost:5173",
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
        Meta(
            title="OpenID provider that people may sign in with",
            description=f"the issuer of your OpenID provider, {_URL}",
        ),
    ] = None
    oidc_client_id: Annotated[
        str | None,
        Meta(
            title="Name of this server at that provider", description="the client ID that your OpenID provider gave you"
        ),
    ] = None
    oidc_client_secret: Annotated[
        str | None,
        Meta(
            title="Secret of this server at that provider",
            description="the client secret, where your OpenID provider gave you one",
        ),
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
    drain_delay: Annotated[
        float,
        _seconds("Seconds that a node goes on serving once it is told to stop and says that it is not ready", 0, 600),
    ] = 0.0
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
        for name in SECRETS:
            shown[name] = "***" if shown[name] else None
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def quotas(self) -> dict[str, int]:
        """Return what one user may have of each thing, by the names that the engine gives them."""
        prefix = "quota_"
        names = [name for name in self.__struct_fields__ if name.startswith(prefix)]
        return {name.removeprefix(prefix): getattr(self, name) for name in names}

    @property
    def node_name(self) -> str:
        """What others call this process: its ENVIVO_NODE, else the machine's name and the process's number."""
        if self.node is not None:
            return self.node
        number = f"-{os.getpid()}"
        return re.sub(f"[^{_NODE_CHARACTERS}]", "-", socket.gethostname())[: NODE_NAME - len(number)] + number

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
        return self.front, *(self.beside(door) for door in self.door)

    def beside(self, door: Door) -> Door:
        """Return `door` with what it has of the first: all that is not its own, and where it has no key, that too."""
        return msgspec.structs.replace(
            door,
            key=door.key or self.secret_key,
            old_keys=() if door.key else self._old_keys,
            token_lifetime=self.token_lifetime,
            origins=self.allowed_origins,
            proxies=self.trusted_proxies,
            issuer=None if door.key else self._issuer,
            provider=None if door.key else self._provider,
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
