"""The lock files have a hash for every file, and nothing that pyproject.toml does not allow."""

import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
VERSIONS = re.search(r"^LOCKED := (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)[1].split()  # type: ignore[index]  # it has it
NEEDS = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
NEEDED = {"run": NEEDS, "test": [*NEEDS, *PROJECT["project"]["optional-dependencies"]["test"]]}


class Locked(NamedTuple):
    """A line of a lock file: what it installs, and the hashes of the files that may be installed for it."""

    what: Requirement
    hashes: list[str]


def locked(name: str) -> list[Locked]:
    text = (ROOT / ".ci" / f"{name}.lock").read_text("utf-8")
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    return [Locked(Requirement(line.split(" --hash")[0]), re.findall("--hash=(\\S+)", line)) for line in lines]


def versions(name: str, python: str) -> dict[str, str]:
    """The version of each package that is installed on Linux with `python`."""
    here = {"python_version": python, "python_full_version": f"{python}.1", "sys_platform": "linux"}
    taken = [one.what for one in locked(name) if one.what.marker is None or one.what.marker.evaluate(here)]
    named: dict[str, str] = {canonicalize_name(what.name): str(what.specifier).removeprefix("==") for what in taken}
    assert len(named) == len(taken), "a package has two versions"
    return named


def test_they_are_for_the_versions_that_the_program_is_for() -> None:
    told = [one.rpartition(" ")[2] for one in PROJECT["project"]["classifiers"] if "Python :: 3." in one]
    assert told == VERSIONS


@pytest.mark.parametrize("name", NEEDED)
def test_each_package_has_one_version_and_hashes_and_no_place(name: str) -> None:
    for what, hashes in locked(name):
        assert re.fullmatch(r"==[^=*,]+", str(what.specifier)), what
        assert what.url is None
        assert hashes, what
        assert [one for one in hashes if not re.fullmatch("sha256:[0-9a-f]{64}", one)] == []
    assert not re.search(r"://|--(extra-)?index|--find-links", (ROOT / ".ci" / f"{name}.lock").read_text("utf-8"))


@pytest.mark.parametrize("python", VERSIONS)
@pytest.mark.parametrize("name", NEEDED)
def test_what_is_needed_is_there_as_it_is_allowed(name: str, python: str) -> None:
    there = versions(name, python)
    for text in NEEDED[name]:
        wanted = Requirement(text)
        version = there.get(canonicalize_name(wanted.name))
        assert version is not None, wanted
        assert wanted.specifier.contains(version), (wanted, version)


@pytest.mark.parametrize("python", VERSIONS)
def test_the_tests_run_with_what_is_run(python: str) -> None:
    assert versions("run", python).items() <= versions("test", python).items()
