"""The settings as whoever types them sees them: as variables, as options of a command, in the words of an error."""

from collections.abc import Mapping
from typing import Any, Final, get_args, get_type_hints

import msgspec
from msgspec import Meta

from quart_app.config.settings import Settings

PREFIX: Final = "ENVIVO_"
CLIENT_VARIABLES: Final = frozenset(PREFIX + name for name in ("URL", "TOKEN", "USER_ID", "USERNAME"))
"""The variables of the commands that talk to a server; the server itself reads none of them."""


class SettingsError(ValueError):
    """The error of a setting that cannot be used; the message names the setting, its value, and what it may be."""

    def __init__(self, name: str, was: object, may_be: str) -> None:
        shown = f"is {was!r}" if was is not None else "is not set"
        super().__init__(f"{name} {shown}; it may be {may_be}")
        self.name = name


class SettingSpec(msgspec.Struct, frozen=True):
    """One setting as an operator sees it: its name, its purpose, its possible values, its default."""

    name: str
    title: str
    may_be: str
    default: object
    type: Any

    @property
    def variable(self) -> str:
        """The name of the setting in the environment, e.g. ``ENVIVO_PORT``."""
        return PREFIX + self.name.upper()

    @property
    def option(self) -> str:
        """The name of the setting on the command line, e.g. ``--port``."""
        return "--" + self.name.replace("_", "-")


def _specs() -> dict[str, SettingSpec]:
    specs = {}
    hints = get_type_hints(Settings, include_extras=True)
    for field in msgspec.structs.fields(Settings):
        annotated = hints[field.name]
        meta = next(extra for extra in get_args(annotated)[1:] if isinstance(extra, Meta))
        specs[field.name] = SettingSpec(field.name, meta.title or "", meta.description or "", field.default, annotated)
    return specs


SPECS: Final[Mapping[str, SettingSpec]] = _specs()
