"""Conflicts of builds in words, and which of them stand behind a choice that was refused.

A choice is refused because streams cannot be built (``torch 2.14.0 cannot be built`` among the
conflict's texts); why each cannot is a conflict of its own, whose chains begin at the build. A
reader wants them as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import evolve, frozen
from packaging.version import Version

from ..model.component import PYTHON, Kind
from ..model.conflict import Cause, Conflict, Demand
from .sentences import asked, built_component, built_for, joined, named, place_text, spelled
from .versions import version_ranges

__all__ = ["Refused", "Unbuilt", "build_clause", "build_sentence", "is_of_build", "with_causes"]

_CANNOT = " cannot be built"


@frozen
class Unbuilt:
    """A stream that cannot be built (``torch 2.14.0``), and the conflicts that say why."""

    stream: str
    causes: tuple[Conflict, ...]


@frozen
class Refused:
    """A conflict with the streams behind it that cannot be built. ``packages`` are the conflict's
    texts that none of these says."""

    conflict: Conflict
    unbuilt: tuple[Unbuilt, ...] = ()
    packages: tuple[str, ...] = ()


def is_of_build(conflict: Conflict) -> bool:
    """Whether it says why something cannot be built."""
    return bool(_built(conflict))


def _built(conflict: Conflict) -> str:
    """The component whose build a conflict is of, spelled; empty where it is of none."""
    by = {built_component(chain[0].by) for chain in conflict.chains}
    return by.pop() if len(by) == 1 else built_component(conflict.about)


def with_causes(conflicts: Iterable[Conflict]) -> tuple[Refused, ...]:
    """The conflicts in their order, those of builds under the ones that they stand behind."""
    every = tuple(conflicts)
    of_builds = _merged(conflict for conflict in every if is_of_build(conflict))
    used: list[Conflict] = []
    refused: list[Refused] = []
    for conflict in every:
        if is_of_build(conflict):
            continue
        streams = [t.removesuffix(_CANNOT) for t in conflict.packages if t.endswith(_CANNOT)]
        # What the conflict is about comes before what else was tried.
        streams.sort(key=lambda stream: stream.rpartition(" ")[0] != conflict.about.spelled)
        unbuilt = tuple(Unbuilt(s, _causes(s, of_builds)) for s in streams)
        causes = [cause for one in unbuilt for cause in one.causes]
        used += causes
        said = {text for cause in causes for text in cause.packages}
        rest = tuple(t for t in conflict.packages if not t.endswith(_CANNOT) and t not in said)
        refused.append(Refused(conflict, unbuilt, rest))
    left = [Refused(one, packages=one.packages) for one in of_builds if one not in used]
    return (*refused, *left)


def _causes(stream: str, of_builds: Sequence[Conflict]) -> tuple[Conflict, ...]:
    """The conflicts of the build of ``name version``; one without chains knows no version."""
    name, _, version = stream.rpartition(" ")
    found = (
        conflict
        for conflict in of_builds
        if _built(conflict) == name
        and (not conflict.chains or version in map(str, _versions(conflict)))
    )
    return tuple(sorted(found, key=lambda conflict: bool(_pythons(conflict))))


def _versions(conflict: Conflict) -> tuple[Version, ...]:
    return tuple(sorted({version for chain in conflict.chains for version in chain[0].versions}))


def _merged(conflicts: Iterable[Conflict]) -> tuple[Conflict, ...]:
    """The same conflict met with one interpreter after the other, once with all of them."""
    found: dict[object, Conflict] = {}
    for conflict in conflicts:
        key = (_without_end(conflict), conflict.packages)
        before = found.get(key)
        found[key] = conflict if before is None else _with_both_ends(before, conflict)
    return tuple(found.values())


def _without_end(conflict: Conflict) -> object:
    """A conflict apart from what its last demands met; itself where these let something in."""
    if any(chain[-1].allowed for chain in conflict.chains):
        return conflict
    chains = tuple((*chain[:-1], evolve(chain[-1], available=())) for chain in conflict.chains)
    return evolve(conflict, chains=chains)


def _with_both_ends(one: Conflict, other: Conflict) -> Conflict:
    return evolve(
        one,
        chains=tuple(
            (*mine[:-1], evolve(mine[-1], available=_both(mine[-1], its[-1])))
            for mine, its in zip(one.chains, other.chains, strict=True)
        ),
    )


def _both(one: Demand, other: Demand) -> tuple[Version, ...]:
    return tuple(sorted({*one.available, *other.available}))


# -- in words --------------------------------------------------------------------------------------


def build_sentence(conflict: Conflict, base: str = "") -> str:
    """That something cannot be built, on which base where that is given, and why."""
    what = " ".join(filter(None, (_built(conflict), version_ranges(_versions(conflict)))))
    if not conflict.chains:
        what = _built(conflict)
    where = f" on {base}" if base else ""
    return f"{what} cannot be built{where}: {_why(conflict)}."


def build_clause(conflict: Conflict, stream: str) -> str:
    """The same about ``name version``, as a clause that tells with which other Pythons it fails."""
    others = _pythons(conflict)
    return f"{stream} cannot be built{f' with Python {others}' if others else ''}: {_why(conflict)}"


def _pythons(conflict: Conflict) -> str:
    """The interpreters that something in a build root is not made for; empty for all else."""
    if len(conflict.chains) != 1 or conflict.about != PYTHON:
        return ""
    last = conflict.chains[0][-1]
    return (
        version_ranges(last.available) if built_for(last.requirement) and not last.allowed else ""
    )


def _why(conflict: Conflict) -> str:
    about = named(conflict.about)
    if not conflict.chains:
        return joined(conflict.packages) or "its build root cannot be solved"
    if len(conflict.chains) > 1:
        return f"what its build needs of {about} cannot be met together"
    chain = conflict.chains[0]
    if _pythons(conflict):
        series = f"{_stated_by(chain[-1])} is built for Python {built_for(chain[-1].requirement)}"
        needs = [f"its build needs {_needed(chain[0])}"] if len(chain) > 1 else []
        needs += [f"{_stated_by(demand)} needs {_needed(demand)}" for demand in chain[1:-1]]
        return ", and ".join([", ".join(needs), f"{series} alone"]) if needs else f"{series} alone"
    texts = [f"its build needs {_needed(chain[0])}"]
    texts += [f"{_stated_by(demand)} needs {_needed(demand)}" for demand in chain[1:]]
    return ", ".join([*texts[:-1], f"{texts[-1]}, and {_met(conflict, chain[-1])}"])


def _needed(demand: Demand) -> str:
    place = place_text(demand.requirement.place)
    # Whose file it is was said before.
    own = f"{built_component(demand.by)} {version_ranges(demand.versions)} "
    place = place.removeprefix(own) if built_component(demand.by) else place
    return f"{spelled(demand.requirement)}{f' ({place})' if place else ''}"


def _stated_by(demand: Demand) -> str:
    return f"{demand.by} {version_ranges(demand.versions)}" if demand.versions else str(demand.by)


def _met(conflict: Conflict, last: Demand) -> str:
    """What the last demand of the only chain meets."""
    about = last.requirement.component
    if conflict.cause is Cause.FORBIDDEN:
        return f"the profile's policy forbids {about} {version_ranges(last.allowed)}"
    if conflict.cause is Cause.UNREADABLE:
        return f"what {about} requires is not known"
    if not last.available:
        return "there is none" if about.kind is Kind.PACKAGE else f"no {about} can be had"
    if not last.allowed:
        return f"of {about} there is {version_ranges(last.available)}: none is {_asked(last)}"
    return f"{about} {version_ranges(last.allowed, last.available)} cannot be used"


def _asked(demand: Demand) -> str:
    requirement = demand.requirement
    if any(map(requirement.allows, demand.available)):
        return f"there with {joined(requirement.extras)}"
    return asked(requirement)
