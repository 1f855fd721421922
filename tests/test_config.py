"""Settings: where they come from, which wins, and what is said about one that cannot be used."""

import os
import re
import shlex
from pathlib import Path

import pytest

from quart_app.config import CLIENT_VARIABLES, SPECS, Settings, SettingsError, client_variable, load_settings, local_url
from quart_app.issuers import Issuer, Rule

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in CLIENT_VARIABLES | {spec.variable for spec in SPECS.values()}:
        monkeypatch.delenv(variable, raising=False)


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = load_settings()
    assert settings == Settings()
    assert (settings.host, settings.port, settings.database_url) == ("127.0.0.1", 8000, "sqlite://envivo.db")
    assert (settings.sensor_interval, settings.stats_interval, settings.heartbeat) == (10, 3, 30)
    assert (settings.access, settings.peer_timeout, settings.backplane_url) == ("open", 120, None)


def test_a_backplane_joins_nodes_that_have_one_database() -> None:
    with pytest.raises(SettingsError, match=r"ENVIVO_BACKPLANE_URL .* ENVIVO_DATABASE_URL=postgres://"):
        load_settings(backplane_url="redis://localhost")
    settings = load_settings(backplane_url="redis://:pass-word@localhost", database_url="postgres://me@there/live")
    assert settings.backplane_url == "redis://:pass-word@localhost"
    assert "pass-word" not in repr(settings)


def test_an_option_wins_over_the_environment_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("ENVIVO_PORT=1\nENVIVO_HEARTBEAT=1\nENVIVO_RETENTION=1\n")
    monkeypatch.setenv("ENVIVO_PORT", "2")
    monkeypatch.setenv("ENVIVO_HEARTBEAT", "2")
    settings = load_settings(port="3", heartbeat=None)
    assert (settings.port, settings.heartbeat, settings.retention) == (3, 2.0, 1)


def test_an_empty_variable_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIVO_PORT", "")
    assert load_settings().port == 8000


def test_the_commands_look_where_the_server_of_this_folder_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    assert local_url() == "http://127.0.0.1:8000"
    Path(".env").write_text("ENVIVO_PORT=9001\n")
    assert local_url() == "http://127.0.0.1:9001"
    monkeypatch.setenv("ENVIVO_PORT", "9002")
    assert local_url() == "http://127.0.0.1:9002"


def test_the_variables_of_the_commands_may_stand_in_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("".join(f"{name}=of the file\n" for name in CLIENT_VARIABLES))
    assert load_settings() == Settings()
    monkeypatch.setenv("ENVIVO_TOKEN", "of the shell")
    assert client_variable("ENVIVO_TOKEN") == "of the shell"
    assert client_variable("ENVIVO_USERNAME") == "of the file"


def test_the_file_may_be_written_as_shells_write_it() -> None:
    Path(".env").write_text(
        "\ufeff# the class of 2025\n\nexport ENVIVO_PORT = 9000  # not 8000\n"
        "ENVIVO_LOG_FILE='logs/a b.log'\nENVIVO_DATABASE_URL=\"sqlite://a#b.db\" # kept\nOTHER=1\n",
        encoding="utf-8",
    )
    settings = load_settings()
    assert (settings.port, settings.log_file) == (9000, "logs/a b.log")
    assert settings.sqlite_path == Path("a#b.db")


