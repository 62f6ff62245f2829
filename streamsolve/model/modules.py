"""Modules of a repository: streams of packages that are hidden until a stream is chosen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cmp_to_key

from attrs import frozen

from .rpm_version import compare_evr

__all__ = [
    "ANY_STREAM",
    "PLATFORM",
    "ModuleDefaults",
    "ModuleDependencies",
    "ModuleIndex",
    "ModuleObsoletes",
    "ModuleStream",
    "StreamChoice",
    "preferred",
    "stream_number",
]

PLATFORM = "platform"
"""The module that stands for the release of the base."""

AT_LEAST = ">="
_NUMBERED = re.compile(r"(?P<family>[A-Za-z_-]*)(?P<number>[0-9]+(?:\.[0-9]+)*)(?:\.z)?")


@frozen(order=True)
class StreamChoice:
    """Which streams of a module would do.

    ``labels`` are names of streams, in the order of their names; with ``excluded`` it is all others
    that would do, so that none excluded means any stream. A label may also be a virtual stream
    (``el8``), or for the platform ``>=el8.2``.
    """

    labels: tuple[str, ...] = ()
    excluded: bool = False

    @classmethod
    def parse(cls, texts: Iterable[str]) -> StreamChoice:
        """As modulemd writes it: ``[]`` any, ``[a, b]`` one of them, ``[-a, -b]`` all but them.

        ValueError for a list that names and excludes, and for an empty name.
        """
        found = sorted(set(texts))
        excluded = [text[1:] for text in found if text.startswith("-")]
        if excluded and len(excluded) < len(found):
            raise ValueError("it names streams and excludes others, which cannot be meant together")
        if not all(text.lstrip("-") for text in found):
            raise ValueError("a stream without a name")
        return cls(tuple(excluded or found), excluded=bool(excluded) or not found)

    @property
    def is_one(self) -> bool:
        """Whether it names one stream alone."""
        return len(self.labels) == 1 and not self.excluded

    def __str__(self) -> str:
        if self.excluded and not self.labels:
            return "any stream"
        return f"{'any but ' if self.excluded else ''}{' or '.join(self.labels)}"


ANY_STREAM = StreamChoice((), excluded=True)


@frozen(order=True)
class ModuleDependencies:
    """One group of dependencies, with choices by module, sorted. Of several groups any will do."""

    buildrequires: tuple[tuple[str, StreamChoice], ...] = ()
    requires: tuple[tuple[str, StreamChoice], ...] = ()
    context: str = ""


@frozen(order=True)
class ModuleStream:
    """One build of a module's stream, or the plan of one, which has no version and no context.

    ``virtual`` are further names of the stream. ``profiles`` are lists of packages by name,
    ``artifacts`` the packages (``name-epoch:version-release.architecture``), ``components`` the
    source packages with their place in the build order, ``demodularized`` names of packages that
    left the module: its own ones hide no others of these names. ``context`` is fixed by a packager
    where ``static_context``, else computed from the dependencies.
    """

    name: str
    stream: str
    version: int = 0
    context: str = ""
    arch: str = ""
    static_context: bool = False
    dependencies: tuple[ModuleDependencies, ...] = ()
    virtual: tuple[str, ...] = ()
    profiles: tuple[tuple[str, tuple[str, ...]], ...] = ()
    artifacts: tuple[str, ...] = ()
    components: tuple[tuple[str, int], ...] = ()
    summary: str = ""
    licences: tuple[str, ...] = ()
    demodularized: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """Builds of one stream and context replace each other."""
        return (self.name, self.stream, self.context)

    @property
    def nsvca(self) -> str:
        """``name:stream:version:context:architecture``, without what is not known."""
        parts = [self.name, self.stream, str(self.version or ""), self.context, self.arch]
        return ":".join(parts).rstrip(":")

    @property
    def labels(self) -> tuple[str, ...]:
        """All names of the stream, its own first."""
        return (self.stream, *(name for name in self.virtual if name != self.stream))

    def is_called(self, label: str) -> bool:
        """Whether ``label`` names this stream: its own name, a virtual one, or for the platform
        ``>=el8.2``, which is each of the family ``el`` from that number on."""
        if label in self.labels:
            return True
        return label.startswith(AT_LEAST) and self._is_from(
            label.removeprefix(AT_LEAST), minor=False
        )

    def answers(self, label: str) -> bool:
        """Whether what needs ``label`` at run time works with this stream.

        What was built on a minor release of the platform (``el8.2``) runs on the later ones of the
        same release.
        """
        return self.is_called(label) or self._is_from(label, minor=True)

    def _is_from(self, label: str, *, minor: bool) -> bool:
        wanted, own = stream_number(label), stream_number(self.stream)
        if self.name != PLATFORM or wanted is None or own is None or wanted[0] != own[0]:
            return False
        is_minor = len(wanted[1]) > 1 and wanted[1][0] == own[1][0]
        return own[1] >= wanted[1] and (is_minor or not minor)


def stream_number(stream: str) -> tuple[str, tuple[int, ...]] | None:
    """The family and the number of a platform's stream: ``el8.2.0`` is ``("el", (8, 2, 0))``."""
    found = _NUMBERED.fullmatch(stream)
    if found is None:
        return None
    return found["family"], tuple(map(int, found["number"].split(".")))


