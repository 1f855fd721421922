"""`envivo migrate`: it brings the database up to date without serving."""

import click

from quart_app.cli.settings import settings_from, settings_options


@click.command()
@settings_options("database_url")
def migrate(**options: str | None) -> None:
    """Apply what the database lacks; `envivo serve` does the same when it starts.

    A SQLite file is copied beside itself first. The exit code is 1 where it could not be done; the database is then
    as it was.
    """
    from quart_app.server.running import StartError, migrate_database

    try:
        applied = migrate_database(settings_from(options), click.echo)
    except StartError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{len(applied)} applied." if applied else "Nothing to do: the database is up to date.")
