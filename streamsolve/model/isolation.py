"""Whether anything private leaks: the check over the roots of a finished plan.

Packages are of three sorts, told by their repository: *planned* ones (``private``, ``external``),
those of an overlay, and the base's. A stream's packages are the planned ones and those of an
overlay that the plan attributes to a stream; what else an overlay brings along is a third party's
and neither base nor stream. What counts as a leak:

- *foreign package*: a planned package lies in a root whose streams do not name the stream that it
  is of, or it is of no stream at all.
- *two streams*: a root has two streams of one component; or packages of different sources provide
  one ``pythonX.Ydist(name)`` or ``python(abi)``, and they are not all the base's or not of one
  version: that a base has one thing twice is its own affair. The base's own interpreter counts
  only where ``Root.tools`` does not name it (``python 3.15``).
- *unqualified provide*: a stream's package provides what is not its own (see
  :func:`streamsolve.model.own_names.is_own`) and what a package of the base requires, or provides
  as well, in whatever version. Provides that only state something (``bundled(x)``) are left out.
- *base needs private*: a package of the base in a root has a requirement that nothing but a
  stream's or an overlay's package meets there, and that no package of the base could meet.
- *base changed*: a planned package has the name of a base package that was chosen for the same
  root, or lies beside one; a package of a root is from a repository that nobody named; one
  package of the base has two checksums; or the base has a repository of the name under which
  private packages are written.

Each package is looked at once however many roots hold it, so that the time grows with the
packages and only a little with the roots. The answer does not depend on the order of anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from .base_needs import base_needs_private
from .build import Isolation, Leak, LeakKind, Root, RootStream, stream_id
from .component import PYTHON, Origin
from .held_packages import PLANNED, HeldPackages, parsed
from .own_names import is_own, is_statement
from .package import Package
from .rpm_language import Capability

__all__ = ["check_isolation"]

_DISTRIBUTION = re.compile(r"python3\.\d+dist\([^()\[\]]+\)")
_ABI = "python(abi)"

BaseProvides = Callable[[str], bool]
Requirers = Callable[[Iterable[str]], Mapping[str, tuple[str, ...]]]


def check_isolation(
    roots: Sequence[Root],
    owners: Mapping[str, RootStream],
    base_provides: BaseProvides,
    requirers: Requirers,
    overlays: frozenset[str] = frozenset(),
    base_repositories: frozenset[str] = frozenset(),
) -> Isolation:
    """Look for leaks in all roots of a plan, the runtime root included.

    ``owners`` says for the full name of a stream's package which stream it is of.
    ``base_provides`` says whether any package of the base, chosen or not, meets a dependency, and
    ``requirers`` which of its packages state a requirement that a provide would meet, for many at
    once; neither counts overlays. ``overlays`` and ``base_repositories`` are ids; without the
    latter, repositories are not compared. Leaks come sorted. A leak that is a package's own doing
    is told once, with the first root that holds it; one that is a root's, once for each root.
    """
    held = HeldPackages(tuple(sorted(roots, key=lambda root: root.id)), owners, overlays)
    leaks = {
        *_foreign(held),
        *_two_streams(held),
        *_unqualified(held, base_provides, requirers),
        *base_needs_private(held, base_provides),
        *_base_changed(held, base_repositories),
    }
    return Isolation(
        tuple(sorted(leaks)),
        roots=len(roots),
        packages=len({(package.repository, package.nevra) for package in held.packages}),
        provides=len(
            {(package.nevra, text) for package, _ in held.of_streams for text in package.provides}
        ),
    )


# --- streams and their roots ---------------------------------------------------------------------


def _foreign(held: HeldPackages) -> Iterator[Leak]:
    for root in held.roots:
        named = {_identity(stream) for stream in root.streams}
        for number in held.members[root.id]:
            if not held.planned[number]:
                continue
            owner = held.stream[number]
            if owner is None or _identity(owner) not in named:
                whose = stream_id(owner.component, owner.version) if owner else ""
                nevra = held.nevras[number]
                yield Leak(LeakKind.FOREIGN_PACKAGE, nevra, other=whose, root=root.id)


def _identity(stream: RootStream) -> tuple[object, ...]:
    """A stream whichever build made it: the passes of one stream give the same package."""
    return (stream.component, stream.version, stream.origin, stream.package)


def _two_streams(held: HeldPackages) -> Iterator[Leak]:
    sources = [_source(held, number) for number in range(len(held.packages))]
    unique = [_at_most_one(package) for package in held.packages]
    for root in held.roots:
        yield from _two_of_a_component(held, root)
        claimed: dict[str, list[tuple[int, str]]] = {}
        for number in held.members[root.id]:
            for name, version in unique[number]:
                as_tool = name == _ABI and held.of_base[number] and _tool(version) in root.tools
                if not as_tool:
                    claimed.setdefault(name, []).append((number, version))
        for name, claims in claimed.items():
            clash = _clash(held, claims, sources) if len(claims) > 1 else None
            if clash:
                yield Leak(LeakKind.TWO_STREAMS, clash[0], name, clash[1], root.id)


def _tool(series: str) -> str:
    """How a root names the base's interpreter that lies in it as a tool."""
    return f"{PYTHON} {series}"


