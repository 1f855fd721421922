"""The places of the files that travel with the program, in a checkout and in an installed wheel.

This module owns the two layouts: a checkout keeps ``static/``, ``migrations/`` and ``hypercorn.toml`` beside
``quart_app/``, the wheel carries them inside it. It knows nothing of what is in the files.
"""

import importlib.util
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_MIGRATIONS = "quart_app.migrations"


class MissingResource(RuntimeError):
    """The error of an incomplete installation: a file that belongs to the program is not there."""


def resource(name: str) -> Path:
    """Return the absolute path of a file or folder that travels with the program.

    ``name`` is relative to the top of a checkout, e.g. ``"static"`` or ``"hypercorn.toml"``.
    Raise `MissingResource` when neither layout has it.
    """
    for parent in (_PACKAGE, _PACKAGE.parent):
        path = parent / name
        if path.exists():
            return path
    raise MissingResource(f"{name} is missing from the installation at {_PACKAGE}; install En Vivo again")


def is_checkout() -> bool:
    """Return whether the program runs from its source, where `migrations/` is history that grows."""
    return not (_PACKAGE / "migrations").is_dir()


def static_folder() -> Path:
    """Return the folder served at ``/static``."""
    return resource("static")


def migrations_module() -> str:
    """Return the importable name of the migrations package; the name is the same in both layouts.

    In a checkout the package lies outside ``quart_app``, so it is loaded from there under that name first.
    """
    if _MIGRATIONS not in sys.modules:
        folder = resource("migrations")
        spec = importlib.util.spec_from_file_location(
            _MIGRATIONS, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        if spec is None or spec.loader is None:
            raise MissingResource(f"{folder} is not a Python package")
        module = importlib.util.module_from_spec(spec)
        sys.modules[_MIGRATIONS] = module
        spec.loader.exec_module(module)
    return _MIGRATIONS
