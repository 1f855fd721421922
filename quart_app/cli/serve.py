"""`envivo serve`: it runs the server in this process, or in several workers, until told to stop."""

import gc
import tomllib
from pathlib import Path
from typing import Any

import click

from quart_app.cli.settings import settings_from, settings_options


@click.command()
@settings_options()
@click.option("--tls", is_flag=True, help="Serve https with a certificate for this machine, made on first use.")
@click.option(
    "--server-config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A hypercorn.toml; its keys win over the one that travels with the program.",
)
@click.option(
    "--server", "keys", multiple=True, metavar="KEY=VALUE", help="One key of hypercorn.toml; wins over both files."
)
def serve(tls: bool, server_config: Path | None, keys: tuple[str, ...], **options: str | None) -> None:
    """Serve until Ctrl-C. The address is printed once it can be opened.

    \b
    Examples:
      envivo serve
      envivo serve --port 9000 --database-url sqlite:///var/lib/envivo/class.db
      envivo serve --functions my_feeds.py
      envivo serve --tls --server backlog=1024
      envivo serve --workers 4 --database-url postgres://envivo@10.0.0.5/envivo --backplane-url redis://10.0.0.6
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    overrides = dict(_key(text) for text in keys)
    settings = settings_from(options)
    from quart_app.server.leaving import end_process
    from quart_app.server.starter import Parent, Person

    starter = Parent.of_this_process() or Person()
    if settings.workers > 1 and isinstance(starter, Person):
        from quart_app.server.workers import run_workers

        end_process(run_workers(settings))
    gc.disable()  # what a start makes stays; the server turns the collector on again when it listens
    from quart_app.server.configuration import ServerOptions
    from quart_app.server.running import run

    end_process(run(starter.settings(settings), options=ServerOptions(server_config, overrides, tls, starter)))


def _key(text: str) -> tuple[str, Any]:
    key, sign, value = text.partition("=")
    if not sign:
        raise click.BadParameter(f"{text} is not KEY=VALUE", param_hint="--server")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value
