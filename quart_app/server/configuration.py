"""The configuration of Hypercorn: what its file, the operator's file and the options say, and what they may not.

Errors: `StartError`, whose message is all that whoever started the server needs.
"""

import logging
import socket
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypercorn.config import Config, Sockets

from quart_app.config import Settings
from quart_app.resources import resource
from quart_app.server.listening import Opened
from quart_app.server.starter import Person, Starter

_OURS = {
    "bind": "ENVIVO_HOST and ENVIVO_PORT say where to listen",
    "insecure_bind": "ENVIVO_HOST and ENVIVO_PORT say where to listen",
    "quic_bind": "HTTP/3 is not served",
    "loglevel": "ENVIVO_LOG_LEVEL says what is logged",
    "errorlog": "ENVIVO_LOG_FILE says where to log",
    "workers": "ENVIVO_WORKERS says how many processes serve",
    "worker_class": "the loop is uvloop wherever there is one",
}


@dataclass(frozen=True)
class ServerOptions:
    """The options of the server that are not settings.

    ``config_file`` is a hypercorn.toml whose keys win over the one that travels with the program; the keys in
    ``overrides`` win over both. ``tls`` tells whether to serve https with a certificate for this machine. ``starter``
    has started this process.
    """

    config_file: Path | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    tls: bool = False
    starter: Starter = field(default_factory=Person)


class StartError(RuntimeError):
    """The server cannot start."""


class ServerConfig(Config):
    """Hypercorn's configuration, with sockets that we have bound ourselves."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: Opened = []
        self.errorlog = logging.getLogger("hypercorn.error")

    def create_sockets(self) -> Sockets:
        """Return the sockets that were bound before the stores were opened."""
        if self.ssl_enabled:
            return Sockets(self.listeners, [], [])
        return Sockets([], self.listeners, [])

    @property
    def listeners(self) -> list[socket.socket]:
        """The sockets of all doors."""
        return [listener for _, listeners in self.opened for listener in listeners]


def server_config(settings: Settings, options: ServerOptions) -> ServerConfig:
    """Return Hypercorn's configuration: our hypercorn.toml, over it the operator's, over both the options.

    Raise `StartError` for a file that cannot be read, for a key that Hypercorn does not have or that is not to be set
    here, and where there can be no certificate for this machine.
    """
    values = _read_toml(resource("hypercorn.toml"))
    if options.config_file is not None:
        values |= _read_toml(options.config_file)
    values |= options.overrides
    for key in values:
        if key in _OURS:
            raise StartError(f"{key} cannot be set here: {_OURS[key]}")
        if key.startswith("_") or callable(getattr(Config, key, None)) or not hasattr(Config, key):
            raise StartError(f"{key} is not a key of Hypercorn's configuration")
    config = ServerConfig()
    for key, value in values.items():
        setattr(config, key, value)
    if options.tls:
        _use_local_certificate(config, settings, options.starter)
    return config


def _use_local_certificate(config: ServerConfig, settings: Settings, starter: Starter) -> None:
    from quart_app.server.tls import TlsError, local_certificate  # 8 MB of cryptography, for --tls alone

    try:
        kept = local_certificate(settings)
    except TlsError as error:
        raise StartError(str(error)) from error
    config.certfile = config.keyfile = str(kept.certificate)
    starter.say(f"Browsers trust this server once they have imported {kept.authority}")


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise StartError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StartError(f"{path} is not TOML: {error}") from error
