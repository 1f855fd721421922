"""`envivo send`: it sends one message, and prints the server's acknowledgement."""

from __future__ import annotations

import asyncio
import sys

import click

from quart_app.cli.connection import Server, StatusLines, run, rungs, server_options, transport_option
from quart_app.client.options import Options


@click.command()
@click.argument("topic")
@click.argument("json")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=30.0, show_default=True, help="Seconds to wait.")
@transport_option
@server_options
@click.pass_context
def send(context: click.Context, /, topic: str, json: str, timeout: float, transport: str, **server: str) -> None:
    """Send the message JSON (an object; - reads it from standard input) to TOPIC and print the acknowledgement.

    The exit code is 1 when the server refused it, or did not answer in time.

    \b
    Examples:
      envivo send log/build '{"type": "done", "data": {"ok": true}}'
      echo '{"type": "message", "content": "Hola"}' | envivo send rooms/1 - --username Ana
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from quart_app.client.messages import NotAMessage, decode

    text = sys.stdin.read() if json == "-" else json
    try:
        message = decode(text)
    except NotAMessage as error:
        raise click.BadParameter(f"not a JSON object: {error}", param_hint="JSON") from error
    try:
        context.exit(run(_send(Server(**server), topic, message, rungs(transport), timeout)))
    except ValueError as error:
        raise click.UsageError(str(error)) from error


async def _send(
    server: Server, topic: str, message: dict[str, object], transports: tuple[str, ...], timeout: float
) -> int:
    from quart_app.client import ClientError, connect
    from quart_app.client.messages import encode

    live = connect(
        server.url,
        [topic],
        params=server.params,
        transports=transports,
        options=server.options(Options(on_status=StatusLines(only_trouble=True))),
    )
    try:
        async with live, asyncio.timeout(timeout):
            acknowledgement = await live.send(topic, message)
    except TimeoutError:
        seen = live.status.why[-1].seen if live.status.why else "no connection"
        click.echo(f"no acknowledgement within {timeout:g} s ({seen})", err=True)
        return 1
    except ClientError as error:
        click.echo(f"refused: {error}", err=True)
        return 1
    click.echo(encode(acknowledgement))
    return 0
