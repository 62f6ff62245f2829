"""What a packager should know of a selection before it is built: the plan's warnings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from ..model.component import PYTHON, Component, Kind, Origin, distribution
from ..model.package import Package
from ..model.plan import Demander, Notice
from ..model.rpm_dependency import rpm_version
from ..selection import Selection
from .book import Book
from .module_streams import module_notices

__all__ = ["selection_notices"]

_COMMIT = re.compile(r"[0-9a-f]{40,64}")


def selection_notices(
    book: Book,
    selection: Selection,
    packages: Iterable[Package],
    required_by: Callable[[Component], Iterable[Demander]],
) -> Iterator[Notice]:
    """All of them, in a fixed order.

    ``packages`` are those of all roots, ``required_by`` says who requires a component.
    """
    yield from _mixed_groups(book, selection)
    yield from _prebuilt(selection)
    yield from _unpackaged_extras(book, selection)
    yield from _unused_relaxations(book, required_by)
    yield from _same_to_rpm(book, selection)
    yield from _windows(book)
    yield from module_notices(book.base.modules, (*packages, *_behind(book, selection)))
    yield from _bundled(book)


def _behind(book: Book, selection: Selection) -> Iterator[Package]:
    """The packages of the base's streams: a toolchain lies in build roots alone, which a plan
    without its builds has not."""
    if not book.base.modules.active:
        return
    chosen = {stream.offer for stream in selection.streams}
    for stream in selection.streams:
        yield from (each.package for each in book.base.of(stream.component) if each.offer in chosen)


def _mixed_groups(book: Book, selection: Selection) -> Iterator[Notice]:
    chosen = {stream.component: stream for stream in selection.streams}
    for group in book.profile.groups:
        leader = chosen.get(group.leader)
        if leader is None:
            continue
        minor = leader.version.release[:2]
        mixed = [
            f"{member} {chosen[member].version}"
            for member in dict.fromkeys((*group.members, *group.exempt))
            if member in chosen
            and chosen[member].offer.origin is not Origin.OMITTED
            and chosen[member].version.release[:2] != minor
        ]
        if mixed:
            yield Notice(
                "mixed-group",
                f"upstream's pins mix minors of the group {group.name}: "
                f"{leader.component} is {leader.version}, but {', '.join(mixed)}",
            )


def _prebuilt(selection: Selection) -> Iterator[Notice]:
    every = [s for s in selection.streams if s.offer.prebuilt]
    for others, form in ((False, "wheel"), (True, "own binary")):
        prebuilt = [s for s in every if (s.component.kind is not Kind.DISTRIBUTION) is others]
        if not prebuilt:
            continue
        names = ", ".join(f"{s.component} ({s.licence or 'no licence stated'})" for s in prebuilt)
        yield Notice(
            "prebuilt",
            f"{_counted(len(prebuilt), 'stream is', 'streams are')} repackaged from upstream's "
            f"{form}, not built: {names}",
        )


def _unpackaged_extras(book: Book, selection: Selection) -> Iterator[Notice]:
    written = []
    for stream in selection.streams:
        found = book.base_stream(stream.offer)
        if found is None or stream.offer.origin is not Origin.BASE:
            continue
        packaged = book.base.packaged_extras(found.package)
        for extra in selection.extras.get(stream.component, ()):
            if extra not in packaged:
                written.append(f"{stream.component}[{extra}]")
    if written:
        yield Notice(
            "unpackaged-extras",
            f"the base ships no package for the extras {', '.join(written)}; what they add is "
            "written out in the private packages that ask for them",
        )


def _unused_relaxations(
    book: Book, required_by: Callable[[Component], Iterable[Demander]]
) -> Iterator[Notice]:
    asked = set(book.adjuster.further)
    for by, name, specifier in sorted(asked - book.adjuster.used):
        stated = [
            f"{d.component} {d.requirement}"
            for d in required_by(distribution(name))
            if not by or d.component.name == by
        ]
        known = f"; it is stated as {', '.join(stated)}" if stated else ""
        who = f"{by}:" if by else ""
        yield Notice("relax-unused", f"--relax {who}{name}{specifier} matches nothing{known}")


def _same_to_rpm(book: Book, selection: Selection) -> Iterator[Notice]:
    """Where PEP 440 tells versions apart and RPM cannot."""
    same = []
    for stream in selection.streams:
        if stream.offer.origin is not Origin.PRIVATE or stream.component == PYTHON:
            continue
        mine = rpm_version(stream.version)
        others = {
            str(offer.version)
            for offer in book.offers(stream.component)
            if offer.version != stream.version and rpm_version(offer.version) == mine
        }
        if others or stream.version.local:
            told = sorted(others) or [stream.version.public]
            same.append(f"{stream.component} {stream.version} from {', '.join(told)}")
    if same:
        yield Notice(
            "same-to-rpm",
            f"RPM cannot tell {'; '.join(same)}: no other build of it may be in reach of the "
            "private repository",
        )


def _windows(book: Book) -> Iterator[Notice]:
    narrow = sorted(book.upstream.truncated - book.upstream.widened)
    if narrow:
        yield Notice(
            "window",
            f"of {len(narrow)} distributions only the newest release of each of the newest "
            f"series was considered, and what the demands on them name: {', '.join(narrow)}",
        )


def _bundled(book: Book) -> Iterator[Notice]:
    bundled = [one for one in book.profile.bundled if book.variant.is_among(one.variants)]
    if bundled:
        names = ", ".join(f"{source.name} {_shortened(source.revision)}" for source in bundled)
        yield Notice(
            "bundled-sources",
            f"the build of {book.profile.name} fetches "
            f"{_counted(len(bundled), 'source', 'sources')} by itself, and a build root has no "
            f"network: provide {names}",
        )


def _shortened(revision: str) -> str:
    """A commit by its first digits; a tag as it is, since part of one may be another."""
    return revision[:12] if _COMMIT.fullmatch(revision) else revision


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
