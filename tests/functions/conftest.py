"""A server with functions of one's own, and clients that are none of ours."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.running import ServerProcess

Serve = Callable[[str], tuple[ServerProcess, Path]]


@pytest.fixture
def serve(make_server: Any, tmp_path: Path) -> Serve:
    """`serve(source)` starts a server with that file of functions; returns it and the file."""

    def start(source: str) -> tuple[ServerProcess, Path]:
        file = tmp_path / "my_feeds.py"
        file.write_text(source, "utf-8")
        return make_server("--functions", str(file)), file

    return start
