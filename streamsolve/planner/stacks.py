"""Stacks that a base ships more than once, and that must not be mixed.

Fedora has ROCm as `rocm-core`, `rocblas`, … and once more as `rocm-core7.2`, `rocblas7.2`, … under
a prefix of their own. Both lie side by side, and their libraries have the same SONAMEs: for RPM one
can stand in for the other, in a process it cannot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..model.component import Component, Origin
from ..model.profile import CoherenceGroup, Profile
from ..model.rpm_dependency import split_capability
from ..model.rpm_language import Capability
from ..model.rpm_version import satisfies
from ..model.stream import Offer, Stream
from ..selection import Nogood, Selection
from ..solving import PackagePool

__all__ = ["in_stack", "mixed_stacks"]


def mixed_stacks(selection: Selection, profile: Profile) -> tuple[Nogood, ...]:
    """The base's streams of a group that are of another stack than its leader, each with it."""
    chosen = {stream.component: stream for stream in selection.streams}
    found = []
    for group in profile.groups:
        leader = chosen.get(group.leader)
        if leader is None or (stack := _stack(leader.offer, profile)) is None:
            continue
        for member in _members(group, leader):
            other = chosen.get(member)
            if other is not None and _stack(other.offer, profile) not in (None, stack):
                text = (
                    f"{other.offer.package} is of another stack than {leader.offer.package}: their "
                    "libraries have the same names, so that one would stand in for the other"
                )
                found.append(Nogood((leader.offer, other.offer), (text,)))
    return tuple(found)


def in_stack(text: str, streams: Iterable[Stream], profile: Profile, pool: PackagePool) -> str:
    """A dependency by the name that its package has in the stack of ``streams``: beside
    ``rocm-core7.2`` it is ``rocm-hip7.2-devel`` that ``rocm-hip-devel`` means.

    What that stack has under no such name, or at no version that is asked for, stays as it is.
    """
    if text[:1] in "(/":
        return text
    leaders = {group.leader for group in profile.groups}
    stacks = {_stack(s.offer, profile) or "" for s in streams if s.component in leaders}
    name, op, evr = split_capability(text)
    for stack in sorted(stacks - {""}):
        for compat in _numbered(name, stack):
            for found in pool.named(compat)[:1]:
                asked, own = Capability(compat, op, evr), Capability(compat, "=", found.evr)
                if found.source.endswith(stack) and (not op or satisfies(own, asked)):
                    return str(asked)
    return text


def _numbered(name: str, stack: str) -> Iterator[str]:
    """The places where a number can be in a name, from its end on: before ``-devel`` and such."""
    parts = name.split("-")
    for end in range(len(parts), 0, -1):
        rest = "".join(f"-{part}" for part in parts[end:])
        yield f"{'-'.join(parts[:end])}{stack}{rest}"


def _members(group: CoherenceGroup, leader: Stream) -> Iterator[Component]:
    """The group's, and what the leader itself requires, such as the compiler of a stack."""
    yield from (member for member in group.members if member not in group.exempt)
    yield from (requirement.component for requirement in leader.requirements)


def _stack(offer: Offer, profile: Profile) -> str | None:
    """What a base's package bears behind its usual name: ``7.2`` of ``rocm-core7.2``, nothing of
    ``rocm-core``. None for what is no package of a component that has compat packages."""
    rule = profile.rule(offer.component)
    if rule is None or offer.origin is not Origin.BASE or not any("{" in p for p in rule.packages):
        return None
    for name in sorted(rule.packages, key=len):
        if "{" not in name and offer.package.startswith(name):
            return offer.package.removeprefix(name)
    return None