def _clash(
    held: HeldPackages, claims: Iterable[tuple[int, str]], sources: Sequence[object]
) -> tuple[str, str] | None:
    """The first two packages that cannot both be right, those of streams before the base's."""
    in_order = sorted(claims, key=lambda claim: (held.of_base[claim[0]], held.nevras[claim[0]]))
    for (first, one), (second, other) in combinations(in_order, 2):
        differ = one and other and one != other
        of_base = held.of_base[first] and held.of_base[second]
        if sources[first] != sources[second] and (differ or not of_base):
            return held.nevras[first], held.nevras[second]
    return None


def _two_of_a_component(held: HeldPackages, root: Root) -> Iterator[Leak]:
    chosen: dict[object, dict[tuple[object, ...], RootStream]] = {}
    for stream in root.streams:
        chosen.setdefault(stream.component, {})[_identity(stream)] = stream
    for streams in chosen.values():
        if len(streams) > 1:
            first, second, *_ = sorted(_full_name(held, root, one) for one in streams.values())
            component = next(iter(streams.values())).component
            yield Leak(LeakKind.TWO_STREAMS, first, component.spelled, second, root.id)


def _full_name(held: HeldPackages, root: Root, stream: RootStream) -> str:
    """The package of a stream as it lies in a root; name and version where it does not."""
    names = (
        held.nevras[number]
        for number in held.members[root.id]
        if held.packages[number].name == stream.package and _is_of(held.stream[number], stream)
    )
    return min(names, default=f"{stream.package}-{stream.version}")


def _is_of(owner: RootStream | None, stream: RootStream) -> bool:
    if owner is None:
        return stream.origin is Origin.BASE
    return _identity(owner) == _identity(stream)


def _at_most_one(package: Package) -> list[tuple[str, str]]:
    """What only one source in a root may provide, with its version if it says one:
    distributions and the interpreter's series."""
    return [
        (have.name, have.evr)
        for text in package.provides
        if text.startswith("python")
        for have in (parsed(text),)
        if isinstance(have, Capability)
        and (have.name == _ABI or _DISTRIBUTION.fullmatch(have.name))
    ]


def _source(held: HeldPackages, number: int) -> tuple[object, ...]:
    """What a package is built from: its stream, else its source package."""
    stream, package = held.stream[number], held.packages[number]
    if stream is not None:
        return (stream.component, stream.version, stream.origin)
    return (package.source or package.name,)


# --- what would reach the base -------------------------------------------------------------------


def _unqualified(
    held: HeldPackages, base_provides: BaseProvides, requirers: Requirers
) -> Iterator[Leak]:
    found: list[tuple[str, str, str]] = []
    for package, stream in held.of_streams:
        for text in package.provides:
            have = parsed(text)
            if (
                isinstance(have, Capability)
                and not is_own(package, stream, have)
                and not is_statement(have.name)
            ):
                found.append((package.nevra, text, have.name))
    if not found:
        return
    required = requirers(sorted({text for _, text, _ in found}))
    names = sorted({name for _, _, name in found})
    provided = {name for name in names if base_provides(name)}
    for nevra, text, name in found:
        users = required.get(text, ())
        if users or name in provided:
            other = min(users, default="")
            root = held.first_root[nevra]
            yield Leak(LeakKind.UNQUALIFIED_PROVIDE, nevra, text, other, root)


# --- the base as it is ---------------------------------------------------------------------------


def _base_changed(held: HeldPackages, base_repositories: frozenset[str]) -> Iterator[Leak]:
    for root in held.roots:
        members = held.members[root.id]
        chosen = {stream.package for stream in root.streams if stream.origin is Origin.BASE}
        planned = {held.packages[n].name: held.nevras[n] for n in members if held.planned[n]}
        beside: dict[str, str] = {}
        for number in members:
            name = held.packages[number].name
            if name in planned and held.of_base[number]:
                nevra = held.nevras[number]
                beside[name] = min(nevra, beside.get(name, nevra))
        for name, nevra in planned.items():
            if name in chosen or name in beside:
                yield Leak(LeakKind.BASE_CHANGED, nevra, name, beside.get(name, ""), root.id)
    yield from _two_checksums(held)
    if base_repositories:
        yield from _repositories(held, base_repositories)


def _two_checksums(held: HeldPackages) -> Iterator[Leak]:
    checksums: dict[tuple[str, str], set[str]] = {}
    for number, package in enumerate(held.packages):
        if not held.planned[number] and package.checksum:
            key = (held.nevras[number], package.repository)
            checksums.setdefault(key, set()).add(package.checksum)
    for (nevra, repository), found in checksums.items():
        if len(found) > 1:
            root = held.first_root[nevra]
            yield Leak(LeakKind.BASE_CHANGED, nevra, other=repository, root=root)


def _repositories(held: HeldPackages, base_repositories: frozenset[str]) -> Iterator[Leak]:
    known = base_repositories | held.overlays
    for name in known & PLANNED:
        yield Leak(LeakKind.BASE_CHANGED, "", other=name)
    for number, package in enumerate(held.packages):
        if not held.planned[number] and package.repository not in known:
            nevra = held.nevras[number]
            root = held.first_root[nevra]
            yield Leak(LeakKind.BASE_CHANGED, nevra, other=package.repository, root=root)
