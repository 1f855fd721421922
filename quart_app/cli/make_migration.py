"""`envivo make-migration`: it writes the next file of `migrations/` from what the models have that the history
lacks."""

import re
from typing import Final

import click

_NAME: Final = r"[A-Za-z][A-Za-z0-9_ -]{0,59}"


@click.command("make-migration")
@click.argument("name")
def make_migration(name: str) -> None:
    """Write the next file of migrations/, for those who change the program's tables.

    The models of all domains are compared with what the migrations of this checkout give. NAME says in a word or two
    what changes: "polls" becomes 0010_polls.py, or whatever number is next. No database is touched; `envivo migrate`
    and the next start apply the file. The exit code is 1 where nothing could be written.
    """
    from quart_app.server.configuration import StartError
    from quart_app.server.running import write_migration

    if not re.fullmatch(_NAME, name):
        raise click.BadParameter(
            "a word or two in plain letters, at most 60 characters, such as polls", param_hint="NAME"
        )
    try:
        told = write_migration(name)
    except StartError as error:
        raise click.ClickException(str(error)) from error
    for line in told or ["Nothing to do: the migrations give what the models say."]:
        click.echo(line)
