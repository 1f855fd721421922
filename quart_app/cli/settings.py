"""The program's settings as options of a command, with the names and the checks of `config`."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from quart_app.config import SPECS, Settings, SettingsError, load_settings

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def settings_options(*names: str) -> Callable[[Decorated], Decorated]:
    """Return a decorator that adds an option for each of the named settings, or for all where none is named.

    The values arrive as text or None, or as several texts, for `settings_from`.
    """

    def decorate(command: Decorated) -> Decorated:
        for name in reversed(names or tuple(SPECS)):
            spec = SPECS[name]
            default = f" [default: {spec.default}]" if spec.default not in (None, ()) else ""
            help_text = f"{spec.title}: {spec.may_be}. {spec.variable}{default}"
            if isinstance(spec.default, bool):
                command = click.option(spec.option, name, flag_value="1", help=help_text)(command)
            else:
                again = name == "door"
                command = click.option(spec.option, name, metavar="VALUE", multiple=again, help=help_text)(command)
        return command

    return decorate


def settings_from(options: dict[str, Any]) -> Settings:
    """Return the settings in force under `options`. Raise click.ClickException with what is wrong."""
    try:
        return load_settings(**{name: None if value == () else value for name, value in options.items()})
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
