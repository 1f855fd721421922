"""`envivo lab`: the laboratory in the terminal."""

import click

from quart_app.cli.lab.hunt import hunt
from quart_app.cli.lab.new import new
from quart_app.cli.lab.run import run
from quart_app.cli.lab.showing import language_option, listing
from quart_app.cli.lab.soak import soak


@click.group(invoke_without_command=True)
@language_option
@click.pass_context
def lab(context: click.Context, lang: str) -> None:
    """Run the program's own engine and client in a simulated world, in which the same seed gives the same run.

    `envivo lab` alone lists the lessons.
    """
    context.default_map = {name: {"lang": lang} for name in lab.commands}
    if context.invoked_subcommand is None:
        click.echo(listing(lang))


for command in (run, hunt, new, soak):
    lab.add_command(command)
