"""What refused roots rest on, in few words: facts that are equal but for a version are one.

Conflicts carry texts of packages. Which rule of the solver each text came from is kept here while
an attempt lasts, so that nothing has to be read back from words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import evolve, frozen
from packaging.version import InvalidVersion, Version

from ..explain.sentences import joined
from ..explain.versions import version_ranges
from ..model.component import Component
from ..model.conflict import Cause, Conflict
from ..model.pep508 import parse_version
from ..model.root import ProblemRule, RuleKind
from ..model.rpm_language import split_capability
from ..model.rpm_version import compare_evr
from ..solving import PackagePool

__all__ = ["RootFact", "in_few_words"]

_SHOWN = 12


@frozen
class RootFact:
    """A rule of a refused root. ``of`` is the component whose stream its package is, if any."""

    rule: ProblemRule
    of: Component | None = None

    @property
    def name(self) -> str:
        """The package's name."""
        return self.rule.package.rsplit("-", 2)[0]

    @property
    def evr(self) -> str:
        """The package's epoch, version and release."""
        return self.rule.package[len(self.name) + 1 :].rpartition(".")[0]

    @property
    def is_lack(self) -> bool:
        """Whether there is something that nothing provides, needed by a package or asked for."""
        return self.lacks or self.rule.kind is RuleKind.REQUESTED_NOTHING_PROVIDES

    @property
    def lacks(self) -> bool:
        """Whether nothing provides what the package needs."""
        return self.rule.kind is RuleKind.NOTHING_PROVIDES


def in_few_words(conflict: Conflict, facts: Mapping[str, RootFact], pool: PackagePool) -> Conflict:
    """A conflict about a root, with equal facts joined, about the stream that they are of."""
    known = [facts[text] for text in conflict.packages if text in facts]
    if conflict.cause is not Cause.ROOT or not known:
        return conflict
    lacking = [fact for fact in known if fact.lacks]
    leading = [fact for fact in known if fact.rule.kind is RuleKind.REQUIRES and not fact.of]
    joined_ones = {*lacking, *leading}
    others = [text for text in conflict.packages if facts.get(text) not in joined_ones]
    needing = {fact.of for fact in known if fact.of and fact.rule.kind in _NEEDS}
    missing = {fact.rule.dependency for fact in lacking if fact.of}
    blocked = {fact.rule.dependency for fact in known if fact.of and not fact.lacks}
    only_needs = all(fact.rule.kind in _NEEDS for fact in known)
    return evolve(
        conflict,
        about=needing.pop() if len(needing) == 1 and only_needs else conflict.about,
        packages=(*_lines(lacking, pool), *_lines(leading, pool), *sorted(others)),
        missing=tuple(sorted(missing)) if only_needs else (),
        blocked=tuple(sorted(blocked)) if only_needs and not missing else (),
        lacking=tuple(sorted({fact.rule.dependency for fact in known if fact.is_lack})),
    )


_NEEDS = (RuleKind.NOTHING_PROVIDES, RuleKind.REQUIRES)


def _lines(facts: Sequence[RootFact], pool: PackagePool) -> tuple[str, ...]:
    """A line for each package and for what the same versions of it need; of facts of one kind."""
    by_package: dict[tuple[str, str], dict[str, set[str]]] = {}
    for fact in facts:
        versions = by_package.setdefault((fact.name, fact.rule.package.rpartition(".")[2]), {})
        versions.setdefault(fact.evr, set()).add(_of_own_version(fact))
    lines: list[str] = []
    tail = ", which nothing provides" if all(fact.lacks for fact in facts) else ""
    for (name, arch), versions in sorted(by_package.items()):
        alike: dict[frozenset[str], list[str]] = {}
        for evr, lacked in versions.items():
            alike.setdefault(frozenset(lacked), []).append(evr)
        ordered = sorted((sorted(lacked), evrs) for lacked, evrs in alike.items())
        lines += [_line(name, arch, evrs, lacked, tail, pool) for lacked, evrs in ordered]
    return tuple(lines)


def _line(
    name: str,
    arch: str,
    evrs: Sequence[str],
    lacked: Sequence[str],
    end: str,
    pool: PackagePool,
) -> str:
    which = f"{name}-{evrs[0]}.{arch}" if len(evrs) == 1 else f"{name} {_versions(evrs)}"
    needs = "needs" if len(evrs) == 1 else "need"
    shown = [*lacked[:_SHOWN], *([f"{len(lacked) - _SHOWN} more"] if len(lacked) > _SHOWN else [])]
    wanted = {text.split(" ")[0] for text in lacked} if end else set()
    there = {one: _newest(one, pool) for one in wanted}
    has = joined([f"{one} {evr}" for one, evr in sorted(there.items()) if evr])
    tail = f" (there is {has})" if has else ""
    return f"{which} {needs} {joined(shown)}{end}{tail}"


def _versions(evrs: Sequence[str]) -> str:
    """The versions without releases where these are ours and say nothing."""
    found = [_parsed(evr) for evr in evrs if evr.endswith(".streamsolve")]
    if len(found) == len(evrs) and all(found):
        return version_ranges(tuple(sorted(one for one in found if one)))
    newest = evrs[0]
    for evr in evrs[1:]:
        newest = evr if compare_evr(evr, newest) > 0 else newest
    return f"{newest} and {len(evrs) - 1} older" + (" ones" if len(evrs) > 2 else " one")


def _parsed(evr: str) -> Version | None:
    try:
        return parse_version(evr.rpartition(":")[2].rpartition("-")[0])
    except InvalidVersion:
        return None


def _of_own_version(fact: RootFact) -> str:
    """``libgcc >= 11.5.0-2.el9`` of gcc 11.5.0-2.el9 as what any version of it needs."""
    name, op, evr = split_capability(fact.rule.dependency)
    if op and evr == fact.evr and fact.rule.dependency[:1] != "(":
        return f"{name} {op} its own version" if op != "=" else f"{name} of its own version"
    return fact.rule.dependency


def _newest(name: str, pool: PackagePool) -> str:
    """The newest version of a package that the base has; empty if none."""
    found = pool.named(name) if name[:1] not in "(/" else ()
    return found[0].evr if found else ""
