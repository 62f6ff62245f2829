"""Reading a lock: from its text to the plan and the settings, or every fault with its place."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from attrs import field, frozen
from packaging.specifiers import InvalidSpecifier
from packaging.version import InvalidVersion

from ..errors import Code, ErrorCollector, InputError, InputErrors, Place
from ..model.lock import LockSettings
from ..model.pep508 import parse_specifiers, parse_version
from ..model.plan import Plan
from ..model.schemas import shipped_schema
from .canonical import computed_digest, stated_digest
from .document import SCHEMA
from .rebuild import rebuilt_plan, rebuilt_settings
from .shape import below, shape_faults
from .vendored import false_digests

__all__ = ["Lock", "lock_schema", "lock_source", "plan_of", "read_lock", "settings_of"]

_FAMILY = "streamsolve.lock/"
_AGAIN = "make it again with `streamsolve lock`"


@frozen
class Lock:
    """A lock that was read. In its plan, a package of the base provides only what the lock keeps.
    ``digest`` is ``sha256:`` and hexadecimal: two locks of equal digests are the same."""

    plan: Plan
    settings: LockSettings
    digest: str
    file: str = field(default="", eq=False)


def plan_of(lock: Lock) -> Plan:
    """The plan that a lock holds."""
    return lock.plan


def settings_of(lock: Lock) -> LockSettings:
    """The settings that were in force when a lock was made."""
    return lock.settings


def lock_schema() -> Mapping[str, Any]:
    """The JSON Schema of locks."""
    return shipped_schema("lock-1")


def lock_source(data: bytes, *, file: str) -> str:
    """The text of a lock's bytes, with the line ends that it has: a digest counts them.
    :class:`InputError` for what is not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            Code.BROKEN_LOCK, "it is not UTF-8", place=Place(file, line), hint=_AGAIN
        ) from None


def read_lock(text: str, *, file: str) -> Lock:
    """Read a lock. :class:`InputErrors` with every fault and the path of each: what is no JSON, has
    another version or shape, was changed by hand or damaged, or refers to what is not in it."""
    document = _parsed(text, file)
    faults = ErrorCollector(Code.BROKEN_LOCK)
    for path, message, hint in shape_faults(document, lock_schema()):
        faults.add(message, Place(file, path=path), hint)
    if not faults.errors:
        for path, message in (
            *_bad_texts(document, lock_schema(), ""),
            *_dangling(document),
            *false_digests(document),
        ):
            faults.add(message, Place(file, path=path))
    digest = stated_digest(text)
    if computed_digest(text) != digest:
        place = Place(file, path="digest")
        faults.add("the file was changed by hand or damaged: its digest is another", place, _AGAIN)
    faults.raise_if_any(f"{file} is no lock that can be used")
    return Lock(rebuilt_plan(document), rebuilt_settings(document), digest, file)


def _parsed(text: str, file: str) -> Mapping[str, Any]:
    """The document; :class:`InputErrors` if there is none of a version that is read here."""
    repeated: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            repeated.extend(sorted({name for name in names if names.count(name) > 1}))
        return found

    try:
        parsed: Any = json.loads(text, object_pairs_hook=members)
    except json.JSONDecodeError as error:
        place = Place(file, error.lineno)
        raise _only(f"it is not JSON: {error.msg} in column {error.colno}", place) from None
    except (RecursionError, ValueError):
        raise _only(
            "it is nested too deep, or has a number that is too long", Place(file)
        ) from None
    if repeated:
        told = ", ".join(repr(name) for name in repeated)
        raise _only(f"an object has a key twice: {told}", Place(file))
    document: dict[str, Any] = parsed if isinstance(parsed, dict) else {}
    schema = document.get("schema")
    if not isinstance(schema, str) or not schema.startswith(_FAMILY):
        raise _only(f"it is no lock: its schema is not {SCHEMA}", Place(file, path="schema"))
    if schema != SCHEMA:
        raise _only(
            f"its schema is {schema}, and this version of streamsolve reads {SCHEMA}",
            Place(file, path="schema"),
            "read it with the version of streamsolve that wrote it, or make it again",
        )
    return document


def _only(message: str, place: Place, hint: str = "") -> InputErrors:
    fault = InputError(Code.BROKEN_LOCK, message, place=place, hint=hint)
    return InputErrors(Code.BROKEN_LOCK, f"{place.file} is no lock that can be used", (fault,))


# -- texts that have a grammar ---------------------------------------------------------------------


def _bad_texts(value: object, schema: Mapping[str, Any], path: str) -> Iterable[tuple[str, str]]:
    """Versions and specifiers that PEP 440 does not know. They are where the schema says so."""
    defs = lock_schema()["$defs"]
    reference = schema.get("$ref", "")
    if isinstance(value, str):
        if reference.endswith("/version") and not _is_version(value):
            yield path, f"{value!r} is no version as PEP 440 says"
        elif path.endswith(".specifier") and not _is_specifier(value):
            yield path, f"{value!r} is no version specifier as PEP 440 says"
        return
    if reference:
        schema = defs[reference.rpartition("/")[2]]
    if reference.endswith(("/package", "/capabilities")):
        return
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        for name, member in value.items():
            inner = properties.get(name, schema.get("additionalProperties"))
            yield from _bad_texts(member, inner, below(path, name))
    elif isinstance(value, list):
        for number, element in enumerate(value):
            yield from _bad_texts(element, schema["items"], below(path, number))


@cache
def _is_version(text: str) -> bool:
    try:
        parse_version(text)
    except InvalidVersion:
        return False
    return True


@cache
def _is_specifier(text: str) -> bool:
    try:
        parse_specifiers(text)
    except InvalidSpecifier:
        return False
    return True


# -- what refers to what ---------------------------------------------------------------------------


def _dangling(document: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """References that lead nowhere, and ids that are there twice."""
    packages = document["packages"]
    roots = [root["id"] for root in document["roots"]]
    builds = [build["id"] for build in document["builds"]]
    for number, name in enumerate(document["common"]):
        if name not in packages:
            yield f"common[{number}]", f"there is no package {name!r}"
    if roots.count("runtime") != 1:
        yield "roots", "there is not one root called 'runtime'"
    yield from _twice("roots", roots)
    yield from _twice("builds", builds)
    known = set(builds)
    for at, root in enumerate(document["roots"]):
        for number, name in enumerate(root["packages"]):
            if name not in packages:
                yield f"roots[{at}].packages[{number}]", f"there is no package {name!r}"
        for number, stream in enumerate(root["streams"]):
            if "build" in stream and stream["build"] not in known:
                path = f"roots[{at}].streams[{number}].build"
                yield path, f"there is no build {stream['build']!r}"
    for at, build in enumerate(document["builds"]):
        if build["root"] not in roots:
            yield f"builds[{at}].root", f"there is no root {build['root']!r}"
        for number, name in enumerate(build["after"]):
            if name not in known:
                yield f"builds[{at}].after[{number}]", f"there is no build {name!r}"
    for at, level in enumerate(document["order"]["levels"]):
        for number, name in enumerate(level["builds"]):
            if name not in known:
                yield f"order.levels[{at}].builds[{number}]", f"there is no build {name!r}"


def _twice(path: str, ids: list[str]) -> Iterable[tuple[str, str]]:
    for number, one in enumerate(ids):
        if one in ids[:number]:
            yield f"{path}[{number}].id", f"{one!r} is there twice"
