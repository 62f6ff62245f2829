"""What the base's source packages ask for on other architectures alone.

A base has one repository of source packages for all architectures, and their headers say what each
spec asked for on the machine where its source package was made: within ``%ifarch x86_64`` too. What
the base has not for the planned architecture is no need there if the base has built that very
source for it: it did without. On x86_64 nothing is concluded: what is missing there is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from attrs import evolve

from ..model.conflict import Cause, Conflict
from ..model.package import Base, Package
from ..model.plan import Notice
from ..model.profile import ComponentRule
from ..model.rpm_dependency import pep508_from_rpm, split_capability

__all__ = ["asked_elsewhere", "elsewhere_notices", "with_sources"]

_OWN_CONDITIONS = "x86_64"


class _Pool(Protocol):
    def named(self, name: str) -> tuple[Package, ...]: ...

    def providers(self, capability: str) -> tuple[Package, ...]: ...

    def hidden_providers(self, capabilities: Iterable[str]) -> tuple[Package, ...]: ...

    def sources(self, name: str) -> tuple[Package, ...]: ...


def asked_elsewhere(
    source: Package, packages: Iterable[Package], arch: str, pool: _Pool
) -> frozenset[str]:
    """The BuildRequires of a source package that are other architectures'. ``packages`` are those
    of the base that may have come of it; one for the architecture itself is the proof. What asks
    for a distribution stays, since that can be private."""
    if arch == _OWN_CONDITIONS:
        return frozenset()
    made = (arch, source.name, source.evr)
    known = (*packages, *pool.named(source.name))
    if not any((one.arch, one.source, one.evr) == made for one in known):
        return frozenset()
    return frozenset(
        text
        for text in source.requires
        if text[0] not in "(/"
        and not _has(pool, split_capability(text)[0])
        and pep508_from_rpm(text) is None
    )


def _has(pool: _Pool, name: str) -> bool:
    """Whether the base has something of that name, be it hidden by a module."""
    return bool(pool.providers(name) or pool.hidden_providers((name,)))


def elsewhere_notices(
    found: Mapping[str, frozenset[str]], base: str, arch: str
) -> Iterable[Notice]:
    """What a plan says of them; ``found`` are the texts by the source package that asks."""
    for source, texts in sorted(found.items()):
        yield Notice(
            "other-architecture",
            f"{source} asks for {', '.join(sorted(texts))}, which {base} has not for {arch}; it "
            f"has built that source for {arch}, so this is taken for a need of other architectures",
        )


def with_sources(conflict: Conflict, rule: ComponentRule, base: Base, pool: _Pool) -> Conflict:
    """A conflict about what no package of the base is, with the source packages of that name that
    the base has: it is then built for other architectures alone, or not yet for this one."""
    absent = conflict.cause in (Cause.NO_SUCH_COMPONENT, Cause.NO_SUCH_VERSION)
    if not absent or base.arch == _OWN_CONDITIONS or conflict.packages:
        return conflict
    names = [name for name in rule.packages if "{" not in name]
    found = [name for name in names if pool.sources(name) and not _has(pool, name)]
    return evolve(
        conflict,
        packages=tuple(
            f"{base.name} has the source package {name}, and no package of that name for "
            f"{base.arch}: it is not built for it"
            for name in found
        ),
    )
