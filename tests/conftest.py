"""The fixtures every test may use, and what is said about tests that were left out."""

import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from importlib.util import find_spec
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import settings

from tests import stores
from tests.running import ServerProcess, can_make_networks, find_autobahn, find_chromium, find_node
from tests.servers import find_postgres, find_redis
from tests.web.browser import Chromium, Windows, chromium_for_all, windows_on

settings.register_profile("no deadline", deadline=None)  # a busy machine is no error
settings.load_profile("no deadline")

_LEFT_OUT = pytest.StashKey[list[str]]()
_SERVERS = pytest.StashKey[list[ServerProcess]]()
_LOG_SHOWN = 4000  # characters of the server's log beside a failed test


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    """A running server, shared by the tests of a module."""
    started = ServerProcess(tmp_path_factory.mktemp("server"))
    _remember(request.node, started)
    started.start()
    yield started
    started.check_clean_end()


@pytest.fixture
def make_server(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Callable[..., ServerProcess]]:
    """Give a function: ``make_server("--tls", heartbeat=0.5, …)`` starts a server with these arguments and settings."""
    started: list[ServerProcess] = []

    def make(*arguments: str, **settings: Any) -> ServerProcess:
        made = ServerProcess(tmp_path_factory.mktemp("server"), *arguments, **settings)
        started.append(made)
        _remember(request.node, made)
        return made.start()

    yield make
    for made in started:
        made.check_clean_end()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Chromium]:
    """The browser that all tests of a worker open their windows in."""
    async with chromium_for_all() as chromium:
        yield chromium


@pytest_asyncio.fixture(loop_scope="session")
async def windows(server: ServerProcess) -> AsyncIterator[Windows]:
    """Windows on the server that these tests share."""
    async with windows_on(server.url) as windows:
        yield windows


def _remember(node: pytest.Item | pytest.Collector, started: ServerProcess) -> None:
    node.stash.setdefault(_SERVERS, []).append(started)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for node in item.listchain():
            for started in node.stash.get(_SERVERS, []):
                report.sections.append((f"log of the server at {started.url}", started.log()[-_LOG_SHOWN:]))
    return report


def _missing() -> dict[str, str]:
    """Return the markers whose tests this machine cannot run, and what they need."""
    needs = {}
    if find_chromium() is None:
        needs["browser"] = "Chromium (apt-get install chromium)"
    if find_node() is None:
        needs["node"] = "Node.js and the packages of tests/js (apt-get install nodejs npm; npm ci --prefix tests/js)"
    if find_autobahn() is None:
        needs["autobahn"] = "Autobahn|Testsuite (a Python 2.7 with pip; make autobahn)"
    if not can_make_networks():
        needs["namespaces"] = "network namespaces (root on Linux, and ip: apt-get install iproute2)"
    if find_postgres() is None or find_spec("asyncpg") is None:
        needs["postgres"] = "PostgreSQL (apt-get install postgresql) and its driver (pip install asyncpg)"
    if find_redis() is None:
        needs["redis"] = "Redis (apt-get install redis-server)"
    needs |= {name: f"{name} (apt-get install {name})" for name in ("nginx", "caddy") if shutil.which(name) is None}
    return needs


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _longest_first(items)
    _share_the_loop_of_the_browser(items)
    _leave_out(config, items)


def _longest_first(items: list[pytest.Item]) -> None:
    """Sort long tests to the front (browsers, then files with many tests), lest one worker has them left at the end."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (not item.get_closest_marker("browser"), -tests[item.path]))


def _share_the_loop_of_the_browser(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("browser") and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def _leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    lines = config.stash.setdefault(_LEFT_OUT, [])
    for marker, needs in _missing().items():
        left_out = [item for item in items if item.get_closest_marker(marker)]
        if left_out:
            lines += [f"left out: {item.nodeid}" for item in left_out]
            lines.append(f"left out: {len(left_out)} tests that need {needs}")
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if item not in left_out]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--store", choices=["sqlite", "postgres"], default="sqlite", help="what the tests store in")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start what the tests store in, in each process that runs tests."""
    runs_tests = hasattr(session.config, "workerinput") or not session.config.getoption("numprocesses", None)
    if runs_tests and session.config.getoption("store") == "postgres":
        stores.use_postgres()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    stores.use_sqlite(item.get_closest_marker("sqlite") is not None)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let a worker of pytest-xdist tell the process that reports what it left out."""
    stores.end()
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash.get(_LEFT_OUT, [])


class _Reporting:
    """The hooks that only the process that reports, and only beside workers, can have."""

    def pytest_testnodedown(self, node: Any) -> None:
        told = getattr(node, "workeroutput", {}).get("left_out")
        if told:
            node.config.stash[_LEFT_OUT] = told  # every worker collects all tests


def pytest_configure(config: pytest.Config) -> None:
    if config.pluginmanager.hasplugin("xdist") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Reporting())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash.get(_LEFT_OUT, [])
    if shutil.which("node") is None:
        lines.append("left out: tests/js, which needs Node.js (apt-get install nodejs)")
    if lines:
        terminalreporter.section("left out")
    for line in lines:
        terminalreporter.line(line)
