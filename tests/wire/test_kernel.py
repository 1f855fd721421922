"""The kernel stands alone, and what the engine describes is what the kernel names."""

import ast
import sys
from pathlib import Path

import quart_app.wire
from quart_app.realtime.messages.contract import RECEIVES, SENDS
from quart_app.wire import CLIENT_TYPES, CONTROLS

FILES = sorted(Path(quart_app.wire.__file__).parent.glob("*.py"))


def test_it_needs_the_standard_library_only() -> None:
    imported = {name for file in FILES for name in _imports(file)}
    others = {name for name in imported if name.partition(".")[0] not in sys.stdlib_module_names}
    assert FILES
    assert {name for name in others if not name.startswith("quart_app.wire")} == set()


def _imports(file: Path) -> list[str]:
    nodes = list(ast.walk(ast.parse(file.read_text("utf-8"))))
    froms = [node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)]
    return froms + [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]


def test_the_engine_describes_the_same_messages() -> None:
    described = {shape.type: shape for shape in SENDS}
    named = {shape.type.value: shape for shape in CONTROLS if shape.type != "published"}  # the open topics' own
    assert set(described) == set(named)
    for type, shape in named.items():
        assert set(described[type].fields) == set(shape.fields), type
        data = described[type].data
        assert set(shape.data) <= set(() if data is None else data.__struct_fields__), type
    assert {shape.type for shape in RECEIVES} == CLIENT_TYPES
