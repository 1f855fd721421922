"""The browser's modules: a folder a page, each used, and none that leads back to itself."""

import re
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "static" / "js"
PAGES = SCRIPTS / "pages"
_LOADED = re.compile(r"\{\{ static \}\}/(js/[\w/.-]+\.js)")


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.js"))


def imports(module: Path) -> set[Path]:
    """Return our own modules that `module` imports; vendored ones are named without a path."""
    named = re.findall(r'(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)"', module.read_text("utf-8"))
    return {(module.parent / name).resolve() for name in named}


def entries() -> set[Path]:
    """Return the modules that templates load."""
    templates = (ROOT / "quart_app").rglob("*.html")
    named = {
        path for one in templates for path in re.findall(r"\{\{ static \}\}/(js/[\w/.-]+\.js)", one.read_text("utf-8"))
    }
    return {ROOT / "static" / path for path in named}


def test_every_page_has_a_folder() -> None:
    assert modules(PAGES)
    assert [one.name for one in PAGES.iterdir() if not one.is_dir()] == []


def test_what_is_imported_or_loaded_is_there() -> None:
    wanted = entries().union(*(imports(one) for one in modules(SCRIPTS)))
    assert entries()
    assert sorted(str(one) for one in wanted if not one.is_file()) == []


def test_no_module_of_a_page_is_left_over() -> None:
    reached: set[Path] = set()
    waiting = list(entries())
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += imports(module)
    assert [one.relative_to(PAGES).as_posix() for one in modules(PAGES) if one not in reached] == []


def test_no_module_leads_back_to_itself() -> None:
    graph = {one: imports(one) for one in modules(SCRIPTS)}
    assert any(graph.values())
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the modules


def test_what_pages_share_knows_no_page() -> None:
    shared = PAGES / "shared"
    wanted = set().union(*(imports(one) for one in modules(shared)))
    assert [str(one) for one in wanted if PAGES in one.parents and shared not in one.parents] == []
