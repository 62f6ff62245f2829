"""The document ``streamsolve.lockset/1``: one application's locks for several architectures.

Each lock in it is a whole one, digest and all: taken out, it has the bytes that it would have as a
file of its own, so that a change of one architecture changes nothing of the others. The layout and
the digest are those of locks (:mod:`streamsolve.lock.canonical`). A lock in such a file is called
``FILE#ARCH``. The schema is in ``streamsolve/schemas/lockset-1.schema.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from ..errors import Code, ErrorCollector, InputError, Place, nearest
from ..model.schemas import shipped_schema
from .canonical import canonical_text, computed_digest, sealed, stated_digest
from .reader import Lock

__all__ = [
    "LOCK_SET",
    "LockSet",
    "is_lock_set",
    "lock_in",
    "lock_set_schema",
    "lock_set_text",
    "read_lock_set",
    "split_fragment",
]

LOCK_SET = "streamsolve.lockset/1"
_FAMILY = "streamsolve.lockset/"
_AGAIN = "make it again with `streamsolve lock APP --arch A --arch B -o FILE`"


@frozen
class LockSet:
    """A file that was read. ``locks`` are the texts of its locks by architecture, sorted."""

    application: str
    version: str
    variant: str
    locks: Mapping[str, str]
    digest: str
    file: str = field(default="", eq=False)


def lock_set_schema() -> Mapping[str, Any]:
    """The JSON Schema of these documents, and of the answers about them."""
    return shipped_schema("lockset-1")


def lock_set_text(locks: Mapping[str, tuple[Lock, str]]) -> str:
    """The file of locks, each given with its text by its architecture. They are locks of one
    application, version and variant; ValueError for others, and for none."""
    plans = [lock.plan for lock, _ in locks.values()]
    if len({(plan.application, plan.version, plan.variant) for plan in plans}) != 1:
        raise ValueError("the locks are not of one application")
    return sealed(
        canonical_text(
            {
                "schema": LOCK_SET,
                "application": plans[0].application,
                "version": str(plans[0].version),
                "variant": plans[0].variant,
                "locks": {arch: json.loads(locks[arch][1]) for arch in sorted(locks)},
            }
        )
    )


def split_fragment(name: str) -> tuple[str, str]:
    """``FILE#ARCH`` as file and architecture; the architecture is empty where none is named."""
    file, _, arch = name.rpartition("#")
    return (file, arch) if file and arch and "/" not in arch else (name, "")


def is_lock_set(text: str) -> bool:
    """Whether a text says that it holds locks of several architectures."""
    return f'"{_FAMILY}' in text[:200]


def read_lock_set(text: str, *, file: str) -> LockSet:
    """Read the file; its locks are not read yet. :class:`InputErrors` with every fault."""
    document = _document(text, file)
    faults = ErrorCollector(Code.BROKEN_LOCK_SET)
    for key in ("application", "version", "variant"):
        if not isinstance(document.get(key), str):
            faults.add("it is missing, or is no text", Place(file, path=key))
    locks = document.get("locks")
    if not isinstance(locks, dict) or not locks:
        faults.add("it holds no lock", Place(file, path="locks"))
        locks = {}
    for arch, lock in locks.items():
        for message in _of_another(document, arch, lock):
            faults.add(message, Place(file, path=f"locks.{arch}"))
    if computed_digest(text) != stated_digest(text):
        place = Place(file, path="digest")
        faults.add("the file was changed by hand or damaged: its digest is another", place, _AGAIN)
    faults.raise_if_any(f"{file} is no file of locks that can be used")
    texts = {arch: canonical_text(locks[arch]) for arch in sorted(locks)}
    return LockSet(
        document["application"],
        document["version"],
        document["variant"],
        texts,
        stated_digest(text),
        file,
    )


def _document(text: str, file: str) -> Mapping[str, Any]:
    try:
        found: Any = json.loads(text)
    except json.JSONDecodeError as error:
        message = f"it is not JSON: {error.msg} in column {error.colno}"
        raise InputError(
            Code.BROKEN_LOCK_SET, message, place=Place(file, error.lineno), hint=_AGAIN
        ) from None
    except (RecursionError, ValueError):
        message = "it is nested too deep, or has a number that is too long"
        raise InputError(Code.BROKEN_LOCK_SET, message, place=Place(file)) from None
    document: dict[str, Any] = found if isinstance(found, dict) else {}
    if document.get("schema") != LOCK_SET:
        raise InputError(
            Code.BROKEN_LOCK_SET,
            f"its schema is not {LOCK_SET}, which this version of streamsolve reads",
            place=Place(file, path="schema"),
            hint="read it with the version of streamsolve that wrote it, or make it again",
        )
    return document


def _of_another(document: Mapping[str, Any], arch: str, lock: object) -> list[str]:
    """What a lock is of that the file says otherwise. What is no lock at all says so when it is
    read."""
    if not isinstance(lock, dict):
        return ["it is no lock"]
    base, application = lock.get("base"), lock.get("application")
    if not isinstance(base, dict) or not isinstance(application, dict):
        return ["it is no lock"]
    found = []
    if base.get("arch") != arch:
        found.append(f"it is for {base.get('arch')}")
    for key, name in (("application", "name"), ("version", "version"), ("variant", "variant")):
        if application.get(name) != document.get(key):
            found.append(f"its {key} is {application.get(name)!r}, not {document.get(key)!r}")
    return found


def lock_in(text: str, arch: str, *, file: str) -> str:
    """The text of the lock for an architecture; ``arch`` may be empty where there is only one.

    :class:`InputError` ``WHICH_ARCH`` where several could be meant, or none is for it.
    """
    if not is_lock_set(text):
        found = _arch_of(text)
        if arch and found and arch != found:
            raise InputError(
                Code.WHICH_ARCH,
                f"it is a lock for {found}",
                place=Place(file),
                hint=f"leave out #{arch}",
            )
        return text
    locks = read_lock_set(text, file=file).locks
    if not arch and len(locks) == 1:
        arch = next(iter(locks))
    if arch in locks:
        return locks[arch]
    known = ", ".join(locks)
    if arch:
        raise InputError(
            Code.WHICH_ARCH,
            f"it holds no lock for {arch}",
            place=Place(file),
            hint=nearest(arch, locks),
        )
    raise InputError(
        Code.WHICH_ARCH,
        f"it holds locks for {known}, and one is needed",
        place=Place(file),
        hint=f"name one: {file}#{next(iter(locks))}",
    )


def _arch_of(text: str) -> str:
    """The architecture of a lock, empty where it cannot be told."""
    try:
        base = json.loads(text)["base"]
        return str(base["arch"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
