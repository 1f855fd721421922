"""A file that cannot be used: what is wrong with it, in one line that names its line."""

import subprocess
import sys
from pathlib import Path

import pytest

from quart_app.functions.loading import FunctionsError, load
from tests.running import ServerProcess

START = "from quart_app.functions import command, feed, on\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "my_feeds.py"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1\n", "declares nothing"),
        ("def broken(:\n", r"line 1: .*: def broken\(:"),
        ("\nimport no_such_module_anywhere\n", "line 2: it needs the module no_such_module_anywhere, which is not"),
        ("\n\nprint(undefined)\n", "line 3: NameError: name 'undefined' is not defined"),
        ("raise SystemExit\n", "line 1: it ends the program"),
        ("x = '\0'\n", "my_feeds.py"),
        (START + "@feed\ndef dice(): ...\n", r'line 2: @feed needs a topic: @feed\("live/dice"\)'),
        (START + "@feed('rooms/1')\ndef dice(): ...\n", "line 2: @feed: the topic is 'rooms/1'; it may be live/…"),
        (START + "@feed('live/')\ndef dice(): ...\n", "line 2: @feed: the topic is 'live/'"),
        (START + "@feed('live/a', every='1')\ndef dice(): ...\n", "every is '1'; it may be a number of seconds from"),
        (START + "@feed('live/a', every=0)\ndef dice(): ...\n", "every is 0;"),
        (START + "@feed('live/a', every=float('nan'))\ndef dice(): ...\n", "every is nan;"),
        (START + "@feed('live/a', type='reset')\ndef dice(): ...\n", "type 'reset'"),
        (START + "@feed('live/a')\ndef error(): ...\n", "type 'error'"),
        (START + "@feed('live/a', evry=1)\ndef dice(): ...\n", "line 2: TypeError: .*evry"),
        (START + "@feed('live/a')\ndef dice(x): ...\n", r"calls it as def dice\(\): missing a required argument: 'x'"),
        (START + "@feed('live/a')\nclass Dice: ...\n", "@feed goes before a def"),
        (START + "@on('rooms/1')\ndef hear(): ...\n", r"calls it as def hear\(message\)"),
        (START + "@on('rooms/1', type=3)\ndef hear(m): ...\n", "type is 3"),
        (START + "@on('no topic')\ndef hear(m): ...\n", "'no topic' is not the name of a topic"),
        (START + "@command('log/a')\ndef order(body): ...\n", r"calls it as def order\(body, who\): too many"),
        (START + "@command('log/a')\ndef order(body, who):\n    yield 1\n", "order has a yield; only a feed may"),
        (
            START + "@command('log/a')\ndef a(b, w): ...\n@command('log/a')\ndef b(b, w): ...\n",
            r"line 4: log/a has a command already, a \(my_feeds.py:2\)",
        ),
        (START + "@feed('live/a')\ndef a(): ...\n" * 201, "declares 201 functions; 200 are the most"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(file: Path, source: str, said: str) -> None:
    file.write_text(source, "utf-8")
    with pytest.raises(FunctionsError, match=said) as wrong:
        load(file)
    assert "\n" not in str(wrong.value)


def test_a_file_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    with pytest.raises(FunctionsError, match=r"there is no file .*nothing\.py"):
        load(tmp_path / "nothing.py")
    with pytest.raises(FunctionsError, match="cannot be read"):
        load(tmp_path)


def test_it_may_import_what_lies_beside_it_and_declare_one_function_twice(tmp_path: Path) -> None:
    (tmp_path / "beside_my_feeds.py").write_text("SIDES = 6\n", "utf-8")
    file = tmp_path / "my_feeds.py"
    file.write_text(
        "from beside_my_feeds import SIDES\n" + START + "@feed('live/a', every=2)\n@feed('log/b')\n"
        "def dice():\n    return SIDES\n",
        "utf-8",
    )
    found = load(file)
    assert [(one.role, one.topic, one.type, one.every, one.function()) for one in found] == [
        ("feed", "log/b", "dice", 1.0, 6),
        ("feed", "live/a", "dice", 2, 6),
    ]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def broken(:\n", "my_feeds.py, line 1: "),
        (START + "@on('nothing/here')\ndef hear(m): ...\n", "my_feeds.py, line 2: @on: there is no topic nothing/here"),
    ],
)
def test_the_server_does_not_start_and_says_why_in_one_line(tmp_path: Path, source: str, said: str) -> None:
    (tmp_path / "my_feeds.py").write_text(source, "utf-8")
    command = [sys.executable, "-m", "quart_app", "serve", "--port", "0", "--functions", "my_feeds.py"]
    checkout = str(Path(__file__).parents[2])
    ended = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": checkout}, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("En Vivo cannot start: ")
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_the_setting_is_an_environment_variable_too(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, functions=tmp_path / "nothing.py")
    server.launch()
    assert server.wait(30) == 2
    assert "there is no file" in server.log()
