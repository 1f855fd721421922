"""`envivo lab` as a teacher and a student meet it in a terminal."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from quart_app.cli import main
from quart_app.lab import workshop
from quart_app.lab.lesson import find

GUIDE = Path(__file__).parents[2] / "quart_app" / "guide"


def lab(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["lab", *arguments])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def mine(folder: Path, body: str, head: str = "") -> None:
    text = (
        f'from quart_app.lab import strategy\n{head}\n@strategy("delivery")\nasync def mine(till, payment):\n{body}\n'
    )
    (folder / "mine.py").write_text(text, "utf-8")


def test_the_lessons_are_listed_in_both_languages() -> None:
    assert "2  delivery" in lab().stdout
    assert "Did the ten payments arrive?" in lab().stdout
    assert "¿Llegaron los diez pagos?" in lab("--lang", "es").stdout


def test_a_run_tells_of_each_strategy_what_it_came_to() -> None:
    done = lab("run", "2")
    assert done.exit_code == 0
    for line in ("● ✕ ● ● ● ✕ ✕ ● ● ●", "● ● ● ② ② ● ● ● ● ●", "● ● ● ● ● ● ● ● ● ●"):
        assert line.replace(" ", "  ") in done.stdout
    for words in ("the bank sees $7", "the bank sees $12", "the bank sees $10", "lost payments: 2, 6, 7"):
        assert words in done.stdout
    assert "The till that forgets lost 3 payments. The one that repeats took 2 too many." in done.stdout
    assert done.stdout == lab("run", "delivery").stdout
    assert lab("--lang", "es", "run", "2").stdout == lab("run", "2", "--lang", "es").stdout != done.stdout


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_guide_shows_what_is_printed(language: str) -> None:
    page = (GUIDE / language / "25-laboratory.md").read_text("utf-8")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    run, hunt = (text for kind, text in blocks if not kind)
    assert run in lab("run", "2", "--lang", language).stdout
    assert hunt == lab("hunt", "2", "--strategy", "retry", "--lang", language).stdout
    (program,) = (text for kind, text in blocks if kind == "py")
    assert find("2").folder.joinpath("mine.py").read_text("utf-8").endswith(program)
    assert lab("new", "2").exit_code == 0
    for command in re.findall(r"^envivo (lab run .*)$", page, re.MULTILINE):
        assert CliRunner().invoke(main, command.split()).exit_code == 0, command


def test_another_run_says_nothing_of_the_lessons_own() -> None:
    one = lab("run", "2", "--seed", "7", "--strategy", "retry", "--knob", "cuts=2", "--act", "cut@4.2", "--lang", "es")
    assert "semilla 7 · cuts 2 · delay 0.3 s · patience 0.8 s · hechos: cut@4.2" in one.stdout
    assert "Repetir hasta el ✓" in one.stdout
    assert "Enviar y olvidar" not in one.stdout
    assert "La caja que olvida" not in one.stdout


def test_a_run_as_json_is_the_header_and_all_events() -> None:
    header, *lines = map(json.loads, lab("run", "2", "--json").stdout.splitlines())
    assert (header["lesson"], header["seed"], header["strategies"]) == ("delivery", 125, ["once", "retry", "keyed"])
    heads = [line for line in lines if "verdicts" in line]
    assert [verdict["state"] for verdict in heads[0]["verdicts"]] == ["broken", "holds", "holds"]
    assert sum(line.get("do") == "commit" for line in lines) == 7 + 12 + 10


def test_a_hunt_counts_and_names_the_command_that_shows_the_shortest() -> None:
    done = lab("hunt", "2", "--strategy", "retry", "--seeds", "20", "--knob", "cuts=4")
    assert done.exit_code == 0
    command = done.stdout.rpartition("envivo lab ")[2].split()
    assert command[:2] == ["run", "2"]
    assert command[-2:] == ["--knob", "cuts=4"]
    sentence = done.stdout.splitlines()[1].strip()
    assert sentence in lab(*command).stdout


def test_a_hunt_that_finds_nothing_says_that_this_is_no_proof() -> None:
    assert (
        "10 seeds, no counter-example. That is no proof"
        in lab("hunt", "2", "--strategy", "keyed", "--seeds", "10").stdout
    )


def test_a_strategy_of_ones_own_is_written_tried_and_never_overwritten(folder: Path) -> None:
    assert "envivo lab hunt 2 --file mine.py" in lab("new", "2").stdout
    first = (folder / "mine.py").read_bytes()
    again = lab("new", "2")
    assert (again.exit_code, (folder / "mine.py").read_bytes()) == (1, first)
    assert "mine.py is there already" in again.output
    assert b"# Each payment shall count once" in first
    tried = lab("run", "2", "--file", "mine.py")
    assert (tried.exit_code, tried.stdout.count("fingerprint")) == (0, 1)
    assert "mine.py · Mine · the bank sees $" in tried.stdout
    beside = lab("run", "2", "--strategy", "keyed", "--file", "mine.py")
    assert beside.stdout.count("fingerprint") == 2
    found = lab("hunt", "2", "--file", "mine.py", "--seeds", "60")
    assert "Broken in " in found.stdout
    command = found.stdout.rpartition("envivo lab ")[2].split()
    assert found.stdout.splitlines()[1].strip() in lab(*command).stdout


def test_its_comments_are_in_the_language_that_is_asked_for(folder: Path) -> None:
    lab("new", "2", "--lang", "es")
    assert (folder / "mine.py").read_text("utf-8").startswith("# Que cada pago cuente una vez")
    assert lab("run", "2", "--file", "mine.py").exit_code == 0


def test_what_ones_own_strategy_does_is_the_same_each_time(folder: Path) -> None:
    body = "    key = till.new_key()\n    while not await till.send(payment, key=key, wait=till.patience): pass"
    mine(folder, body)
    ours, own = (lab("run", "2", "--json", *more) for more in (["--strategy", "keyed"], ["--file", "mine.py"]))
    assert ours.stdout.splitlines()[2:] == own.stdout.splitlines()[2:]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("    bytearray(2 << 30)", "mine.py, line 5: it takes more than 512 MB of memory"),
        ("    os._exit(1)", "mine.py, line 5: it ended its process (exit code 1)"),
        ("    x = = 3", "mine.py, line 5: this is no Python: invalid syntax"),
        ("    raise ValueError('oh no')", "mine.py, line 5: ValueError: oh no"),
        ("    while True: await till.send(payment)", "mine.py, line 5: the run makes more than 20,000 events"),
        ("    os.kill(os.getpid(), 9)", "mine.py: its process was ended by signal 9 in the middle of a run"),
    ],
)
def test_what_is_wrong_with_ones_own_strategy_is_one_sentence(folder: Path, body: str, told: str) -> None:
    mine(folder, body, "import os")
    done = lab("run", "2", "--file", "mine.py")
    assert done.exit_code == 1
    (line,) = done.output.splitlines()
    assert line.startswith(f"Error: {told}")


def test_a_strategy_that_never_ends_is_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workshop, "CPU", 1)
    mine(folder, "    while True: pass")
    done = lab("run", "2", "--file", "mine.py")
    assert done.exit_code == 1
    assert done.output == "Error: mine.py, line 5: the run takes more than 1 s of processor time\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "99"], "there is no lesson 99"),
        (["run", "2", "--knob", "cuts=99"], "knob cuts is 99: it may be a whole number from 0 to 8"),
        (["run", "2", "--knob", "cuts"], "a knob is given as NAME=VALUE"),
        (["run", "2", "--act", "burn@1"], "there is no act burn"),
        (["hunt", "2", "--strategy", "hope"], "there is no strategy hope"),
        (["hunt", "2", "--strategy", "once", "--file", "mine.py"], "exclude each other"),
        (["run", "2", "--file", "nothing.py"], "nothing.py: there is no such file (envivo lab new 2 writes one)"),
        (["new", "99"], "there is no lesson 99"),
    ],
)
def test_what_is_asked_wrongly_is_told(arguments: list[str], told: str) -> None:
    done = lab(*arguments)
    assert done.exit_code in {1, 2}
    assert told in done.output
    assert "Traceback" not in done.output
