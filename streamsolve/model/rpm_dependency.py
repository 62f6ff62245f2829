"""PEP 440 said in RPM's dependency language, and read back from it.

The forms written here are those of Fedora's generator for Python distributions, so that a package
that is only planned meets the same requirements as one that is built. The two orders differ: RPM
sees no local versions, and a bound such as ``< 2.5`` lets ``2.5rc1`` in. Whoever chooses in one
of them checks in the other.
"""

from __future__ import annotations

import re
from functools import cache

from packaging.specifiers import Specifier
from packaging.version import InvalidVersion, Version

from ..errors import Code, InputError
from .component import distribution
from .pep508 import parse_version
from .requirement import Requirement, requirement_on
from .rpm_language import (
    Capability,
    Dependency,
    RichDependency,
    parse_dependency,
    split_capability,
)
from .target import Target

__all__ = [
    "Capability",
    "Dependency",
    "RichDependency",
    "parse_dependency",
    "pep508_from_rpm",
    "rpm_provides",
    "rpm_requires",
    "rpm_version",
    "split_capability",
    "version_from_rpm",
]


# --- PEP 440 in RPM's language -------------------------------------------------------------------


def rpm_version(version: Version) -> str:
    """A version as Fedora writes it: ``2.0rc1`` is ``2~rc1``.

    Trailing zeros and the local part are dropped, and of pre, dev and post only the first that
    is there is kept.
    """
    if version.pre is not None:
        suffix = f"~{version.pre[0]}{version.pre[1]}"
    elif version.dev is not None:
        suffix = f"~~dev{version.dev}"
    elif version.post is not None:
        suffix = f"^post{version.post}"
    else:
        suffix = ""
    return _release_text(version.epoch, version.release) + suffix


def _release_text(epoch: int, release: tuple[int, ...]) -> str:
    while len(release) > 1 and release[-1] == 0:
        release = release[:-1]
    return (f"{epoch}:" if epoch else "") + ".".join(map(str, release))


def _next_release(version: Version, length: int) -> str:
    """The first release after all that begin with the first ``length`` numbers of a version."""
    prefix = version.release[:length]
    return _release_text(version.epoch, (*prefix[:-1], prefix[-1] + 1))


def rpm_provides(name: str, version: Version, python: str, default_python: str) -> tuple[str, ...]:
    """What a package of a distribution provides, sorted; ``python3dist`` for the default only.

    :class:`InputError` for a version that is zero, which the generator refuses.
    """
    written = rpm_version(version)
    component = distribution(name)
    if written == "0":
        raise InputError(
            Code.BAD_REQUIREMENT,
            f"{component} {version} cannot be packaged: RPM's form of its version is zero",
            hint="set a version that is not zero when it is built",
        )
    prefixes = [f"python{python}dist"]
    if python == default_python:
        prefixes.append(f"python{python.partition('.')[0]}dist")
    return tuple(f"{prefix}({component}) = {written}" for prefix in prefixes)


def rpm_requires(
    requirement: Requirement,
    target: Target,
    *,
    provided_name: str | None = None,
    extra: str = "",
) -> tuple[str, ...]:
    """What Fedora's generator writes for a requirement: the distribution, then one per extra.

    Empty where the marker does not hold. With ``extra``, what the sub-package of that extra
    requires beyond its base package. ``provided_name`` is the distribution's name in the base.
    :class:`InputError` where RPM cannot say it (``===`` with what is no version).
    """
    if not requirement.applies(target, extra):
        return ()
    if extra and requirement.applies(target):
        return ()
    name = str(distribution(provided_name)) if provided_name else requirement.component.name
    prefix = f"python{target.python}dist"
    capabilities = [f"{prefix}({name})"]
    capabilities += [f"{prefix}({name}[{asked}])" for asked in requirement.extras]
    return tuple(_versioned(capability, requirement) for capability in capabilities)


def _versioned(capability: str, requirement: Requirement) -> str:
    try:
        clauses = sorted(_clause(capability, specifier) for specifier in requirement.specifier)
    except InvalidVersion:
        raise InputError(
            Code.BAD_REQUIREMENT,
            f"{requirement} cannot be said in RPM: it asks for what is no version",
            place=requirement.place,
        ) from None
    if not clauses:
        return capability
    return clauses[0] if len(clauses) == 1 else f"({' with '.join(clauses)})"


def _clause(capability: str, specifier: Specifier) -> str:
    operator, text = specifier.operator, specifier.version
    prefix_match = text.endswith(".*")
    version = parse_version(text.removesuffix(".*"))
    written = rpm_version(version)
    length = len(version.release)
    match operator:
        case "~=":
            return _between(capability, written, _next_release(version, length - 1))
        case "==" if prefix_match:
            return _between(capability, written, _next_release(version, length))
        case "!=" if prefix_match:
            above = _next_release(version, length)
            return f"({capability} < {written}~~ or {capability} >= {above})"
        case "==" | "===":
            return f"{capability} = {written}"
        case "!=":
            return f"({capability} < {written} or {capability} > {written})"
    plain = "~" not in written and "^" not in written
    # Before every pre-release of the bound, and after every post-release of it, as PEP 440 says.
    suffix = {"<": "~~", ">": ".0"}.get(operator, "") if plain else ""
    return f"{capability} {operator} {written}{suffix}"


