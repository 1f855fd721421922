"""`envivo cluster`: it shows several nodes, what may befall them, and that nothing is lost."""

from __future__ import annotations

import sys

import click

_PORT = click.IntRange(0, 65535)


@click.command()
@click.argument("nodes", type=click.IntRange(1, 9), default=3)
@click.option("--port", type=_PORT, default=8000, show_default=True, help="Of the balancer; 0 takes a free one.")
@click.option("--page-port", type=_PORT, help="Of the page; 0 takes a free one.  [default: the next after --port]")
@click.option("--database", metavar="URL", help="A PostgreSQL that runs already: postgres://...")
@click.option("--backplane", metavar="URL", help="A Redis or Valkey that runs already: redis://...")
@click.option("--no-load", is_flag=True, help="No witness: nobody writes and reads but you.")
def cluster(
    nodes: int, port: int, page_port: int | None, database: str | None, backplane: str | None, no_load: bool
) -> None:
    """Run NODES nodes (3 if you do not say) behind a balancer, with a page on which to kill, stop and cut them off.

    PostgreSQL and Redis of this machine are started in a temporary folder, unless --database and --backplane name
    others. Ctrl-C ends everything and removes it.

    \b
    Examples:
      envivo cluster
      envivo cluster 5 --port 9000
      envivo cluster --database postgres://envivo:secret@10.0.0.5/class --backplane redis://10.0.0.6
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    if sys.platform == "win32":
        raise click.ClickException("this needs signals that Windows does not have: run it in WSL")
    from quart_app.cluster import ClusterError, ClusterOptions, run

    if page_port is None:
        page_port = port + 1 if 0 < port < 65535 else 0
    options = ClusterOptions(nodes, port, page_port, database, backplane, load=not no_load)
    try:
        run(options, click.echo)
    except ClusterError as error:
        raise click.ClickException(str(error)) from error
    except BaseExceptionGroup as group:  # two servers are started at once
        failed, others = group.split(ClusterError)
        if failed is None or others is not None:
            raise
        raise click.ClickException("\n".join(str(error) for error in failed.exceptions)) from group
