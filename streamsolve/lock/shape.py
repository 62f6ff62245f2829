"""Whether a document has the shape that a JSON Schema says: all faults at once, with their paths.

Only what the lock's schema uses is understood; the schema is the one statement of the format, for
this reader and for everybody else's. A path is written ``roots[3].asked[0]``, and a member whose
name is no plain word ``packages["glibc.x86_64"]``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from ..errors import nearest

__all__ = ["below", "shape_faults", "text_of"]

_Fault = tuple[str, str, str]
_TYPES: Mapping[str, tuple[type, str]] = {
    "object": (dict, "an object"),
    "array": (list, "a list"),
    "string": (str, "a text"),
    "integer": (int, "a whole number"),
    "boolean": (bool, "true or false"),
}
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def below(path: str, key: str | int) -> str:
    """The path of a member or of an element."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if _WORD.fullmatch(key):
        return f"{path}.{key}" if path else key
    quoted = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'{path}["{quoted}"]'


def text_of(value: object) -> str:
    """A text of a document that no schema was held against; ``TypeError`` for anything else."""
    if not isinstance(value, str):
        raise TypeError(f"a text is expected where {_told(value)} is")
    return value


def shape_faults(document: object, schema: Mapping[str, Any]) -> Iterator[_Fault]:
    """Each fault as path, sentence and hint."""
    yield from _faults(document, schema, "", schema.get("$defs", {}))


def _faults(
    value: object, schema: Mapping[str, Any], path: str, defs: Mapping[str, Any]
) -> Iterator[_Fault]:
    if "$ref" in schema:
        schema = defs[schema["$ref"].rpartition("/")[2]]
    kind, told = _TYPES[schema.get("type", "string")]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        yield path, f"expected {told}, found {_told(value)}", ""
        return
    if isinstance(value, dict):
        yield from _object_faults(value, schema, path, defs)
    elif isinstance(value, list):
        items = schema["items"]
        for number, element in enumerate(value):
            if not _is_right_text(element, items, defs):
                yield from _faults(element, items, f"{path}[{number}]", defs)
    elif (text := _value_fault(value, schema)) is not None:
        yield path, text, _hint(value, schema)


def _is_right_text(value: object, schema: Mapping[str, Any], defs: Mapping[str, Any]) -> bool:
    """What nearly all elements are: they need no path."""
    if "$ref" in schema:
        schema = defs[schema["$ref"].rpartition("/")[2]]
    right = schema.get("type") == "string" and isinstance(value, str)
    return right and _value_fault(value, schema) is None


def _object_faults(
    value: Mapping[str, object], schema: Mapping[str, Any], path: str, defs: Mapping[str, Any]
) -> Iterator[_Fault]:
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield path, f"{name!r} is missing", ""
    for name, member in value.items():
        inner = properties.get(name, schema.get("additionalProperties", False))
        if inner is False:
            yield below(path, name), "no such key", nearest(name, properties)
        else:
            yield from _faults(member, inner, below(path, name), defs)


def _value_fault(value: object, schema: Mapping[str, Any]) -> str | None:
    if "const" in schema and value != schema["const"]:
        return f"expected {schema['const']!r}, found {value!r}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{_told(value)} is none of the words that may stand here"
    if isinstance(value, str):
        if not value and schema.get("minLength"):
            return "it is empty"
        if "pattern" in schema and not _pattern(schema["pattern"]).search(value):
            return f"{value!r} is not written as it should be"
    elif isinstance(value, int) and value < schema.get("minimum", value):
        return f"{value} is less than {schema['minimum']}"
    return None


def _hint(value: object, schema: Mapping[str, Any]) -> str:
    return nearest(str(value), schema["enum"]) if "enum" in schema else ""


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text.replace("$", r"\Z"))


def _told(value: object) -> str:
    if isinstance(value, str):
        return repr(value) if len(value) <= 40 else f"{value[:40]!r}…"
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    return json.dumps(value)
