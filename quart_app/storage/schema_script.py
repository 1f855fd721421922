"""The script beside the migrations, which makes at once what they make one by one in an empty SQLite database.

Its first line names the very texts of the migrations that it was made from. Where they are others by now, the script
says nothing, and the migrations are applied as to any database. It is one transaction.
"""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

NAME: Final = "schema.sql"

# The records tell when the script was run, in the form that Tortoise gives to a time.
_RECORDED = "UPDATE tortoise_migrations SET applied_at = strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now');"


def read(folder: Path) -> str | None:
    """Return the script of the migrations in `folder`, None where there is none that was made from them."""
    try:
        text = (folder / NAME).read_text("utf-8")
    except FileNotFoundError:
        return None
    return text if text.startswith(_first_line(folder)) else None


def write(folder: Path, database: Path) -> Path:
    """Write the script from a SQLite file to which the migrations in `folder` were applied, and return its path."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE tortoise_migrations SET applied_at = ''")
        *statements, commit = connection.iterdump()
    path = folder / NAME
    path.write_text("\n".join([_first_line(folder), *statements, _RECORDED, commit, ""]), "utf-8")
    return path


def _first_line(folder: Path) -> str:
    texts = [f"{path.name}\n{path.read_text('utf-8')}" for path in sorted(folder.glob("*.py"))]
    return f"-- Written by `envivo make-migration` from {hashlib.sha256(''.join(texts).encode()).hexdigest()}"
