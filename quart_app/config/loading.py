"""The settings in force: from options, the environment and ``.env``, converted and checked."""

import os
from pathlib import Path
from typing import Any

from quart_app.config.checks import check
from quart_app.config.environment import read_dotenv
from quart_app.config.settings import Settings
from quart_app.config.specs import SPECS
from quart_app.config.values import convert


def load_settings(**options: object) -> Settings:
    """Return the settings in force: an option that is not None, else the environment, else ``.env``, else the default.

    ``options`` are named like the fields of `Settings`; their values may be text, as typed.
    Raise `SettingsError` for the first value that cannot be used, TypeError for an option that does not exist.
    """
    unknown = sorted(set(options) - set(SPECS))
    if unknown:
        raise TypeError(f"there is no setting named {', '.join(unknown)}")
    dotenv = read_dotenv(Path(".env"))
    values: dict[str, Any] = {}
    for spec in SPECS.values():
        # An empty variable counts as absent: compose files and CI systems set them so.
        raw = options.get(spec.name)
        raw = raw if raw is not None else os.environ.get(spec.variable) or dotenv.get(spec.variable) or None
        if raw is not None:
            values[spec.name] = convert(spec, raw)
    settings = Settings(**values)
    check(settings, options)
    return settings
