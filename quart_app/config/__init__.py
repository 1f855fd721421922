"""The settings: what an operator may decide, where each value is read from, and what it may be.

This package is the only reader of the environment and of ``.env``, and owns the rule that a public address needs the
secure mode. It knows nothing of what the settings are used for. Others import it by this face; behind it are

* `settings`: each setting with its type, its default and its words, and what follows from them, such as the doors,
* `specs`: the settings as whoever types them sees them, and the error that names one,
* `environment`: the variables, and the file ``.env``,
* `values`: from the text of one setting to its value,
* `checks`: what settings must not be together,
* `loading`: the settings in force, from all of these.

Errors: `SettingsError` (a ValueError) for every value that cannot be used.
"""

from quart_app.config.checks import check_served, doubts
from quart_app.config.environment import client_variable, local_url
from quart_app.config.loading import load_settings
from quart_app.config.settings import Settings
from quart_app.config.specs import CLIENT_VARIABLES, SPECS, SettingsError

__all__ = [
    "CLIENT_VARIABLES", "SPECS", "Settings", "SettingsError",
    "check_served", "client_variable", "doubts", "load_settings", "local_url",
]  # fmt: skip
