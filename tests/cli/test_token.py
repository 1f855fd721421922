"""`envivo token`, as somebody at a terminal meets it, and the server that reads what it prints."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import jwt
import pytest
from click.testing import CliRunner, Result

from quart_app.cli import main
from quart_app.config import SPECS
from tests.running import ServerProcess

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for spec in SPECS.values():
        monkeypatch.delenv(spec.variable, raising=False)


def token(*arguments: str, key: str | None = KEY) -> Result:
    return CliRunner(env={"ENVIVO_SECRET_KEY": key}).invoke(main, ["token", *arguments])


def test_prints_one_token_for_the_person_named() -> None:
    printed = token("--user", "1", "--name", "Ana", "--role", "admin", "--expires", "45m")
    assert printed.exit_code == 0
    claims = jwt.decode(printed.output.strip(), KEY, algorithms=["HS256"], audience="envivo")
    assert (claims["sub"], claims["name"], claims["role"]) == ("1", "Ana", "admin")
    assert claims["exp"] - claims["iat"] == timedelta(minutes=45).total_seconds()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--user", "1", "--expires", "soon"], "is not a duration such as 45m, 12h or 30d"),
        (["--user", "1", "--expires", "0d"], "is not a duration"),
        (["--user", "1", "--expires", "99999d"], "is longer than"),
        (["--user", " "], "nobody has an empty ID"),
        ([], "Missing option '--user'"),
        (["--user", "1", "--secret-key", "short"], "at least 32 characters"),
    ],
)
def test_what_cannot_be_signed_is_told(arguments: list[str], told: str) -> None:
    refused = token(*arguments)
    assert refused.exit_code != 0
    assert told in refused.output


def test_without_a_key_the_remedy_is_told() -> None:
    refused = token("--user", "1", key=None)
    assert refused.exit_code == 1
    assert "set ENVIVO_SECRET_KEY" in refused.output


def test_the_key_of_the_dotenv_file_signs() -> None:
    Path(".env").write_text(f"ENVIVO_SECRET_KEY={KEY}\n")
    assert (
        jwt.decode(token("--user", "7", key=None).output.strip(), KEY, algorithms=["HS256"], audience="envivo")["sub"]
        == "7"
    )


def test_a_secure_server_lets_in_who_has_one(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server(access="secure", secret_key=KEY)
    url = f"{server.url}/poll/live/door"
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, params={"token": "forged"}).status_code == 401
    printed = token("--user", "1", "--name", "Ana").output.strip()
    welcomed = httpx.get(url, headers={"Authorization": f"Bearer {printed}"})
    assert welcomed.status_code == 200
    assert welcomed.json()["messages"][0]["connection_id"]
