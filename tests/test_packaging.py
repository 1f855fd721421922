"""The wheel: everything the program needs is in it, and it serves from any folder."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.running import wait_until

ROOT = Path(__file__).resolve().parent.parent
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as `pip install .` builds it, with the build tools that are here."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [*PIP, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    [made] = folder.glob("envivo-*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `envivo` command of an environment that has the wheel, and the dependencies of this one."""
    environment = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(environment, with_pip=False)
    scripts = environment / ("Scripts" if sys.platform == "win32" else "bin")
    [python] = [path for name in ("python", "python.exe") if (path := scripts / name).exists()]
    subprocess.run([*PIP, "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)], check=True)
    paths = {"base": str(environment), "platbase": str(environment)}
    packages = Path(sysconfig.get_path("purelib", "venv", vars=paths))
    # A path in a .pth file is not searched for further .pth files: the checkout itself stays out of it.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    [command] = [path for name in ("envivo", "envivo.exe") if (path := scripts / name).exists()]
    return command


@pytest.fixture(scope="module")
def address(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the installed program, started by `envivo` alone in a folder of its own."""
    folder = tmp_path_factory.mktemp("anywhere")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ENVIVO_", "PYTHON"))}
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen([installed], cwd=folder, env=clean | {"ENVIVO_PORT": "0"}, stdout=log, stderr=log) as process,
    ):

        def announced() -> str | None:
            text = (folder / "log").read_text("utf-8")
            assert process.poll() is None, text
            return next((line.split(": ")[1] for line in text.splitlines() if line.startswith("En Vivo: http")), None)

        try:
            yield wait_until(announced, 30)
        finally:
            process.terminate()
            assert process.wait(15) == 0, (folder / "log").read_text("utf-8")


def _files(folder: str) -> list[str]:
    found = (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def test_the_wheel_carries_every_file_of_the_program(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        carried = set(archive.namelist())
    wanted = set(_files("quart_app"))
    wanted |= {f"quart_app/{name}" for name in (*_files("static"), *_files("migrations"), "hypercorn.toml")}
    assert wanted - carried == set()
    assert {name for name in carried if not name.startswith(("quart_app/", "envivo-"))} == set()


def test_the_installed_program_is_not_the_checkout(installed: Path) -> None:
    found = subprocess.run(
        [installed.parent / "python", "-I", "-c", "import quart_app; print(quart_app.__file__)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(found.stdout.strip()).is_relative_to(installed.parent.parent)


def test_envivo_from_any_folder_is_healthy(address: str) -> None:
    assert httpx.get(f"{address}/health").json()["data"]["status"] == "ok"


@pytest.mark.parametrize("page", ["/", "/chat", "/chat/1", "/telemetry"])
def test_it_serves_its_pages(address: str, page: str) -> None:
    answer = httpx.get(address + page, follow_redirects=True)
    assert answer.status_code == 200
    assert "<html" in answer.text


def test_it_serves_every_static_file(address: str) -> None:
    with httpx.Client(base_url=address) as client:
        for name in _files("static"):
            answer = client.get(f"/{name}")
            assert answer.status_code == 200, name
            assert answer.content == (ROOT / name).read_bytes(), name


def test_its_database_is_at_the_newest_migration(address: str) -> None:
    assert httpx.get(f"{address}/api/rooms").json()["success"] is True
