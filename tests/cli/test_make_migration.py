"""`envivo make-migration`, as somebody who changes a table meets it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from quart_app.cli import main

ROOT = Path(__file__).resolve().parents[2]


def copy(tmp_path: Path, *, migrations: str = "migrations") -> Path:
    """A copy of the program, with its migrations beside it as in a checkout or where they are told to be."""
    without = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "quart_app", tmp_path / "quart_app", ignore=without)
    shutil.copytree(ROOT / "migrations", tmp_path / migrations, ignore=without)
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "quart_app", "make-migration", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=60, check=False)


def test_a_new_field_becomes_a_file_that_is_told(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    models = folder / "quart_app/domains/products/models.py"
    models.write_text(
        models.read_text().replace("    stock = ", "    shelf = CharField(max_length=9, null=True)\n    stock = ")
    )
    before = {path.name for path in (folder / "migrations").glob("0*.py")}

    done = run(folder, "Shelves of products")
    assert (done.returncode, done.stderr) == (0, "")
    [name] = {path.name for path in (folder / "migrations").glob("0*.py")} - before
    assert name == f"{len(before) + 1:04}_shelves_of_products.py"
    first, what, look, script = done.stdout.splitlines()
    assert first == f"Written: {folder / 'migrations' / name}"
    assert what == "  Add field shelf to ProductRow"
    assert look.startswith("Look at it before you commit it")
    assert script == f"Written: {folder / 'migrations' / 'schema.sql'}, with which new SQLite files begin"
    assert "shelf" in (folder / "migrations/schema.sql").read_text()

    again = run(folder, "again")
    assert (again.returncode, again.stdout) == (0, "Nothing to do: the migrations give what the models say.\n")


def test_a_migration_that_was_changed_by_hand_is_taken_into_the_script(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    newest = folder / "migrations/0009_fingerprint.py"
    by_hand = '    operations = [\n        ops.RunSQL("CREATE INDEX by_hand ON log_terms (name)", ""),\n'
    newest.write_text(newest.read_text().replace("    operations = [\n", by_hand))

    done = run(folder, "nothing")
    assert done.stdout == f"Written: {folder / 'migrations/schema.sql'}, with which new SQLite files begin\n"
    assert "CREATE INDEX by_hand" in (folder / "migrations/schema.sql").read_text()


def test_an_installed_program_refuses_and_says_what_to_do(tmp_path: Path) -> None:
    refused = run(copy(tmp_path, migrations="quart_app/migrations"), "polls")
    assert refused.returncode == 1
    assert "this is an installed En Vivo, and a migration belongs to its source: get a checkout" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["", "../polls", "¿?", "x" * 61])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    refused = CliRunner().invoke(main, ["make-migration", name])
    assert refused.exit_code == 2
    assert "a word or two in plain letters" in refused.output
