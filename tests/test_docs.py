"""The README is true: what it names exists, and what it tells to type works."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from quart_app.app import create_app
from quart_app.cli import main
from quart_app.config import SPECS, load_settings
from tests.running import ServerProcess

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
ADDRESS = "http://127.0.0.1:8000"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_every_setting_is_told() -> None:
    missing = [spec.variable for spec in SPECS.values() if spec.variable not in README]
    assert not missing


def test_every_command_is_told() -> None:
    commands = main.list_commands(None)  # type: ignore[arg-type]  # it needs no context
    assert [name for name in commands if f"envivo {name}" not in README] == []


def test_every_rest_route_is_told() -> None:
    rules = create_app(load_settings()).url_map.iter_rules()
    told = {rule.rule for rule in rules if rule.rule.startswith(("/api/", "/ws/stats", "/health"))}
    plain = {re.sub(r"<(?:\w+:)?\w+>", "<id>", rule) for rule in told}
    assert sorted(rule for rule in plain if rule not in README) == []


@pytest.mark.parametrize("command", [line for block in _blocks("sh") for line in block.splitlines() if "curl" in line])
def test_what_is_typed_in_a_shell_works(server: ServerProcess, command: str) -> None:
    answer = subprocess.run(
        command.replace(ADDRESS, server.url), shell=True, capture_output=True, text=True, timeout=30, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert '"success":false' not in answer.stdout
    assert re.search('"(thrown|published)"', answer.stdout)


def test_the_python_of_the_readme_works(server: ServerProcess) -> None:
    (program,) = _blocks("python")
    answer = subprocess.run(
        [sys.executable, "-c", program.replace(ADDRESS, server.url)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == "{'eyes': 4} ws"


def test_the_targets_of_make_are_told() -> None:
    makefile = (Path(__file__).parents[1] / "Makefile").read_text("utf-8")
    for block in _blocks("sh"):
        for line in block.splitlines():
            words = shlex.split(line)
            if words[0] == "make":
                assert re.search(rf"^{words[1]}:", makefile, re.MULTILINE), line
