"""`envivo migrate`, as somebody at a terminal meets it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from quart_app.cli import main
from quart_app.config import SPECS
from tests.running import ServerProcess


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for spec in SPECS.values():
        monkeypatch.delenv(spec.variable, raising=False)


def migrate(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["migrate", *arguments])


def test_a_new_database_is_brought_up_to_date_once() -> None:
    first = migrate()
    assert first.exit_code == 0
    assert "0001_initial" in first.output
    assert first.output.splitlines()[-1].endswith("applied.")
    again = migrate()
    assert (again.exit_code, again.output) == (0, "Nothing to do: the database is up to date.\n")


def test_afterwards_the_file_alone_is_whole_though_somebody_has_it_open(tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect("envivo.db")) as looking:
        looking.execute("PRAGMA journal_mode=WAL")
        looking.execute("SELECT count(*) FROM sqlite_master").fetchall()
        assert migrate().exit_code == 0
        copy.write_bytes(Path("envivo.db").read_bytes())
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("SELECT count(*) FROM tortoise_migrations").fetchone()[0] > 1


def test_a_newer_database_is_refused_and_left_as_it_is() -> None:
    migrate()
    with closing(sqlite3.connect("envivo.db")) as database, database:
        database.execute(
            "INSERT INTO tortoise_migrations (app, name, applied_at)"
            " SELECT app, '9999_from_the_future', applied_at FROM tortoise_migrations LIMIT 1"
        )
    refused = migrate()
    assert refused.exit_code == 1
    assert "9999_from_the_future" in refused.output
    assert len(refused.output.splitlines()) == 1


@pytest.mark.sqlite
def test_a_database_that_is_in_use_is_told(server: ServerProcess) -> None:
    refused = migrate("--database-url", f"sqlite://{server.database}")
    assert refused.exit_code == 1
    assert "is in use by another process" in refused.output


def test_a_folder_that_is_not_there_is_told() -> None:
    refused = migrate("--database-url", "sqlite://nowhere/envivo.db")
    assert refused.exit_code == 1
    assert "there is no folder" in refused.output
    assert not Path("nowhere").exists()
