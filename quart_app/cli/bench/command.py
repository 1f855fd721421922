"""`envivo bench`: what a running server does under load, measured from outside."""

from __future__ import annotations

import json as json_module
from pathlib import Path

import click

from quart_app.cli.connection import INTERRUPTED, ca_option, token_option, trusting
from quart_app.config import local_url


@click.command()
@click.argument("url", default=local_url)
@click.option("--quick", is_flag=True, help="Fewer connections and less time: about half a minute.")
@click.option("--json", "file", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Write it there.")
@click.option("--pid", type=int, help="The server's process on this machine, to see the memory of a connection.")
@token_option
@ca_option
@click.pass_context
def bench(  # noqa: PLR0913 - an argument an option, which is how click calls it
    context: click.Context,
    /,
    url: str,
    *,
    quick: bool,
    file: Path | None,
    pid: int | None,
    token: str | None,
    ca: str | None,
) -> None:
    """Measure the server at URL: fan-out, senders, latency, durable messages, resuming, connections.

    Without URL it is the server of this machine, also where ENVIVO_URL names another. Every message is checked to have
    reached everybody, once and in order. Thousands of them are published to topics of their own (live/bench-…,
    log/bench-…) and stay in the server's log until it forgets them: measure a server that has no visitors. The exit
    code is 1 when something was lost or the server cannot be reached.
    """
    from quart_app.cli.bench import load as loads
    from quart_app.cli.bench.load import Target
    from quart_app.cli.bench.measures import measure
    from quart_app.cli.bench.report import document, table
    from quart_app.cli.bench.stream import BenchError
    from quart_app.cli.bench.wire import Address

    load = loads.QUICK if quick else loads.FULL
    try:
        address = Address.parse(url, token, None if ca is None else trusting(ca))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="URL") from error
    try:
        runs = {address.host: [measure(Target(address, pid=pid), load)]}
    except KeyboardInterrupt:
        context.exit(INTERRUPTED)
    except BenchError as error:
        click.echo(f"the measurement failed: {error}", err=True)
        context.exit(1)
    click.echo(table(load, runs))
    if file is not None:
        file.write_text(json_module.dumps(document(load, runs), indent=2) + "\n", "utf-8")