def _between(capability: str, lowest: str, above: str) -> str:
    return f"({capability} >= {lowest} with {capability} < {above})"


# --- and back ------------------------------------------------------------------------------------

_RPM_VERSION = re.compile(
    r"(?:(?P<epoch>\d+):)?(?P<release>\d+(?:\.\d+)*)"
    r"(?:~(?P<pre>(?:a|b|rc)\d+)|~~(?P<dev>dev\d+)|\^(?P<post>post\d+))?"
)
_PEP_440_MARK = re.compile(r"\d+(?:\.\d+)*\.?(?:a|b|rc|dev|post)\d*")
_DISTRIBUTION = re.compile(r"python3(?:\.\d+)?dist\(([^()\[\]\s]+)(?:\[([^()\[\]\s]*)\])?\)")
_MOST_PREFIXES = 64  # a longer list of "!=" is no longer a requirement


@cache
def version_from_rpm(text: str) -> Version | None:
    """The version that RPM's form stands for (``2~rc1`` is ``2rc1``), or None.

    Hand-written specs also say ``3.0dev``, and mean by it what PEP 440 does.
    """
    found = _RPM_VERSION.fullmatch(text)
    if found is None and not _PEP_440_MARK.fullmatch(text):
        return None
    if found is not None:
        epoch = f"{found['epoch']}!" if found["epoch"] else ""
        mark = found["pre"] or found["dev"] or found["post"] or ""
        text = f"{epoch}{found['release']}{mark}"
    try:
        return parse_version(text)
    except InvalidVersion:
        return None


@cache
def pep508_from_rpm(dependency: str) -> Requirement | None:
    """What a base package's dependency demands of a distribution.

    None for a dependency on anything else, and for what PEP 440 cannot say: alternatives other
    than the gap of a ``!=``, conditions, snapshots such as ``2^20240101git``. Pre-releases may
    be judged differently (RPM's ``< 2`` lets ``2rc1`` in); releases are not.
    """
    if "dist(" not in dependency:
        return None
    try:
        parsed = parse_dependency(dependency)
    except InputError:
        return None
    names: set[str] = set()
    clauses = _clauses(parsed, names)
    found = _DISTRIBUTION.fullmatch(names.pop()) if len(names) == 1 else None
    if clauses is None or found is None:
        return None
    extras = [extra for extra in (found[2] or "").split(",") if extra]
    return requirement_on(distribution(found[1]), ",".join(clauses), extras=extras)


def _clauses(dependency: Dependency, names: set[str]) -> list[str] | None:
    """The PEP 440 clauses of a dependency, and into ``names`` what it speaks about."""
    if isinstance(dependency, Capability):
        names.add(dependency.name)
        return _comparison(dependency.op, dependency.evr)
    if dependency.operator in {"with", "and"}:
        clauses: list[str] = []
        for operand in dependency.operands:
            inner = _clauses(operand, names)
            if inner is None:
                return None
            clauses += inner
        return clauses
    if dependency.operator == "or" and len(dependency.operands) == 2:
        left, right = dependency.operands
        if isinstance(left, Capability) and isinstance(right, Capability):
            names.update({left.name, right.name})
            return _gap(left, right) or _gap(right, left)
    return None


def _comparison(op: str, evr: str) -> list[str] | None:
    if not op:
        return []
    bare = evr.rstrip("~")
    version = version_from_rpm(bare)
    if version is None:
        return None
    if bare != evr:
        # Before every development release: there only "before" and "not before" make sense.
        return {"<": [f"<{version}"], "<=": [f"<{version}"]}.get(
            op, None if op == "=" else [f">={version}.dev0"]
        )
    if op == ">" and version.release[-1] != 0 and not version.is_prerelease:
        # RPM's order puts post-releases above the bound, and PEP 440's ">" leaves them out.
        return [f">={version}", f"!={version}"]
    return [f"{'==' if op == '=' else op}{version}"]


def _gap(below: Capability, above: Capability) -> list[str] | None:
    """``(a < X or a > X)`` and ``(a < X or a >= Y)`` as exclusions, None if there are none."""
    start = version_from_rpm(below.evr.rstrip("~")) if below.op == "<" else None
    stop = version_from_rpm(above.evr)
    if start is None or stop is None:
        return None
    if above.op == ">" and start == stop and below.evr == above.evr:
        return [f"!={start}"]
    marked = set(f"{below.evr.rstrip('~')}{above.evr}") & set("~^")
    if above.op != ">=" or marked or start.epoch != stop.epoch:
        return None
    length = len(stop.release)
    first = start.release + (0,) * (length - len(start.release))
    count = stop.release[-1] - first[length - 1]
    if len(first) != length or first[:-1] != stop.release[:-1] or not 0 < count <= _MOST_PREFIXES:
        return None
    epoch = f"{start.epoch}!" if start.epoch else ""
    head = "".join(f"{number}." for number in first[:-1])
    return [f"!={epoch}{head}{first[-1] + step}.*" for step in range(count)]
