"""The `envivo` command: one module per subcommand, imported when it is used.

This package owns the list of subcommands and the rule that `envivo` alone serves. It knows nothing of what they do.
"""

from importlib import import_module

import click

from quart_app import __version__

# The order is that in which a newcomer meets them. Each has a module of its name (`_` for `-`) with a click command.
_COMMANDS = (
    "serve",
    "chat",
    "tail",
    "send",
    "token",
    "migrate",
    "make-migration",
    "selftest",
    "bench",
    "cluster",
    "lab",
)
_GROUP_OPTIONS = frozenset({"--help", "-h", "--version"})


class _LazyGroup(click.Group):
    """A group whose subcommands are imported only when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(import_module(f"quart_app.cli.{name}"), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"quart_app.cli.{name} has no click command of that name")
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in _GROUP_OPTIONS):
            args = ["serve", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="envivo")
def main() -> None:
    """En Vivo: committed facts as live streams.

    `envivo` alone means `envivo serve`: it serves on http://127.0.0.1:8000 from the file envivo.db. Every setting is
    an option of `envivo serve`, an environment variable, or a line of the file .env.
    """
