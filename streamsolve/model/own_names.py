"""Which of the things that a stream's package provides are its own.

In a container, private packages keep Fedora's names and lie in their roots only, so their own
names are no leak. Everything else that they provide is looked at.
"""

from __future__ import annotations

import re

from .build import RootStream
from .component import PYTHON, distribution
from .package import Package
from .rpm_language import Capability

__all__ = ["is_own", "is_statement"]

_DISTRIBUTION = re.compile(
    r"python(?P<series>3|3\.\d+)dist\((?P<name>[^()\[\]\s]+)(?:\[[^\]]*\])?\)"
)
_QUALIFIED = re.compile(r"(?P<name>.+)\([a-z0-9_]+-(?:32|64)\)")
_CONFIG = re.compile(r"config\((?P<name>.+)\)")
_ALTERNATIVE = re.compile(r"python(?P<series>3\.\d+)(?=-|$)")
_STATEMENTS = ("bundled(", "rpmlib(", "application(", "mimehandler(", "metainfo(", "debuginfo(")
_OWN_TREE = "/opt/"


def is_statement(name: str) -> bool:
    """Whether a provide only tells something, and no package may require it to work."""
    return name.startswith(_STATEMENTS)


def is_own(package: Package, stream: RootStream | None, capability: Capability) -> bool:
    """Whether a provide belongs to the package and the stream that it is of.

    Its own are: its name, also with an architecture or as ``config(…)``, and for ``python3-x`` the
    names that Fedora's macros derive from it; the distribution of its stream with all extras, for
    the interpreter that its name tells (``python3.14-x`` is not ``python3dist(x)``); for an
    interpreter ``python(abi)`` of its own series; paths under ``/opt`` and paths that carry the
    series of the private interpreter.
    """
    name = capability.name
    if name.startswith("/"):
        return _is_own_path(package, stream, name)
    for form in (_QUALIFIED, _CONFIG):
        if found := form.fullmatch(name):
            return _is_own_name(package, found["name"])
    if found := _DISTRIBUTION.fullmatch(name):
        return _is_own_distribution(package, stream, found["series"], found["name"])
    if name == "python(abi)":
        return stream is not None and capability.evr == _interpreter(stream)
    return _is_own_name(package, name)


def _is_own_name(package: Package, name: str) -> bool:
    if name == package.name:
        return True
    rest = package.name.removeprefix("python3-")
    if rest == package.name:
        return False
    return re.fullmatch(rf"python(?:3\.\d+)?-{re.escape(rest)}", name) is not None


def _is_own_distribution(
    package: Package, stream: RootStream | None, series: str, name: str
) -> bool:
    alternative = _ALTERNATIVE.match(package.name)
    if stream is None or (alternative and alternative["series"] != series):
        return False
    return distribution(name) == stream.component


def _is_own_path(package: Package, stream: RootStream | None, path: str) -> bool:
    if path.startswith(_OWN_TREE):
        return True
    alternative = _ALTERNATIVE.match(package.name)
    series = alternative["series"] if alternative else _interpreter(stream)
    return bool(series) and re.search(rf"(?<![0-9.]){re.escape(series)}(?![0-9])", path) is not None


def _interpreter(stream: RootStream | None) -> str:
    """The series (``3.14``) of an interpreter's stream; empty for anything else."""
    if stream is None or stream.component != PYTHON:
        return ""
    return ".".join(map(str, (*stream.version.release, 0)[:2]))
