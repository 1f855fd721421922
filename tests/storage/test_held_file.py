"""What a second look into the open database file tells: somebody has written over it, or it was SQLite itself."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from quart_app.storage.errors import DatabaseUnavailable
from quart_app.storage.sqlite.held_file import HeldFile

pytestmark = pytest.mark.sqlite

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="another system gives no second look")


class Held:
    """A file that is held, with the connection of the one who holds it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = path.with_name(f"{path.name}-wal")
        self.file = HeldFile(path)
        self.file.take()
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = OFF")
        self.connection.execute("CREATE TABLE IF NOT EXISTS kept (x)")
        self.file.identify()

    def store(self, pages: int) -> None:
        """Store some pages, and have SQLite look after its write-ahead log as usual."""
        for _ in range(pages):
            self.connection.execute("INSERT INTO kept VALUES (randomblob(4000))")
        self.file.check()

    def close(self) -> None:
        self.connection.close()
        self.file.release()


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    held = Held(tmp_path / "held.db")
    yield held
    held.close()


def shell(path: Path, *statements: str) -> None:
    """Run the statements in another process, as an operator's shell does."""
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)\n"
    code += "for statement in sys.argv[2:]: c.execute(statement).fetchall()\nc.close()"
    subprocess.run([sys.executable, "-c", code, str(path), *statements], check=True)


@pytest.mark.parametrize("content", [b"", b"SQLite", b"nonsense" * 1000])
def test_nonsense_written_over_it(held: Held, content: bytes) -> None:
    held.path.write_bytes(content)
    assert held.file.lost == held.path


def test_a_write_ahead_log_that_is_cut_off(held: Held) -> None:
    held.store(10)
    content = held.log.read_bytes()
    for size in (0, 32, len(content) // 2, len(content) - 1):
        os.truncate(held.log, size)
        with pytest.raises(DatabaseUnavailable, match=r"held\.db-wal was deleted, replaced or written over"):
            held.file.check()
        held.log.write_bytes(content)
        held.store(1)
        content = held.log.read_bytes()


@pytest.mark.parametrize("mode", ["PASSIVE", "FULL", "RESTART", "TRUNCATE"])
@pytest.mark.parametrize("of_others", [False, True])
def test_a_checkpoint_is_nothing(held: Held, mode: str, of_others: bool) -> None:
    for pages in (1, 10, 2000, 3):
        held.store(pages)
        if of_others:
            shell(held.path, f"PRAGMA wal_checkpoint({mode})")
        else:
            held.connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        held.file.check()


def test_a_log_that_sqlite_keeps_short_is_nothing(held: Held) -> None:
    held.connection.execute("PRAGMA journal_size_limit = 1000000")
    held.connection.execute("INSERT INTO kept VALUES (randomblob(20000000))")
    held.file.check()
    long = held.log.stat().st_size
    held.store(3000)
    assert held.log.stat().st_size < long


def test_what_an_operator_does_with_sqlite_is_nothing(held: Held) -> None:
    for _ in range(2):
        held.store(2000)
        size = held.path.stat().st_size
        shell(held.path, "CREATE TABLE other (x)", "INSERT INTO other VALUES (randomblob(9000000))", "DROP TABLE other")
        held.store(1)
        held.connection.execute("DELETE FROM kept WHERE rowid % 3")
        held.file.check()
        shell(held.path, "VACUUM")
        held.file.check()
        shell(held.path, "PRAGMA wal_checkpoint(TRUNCATE)")
        held.file.check()
        assert held.path.stat().st_size < size


def test_what_one_shell_does_is_nothing_either(held: Held) -> None:
    """It grows the file and makes it small again, and nobody else writes between."""
    with closing(sqlite3.connect(held.path, isolation_level=None)) as shell:
        shell.execute("CREATE TABLE other (x)")
        shell.execute("INSERT INTO other VALUES (randomblob(9000000))")
        shell.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        held.file.check()
        shell.execute("DROP TABLE other")
        shell.execute("VACUUM")
        shell.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    held.store(1)


def test_pages_that_are_given_back_unasked_are_nothing(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "held.db")) as connection:
        connection.executescript("PRAGMA auto_vacuum = FULL; CREATE TABLE kept (x)")
    held = Held(tmp_path / "held.db")
    held.store(2000)
    size = held.path.stat().st_size
    held.connection.execute("DELETE FROM kept")
    held.store(5)
    held.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    held.file.check()
    assert held.path.stat().st_size < size
    held.close()


def test_the_writes_of_others_meanwhile_are_nothing(held: Held) -> None:
    code = "import sqlite3, sys\nfor n in range(300):\n c = sqlite3.connect(sys.argv[1], timeout=20)\n"
    code += " c.execute('INSERT INTO kept VALUES (randomblob(100000))'); c.commit()\n"
    code += " n % 5 or c.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchall(); c.close()"
    held.connection.execute("PRAGMA busy_timeout = 20000")
    other = subprocess.Popen([sys.executable, "-c", code, str(held.path)])
    while other.poll() is None:
        held.file.check()
        held.file.check()
        held.store(1)
    assert other.wait() == 0
    held.file.check()
