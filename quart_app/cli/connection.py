"""The common part of the commands that talk to a running server: options, running, ending without a traceback."""

from __future__ import annotations

import asyncio
import os
import secrets
import ssl
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

import click

from quart_app.cli.settings import Decorated
from quart_app.client.options import TRANSPORTS, Options
from quart_app.client.status import State, Status
from quart_app.config import client_variable, local_url

INTERRUPTED = 130
"""The exit code (128 + SIGINT) that a shell expects of a program ended by Ctrl-C."""


@dataclass(frozen=True, slots=True)
class Server:
    """The server that a command talks to, and the identity of its user."""

    url: str
    user_id: str | None
    username: str | None
    token: str | None
    ca: str | None
    guest: str = field(default_factory=lambda: f"guest-{secrets.token_hex(4)}")

    @property
    def params(self) -> dict[str, object]:
        """The `params` of `connect`. A user without a name stays one guest as long as the command runs, however
        often it has to connect."""
        if not (self.user_id or self.username or self.token):
            return {"user_id": self.guest}
        return {"user_id": self.user_id, "username": self.username, "token": self.token}

    def options(self, options: Options | None = None) -> Options:
        """Return the client's options with the authority to trust; raise click.BadParameter for an unusable file."""
        chosen = options or Options()
        if self.ca is None:
            return chosen
        return replace(chosen, tls=trusting(self.ca))


def trusting(ca: str) -> ssl.SSLContext:
    """Return the TLS context that verifies a server by the authority in the file `ca`; raise click.BadParameter for an
    unusable file."""
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise click.BadParameter(f"{ca}: {error}", param_hint="--ca") from error


def the_server() -> str:
    """Return the address of the server that nobody names: that of ENVIVO_URL, else this machine's."""
    return client_variable("ENVIVO_URL") or local_url()


def _variable(name: str, older: str = "") -> Callable[[], str | None]:
    """Return what reads a variable; `older` is another name of it in the environment."""

    def read() -> str | None:
        return client_variable(name) or os.environ.get(older) or None

    return read


def token_option(command: Decorated) -> Decorated:
    """Return the command with the option --token."""
    return _own_option("--token", "ENVIVO_TOKEN", "Your token (secure mode).")(command)


def _own_option(option: str, variable: str, help_text: str, older: str = "") -> Callable[[Decorated], Decorated]:
    named = f"{variable}, {older}" if older else variable
    return click.option(option, default=_variable(variable, older), help=f"{help_text} {named}")


def ca_option(command: Decorated) -> Decorated:
    """Return the command with the option --ca."""
    help_text = "File with the authority that signed the server's certificate."
    return click.option("--ca", type=click.Path(), help=help_text)(command)


def server_options(command: Decorated) -> Decorated:
    """Return the command with the options --url, --user-id, --username, --token and --ca."""
    options = (
        click.option("--url", default=the_server, show_default="this machine's", help="The server. ENVIVO_URL"),
        _own_option("--user-id", "ENVIVO_USER_ID", "Who you are (open mode).", "USER_ID"),
        _own_option("--username", "ENVIVO_USERNAME", "What you are called (open mode).", "USERNAME"),
        token_option,
        ca_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


def transport_option(command: Decorated) -> Decorated:
    """Return the command with the option --transport."""
    choice = click.Choice(["auto", *TRANSPORTS])
    help_text = "One transport only; auto takes the best that works."
    return click.option("--transport", type=choice, default="auto", show_default=True, help=help_text)(command)


def rungs(transport: str) -> tuple[str, ...]:
    """Return the transports, best first, that the value of --transport stands for."""
    return TRANSPORTS if transport == "auto" else (transport,)


def run(main: Coroutine[Any, Any, int]) -> int:
    """Run `main` and return its exit code; Ctrl-C, and a closed standard output, end it quietly."""
    try:
        return asyncio.run(main)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The interpreter flushes standard output once more on its way out; there is nobody to read it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def describe(status: Status) -> str:
    """Return a line that tells people the state of the connection."""
    last = status.why[-1].seen if status.why else ""
    if status.state is State.CONNECTED:
        return f"connected · {status.transport}" + ("" if status.rtt is None else f" · {status.rtt:.0f} ms")
    if status.state is State.CONNECTING:
        return f"connecting · {status.transport}"
    if status.state is State.WAITING:
        return f"waiting to reconnect · {last}"
    return "closed" if status.code is None else f"closed ({status.code}) · {last}"


class StatusLines:
    """A writer of lines on standard error, one when the connection comes or goes; the tries in between are told
    once."""

    def __init__(self, *, only_trouble: bool = False) -> None:
        self._only_trouble = only_trouble
        self._told: tuple[State, str | None, str] | None = None

    def __call__(self, status: Status) -> None:
        """Write the line of `status`, if it is news; this is to be given as `Options.on_status`."""
        reason = status.why[-1].seen if status.state is State.WAITING else ""
        news = (status.state, status.transport, reason)
        retrying = status.state is State.CONNECTING and self._told is not None
        # The command itself tells how the client was closed, with the exit code.
        if status.state is State.CLOSED or retrying or news == self._told:
            return
        self._told = news
        if self._only_trouble and status.state is not State.WAITING:
            return
        click.echo(describe(status), err=True)