@frozen(order=True)
class ModuleDefaults:
    """Which stream of a module its repository recommends (empty: none), and which profiles of each
    stream are installed when nothing is said."""

    module: str
    stream: str = ""
    profiles: tuple[tuple[str, tuple[str, ...]], ...] = ()


@frozen(order=True)
class ModuleObsoletes:
    """The end of a stream (of one context of it, if there is one). ``modified`` and ``eol_date``
    are texts as ISO 8601 has them. ``by`` is ``name:stream`` of what takes its place; ``reset``
    takes back an earlier statement."""

    module: str
    stream: str
    modified: str
    context: str = ""
    message: str = ""
    eol_date: str = ""
    by: str = ""
    reset: bool = False


@frozen
class ModuleIndex:
    """All that repositories say of modules, each part sorted."""

    streams: tuple[ModuleStream, ...] = ()
    defaults: tuple[ModuleDefaults, ...] = ()
    obsoletes: tuple[ModuleObsoletes, ...] = ()

    @classmethod
    def joined(cls, indexes: Iterable[ModuleIndex]) -> ModuleIndex:
        """One index of several, in whatever order they come."""
        all_of = tuple(indexes)
        return cls(
            tuple(sorted({one for index in all_of for one in index.streams})),
            tuple(sorted({one for index in all_of for one in index.defaults})),
            tuple(sorted({one for index in all_of for one in index.obsoletes})),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The modules, sorted."""
        return tuple(sorted({stream.name for stream in self.streams}))

    def default_of(self, module: str) -> str:
        """The recommended stream; empty if there is none or repositories contradict each other."""
        found = {one.stream for one in self.defaults if one.module == module}
        return found.pop() if len(found) == 1 else ""

    def newest(self) -> tuple[ModuleStream, ...]:
        """The newest build of each stream and context, sorted."""
        found: dict[tuple[str, str, str], ModuleStream] = {}
        for stream in self.streams:
            known = found.get(stream.key)
            if known is None or (known.version, known) < (stream.version, stream):
                found[stream.key] = stream
        return tuple(sorted(found.values()))

    def end_of(self, stream: ModuleStream) -> ModuleObsoletes | None:
        """What was last said of the end of a stream, if that still holds."""
        said = [
            one
            for one in self.obsoletes
            if (one.module, one.stream) == (stream.name, stream.stream)
            and one.context in ("", stream.context)
        ]
        last = max(said, key=lambda one: (one.modified, one), default=None)
        return None if last is None or last.reset else last


def preferred(labels: Iterable[str], *, default: str = "", last: Iterable[str] = ()) -> list[str]:
    """Streams of one module, best first: the default, then the newest by RPM's order of versions,
    then by name; those of ``last`` after all others."""
    ended = frozenset(last)

    def order(one: str, other: str) -> int:
        ranks: Mapping[str, tuple[bool, bool]] = {
            label: (label in ended, label != default) for label in (one, other)
        }
        if ranks[one] != ranks[other]:
            return -1 if ranks[one] < ranks[other] else 1
        return compare_evr(other, one) or (-1 if one < other else int(one > other))

    return sorted(set(labels), key=cmp_to_key(order))
