"""Parts of the streams' builds that nobody planned and that a root needs all the same.

A plan has the package that a stream is used by; its build may make more, such as the libraries that
this package needs. Those are known by the release that emitted specs give all packages of a stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..errors import InputError
from ..model.build import Root
from ..model.rpm_header import RpmHeader
from ..model.rpm_language import Capability, Dependency, parse_dependency
from ..model.rpm_matching import Provided
from .names import release_of

__all__ = ["needed_parts"]


def needed_parts(
    root: Root, chosen: Sequence[RpmHeader], headers: Iterable[RpmHeader]
) -> tuple[RpmHeader, ...]:
    """The further files that private packages of a root require of each other, sorted.

    What several files would meet is met by the first by name. A requirement that no part meets is
    the base's to meet.
    """
    beginnings = tuple(
        f"{release_of(stream.build.partition('/')[0])}." for stream in root.streams if stream.build
    )
    if not beginnings:
        return ()
    parts = [h for h in sorted(headers) if f"{h.release}.".startswith(beginnings)]
    added: list[RpmHeader] = []
    pool = [header for header in parts if header not in chosen]
    waiting = [header for header in chosen if header in parts]
    held = list(waiting)
    while waiting:
        for dependency in _requirements(waiting.pop()):
            if _provided(held).meets(dependency):
                continue
            found = next((each for each in pool if _provided([each]).meets(dependency)), None)
            if found is not None:
                pool.remove(found)
                added.append(found)
                held.append(found)
                waiting.append(found)
    return tuple(sorted(added))


def _provided(headers: Iterable[RpmHeader]) -> Provided:
    return Provided.of(
        (header.file, dependency)
        for header in headers
        for text in header.provides
        for dependency in _parsed(text)
        if isinstance(dependency, Capability)
    )


def _requirements(header: RpmHeader) -> Iterator[Dependency]:
    for text in header.requires:
        if not text.startswith("rpmlib("):
            yield from _parsed(text)


def _parsed(text: str) -> Iterator[Dependency]:
    """The dependency, unless it is none that can be read: then it asks for nothing here."""
    try:
        yield parse_dependency(text)
    except InputError:
        return
