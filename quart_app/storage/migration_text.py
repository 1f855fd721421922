"""The text of a migration: what Tortoise's generator writes, in the form that the formatter of this tree keeps.

This module knows nothing of models and databases.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from typing import Final

_WIDTH: Final = 120
_STEP: Final = 4
_ALWAYS_OPEN: Final = frozenset({"operations", "fields"})
"""The names of the lists that have a line for each of their members, however short they are."""


def migration_text(generated: str, statements: Iterable[str] = ()) -> str:
    """Return the source of a migration in the form of this tree.

    `generated` is what Tortoise's writer gives. Each of the SQL `statements` becomes an operation behind the others.
    """
    module = ast.parse(generated)
    [migration] = [node for node in module.body if isinstance(node, ast.ClassDef)]
    values = dict(_assignments(migration))
    operations = values["operations"]
    if isinstance(operations, ast.List):
        operations.elts += [ast.parse(f"ops.RunSQL({one!r}, '')", mode="eval").body for one in statements]
    if ast.unparse(values.get("initial", operations)) == "False":
        del values["initial"]
    blocks = ["\n".join(_open_or_not(value, f"{name} = ", "", _STEP)) for name, value in values.items()]
    head = "\n".join([*_imports(module), "", "", "class Migration(migrations.Migration):"])
    return head + "\n" + "\n\n".join(blocks) + "\n"


def _assignments(migration: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    for node in migration.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case _:
                pass


def _imports(module: ast.Module) -> list[str]:
    """Return the lines of the imports: the standard library's, a blank line, the others; each module once."""
    whole = {alias.name for node in module.body if isinstance(node, ast.Import) for alias in node.names}
    parts: dict[str, set[str]] = {}
    for node in module.body:
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            parts.setdefault(node.module, set()).update(
                alias.name if alias.asname is None else f"{alias.name} as {alias.asname}" for alias in node.names
            )
    groups: dict[int, list[str]] = {}
    for name in sorted(whole):
        groups.setdefault(_rank(name), []).append(f"import {name}")
    for name in sorted(parts):
        groups.setdefault(_rank(name), []).append(f"from {name} import {', '.join(sorted(parts[name]))}")
    return "\n\n".join("\n".join(groups[rank]) for rank in sorted(groups)).split("\n")


def _rank(module: str) -> int:
    """Return where imports of `module` stand: the standard library's 0, packages' 1, our own 2."""
    top = module.partition(".")[0]
    return 0 if top in sys.stdlib_module_names else 2 if top in {"migrations", "quart_app", "tests"} else 1


def _open_or_not(node: ast.expr, before: str, after: str, indent: int) -> list[str]:
    """Return the lines of an expression between `before` and `after`: one where it fits, else one for each member."""
    line = f"{' ' * indent}{before}{_inline(node)}{after}"
    always = before.rstrip("= ") in _ALWAYS_OPEN or _inline(node).startswith("ops.CreateModel(")
    if (len(line) <= _WIDTH and not always) or not _members(node):
        return [line]
    opening, closing = _brackets(node)
    lines = [f"{' ' * indent}{before}{opening}"]
    for name, member in _members(node):
        lines += _open_or_not(member, name, ",", indent + _STEP)
    return [*lines, f"{' ' * indent}{closing}{after}"]


def _inline(node: ast.expr) -> str:
    members = [f"{name}{_inline(member)}" for name, member in _members(node)]
    match node:
        case ast.Constant(value=str(text)):
            return _quoted(text)
        case ast.Tuple(elts=[_]):
            return f"({members[0]},)"
        case ast.Call() | ast.List() | ast.Tuple() | ast.Dict():
            opening, closing = _brackets(node)
            return f"{opening}{', '.join(members)}{closing}"
        case _:
            return ast.unparse(node)


def _members(node: ast.expr) -> list[tuple[str, ast.expr]]:
    """Return what stands between the brackets of an expression: each member, and what is written before it."""
    match node:
        case ast.Call():
            named = [(f"{each.arg}=", each.value) for each in node.keywords]
            return [*(("", argument) for argument in node.args), *named]
        case ast.List() | ast.Tuple():
            return [("", element) for element in node.elts]
        case ast.Dict():
            pairs = zip(node.keys, node.values, strict=True)
            return [(f"{_inline(key)}: ", value) for key, value in pairs if key is not None]
        case _:
            return []


def _brackets(node: ast.expr) -> tuple[str, str]:
    match node:
        case ast.Call():
            return f"{ast.unparse(node.func)}(", ")"
        case ast.List():
            return "[", "]"
        case ast.Dict():
            return "{", "}"
        case _:
            return "(", ")"


def _quoted(text: str) -> str:
    """Return a string literal in double quotes, in single ones where that saves escapes."""
    literal = repr(text)
    return literal if '"' in literal or "\\'" in literal else f'"{literal[1:-1]}"'
