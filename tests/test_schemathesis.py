"""The whole REST interface, asked by a machine that has read its document: right things and wrong ones, in any order.

No failure of ours, no status, content type, header or shape that the document does not tell. Whether each right thing
is accepted is not asked: that a room's name is free, or a cursor known, no schema can say.
"""

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.running import ServerProcess

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
DEADLINE = 280.0  # s; half a minute on an idle machine, the rest is for one that is not


@pytest.mark.timeout(DEADLINE + 20)
def test_no_answer_but_the_documented(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server(empty=0)
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"]
    command += ["--exclude-path-regex", "^/sse"]  # those answers do not end
    command += ["--checks", ",".join(CHECKS), "--max-examples", "3"]
    command += ["--generation-deterministic", "--no-shrink", "--continue-on-failure", "--request-timeout", "30"]
    run = subprocess.run(command, cwd=server.folder, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    assert "No test cases were generated" not in run.stdout
