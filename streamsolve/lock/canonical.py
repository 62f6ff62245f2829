"""The bytes of a lock: one layout for every document, and the digest over it.

An object without containers stands on one line; every other object has a line for each member, and
every list one for each element. So a change of one thing is a change of one line. Members stand in
the order in which they are given, two spaces deeper than what holds them.

The digest is the sha256 of the file without the digest's own line, so that it can be checked with
``grep -v '^  "digest":' FILE | sha256sum``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from json.encoder import encode_basestring as _quoted

__all__ = ["canonical_text", "computed_digest", "sealed", "stated_digest"]

_DIGEST_LINE = re.compile(r'^  "digest": "([^"\n]*)",?\n', re.MULTILINE)


def canonical_text(document: Mapping[str, object]) -> str:
    """A JSON document in the layout of locks, with one line end at the end."""
    lines: list[str] = []
    _lay_out(document, "", "", "", lines)
    return "\n".join([*lines, ""])


def _lay_out(value: object, indent: str, head: str, tail: str, lines: list[str]) -> None:
    """Append the lines of a value: ``head`` stands before it, ``tail`` after it."""
    deeper = indent + "  "
    if isinstance(value, Mapping):
        if not any(isinstance(member, (Mapping, list, tuple)) for member in value.values()):
            members = ", ".join(f"{_quoted(k)}: {_scalar(v)}" for k, v in value.items())
            lines.append(f"{indent}{head}{{{members}}}{tail}")
            return
        lines.append(f"{indent}{head}{{")
        last = len(value) - 1
        for number, (key, member) in enumerate(value.items()):
            _lay_out(member, deeper, f"{_quoted(key)}: ", "," if number < last else "", lines)
        lines.append(f"{indent}}}{tail}")
    elif isinstance(value, (list, tuple)):
        if not value:
            lines.append(f"{indent}{head}[]{tail}")
            return
        lines.append(f"{indent}{head}[")
        last = len(value) - 1
        for number, member in enumerate(value):
            _lay_out(member, deeper, "", "," if number < last else "", lines)
        lines.append(f"{indent}]{tail}")
    else:
        lines.append(f"{indent}{head}{_scalar(value)}{tail}")


def _scalar(value: object) -> str:
    return _quoted(value) if isinstance(value, str) else json.dumps(value, allow_nan=False)


def sealed(text: str) -> str:
    """A canonical text with the line of its digest after its first member; one that is there
    already is replaced."""
    bare = _DIGEST_LINE.sub("", text)
    brace, schema, rest = bare.split("\n", 2)
    return f'{brace}\n{schema}\n  "digest": "{_sha256(bare)}",\n{rest}'


def stated_digest(text: str) -> str:
    """The digest that a lock states, empty unless it states exactly one."""
    found = _DIGEST_LINE.findall(text)
    return found[0] if len(found) == 1 else ""


def computed_digest(text: str) -> str:
    """The digest that a lock should state."""
    return _sha256(_DIGEST_LINE.sub("", text))


def _sha256(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}"
