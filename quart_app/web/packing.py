"""A page's modules in one file, so that a phone asks once and not fifty times (ECMA-262 section 16.2, Modules).

Each module becomes a function that is called once and returns what it exports. Its code stays as it was written, and is
read so in a browser's debugger; comments that have lines of their own are left out. Modules that are named without a
path stay imports.

Of the language's forms this knows those that our modules keep to: imports and exports stand at the beginning of a
line, what is exported is a constant, a function or a class, no string has lines that look like a comment or an import,
and modules lead to no circle.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_IMPORT: Final = re.compile(r'^import\s+(?:(?P<what>[^"\';]+?)\s+from\s+)?"(?P<source>[^"]+)";[^\S\n]*$', re.MULTILINE)
_FROM: Final = re.compile(r'^export\s*\{(?P<what>[^}]*)\}\s*from\s*"(?P<source>[^"]+)";[^\S\n]*$', re.MULTILINE)
_LIST: Final = re.compile(r"^export\s*\{(?P<what>[^}]*)\};[^\S\n]*$", re.MULTILINE)
_DECLARED: Final = re.compile(
    r"^export\s+(?P<kind>(?:async\s+)?function\s*\*?|class|const)\s+(?P<name>[\w$]+)", re.MULTILINE
)
_COMMENT: Final = re.compile(r"^[^\S\n]*(?:/\*\*.*?\*/|//[^\n]*)[^\S\n]*\n", re.MULTILINE | re.DOTALL)
_OTHER: Final = re.compile(r"^(?:import|export)\b(?!\s*\().*$", re.MULTILINE)


class Unpackable(ValueError):
    """A module has a form that this does not know; the text says which module and which line."""


@dataclass
class Pack:
    """The text of a page's modules, and the names of what they import without a path."""

    text: str
    outside: list[str]


@dataclass
class _Packer:
    root: Path
    numbers: dict[Path, int] = field(default_factory=dict)
    outside: dict[str, str] = field(default_factory=dict)
    """What is imported without a path, and by which variable it is reached."""
    parts: list[str] = field(default_factory=list)

    def variable(self, source: str, module: Path) -> str:
        """Return what the exports of an imported module are reached by."""
        if not source.startswith("."):
            return self.outside.setdefault(source, f"$outside{len(self.outside)}")
        path = (module.parent / source).resolve()
        if path not in self.numbers:
            self.add(path)
        return f"$module{self.numbers[path]}"

    def add(self, module: Path) -> None:
        """Add a module, after those that it imports."""
        text = _COMMENT.sub("", module.read_text("utf-8"))
        exported: dict[str, str] = {}

        def imported(match: re.Match[str]) -> str:
            variable = self.variable(match["source"], module)
            return "" if match["what"] is None else f"const {_pattern(match['what'])} = {variable};"

        def passed_on(match: re.Match[str]) -> str:
            variable = self.variable(match["source"], module)
            exported.update((public, f"{variable}.{name}") for name, public in _names(match["what"]))
            return ""

        def listed(match: re.Match[str]) -> str:
            exported.update((public, name) for name, public in _names(match["what"]))
            return ""

        def declared(match: re.Match[str]) -> str:
            exported[match["name"]] = match["name"]
            return f"{match['kind']} {match['name']}"

        for form, instead in ((_IMPORT, imported), (_FROM, passed_on), (_LIST, listed), (_DECLARED, declared)):
            text = form.sub(instead, text)
        name = module.relative_to(self.root).as_posix()
        if left := _OTHER.search(text):
            raise Unpackable(f"{name}: {left[0]}")
        self.numbers[module] = len(self.numbers)
        returned = ", ".join(public if public == name else f"{public}: {name}" for public, name in exported.items())
        begin, end = (f"const $module{self.numbers[module]} = (() => {{", f"return {{ {returned} }};\n")
        self.parts.append(f"// {name}\n{begin}\n{text}{end if exported else ''}}})();\n")


def _names(what: str) -> Iterator[tuple[str, str]]:
    """Yield the name in the module and the public one, for each of `a, b as c`."""
    for one in filter(None, (part.strip() for part in what.split(","))):
        name, _, public = one.partition(" as ")
        yield name.strip(), (public or name).strip()


def _pattern(what: str) -> str:
    """Return what takes `{ a, b as c }`, `a` or `* as a` out of the exports of a module."""
    if what.startswith("{"):
        named = (name if name == public else f"{name}: {public}" for name, public in _names(what.strip("{}")))
        return f"{{ {', '.join(named)} }}"
    return what.removeprefix("* as ") if what.startswith("*") else f"{{ default: {what} }}"


def pack(entry: Path, root: Path) -> Pack:
    """Return a module together with all that it imports by a path; names are shown as they are under `root`. Raise
    Unpackable."""
    packer = _Packer(root)
    packer.add(entry.resolve())
    imports = [f'import * as {variable} from "{source}";\n' for source, variable in packer.outside.items()]
    return Pack("".join([*imports, "\n" if imports else "", *packer.parts]), list(packer.outside))
