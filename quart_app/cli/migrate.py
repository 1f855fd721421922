"""`envivo migrate`: it brings the database up to date without serving, or moves it to another one."""

from typing import Any

import click

from quart_app.cli.settings import settings_from, settings_options


class _Bars:
    """A progress bar for each table that has rows."""

    def __init__(self) -> None:
        self._bar: Any = None

    def show(self, table: str, moved: int, total: int) -> None:
        if not total:
            return
        if not moved:
            self._bar = click.progressbar(length=total, label=f"{table:<20}", show_pos=True)
            self._bar.__enter__()
        self._bar.update(moved - self._bar.pos)
        if moved >= total:
            self._bar.__exit__(None, None, None)


@click.command()
@settings_options("database_url")
@click.option(
    "--to",
    metavar="URL",
    help="Move everything to this database, which is to be empty: postgres://<user>@<host>/<name>, or sqlite://<file>."
    " Stop the server first, and start it on the new database afterwards: clients go on where they were.",
)
def migrate(to: str | None, **options: str | None) -> None:
    """Apply what the database lacks; `envivo serve` does the same when it starts.

    A SQLite file is copied beside itself first. The exit code is 1 where it could not be done; the database is then
    as it was.
    """
    from quart_app.server.configuration import StartError
    from quart_app.server.running import migrate_database, move_database

    settings = settings_from(options)
    try:
        if to is None:
            applied = migrate_database(settings, click.echo)
            click.echo(f"{len(applied)} applied." if applied else "Nothing to do: the database is up to date.")
        else:
            moved = move_database(settings, to, _Bars().show)
            click.echo(f"{moved} rows moved. From now on serve the new database: set ENVIVO_DATABASE_URL to it.")
    except StartError as error:
        raise click.ClickException(str(error)) from error
