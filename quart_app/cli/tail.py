"""`envivo tail`: it prints the messages of topics, one JSON object a line."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click

from quart_app.cli.connection import Server, StatusLines, run, rungs, server_options, transport_option


@click.command()
@click.argument("topics", nargs=-1, required=True, metavar="TOPIC...")
@click.option("--since", metavar="CURSOR", help="Replay from this cursor; 0 for everything retained.")
@transport_option
@server_options
@click.pass_context
def tail(context: click.Context, /, topics: tuple[str, ...], since: str | None, transport: str, **server: str) -> None:
    """Follow TOPICs: every message as one line of JSON on standard output, the connection's state on standard error.

    A lost connection is taken up again where it broke off. The exit code is 1 when the server said stop (no such
    topic, not allowed).

    \b
    Examples:
      envivo tail rooms/1
      envivo tail log/build sensors --since 0 --transport sse | jq .data
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    context.exit(run(_follow(Server(**server), topics, since, rungs(transport))))


async def _follow(server: Server, topics: tuple[str, ...], since: str | None, transports: tuple[str, ...]) -> int:
    from quart_app.client import Closed, Options, connect
    from quart_app.client.messages import encode

    options = server.options(Options(on_status=StatusLines()))
    try:
        live = connect(server.url, topics, since=since, params=server.params, transports=transports, options=options)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        async with live, _reader_of_output():
            async for message in live:
                # Printing blocks while the reader of our output is slow; the server then sees that we are slow.
                click.echo(encode(message))
    except Closed as error:
        click.echo(f"stopped: {error}", err=True)
        return 1
    return 0


@asynccontextmanager
async def _reader_of_output() -> AsyncIterator[None]:
    """Raise BrokenPipeError inside the block as soon as nobody reads our output any more, not only at the next
    message."""
    loop, output, task = asyncio.get_running_loop(), sys.stdout.fileno(), asyncio.current_task()
    if task is None or sys.platform == "win32" or not stat.S_ISFIFO(os.fstat(output).st_mode):
        yield
        return
    gone = False

    def leave() -> None:
        nonlocal gone
        gone = True
        loop.remove_reader(output)
        task.cancel()

    # The writing end of a pipe counts as readable, with an error, when its reading end is closed.
    loop.add_reader(output, leave)
    try:
        yield
    except asyncio.CancelledError:
        if gone:
            raise BrokenPipeError from None
        raise
    finally:
        loop.remove_reader(output)
