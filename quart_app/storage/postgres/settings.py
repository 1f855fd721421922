"""What the connections to PostgreSQL are set to, so that neither a stopped process nor a dead network holds it up.

The settings go with the start of each session, since asyncpg's pool would undo a SET.
"""

from typing import Any, Final

_PROGRAM: Final = "envivo"
_ALL: Final = {
    "jit": "off",
    "default_transaction_isolation": "read committed",
    "tcp_keepalives_idle": "5",  # s
    "tcp_keepalives_interval": "2",  # s
    "tcp_keepalives_count": "3",
    # A session whose process was stopped while it takes a large result is neither idle nor in a statement that runs.
    "tcp_user_timeout": "2500",  # ms
    "client_connection_check_interval": "2s",
}
_WRITER: Final = _ALL | {
    "synchronous_commit": "on",  # an acknowledged write survives a power cut
    "idle_in_transaction_session_timeout": "3s",
    "lock_timeout": "5s",
    "statement_timeout": "10s",
}
_READER: Final = _ALL | {
    "default_transaction_read_only": "on",
    "statement_timeout": "30s",
}
_READERS: Final = 10
_CONNECT_TIMEOUT: Final = 5.0  # s
_ANSWER_TIMEOUT: Final = {"writer": 12.0, "reader": 32.0}  # s; the server gives up before


async def _undo(connection: Any) -> None:
    """End what was left open. Nothing else has to be undone, and asking the server to costs a trip for each use."""
    if connection.is_in_transaction():
        await connection.execute("ROLLBACK")


def writer(credentials: dict[str, Any], node: str = "") -> dict[str, Any]:
    """Return the credentials of the one connection that writes, which is shown as that of `node`."""
    return _pool(credentials, _WRITER | _named(node, "writer"), 1, _ANSWER_TIMEOUT["writer"])


def reader(credentials: dict[str, Any], node: str = "") -> dict[str, Any]:
    """Return the credentials of the connections that read, which are shown as those of `node`."""
    return _pool(credentials, _READER | _named(node, "reader"), _READERS, _ANSWER_TIMEOUT["reader"])


def session(credentials: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments for a connection without a pool, from the `credentials` of `writer`."""
    given = {name: value for name, value in credentials.items() if name not in {"minsize", "maxsize", "reset"}}
    node = node_of(given["server_settings"]["application_name"])
    return given | {"server_settings": _ALL | {"application_name": claim_of(node)}}


def _named(node: str, use: str) -> dict[str, str]:
    return {"application_name": "/".join(filter(None, (_PROGRAM, node, use)))}


def claim_of(node: str) -> str:
    """Return what the session is shown as by which a node holds the database."""
    return _named(node, "claim")["application_name"]


def node_of(application_name: str) -> str:
    """Return the node that a connection is shown as one of, "" where it has no name."""
    return application_name.removeprefix(_PROGRAM).rpartition("/")[0].removeprefix("/")


def _pool(credentials: dict[str, Any], settings: dict[str, str], size: int, timeout: float) -> dict[str, Any]:
    given = dict(credentials)
    if "sslmode" in given:  # the name that PostgreSQL's own programs have for it
        given["ssl"] = given.pop("sslmode")
    given.setdefault("timeout", _CONNECT_TIMEOUT)
    given.setdefault("command_timeout", timeout)
    given.setdefault("maxsize", size)
    # With a floor asyncpg would connect again by itself, and log each failure with a traceback.
    return given | {"minsize": 0, "server_settings": settings, "reset": _undo}
