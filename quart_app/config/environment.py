"""The environment, and the file ``.env`` in the working directory: text by the name of a variable."""

import os
import re
from pathlib import Path
from typing import Final

from quart_app.config.settings import Settings
from quart_app.config.specs import CLIENT_VARIABLES, PREFIX, SPECS, SettingsError

_DOTENV_LINE: Final = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")


def local_url() -> str:
    """Return where `envivo serve` listens when it is started here, with this environment and this ``.env``."""
    port = client_variable(SPECS["port"].variable) or ""
    return f"http://127.0.0.1:{port if port.isdigit() and int(port) else Settings().port}"


def client_variable(name: str) -> str | None:
    """Return the value of a variable in the environment, else in ``.env``, None where it is in neither.

    A ``.env`` that the server could not read is another program's, and says nothing here.
    """
    if value := os.environ.get(name):
        return value
    try:
        return read_dotenv(Path(".env")).get(name) or None
    except SettingsError:
        return None


def read_dotenv(path: Path) -> dict[str, str]:
    """Return the ``ENVIVO_`` variables of a ``.env`` file; an absent file has none.

    Each line is ``NAME=value``; ``export`` may stand before it, and the value is bare or in one pair of quotes. ``#``
    starts a comment on a line of its own or after a space. Nothing is expanded. Raise `SettingsError` for a line it
    cannot read and for an ``ENVIVO_`` name that is neither a setting nor one of `CLIENT_VARIABLES`.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(str(path), str(error), "a readable text file in UTF-8") from error
    names = CLIENT_VARIABLES | {spec.variable for spec in SPECS.values()}
    found = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _DOTENV_LINE.fullmatch(text)
        if match is None:
            raise SettingsError(f"{path}, line {number}", text, "NAME=value, or a comment after #")
        name, value = match.groups()
        if name in names:
            found[name] = _unquote(value)
        elif name.startswith(PREFIX):
            raise SettingsError(f"{path}, line {number}", name, ", ".join(sorted(names)))
    return found


def _unquote(value: str) -> str:
    for quote in "'\"":
        if value.startswith(quote) and (end := value.find(quote, 1)) > 0:
            return value[1:end]
    return re.split(r"\s+#", value, maxsplit=1)[0].rstrip()
