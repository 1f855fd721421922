"""`envivo cluster` beside a test, and what of it is still there."""

import contextlib
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final, Self

import httpx
import psutil

from tests.running import wait_until

SOON: Final = 30.0  # s; the suite runs on a machine with two cores


class Command:
    """A started `envivo cluster`, whose `folder` is known; `serves` waits until the rest of it can be used."""

    url: str
    page: str
    rest: httpx.Client
    token: str

    def __init__(self, *arguments: str) -> None:
        words = [sys.executable, "-m", "quart_app", "cluster", *arguments, "--port", "0"]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.said = ""
        self.folder = Path(self._line(r"logs are in (\S+)"))

    def serves(self) -> Self:
        """Wait until it serves, and return it."""
        self.url = self._line(r"by a balancer: (\S+)")
        self.page = self._line(r"The cluster: (\S+)")
        self.rest = httpx.Client(base_url=self.page, timeout=10)
        found = re.search(r'"token": ?"([^"]+)"', self.rest.get("/").text)
        assert found is not None
        self.token = found[1]
        return self

    def _line(self, pattern: str) -> str:
        """Return what the next line that matches says; the test's own deadline ends the waiting."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if found := re.search(pattern, line):
                return found[1]
        raise AssertionError(f"it ended without {pattern!r}: {self.said}")

    def state(self) -> dict[str, Any]:
        return dict(self.rest.get("/state").json())

    def node(self, number: int) -> dict[str, Any]:
        return dict(self.state()["nodes"][number - 1])

    def do(self, path: str, **headers: str) -> int:
        return self.rest.post(path, headers={"X-Cluster-Token": self.token, **headers}).status_code

    def words(self) -> set[str]:
        return {entry["word"] for entry in self.state()["timeline"]}

    def goes_on(self, messages: int = 5) -> None:
        """Wait until more messages are acknowledged, and all readers have seen them."""
        wanted = self.state()["witness"]["acknowledged"] + messages
        wait_until(lambda: all(one["seen"] >= wanted for one in self.state()["witness"]["readers"].values()), SOON)

    def descendants(self) -> list[psutil.Process]:
        """Its processes: the keeper, the nodes, and the servers with theirs."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, number: signal.Signals, *, again: bool = False) -> int:
        """End it by a signal, which may come `again` and again, and wait until nothing of it is left; return its exit
        code."""
        left = self.descendants()
        self.process.send_signal(number)
        while again and self.process.poll() is None:
            time.sleep(0.05)
            self.process.send_signal(number)
        self.close()
        wait_until(lambda: not any(map(_lives, left)), SOON)
        wait_until(lambda: not self.folder.exists(), SOON)
        return self.process.returncode

    def close(self) -> None:
        """End it, where it has not ended."""
        self.process.terminate()
        self.process.communicate(timeout=SOON)
        if hasattr(self, "rest"):
            self.rest.close()


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
