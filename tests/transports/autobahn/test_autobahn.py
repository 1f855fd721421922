"""The cases of Autobahn|Testsuite against our WebSockets, on both ways: frames, fragments, UTF-8, closing, compression.

Of its compression cases a dozen of the nearly five hundred, with messages no larger than the program takes. Left out
are 9, which measures messages of megabytes, and 11, which does not exist.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.running import ServerProcess, find_autobahn

pytestmark = pytest.mark.autobahn

WAYS: Final = ("direct", "ordinary")
DEADLINE: Final = 110.0  # s for all cases of one way
COMPRESSED: Final = (
    "12.1.1", "12.1.5", "12.1.9", "12.2.2", "12.3.4", "12.4.6", "12.5.3",
    "13.1.1", "13.2.3", "13.4.7", "13.6.11", "13.7.3",
)  # fmt: skip
CASES: Final = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*", *COMPRESSED)
COUNT: Final = 247 + len(COMPRESSED)
GOOD: Final = frozenset({"OK"})
# What a peer sends in one piece with a violation is taken in, and the connection fails before the answer goes out in
# the next turn of the loop. The suite calls that correct, and an answer before the failure stricter still.
FAILS_FIRST: Final = dict.fromkeys(
    ("3.2", "3.3", "3.4", "4.1.3", "4.1.4", "4.1.5", "4.2.3", "4.2.4", "4.2.5", "5.15"), frozenset({"OK", "NON-STRICT"})
)
# It only tells what happens: a message after a close frame, close codes of 5000 and 65536.
ONLY_TOLD: Final = dict.fromkeys(("7.1.6", "7.13.1", "7.13.2"), frozenset({"INFORMATIONAL"}))
EXPECTED: Final = {**FAILS_FIRST, **ONLY_TOLD}

Results = dict[str, dict[str, Any]]


class EchoServer(ServerProcess):
    module = "tests.transports.autobahn.server"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Results]]:
    """What the suite says of each case on each way; both run at once, as most of a case is waiting."""
    folder = tmp_path_factory.mktemp("autobahn")
    servers = {way: _server(tmp_path_factory.mktemp(way), way) for way in WAYS}
    clients = {way: _fuzz(folder / way, server) for way, server in servers.items()}
    try:
        for client in clients.values():
            assert client.wait(DEADLINE) == 0
        yield {way: _read(folder / way, way) for way in WAYS}
    finally:
        for client in clients.values():
            client.kill()
            client.wait()
    for server in servers.values():
        server.check_clean_end()


def _server(folder: Path, way: str) -> EchoServer:
    server = EchoServer(folder, environment={"TESTS_WAY": way}, heartbeat=3600, compression=1)
    server.start()
    return server


def _fuzz(folder: Path, server: EchoServer) -> subprocess.Popen[bytes]:
    folder.mkdir()
    url = f"ws://127.0.0.1:{server.port}/ws/echo"
    spec = {
        "outdir": str(folder),
        "servers": [{"agent": folder.name, "url": url}],
        "cases": CASES,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    (folder / "spec.json").write_text(json.dumps(spec), "utf-8")
    wstest = find_autobahn()
    assert wstest is not None
    with (folder / "wstest.log").open("wb") as log:
        return subprocess.Popen(
            [wstest, "--mode", "fuzzingclient", "--spec", "spec.json"], cwd=folder, stdout=log, stderr=log
        )


def _read(folder: Path, way: str) -> Results:
    told: Results = json.loads((folder / "index.json").read_text("utf-8"))[way]
    return told


@pytest.mark.parametrize("way", WAYS)
def test_every_case_was_run(results: dict[str, Results], way: str) -> None:
    assert len(results[way]) == COUNT


@pytest.mark.parametrize("way", WAYS)
def test_no_case_fails_and_those_that_are_not_strict_are_known(results: dict[str, Results], way: str) -> None:
    others = {
        case: result["behavior"]
        for case, result in results[way].items()
        if result["behavior"] not in EXPECTED.get(case, GOOD)
    }
    assert others == {}


@pytest.mark.parametrize("way", WAYS)
def test_every_case_is_closed_as_it_should_be(results: dict[str, Results], way: str) -> None:
    others = {
        case: result["behaviorClose"]
        for case, result in results[way].items()
        if result["behaviorClose"] not in (ONLY_TOLD.get(case) or GOOD)
    }
    assert others == {}