@pytest.mark.parametrize(
    ("text", "told"),
    [("ENVIVO_PORT 9000", ".env, line 1 is 'ENVIVO_PORT 9000'"), ("\nENVIVO_PROT=1", ".env, line 2 is 'ENVIVO_PROT'")],
)
def test_a_file_that_cannot_be_meant_so_is_refused(text: str, told: str) -> None:
    Path(".env").write_text(text)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert told in str(refused.value)
    if "PROT" in text:
        assert "ENVIVO_PORT" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "abc"),
        ("port", "65536"),
        ("port", "-1"),
        ("port", "80.5"),
        ("database_url", "mysql://x"),
        ("database_url", "sqlite://"),
        ("backplane_url", "http://localhost"),
        ("node", "class one"),
        ("node", "n" * 41),
        ("access", "public"),
        ("secret_key", "short"),
        ("allowed_origins", "example.org"),
        ("allowed_origins", "https://example.org/page"),
        ("allowed_origins", "https://example.org:port"),
        ("allowed_origins", "https://*.example.org"),
        ("compression", "zlib"),
        ("sensor_interval", "0.01"),
        ("sensor_interval", "-1"),
        ("heartbeat", "nan"),
        ("heartbeat", "inf"),
        ("retention", "0"),
        ("oidc_issuer", "http://accounts.example"),
        ("oidc_issuer", "accounts.example"),
        ("oidc_issuer", "https://[broken"),
        ("jwks_url", "file:///etc/passwd"),
        ("claim_rules", "groups:admin"),
        ("log_level", "loud"),
        ("workers", "65"),
    ],
)
def test_a_bad_value_is_told_with_its_name_and_what_it_may_be(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = SPECS[name]
    monkeypatch.setenv(spec.variable, value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    message = str(refused.value)
    assert spec.variable in message
    assert spec.option in message
    assert spec.may_be in message
    if name in {"secret_key", "backplane_url"}:
        assert value not in message
    else:
        assert repr(value) in message or name == "allowed_origins"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "1 with SQLite, whose file one process opens"),
        ({"database_url": "postgres://a@b/c"}, "1 without a backplane"),
    ],
)
def test_several_workers_are_nodes_of_one_backplane(given: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(workers="4", **given)
    assert str(refused.value).startswith(f"ENVIVO_WORKERS (--workers) is 4; it may be {told}")
    typed = shlex.split(str(refused.value).rpartition("type envivo serve ")[2])
    remedy = {option[2:].replace("-", "_"): value for option, value in zip(typed[::2], typed[1::2], strict=True)}
    assert load_settings(**remedy).workers == 4


def test_origins_are_compared_as_browsers_send_them() -> None:
    settings = load_settings(allowed_origins="https://Example.org:443, http://[::1]:5173/,http://a:80,")
    assert settings.allowed_origins == ("https://example.org", "http://[::1]:5173", "http://a")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_open_mode_serves_this_machine(host: str) -> None:
    assert load_settings(host=host).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org"])
def test_a_public_address_in_open_mode_is_refused_with_a_remedy_that_works(host: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(host=host)
    remedy = [line.strip() for line in str(refused.value).splitlines() if line.startswith("    ")]
    Path(".env").write_text("\n".join(remedy))
    settings = load_settings(host=host)
    assert (settings.host, settings.access) == (host, "secure")


def test_the_remedy_keeps_the_options_that_were_given() -> None:
    given = {"host": "0.0.0.0", "port": "9000", "database_url": "sqlite://my class.db", "empty": "1", "access": "open"}
    with pytest.raises(SettingsError) as refused:
        load_settings(**given)
    command = "envivo serve --host 0.0.0.0 --port 9000 --database-url 'sqlite://my class.db' --empty"
    assert f"`{command}`" in str(refused.value)


def test_secure_mode_needs_a_key() -> None:
    with pytest.raises(SettingsError, match="ENVIVO_SECRET_KEY"):
        load_settings(access="secure")
    assert load_settings(access="secure", secret_key=KEY).secret_key == KEY


def test_the_secret_is_never_shown() -> None:
    assert KEY not in repr(load_settings(secret_key=KEY))


def test_the_client_secret_is_never_shown() -> None:
    settings = load_settings(oidc_client_secret="GOCSPX-secret", oidc_issuer="https://a.example", oidc_client_id="x")
    assert "GOCSPX" not in repr(settings)
    assert "GOCSPX" not in repr(settings.front.provider)
    assert "GOCSPX" not in repr(settings.doors)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"oidc_issuer": "https://a.example"}, "ENVIVO_OIDC_CLIENT_ID"),
        ({"oidc_client_id": "x"}, "ENVIVO_OIDC_ISSUER"),
        ({"jwks_url": "https://a.example/keys", "token_issuer": "a"}, "ENVIVO_TOKEN_AUDIENCE"),
        ({"token_audience": "x"}, "ENVIVO_JWKS_URL"),
        ({"oidc_issuer": "https://accounts.google.com", "oidc_client_id": "x"}, "sub=*:user"),
    ],
)
def test_what_belongs_together_is_told(given: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(told)):
        load_settings(**given)


def test_a_provider_and_an_issuer_belong_to_doors_without_a_key_of_their_own() -> None:
    settings = load_settings(
        access="secure",
        secret_key=KEY,
        door=f"a=127.0.0.1:1,secure,key={KEY[::-1]}; b=127.0.0.1:2,secure",
        oidc_issuer="https://accounts.google.com",
        oidc_client_id="x",
        claim_rules="hd=school.edu:user",
        jwks_url="https://a.example/keys",
        token_issuer="a",
        token_audience="b",
    )
    front, a, b = settings.doors
    assert front.provider is not None
    assert front.provider.rules == (Rule("hd", "school.edu", "user"),)
    assert (a.provider, a.issuer) == (None, None)
    assert (b.provider, b.issuer) == (front.provider, front.issuer)
    assert front.issuer == Issuer(name="a", audience="b", keys_url="https://a.example/keys", rules=front.provider.rules)


def test_a_node_without_a_name_is_called_after_its_machine_and_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(node="class-1").node_name == "class-1"
    monkeypatch.setattr("socket.gethostname", lambda: "Ana's laptop." + "x" * 60)
    name = load_settings().node_name
    assert name.startswith("Ana-s-laptop.xx")
    assert name.endswith(f"-{os.getpid()}")
    assert load_settings(node=name).node_name == name


def test_an_option_that_does_not_exist_is_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError, match="prot"):
        load_settings(prot=1)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite://envivo.db", Path("envivo.db")),
        ("sqlite:///var/a.db?synchronous=NORMAL", Path("/var/a.db")),
        ("sqlite://:memory:", None),
        ("postgres://a@b/c", None),
        ("postgresql://a@b/c", None),
    ],
)
def test_where_the_file_is(url: str, path: Path | None) -> None:
    assert load_settings(database_url=url).sqlite_path == path
