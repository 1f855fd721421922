"""The guide and the README are true: they tell all there is, what they name exists, and what they say to type works."""

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from quart_app.app import create_app
from quart_app.cli import main
from quart_app.config import CLIENT_VARIABLES, SPECS, load_settings
from quart_app.web.guide.markdown import SINGLE_PAGES, Page
from quart_app.web.guide.tables import limit_table, operations
from quart_app.web.i18n import LANGUAGES, catalogue
from quart_app.web.reference.openapi import openapi
from quart_app.wire import Close
from tests.running import ServerProcess

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "quart_app" / "guide"
README = ROOT / "README.md"
FILES = [README, *sorted(GUIDE.rglob("*.md"))]
ADDRESS = "http://127.0.0.1:8000"
LONGEST_README = 150  # lines
TUTORIAL = "08-build-your-own.md"
FOLLOWED_ELSEWHERE = re.compile(rf"{TUTORIAL}|1\d-.+")  # step by step, in test_tutorial.py and test_guide_systems.py
MADE_BY_THE_TUTORIAL = f"{ADDRESS}/polls"

# What the language says where the program says it in English or not at all.
MADE_CODES = {"internal_error", "not_found", "method_not_allowed", "request_timeout"}
_CODE_GIVERS = "Refused|SendRefused|DoorError|error_body|_conflict|_no_room"


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def guide(language: str) -> str:
    """All that the guide says in `language`, with the tables that a server puts in."""
    app = create_app(load_settings())
    document = openapi(app.url_map, app.view_functions)
    made = operations(document, language, "") + limit_table(language)
    return "\n".join(path.read_text("utf-8") for path in sorted((GUIDE / language).glob("*.md"))) + made


@pytest.fixture(scope="module", params=LANGUAGES)
def told(request: pytest.FixtureRequest) -> str:
    return guide(request.param)


def test_every_setting_is_told_with_its_default() -> None:
    for language in LANGUAGES:
        page = (GUIDE / language / "20-operate.md").read_text("utf-8")
        rows = dict(re.findall(r"^\| `(ENVIVO_\w+)` \| ([^|]*?) ?\|", page, re.MULTILINE))
        assert rows == {spec.variable: default(spec.default) for spec in SPECS.values()}


def default(value: object) -> str:
    return (
        ""
        if value in {None, ()}
        else f"{value:g}"
        if isinstance(value, float)
        else str(int(value) if isinstance(value, bool) else value)
    )


def test_every_command_is_told(told: str) -> None:
    commands = main.list_commands(None)  # type: ignore[arg-type]  # it needs no context
    assert [name for name in commands if f"envivo {name}" not in told] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_option_of_every_command_is_told_and_no_other(language: str) -> None:
    assert options_told(language) == {
        name: {option for one in options_of(name) for option in one.opts if option.startswith("--")}
        for name in main.list_commands(click.Context(main))
        if name != "serve" and options_of(name)
    }
    operate = (GUIDE / language / "20-operate.md").read_text("utf-8")
    assert re.search(r"`--(its-name|su-nombre)` (of|de) `envivo serve`", operate), "the settings are options"
    own = {option for one in options_of("serve") if one.name not in SPECS for option in one.opts}
    assert {option for option in own if f"`{option}" not in operate and f" {option}`" not in operate} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_variable_of_the_commands_is_told(language: str) -> None:
    page = (GUIDE / language / "01-start.md").read_text("utf-8")
    assert {name for name in CLIENT_VARIABLES if f"`{name}`" not in page} == set()


def options_of(name: str) -> list[click.Option]:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    return [one for one in command.params if isinstance(one, click.Option)]


def options_told(language: str) -> dict[str, set[str]]:
    """The options of each command, as the table of the first page has them."""
    page = (GUIDE / language / "01-start.md").read_text("utf-8")
    told: dict[str, set[str]] = {}
    for options, commands in re.findall(r"^\| (`--[^|]*) \| (`[^|]*) \|", page, re.MULTILINE):
        for command in re.findall(r"`([a-z-]+)`", commands):
            told.setdefault(command, set()).update(re.findall(r"`(--[a-z-]+)", options))
    return told


def test_every_rest_route_is_told(told: str) -> None:
    rules = create_app(load_settings()).url_map.iter_rules()
    served = {
        rule.rule
        for rule in rules
        if rule.rule.startswith(("/api/", "/ws/stats", "/health", "/metrics", "/websocket/"))
    }
    plain = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule) for rule in served}
    assert sorted(rule for rule in plain if f"`{rule}`" not in told and f" {rule}`" not in told) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_close_code_is_told(language: str) -> None:
    page = (GUIDE / language / "22-trouble.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d{4}) \|", page, re.MULTILINE)
    assert [int(code) for code in rows] == sorted(Close)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_code_is_told_and_no_other(language: str) -> None:
    page = (GUIDE / language / "22-trouble.md").read_text("utf-8")
    table = page[re.search("^## (Error codes|Códigos de error)$", page, re.MULTILINE).end() :]  # type: ignore[union-attr]  # it has it
    rows = re.findall(r"^\| ((?:`[a-z_]+` ?)+)\|", table, re.MULTILINE)
    in_page = {code for row in rows for code in re.findall(r"`([a-z_]+)`", row)}
    assert sorted(error_codes() - in_page) == []
    assert sorted(in_page - error_codes()) == []


