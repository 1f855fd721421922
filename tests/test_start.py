"""A start takes what it needs: large modules are imported where they are used, and the collector waits until then."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).resolve().parent.parent
LARGE = {
    "authlib",
    "cryptography",
    "httpx",
    "jwt",
    "markdown_it",
    "prompt_toolkit",
    "tortoise.migrations",
    "trustme",
    "websockets",
}

# A server that tells of itself in the moment in which it says where it listens, and ends then.
TELLING = dedent(
    """
    import gc, json, os, signal, sys
    from quart_app.cli import main, serve
    before = set(sys.modules)
    from quart_app.server import leaving

    say = leaving.say

    def tell(text):
        say(text)
        if text.startswith("En Vivo: http"):
            told = {"modules": sorted(sys.modules), "collects": gc.isenabled(), "kept": gc.get_freeze_count()}
            say(json.dumps(told))
            os.kill(os.getpid(), signal.SIGTERM)

    leaving.say = tell
    main(["serve", "--port", "0", *sys.argv[1:]])
    """
)


@dataclass(frozen=True)
class Started:
    modules: set[str]
    collects: bool
    kept: int


def start(folder: Path, *arguments: str, **settings: str) -> Started:
    """Start a server in `folder`, and return what it tells once it listens."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ENVIVO_")}
    environment = {**clean, "PYTHONPATH": str(ROOT), **{f"ENVIVO_{name}": value for name, value in settings.items()}}
    done = subprocess.run(
        [sys.executable, "-c", TELLING, *arguments],
        cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [told] = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return Started(set(told["modules"]), told["collects"], told["kept"])


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Started:
    return start(tmp_path_factory.mktemp("new"))


def test_a_start_on_a_new_database_imports_nothing_large_that_it_does_not_use(started: Started) -> None:
    assert started.modules & LARGE == set()


def test_the_collector_works_once_the_server_listens_and_leaves_alone_what_the_start_has_made(started: Started) -> None:
    assert started.collects
    assert started.kept > 100_000


def test_tokens_are_read_with_what_is_imported_before_the_first_comes(tmp_path: Path) -> None:
    started = start(tmp_path, ACCESS="secure", SECRET_KEY="x" * 32)
    assert "jwt" in started.modules
    assert not started.modules & {"authlib", "httpx", "quart_app.providers"}


def test_a_certificate_is_made_with_what_is_imported_for_it(tmp_path: Path) -> None:
    assert {"cryptography", "trustme"} <= start(tmp_path, "--tls").modules
