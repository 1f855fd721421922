"""`envivo lab`: the laboratory in the terminal."""

import click

from quart_app.cli.lab.soak import soak


@click.group()
def lab() -> None:
    """Run the program's own engine and client in a simulated world, in which the same seed gives the same run."""


lab.add_command(soak)