def error_codes() -> set[str]:
    """The codes that the program's sources give, in Python and in JavaScript; and those made of other names."""
    found = set(MADE_CODES) | {f"{one}_not_found" for one in clinic_records()}
    for path in (ROOT / "quart_app").rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        named = dict(constants(tree))
        for node in ast.walk(tree):
            found |= {named.get(one.id, "") if isinstance(one, ast.Name) else text(one) for one in codes_of(node)}
    for path in (ROOT / "static" / "js").rglob("*.js"):
        source = path.read_text("utf-8")
        found |= set(re.findall(r'(?:SendError|rejectAll|#give|refuse)\(\s*"([a-z_]+)"', source))
        found |= set(re.findall(r'\bcode: "([a-z_]+)"', source))
    return {code for code in found if re.fullmatch(r"[a-z]+(_[a-z]+)*", code)}


def constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, text(node.value)


def codes_of(node: ast.AST) -> Iterator[ast.expr]:
    """What `node` gives as a code, by a call or in an object."""
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        yield from (value for key, value in pairs if key is not None and text(key) == "code")
    elif isinstance(node, ast.Call):
        called, initializer, _ = ast.unparse(node.func).partition(".__init__")
        if re.fullmatch(_CODE_GIVERS, called):
            yield from node.args[1:2] if initializer else node.args[:1]
        yield from (keyword.value for keyword in node.keywords if keyword.arg == "code")


def text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def clinic_records() -> set[str]:
    source = (ROOT / "quart_app" / "domains" / "clinic" / "entities.py").read_text("utf-8")
    return set(re.findall(r'singular="(\w+)"', source))


def curls() -> Iterator[tuple[str, str]]:
    for path in FILES:
        for block in blocks(path, "sh") if not FOLLOWED_ELSEWHERE.fullmatch(path.name) else ():
            yield from ((name_of(path), line) for line in block.splitlines() if line.startswith("curl"))


@pytest.mark.parametrize(("file", "command"), sorted(set(curls())))
def test_what_is_typed_in_a_shell_works(full_server: ServerProcess, file: str, command: str) -> None:
    answer = subprocess.run(
        command.replace(ADDRESS, full_server.url), shell=True, capture_output=True, text=True, timeout=30, check=False
    )
    assert answer.returncode == 0, (file, answer.stderr)
    assert '"success":false' not in answer.stdout, file
    assert re.search(r'"(success|messages|published|type)"', answer.stdout), (file, answer.stdout)


@pytest.fixture(scope="module")
def full_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the examples, which the guide speaks of."""
    server = ServerProcess(tmp_path_factory.mktemp("full"), empty=0)
    yield server.start()
    server.check_clean_end()


CLIENT_PAGES = [README, *(GUIDE / language / "06-clients.md" for language in LANGUAGES)]


@pytest.mark.parametrize("path", CLIENT_PAGES, ids=name_of)
def test_the_python_client_of_the_text_works(server: ServerProcess, path: Path) -> None:
    (program,) = blocks(path, "python")
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
    makefile = (ROOT / "Makefile").read_text("utf-8")
    named = set()
    for path in FILES:
        for line in (line for block in blocks(path, "sh") for line in block.splitlines()):
            words = shlex.split(line)
            if words and words[0] == "make":
                assert re.search(rf"^{words[1]}:", makefile, re.MULTILINE), (name_of(path), line)
                named.add(words[1])
    assert {"run", "test", "check", "bench"} <= named


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_links_and_anchors_lead_somewhere(path: Path) -> None:
    source = re.sub(r"^ *```.*?^ *```", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    rules = create_app(load_settings()).url_map.bind("localhost")
    for target in re.findall(r"\]\(([^)\s]+)\)", source) + re.findall(r"<(http[^>]+)>", source):
        if target.partition("?")[0] == MADE_BY_THE_TUTORIAL:
            assert path.name == TUTORIAL
        elif target.startswith(ADDRESS):
            assert rules.test(target.removeprefix(ADDRESS).partition("?")[0].partition("#")[0] or "/"), target
        elif not target.startswith(("http://", "https://")):
            file, _, anchor = target.partition("#")
            found = (path.parent / file).resolve() if file else path
            assert found.exists(), target
            assert not anchor or anchor in anchors(found), target


def anchors(path: Path) -> set[str]:
    name = path.stem.partition("-")[2]
    words = {key: texts["en"] for key, texts in catalogue().items() if key.startswith("guide.")}
    return set(re.findall(r' id="([^"]+)"', Page(name, path.read_text("utf-8"), words).html(SINGLE_PAGES)))


def test_the_readme_is_short_and_shows_the_program() -> None:
    lines = README.read_text("utf-8").splitlines()
    assert len(lines) <= LONGEST_README
    assert max(map(len, lines)) <= 240
    (picture,) = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", "\n".join(lines))
    assert (ROOT / picture).stat().st_size < 150_000


def test_the_pages_of_a_language_say_the_same_code() -> None:
    """Examples are the same in both languages, comments in them aside."""
    for path in sorted((GUIDE / "en").glob("*.md")):
        english, spanish = (_code(GUIDE / language / path.name) for language in ("en", "es"))
        assert english == spanish, path.name


def _code(path: Path) -> list[str]:
    shown = [
        block
        for language in ("sh", "py", "python", "js", "json", "nginx", "caddy", "ini")
        for block in blocks(path, language)
    ]
    return [re.sub(r"\s*(?://|#) .*", "", block) for block in shown]
