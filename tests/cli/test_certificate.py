"""The commands and a server whose certificate is of its own authority: they stop, or are told whom to trust."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import envivo
from tests.running import ServerProcess


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("tls"), "--tls")
    server.start()
    yield server
    server.check_clean_end()


@pytest.mark.parametrize(
    "command",
    [
        ("tail", "log/x"),
        ("tail", "log/x", "--transport", "sse"),
        ("send", "log/x", "{}"),
        ("chat", "1"),
        ("selftest",),
        ("bench", "{url}", "--quick"),
    ],
    ids=" ".join,
)
def test_a_certificate_nobody_vouches_for_ends_the_command(secured: ServerProcess, command: tuple[str, ...]) -> None:
    done = envivo(secured.url, *(word.replace("{url}", secured.url) for word in command), input="Hola\n")
    assert done.returncode == 1
    assert done.stdout == ""
    said = done.stderr.splitlines()[-1]
    assert "certificate" in said
    assert "--ca" in said
    assert "Traceback" not in done.stderr


def test_with_its_authority_it_is_trusted(secured: ServerProcess) -> None:
    authority = str(secured.folder / "envivo-tls" / "authority.pem")
    sent = envivo(secured.url, "send", "log/x", '{"type": "x", "data": {}}', "--ca", authority)
    assert json.loads(sent.stdout)["type"] == "published"


def test_a_file_that_is_no_authority_is_a_usage_error(secured: ServerProcess, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("nothing")
    for command in (("tail", "log/x"), ("bench", secured.url)):
        done = envivo(secured.url, *command, "--ca", str(wrong))
        assert done.returncode == 2
        assert "--ca" in done.stderr
