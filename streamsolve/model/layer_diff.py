"""What somebody who has one image is sent again for the next one, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from attrs import evolve, frozen

from .difference import Change
from .layer_choice import LayerChoice, choose_layers, resent
from .layer_units import LayerMember, LayerUnit, RpmFile, layer_units
from .package import Package
from .plan import Plan
from .rpm_version import compare_evr

__all__ = ["LayerChange", "LayersDiff", "PackageResent", "layers_diff"]

_NO_FILES: Mapping[str, RpmFile] = MappingProxyType({})
_Place = tuple[str, str]


@frozen
class PackageResent:
    """A package because of which a layer is another one; ``size`` is what it has now. ``IN`` and
    ``OUT`` are of the image as a whole."""

    change: Change
    name: str
    arch: str
    old_evr: str = ""
    new_evr: str = ""
    size: int = 0
    estimated: bool = False


@frozen
class LayerChange:
    """A layer of the new image. ``sent`` says that it is sent again, ``below`` that this is only
    because of a layer below it.

    ``size`` is in bytes of RPM files, ``estimated`` how many of its packages have no known size.
    ``changes`` are the packages that are others now, ``moved`` are the names of those that are the
    same and lay in another layer; both are sorted by name.
    """

    title: str
    packages: int
    size: int
    estimated: int
    sent: bool
    below: bool = False
    changes: tuple[PackageResent, ...] = ()
    moved: tuple[str, ...] = ()


@frozen
class LayersDiff:
    """The layers of a new image beside those of an old one, lowest first.

    Bytes: ``sent`` is what is sent again, ``least`` what any assignment would have had to send
    (the packages that changed), ``anew`` what is sent if the layers are chosen without regard to
    the old image, ``by_kind`` what is sent with a layer for each kind, and ``whole`` is all of it.
    ``expected`` is what an update re-sends on average. ``count`` is how many layers were asked for,
    0 for one of each kind.
    """

    count: int
    ordered: bool
    layers: tuple[LayerChange, ...]
    sent: int
    least: int
    anew: int
    by_kind: int
    whole: int
    expected: int

    @property
    def estimated(self) -> int:
        """How many packages have no known size."""
        return sum(layer.estimated for layer in self.layers)


def layers_diff(
    old: Plan,
    new: Plan,
    count: int = 0,
    *,
    ordered: bool = False,
    earlier: Sequence[Plan] = (),
    siblings: Sequence[Plan] = (),
    old_files: Mapping[str, RpmFile] = _NO_FILES,
    new_files: Mapping[str, RpmFile] = _NO_FILES,
) -> LayersDiff:
    """What of the image of ``new`` is sent to somebody who has that of ``old``.

    The layers are those of ``choose_layers(new, count, like=[*earlier, old])`` among ``siblings``;
    an old image that is one of these is not taken for an earlier one. Files, by name-evr.arch in
    the plan, give sizes, and where both images have one, whether a package is another. ValueError
    as there.
    """
    before = layer_units(old, _comparable(old_files, old, new_files, new))
    now = layer_units(new, _comparable(new_files, new, old_files, old))
    choose = partial(choose_layers, count=count, ordered=ordered, siblings=siblings)
    like = earlier if old in siblings else [*earlier, old]
    had = _measured(choose(old, like=earlier), before)
    made = _measured(choose(new, like=like), now)
    anew = _measured(choose(new), now)
    kinds = [
        _measured(choose_layers(each, ordered=ordered), units)
        for each, units in ((old, before), (new, now))
    ]
    known = {member.identity for unit in before for member in unit.members}
    changed = (m for unit in now for m in unit.members if m.identity not in known)
    layers = _layers(had, made)
    return LayersDiff(
        count,
        ordered,
        layers,
        sent=sum(layer.size for layer in layers if layer.sent),
        least=sum(member.size for member in changed),
        anew=_sent(had, anew),
        by_kind=_sent(*kinds),
        whole=sum(layer.size for layer in layers),
        expected=round(made.expected),
    )


def _comparable(
    files: Mapping[str, RpmFile], plan: Plan, others: Mapping[str, RpmFile], other: Plan
) -> dict[str, RpmFile]:
    """The files, without the checksums of those that the other image has no file to compare with:
    what is planned has none."""
    there = {_place(package) for package in _packages(other) if package.nevra in others}
    places = {package.nevra: _place(package) for package in _packages(plan)}
    return {
        name: file if places.get(name) in there else evolve(file, sha256="")
        for name, file in files.items()
    }


def _packages(plan: Plan) -> tuple[Package, ...]:
    return plan.builds.runtime.packages if plan.builds else ()


def _place(package: Package) -> _Place:
    return package.name, package.arch


def _measured(choice: LayerChoice, units: Iterable[LayerUnit]) -> LayerChoice:
    """A choice with the units as they are measured."""
    by_key = {unit.key: unit for unit in units}
    return evolve(
        choice, layers=tuple(tuple(by_key[u.key] for u in layer) for layer in choice.layers)
    )


def _sent(old: LayerChoice, new: LayerChoice) -> int:
    sent = resent(new.layers, old.layers, ordered=new.ordered)
    pairs = zip(new.layers, sent, strict=True)
    return sum(unit.size for layer, is_sent in pairs if is_sent for unit in layer)


def _layers(old: LayerChoice, new: LayerChoice) -> tuple[LayerChange, ...]:
    """Each new layer, with what makes it another one."""
    alone = resent(new.layers, old.layers)
    sent = resent(new.layers, old.layers, ordered=new.ordered)
    successor = _successors(old.layers, new.layers)
    was = {
        _place(m.package): (m, successor[number])
        for number, layer in enumerate(old.layers)
        for unit in layer
        for m in unit.members
    }
    stay = {_place(m.package) for layer in new.layers for u in layer for m in u.members}
    found = []
    for number, (layer, group) in enumerate(zip(new.layers, new.groups(), strict=True)):
        members = [member for unit in layer for member in unit.members]
        changes, moved = [], []
        for member in members:
            before, place = was.get(_place(member.package), (None, None))
            if before is None or before.identity != member.identity:
                changes.append(_change(before, member))
            elif place != number:
                moved.append(member.package.name)
        gone = (m for place, (m, to) in was.items() if to == number and place not in stay)
        changes += [_gone(member) for member in gone]
        is_sent = sent[number]
        found.append(
            LayerChange(
                group.title,
                len(members),
                sum(member.size for member in members),
                sum(member.estimated for member in members),
                is_sent,
                is_sent and not alone[number],
                tuple(sorted(changes, key=lambda one: (one.name, one.arch, one.new_evr))),
                tuple(sorted(moved)),
            )
        )
    return tuple(found)


def _successors(
    old: Sequence[Sequence[LayerUnit]], new: Sequence[Sequence[LayerUnit]]
) -> list[int | None]:
    """For each old layer the new one that has the most bytes of its units; None for none."""
    place = {unit.key: (number, unit.size) for number, layer in enumerate(new) for unit in layer}
    found: list[int | None] = []
    for layer in old:
        shares: dict[int, int] = {}
        for unit in layer:
            if unit.key in place:
                number, size = place[unit.key]
                shares[number] = shares.get(number, 0) + size
        found.append(max(shares, key=lambda number: (shares[number], -number), default=None))
    return found


def _change(before: LayerMember | None, member: LayerMember) -> PackageResent:
    package, old = member.package, before.package.evr if before else ""
    change = Change.IN
    if before is not None:
        order = compare_evr(old, package.evr)
        change = {-1: Change.UP, 0: Change.CHANGED, 1: Change.DOWN}[order]
    return PackageResent(
        change, package.name, package.arch, old, package.evr, member.size, member.estimated
    )


def _gone(member: LayerMember) -> PackageResent:
    package = member.package
    return PackageResent(Change.OUT, package.name, package.arch, package.evr)
