"""The disk takes nothing more, or not into our file: who writes and who asks after the server's health is told, and all
goes on afterwards."""

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.running import ServerProcess, wait_until

pytestmark = pytest.mark.sqlite

TOPIC = "log/disk"


def publish(server: ServerProcess, data: object) -> httpx.Response:
    body = {"topic": TOPIC, "type": "n", "data": data}
    return httpx.post(f"{server.url}/api/publish", json=body, timeout=20)


def health(server: ServerProcess) -> tuple[int, dict[str, str]]:
    answer = httpx.get(f"{server.url}/health", timeout=10)
    return answer.status_code, answer.json()["data"]["checks"]


def stored(server: ServerProcess) -> list[object]:
    answer = httpx.get(f"{server.url}/api/log", params={"topic": TOPIC, "limit": 1_000}).json()
    return [one["data"] for one in answer["data"] if one["type"] == "n"]


def assert_refused(answer: httpx.Response) -> None:
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "unavailable"
    assert "Retry-After" in answer.headers


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own, which has 3 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="mounts as Linux does")
def test_a_full_disk_is_told_and_forgotten_when_there_is_room(small_disk: Path, tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, database_url=f"sqlite://{small_disk / 'envivo.db'}")
    server.start()
    try:
        filling = small_disk / "filling"
        with filling.open("wb") as file:
            file.write(b"x" * (shutil.disk_usage(small_disk).free - 64 * 1024))
        accepted: list[int] = []
        for number in range(200):
            answer = publish(server, number)
            if answer.status_code != 202:
                assert_refused(answer)
                break
            accepted.append(number)
            # What nobody writes to is well for as long.
            assert health(server)[0] == 200
        status, checks = health(server)
        assert status == 503
        assert "full" in checks["writer"]
        assert checks["database"] == "ok"
        assert stored(server) == accepted

        filling.unlink()
        wait_until(lambda: health(server) == (200, {"database": "ok", "writer": "ok"}))
        assert publish(server, 999).status_code == 202
        assert stored(server) == [*accepted, 999]
        assert "nothing can be stored" not in server.log().rpartition("stores again")[2]
    finally:
        server.check_clean_end()


def test_a_quota_is_told_in_words_and_a_flood_of_questions_tries_once(make_server: Callable[..., Any]) -> None:
    server: ServerProcess = make_server()
    assert publish(server, 0).status_code == 202
    wal = server.database.with_name("envivo.db-wal")
    unlimited = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (wal.stat().st_size, unlimited[1]))
    refused = [publish(server, "x" * 30_000) for _ in range(3)]
    for answer in refused:
        assert_refused(answer)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: health(server), range(24)))
    assert {status for status, _ in answers} == {503}
    assert all("nothing can be stored" in checks["writer"] for _, checks in answers)
    said = [line for line in server.log().splitlines() if "writes have failed" in line]
    assert len(said) == 1, "each refusal of a flood has its line"

    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, unlimited)
    wait_until(lambda: health(server)[0] == 200)
    assert publish(server, 1).status_code == 202
    assert stored(server) == [0, 1]
    assert "the database stores again" in server.log()


@pytest.mark.parametrize("part", ["", "-wal", "-shm"])
def test_what_would_be_written_into_a_deleted_file_is_refused(make_server: Callable[..., Any], part: str) -> None:
    server: ServerProcess = make_server()
    assert publish(server, 0).status_code == 202
    file = server.database.with_name(f"envivo.db{part}")
    elsewhere = file.rename(server.folder / "elsewhere")
    for number in range(3):
        assert_refused(publish(server, number))
    status, checks = health(server)
    assert (status, str(file) in checks["writer"]) == (503, True)
    assert "was deleted, replaced or written over" in checks["writer"]

    elsewhere.rename(file)
    assert publish(server, 1).status_code == 202
    assert health(server)[0] == 200
    assert stored(server) == [0, 1]


def test_a_backup_put_into_the_place_of_the_open_file_stays_as_it_is(make_server: Callable[..., Any]) -> None:
    server: ServerProcess = make_server()
    publish(server, 0)
    server.stop()
    backup = server.folder / "backup.db"
    shutil.copy(server.database, backup)
    content = backup.read_bytes()
    server.start()
    assert publish(server, 1).status_code == 202
    backup.rename(server.database)
    assert_refused(publish(server, 2))
    server.stop()
    assert server.database.read_bytes() == content
    assert server.database.with_name("envivo.db-wal.lost").exists()
    server.start()
    assert stored(server) == [0]
    assert publish(server, 3).status_code == 202


@pytest.mark.skipif(sys.platform != "linux", reason="another system gives no second look into an open file")
@pytest.mark.parametrize("part", ["", "-wal"])
def test_what_would_be_written_into_a_file_that_was_emptied_is_refused(
    make_server: Callable[..., Any], part: str
) -> None:
    server: ServerProcess = make_server()
    assert publish(server, 0).status_code == 202
    os.truncate(server.database.with_name(f"envivo.db{part}"), 0)
    assert_refused(publish(server, 1))
    assert "written over" in server.log()
    for number in range(3):
        assert_refused(publish(server, number))
    server.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="locks as Linux has them")
def test_a_second_server_by_another_name_of_the_file_is_refused(
    make_server: Callable[..., Any], tmp_path: Path
) -> None:
    server: ServerProcess = make_server()
    folder = tmp_path / "second"
    folder.mkdir()
    (folder / "envivo.db").hardlink_to(server.database)
    second = ServerProcess(folder)
    second.launch()
    assert second.wait() == 1
    assert "in use by another process of En Vivo" in second.log()
    assert "hard link" in second.log()
    assert publish(server, 0).status_code == 202
    # And who takes the lock beside the file away lets nobody in.
    server.database.with_name("envivo.db.lock").unlink()
    third = ServerProcess(server.folder)
    third.launch()
    assert third.wait() == 1
    assert publish(server, 1).status_code == 202


def test_a_position_that_somebody_else_has_taken_stops_nobody(make_server: Callable[..., Any]) -> None:
    server: ServerProcess = make_server()
    assert publish(server, 0).status_code == 202
    with sqlite3.connect(server.database) as shell:
        for number in (101, 102):
            shell.execute(
                "INSERT INTO event_log (position, topic, type, fields, at)"
                " SELECT max(position) + 1, ?, 'n', ?, 0 FROM event_log",
                (TOPIC, f'{{"data":{number}}}'),
            )
    shell.close()
    assert [publish(server, number).status_code for number in (1, 2)] == [202, 202]
    assert stored(server) == [0, 101, 102, 1, 2]
    server.send_signal(signal.SIGINT)
    assert server.wait() == 0
