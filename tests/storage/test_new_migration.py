"""A new migration is what the models have that the history lacks, in the form of this tree, and safe on SQLite."""

import importlib
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import count
from pathlib import Path
from textwrap import dedent, indent

import pytest

from quart_app.app import MODEL_MODULES
from quart_app.storage.connections import sqlite_file
from quart_app.storage.database import migrate
from quart_app.storage.errors import MigrationFailed
from quart_app.storage.new_migration import NewMigration, changes, make_migration
from tests.storage.history import History

pytestmark = pytest.mark.sqlite

ROOT = Path(__file__).resolve().parents[2]

LOAN = """
    id = BigIntField(primary_key=True, generated=True)
    reader = CharField(max_length=20)
    book = CharField(max_length=20)
    shelf = CharField(max_length=20, unique=True)
    class Meta:
        table = "loan"
        unique_together = (("reader", "book"),)
        indexes = (Index(fields=("book", "shelf"), name="loan_book"),)
"""

_modules = count(1)


def models(history: History, **bodies: str) -> list[str]:
    """The name, in a list, of a new module with a model of each body."""
    name = f"{history.module}_models_{next(_modules)}"
    text = (
        "from tortoise.fields import *\nfrom tortoise.indexes import Index\n"
        "from tortoise.migrations.constraints import CheckConstraint\nfrom tortoise.models import Model\n"
    )
    for model, body in bodies.items():
        text += f"\n\nclass {model}(Model):\n{indent(dedent(body), '    ')}"
    (history.folder.parent / f"{name}.py").write_text(text)
    importlib.invalidate_caches()
    return [name]


async def made(modules: list[str], name: str) -> NewMigration:
    new = await make_migration(modules, name)
    assert new is not None
    importlib.invalidate_caches()
    return new


def indexes(url: str) -> set[tuple[bool, tuple[str, ...]]]:
    """Of the table of loans: whether each is unique, and its columns."""
    file = sqlite_file(url)
    assert file is not None
    with closing(sqlite3.connect(file)) as database:
        listed = database.execute("PRAGMA index_list(loan)").fetchall()
        return {
            (bool(row[2]), tuple(column[2] for column in database.execute(f"PRAGMA index_info({row[1]})")))
            for row in listed
        }


def ruff(*arguments: str, text: str) -> str:
    command = [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", "migrations/0099_new.py", "-"]
    done = subprocess.run(command, input=text, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    return done.stdout + done.stderr if done.returncode else ""


async def test_models_and_migrations_agree() -> None:
    assert [writer.as_string() for writer in await changes(MODEL_MODULES)] == []


async def test_a_migration_is_made_from_what_the_models_have_more(history: History) -> None:
    new = await made(["tests.storage.store"], "add notes")
    assert new.path == history.folder / "0001_initial.py"
    assert 'name="Note"' in new.path.read_text()
    assert "Create model Note" in new.does
    assert new.cautions == []

    assert await make_migration(["tests.storage.store"], "nothing") is None


async def test_it_is_numbered_and_named_and_applies(history: History, url: str) -> None:
    await made(models(history, Loan=LOAN), "first")
    shelves = models(history, Loan=LOAN, Shelf="id = BigIntField(primary_key=True)\nroom = TextField(null=True)\n")
    assert (await made(shelves, "Shelves of the house")).path.name == "0002_shelves_of_the_house.py"
    assert await migrate(url, shelves) == ["0001_initial", "0002_shelves_of_the_house"]


async def test_it_is_written_as_this_tree_is(history: History) -> None:
    for name, body in {"first": LOAN, "second": LOAN.replace("20", "30")}.items():
        text = (await made(models(history, Loan=body), name)).path.read_text()
        assert ruff("format", "--check", text=text) == ""
        assert ruff("check", text=text) == ""


async def test_a_table_that_is_made_anew_keeps_its_indexes(history: History, url: str) -> None:
    first = models(history, Loan=LOAN)
    await made(first, "first")
    await migrate(url, first)
    before = indexes(url)
    assert before == {(True, ("shelf",)), (True, ("reader", "book")), (False, ("book", "shelf"))}

    longer = models(history, Loan=LOAN.replace("book = CharField(max_length=20)", "book = CharField(max_length=40)"))
    new = await made(longer, "longer titles")
    [caution] = new.cautions
    assert caution.startswith("on SQLite Tortoise makes the table loan anew and leaves out indexes")
    assert await migrate(url, longer) == ["0002_longer_titles"]
    assert indexes(url) == before
    assert await make_migration(longer, "nothing") is None


async def test_indexes_that_go_with_their_column_are_not_made_again(history: History, url: str) -> None:
    await made(models(history, Loan=LOAN), "first")
    fewer = LOAN.replace("    shelf = CharField(max_length=20, unique=True)\n", "").replace(
        '("book", "shelf")', '("book",)'
    )
    modules = models(history, Loan=fewer)
    new = await made(modules, "no shelves")
    assert "the values of Loan.shelf are deleted; if it has only got another name, write ops.RenameField instead" in (
        new.cautions
    )
    await migrate(url, modules)
    assert indexes(url) == {(True, ("reader", "book")), (False, ("book",))}


async def test_an_index_that_a_field_gets_is_made_on_sqlite_too(history: History, url: str) -> None:
    first = models(history, Loan=LOAN)
    await made(first, "first")
    await migrate(url, first)
    before = indexes(url)
    indexed = LOAN.replace("book = CharField(max_length=20)", "book = CharField(max_length=20, db_index=True)")
    second = models(history, Loan=indexed)
    await made(second, "books are looked for")
    await migrate(url, second)
    assert indexes(url) == before | {(False, ("book",))}


async def test_a_rule_for_rows_leaves_the_indexes(history: History, url: str) -> None:
    await made(models(history, Loan=LOAN), "first")
    rule = '    constraints = (CheckConstraint(check="reader <> book", name="loan_other"),)\n'
    checked = models(history, Loan=LOAN + rule.replace("    ", "        ", 1))
    assert "AddConstraint" in (await made(checked, "nobody borrows themselves")).path.read_text()
    await migrate(url, checked)
    assert indexes(url) == {(True, ("shelf",)), (True, ("reader", "book")), (False, ("book", "shelf"))}


async def test_what_rows_would_suffer_is_told(history: History) -> None:
    other = "id = BigIntField(primary_key=True)\n"
    await made(models(history, Loan=LOAN, Other=other), "first")
    [caution] = (await made(models(history, Loan=LOAN, Other=f"{other}due = BigIntField()\n"), "due")).cautions
    assert caution.startswith("rows of Other that are there have no due")
    [gone] = (await made(models(history, Loan=LOAN), "less")).cautions
    assert gone == "the table of Other is deleted with all its rows"


async def test_a_change_that_tortoise_cannot_write_is_refused_and_nothing_is_written(history: History) -> None:
    await made(models(history, Loan=LOAN), "first")
    text = LOAN.replace("reader = CharField(max_length=20)", "reader = BigIntField()")
    with pytest.raises(MigrationFailed, match="Alter field reader on Loan: Tortoise cannot write this change"):
        await make_migration(models(history, Loan=text), "other type")
    assert sorted(path.name for path in history.folder.glob("0*.py")) == ["0001_initial.py"]


async def test_a_default_that_has_no_name_is_refused(history: History) -> None:
    nameless = "    id = BigIntField(primary_key=True)\n    due = BigIntField(default=lambda: 7)\n"
    with pytest.raises(MigrationFailed, match="a field cannot be written down: Cannot serialize lambda"):
        await make_migration(models(history, Other=nameless), "lambda")
    assert list(history.folder.glob("0*.py")) == []
