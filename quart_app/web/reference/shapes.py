"""JSON Schema 2020-12, the dialect of OpenAPI 3.1 and AsyncAPI 3, made of shapes (Structs, TypedDicts, plain types).

This file owns what msgspec does not know of our wire: decimals go out as numbers there. It knows neither document.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

Schema = dict[str, Any]

REFERENCE: Final = "#/components/schemas/{name}"
_DECIMAL: Final = {"type": "string", "format": "decimal"}
_EXAMPLES: Final = {"any": {}, "string": "texto", "integer": 1, "number": 1.5, "boolean": True}


class Shapes:
    """The schemas of shapes, each made once.

    `taken` shapes come in and `given` ones go out; what the schemas share is in `components`, by name. A field with a
    default may be left out by who asks, while an answer always has it.
    """

    def __init__(self, taken: Iterable[Any], given: Iterable[Any]) -> None:
        taken, given = _distinct(taken), _distinct(given)
        shapes = taken | given
        schemas, components = msgspec.json.schema_components(list(shapes.values()), ref_template=REFERENCE)
        self._schemas: dict[str, Schema] = dict(zip(shapes, _on_our_wire(schemas), strict=True))
        self.components: dict[str, Schema] = _on_our_wire(components)
        theirs = self._reachable(self._schemas[key] for key in taken)
        for name in self._reachable(self._schemas[key] for key in given) - theirs:
            _require_defaults(self.components[name])

    def _reachable(self, schemas: Iterable[Schema]) -> set[str]:
        found: set[str] = set()
        waiting: list[Any] = list(schemas)
        while waiting:
            part = waiting.pop()
            if isinstance(part, dict):
                name = str(part.get("$ref", "")).rpartition("/")[2]
                if name and name not in found:
                    found.add(name)
                    waiting.append(self.components[name])
                waiting += part.values()
            elif isinstance(part, list):
                waiting += part
        return found

    def schema(self, shape: Any) -> Schema:
        """Return the schema of one of the shapes; mostly a reference into `components`."""
        return dict(self._schemas[_key(shape)])

    def members(self, shape: Any) -> tuple[dict[str, Schema], list[str]]:
        """Return the fields of an object's shape, and the names of those that are required."""
        schema = self.schema(shape)
        if reference := schema.get("$ref"):
            schema = self.components[reference.rpartition("/")[2]]
        return schema.get("properties", {}), schema.get("required", [])

    def example(self, schema: Schema) -> Any:
        """Return a value that fits: the first example that the shape names, else what its type allows."""
        if "$ref" in schema:
            return self.example(self.components[schema["$ref"].rpartition("/")[2]])
        if choices := schema.get("anyOf"):
            return self.example(choices[0])
        if known := [*schema.get("examples", ()), *schema.get("enum", ())]:
            return known[0]
        kind = schema.get("type", "any")
        if kind == "object":
            return {name: self.example(member) for name, member in schema.get("properties", {}).items()}
        if kind == "array":
            return [self.example(schema["items"])] if schema.get("items") else []
        return schema.get("const", schema.get("minimum", _EXAMPLES.get(kind)))


def _require_defaults(schema: Schema) -> None:
    members = schema.get("properties", {})
    always = {name for name, member in members.items() if "default" in member or name in schema.get("required", ())}
    schema["required"] = [name for name in members if name in always]
    for member in members.values():
        member.pop("default", None)


def _distinct(shapes: Iterable[Any]) -> dict[str, Any]:
    return {_key(shape): shape for shape in shapes}


def _key(shape: Any) -> str:
    """Return a name for `shape` that can be hashed, as `Annotated[dict, …]` cannot; two that are written alike are
    alike."""
    return f"{getattr(shape, '__module__', '')}.{shape!r}"


def _on_our_wire(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_on_our_wire(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == _DECIMAL["format"] and schema.get("type") == _DECIMAL["type"]:
        return {**{name: inner for name, inner in schema.items() if name not in _DECIMAL}, "type": "number"}
    return {name: _on_our_wire(inner) for name, inner in schema.items()}
