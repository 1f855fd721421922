"""A start that fails after the stores are open closes them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("how", "code", "told"),
    [
        ("a domain", 1, "RuntimeError: no luck today"),
        ("what comes after the program", 1, "RuntimeError: no luck today"),
        ("somebody who ends the program", 3, ""),
        ("too long", 1, "the start took more than 2 s"),
        ("a port that was taken in between", 1, "cannot listen: "),
    ],
)
def test_it_leaves_no_lock_and_no_thread(tmp_path: Path, how: str, code: int, told: str) -> None:
    database = tmp_path / "envivo.db"
    command = [sys.executable, "-m", "tests.failing_start", how, f"sqlite://{database}"]
    environment = {"PYTHONPATH": str(CHECKOUT)}
    ended = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1]) == {"code": code, "threads": []}
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not database.with_name("envivo.db-wal").exists()
