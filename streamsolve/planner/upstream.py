"""Upstream: what the profile embeds first, then the package index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from attrs import define, field
from packaging.utils import canonicalize_name
from packaging.version import Version

from ..errors import Code, InputError, Place
from ..model.build import BuildSystem
from ..model.requirement import Requirement
from ..model.upstream import Release, ReleaseMetadata

if TYPE_CHECKING:
    from ..inputs.upstream_extract import UpstreamExtract

__all__ = ["Index", "Upstream", "window"]

_SERIES_SHOWN = 8


class Index(Protocol):
    """What a package index offers."""

    def releases(self, name: str) -> tuple[Release, ...]: ...

    def releases_of(self, names: Iterable[str]) -> dict[str, tuple[Release, ...]]: ...

    def metadata(
        self,
        wanted: Iterable[tuple[str, Version]],
        *,
        on_bad: Callable[[str, Version, InputError], None] | None = None,
    ) -> dict[tuple[str, Version], ReleaseMetadata]: ...

    def build_systems(
        self,
        wanted: Iterable[tuple[str, Version]],
        *,
        on_bad: Callable[[str, Version, InputError], None] | None = None,
    ) -> dict[tuple[str, Version], BuildSystem]: ...

    def read_sdist_member(
        self, name: str, version: Version, matching: Callable[[str], bool]
    ) -> dict[str, bytes]: ...


@define
class Upstream:
    """Releases and their metadata.

    A distribution that the extract knows is taken from it alone, so that a plan does not change
    from one day to the next; anything else is asked of the index, and so is a distribution with an
    extra that the extract does not keep. Without an index (offline and
    nothing cached is the index's own error) unknown distributions have no releases.
    """

    extract: UpstreamExtract | None
    index: Index | None
    widened: set[str] = field(factory=set)
    offline: bool = False
    truncated: set[str] = field(factory=set)
    unreadable: dict[tuple[str, Version], InputError] = field(factory=dict)
    unreadable_builds: dict[tuple[str, Version], InputError] = field(factory=dict)
    unasked: set[str] = field(factory=set)
    """Distributions that a plan goes on without, though the index could not be asked for them."""
    _prefetched: set[str] = field(factory=set, init=False)
    _embedded: frozenset[str] = field(default=frozenset(), init=False)

    def __attrs_post_init__(self) -> None:
        if self.extract is not None:
            self._embedded = frozenset(self.extract.names)

    def releases(
        self, name: str, keep: Sequence[Version] = (), demanded: Sequence[Requirement] = ()
    ) -> tuple[Release, ...]:
        """The releases worth considering, oldest first. Always among them, if the index has them:
        the versions ``keep``, and the newest that each of ``demanded`` lets in."""
        known: tuple[Release, ...] = ()
        if self.extract is not None and name in self._embedded:
            known = self.extract.releases(name)
            if name not in self.widened:
                return known
        if self.index is None:
            return known
        every = usable(self.index.releases(name), demanded)
        shown = every if name in self.widened else window(every, keep, demanded)
        if len(shown) < len(every):
            self.truncated.add(name)
        found = {release.version: release for release in (*shown, *known)}
        return tuple(found[version] for version in sorted(found))

    def prefetch(self, names: Iterable[str]) -> None:
        """Fetch listings together that will be asked for one by one. What is not at hand offline is
        no error before it is asked for: what the base has of it may be enough."""
        missing = {name for name in names if name not in self._embedded} - self._prefetched
        if missing and self.index is not None:
            self._prefetched |= missing
            try:
                self.index.releases_of(sorted(missing))
            except InputError as error:
                if error.code is not Code.OFFLINE_NOT_CACHED:
                    raise

    def metadata(
        self, wanted: Sequence[tuple[str, Version]]
    ) -> dict[tuple[str, Version], ReleaseMetadata]:
        """The metadata of releases, fetched together where it is not embedded.

        A release whose metadata cannot be read is not in the answer, and is in :attr:`unreadable`.
        """
        known: dict[tuple[str, Version], ReleaseMetadata] = {}
        missing = list(wanted)
        if self.extract is not None:
            embedded = [pair for pair in wanted if self._embeds(*pair)]
            known = dict(self.extract.metadata(embedded))
            missing = [pair for pair in wanted if pair not in known]
        if missing and self.index is not None:
            known.update(self.index.metadata(missing, on_bad=self._note_unreadable))
        return known

    def build_systems(
        self, wanted: Iterable[tuple[str, Version]]
    ) -> dict[tuple[str, Version], BuildSystem]:
        """What the sdists of releases say that building them needs, by normalised name and version,
        sorted; read together where it is not embedded.

        A release that has no sdist is not in the answer. One whose sdist cannot be read, offline
        also because it is not in the cache, is not in it either, and is in
        :attr:`unreadable_builds`.
        """
        keys = sorted({(str(canonicalize_name(name)), version) for name, version in wanted})
        known: dict[tuple[str, Version], BuildSystem] = {}
        if self.extract is not None:
            known = self.extract.build_systems(keys)
        missing = [key for key in keys if key not in known and not self._has_no_sdist(*key)]
        if missing and self.index is not None:
            known.update(self.index.build_systems(missing, on_bad=self._note_unreadable_build))
        else:
            self.unreadable_builds.update((key, _not_embedded(*key)) for key in missing)
        return {key: known[key] for key in keys if key in known}

    def _has_no_sdist(self, name: str, version: Version) -> bool:
        """Whether the extract says so, of a release that the index need then not be asked for."""
        if self.extract is None or name not in self._embedded:
            return False
        return any(
            release.version == version and not release.sdists
            for release in self.extract.releases(name)
        )

    def requirement_file(self, name: str, version: Version, path: str) -> str | None:
        """A requirement file of a release's sdist, or None where it has no such file."""
        if self.extract is not None and (name, str(version)) == (
            self.extract.application,
            self.extract.version,
        ):
            found = self.extract.requirement_file(path)
            if found is not None or self.index is None:
                return found
        if self.index is None:
            return None
        members = self.index.read_sdist_member(name, version, _is_requirement_file)
        content = members.get(path)
        return None if content is None else content.decode("utf-8", "replace")

    def _embeds(self, name: str, version: Version) -> bool:
        return (
            self.extract is not None
            and name in self._embedded
            and any(release.version == version for release in self.extract.releases(name))
        )

    def _note_unreadable(self, name: str, version: Version, error: InputError) -> None:
        self.unreadable[name, version] = error

    def _note_unreadable_build(self, name: str, version: Version, error: InputError) -> None:
        self.unreadable_builds[name, version] = error

    def widen(self, names: Iterable[str]) -> bool:
        """Consider all releases of these distributions from now on; whether that adds any.

        For those that the extract knows this asks the index, unless it is not to be asked.
        """
        asked = self._embedded if self.index is not None and not self.offline else frozenset()
        wider = (set(names) & (self.truncated | asked)) - self.widened
        beyond = wider & asked
        if beyond and self.index is not None:
            try:
                self.index.releases_of(sorted(beyond))
            except InputError:
                wider -= beyond
        self.widened |= wider
        return bool(wider)

    def give_up(self, wanted: Iterable[tuple[str, Version, str]]) -> bool:
        """Ask the index, from now on, for the distributions of which the extract does not say what
        an extra adds: of ``wanted`` (name, version, extra). Whether there are any.

        Raises :class:`InputError` where the index cannot be asked.
        """
        extract = self.extract
        if extract is None:
            return False
        lacking = sorted(
            (name, extra)
            for name, version, extra in wanted
            if name in self._embedded and not extract.keeps(name, version, extra)
        )
        if lacking and self.index is not None:
            self._ask_for(self.index, lacking)
        self._embedded -= {name for name, _ in lacking}
        return bool(lacking)

    def _ask_for(self, index: Index, extras: Sequence[tuple[str, str]]) -> None:
        """Fetch the listings that say what extras add: without them nothing is known of these."""
        try:
            index.releases_of(sorted({name for name, _ in extras}))
        except InputError as error:
            told = ", ".join(dict.fromkeys(f"{name}[{extra}]" for name, extra in extras))
            if error.code is not Code.OFFLINE_NOT_CACHED:
                raise
            raise InputError(
                error.code,
                f"what {told} adds is not known: the releases that come with the tool do not say, "
                "and the package index was not asked",
                hint="run the same command once without --offline",
            ) from None

    def only_embedded(self, name: str) -> bool:
        """Whether the extract was all that was looked at for a distribution."""
        return name in self._embedded and name not in self.widened


def _not_embedded(name: str, version: Version) -> InputError:
    return InputError(
        Code.INDEX_BAD_METADATA,
        "what its sdist says of its build is not embedded, and there is no package index to ask",
        place=Place(f"{name} {version}"),
    )


def _is_requirement_file(path: str) -> bool:
    return path.endswith(".txt") and "require" in path


def usable(
    releases: Iterable[Release], demanded: Sequence[Requirement] = ()
) -> tuple[Release, ...]:
    """Releases that have a file. A yanked one only where it is pinned (PEP 592); pre-releases
    where a demand names one, where no final release meets it, and where there is nothing else."""
    present = [r for r in releases if r.sdists or r.wheels]
    kept = [r for r in present if not r.yanked or _pinned(r, demanded)]
    final = [r for r in kept if not r.version.is_prerelease]
    if not final:
        return tuple(sorted(kept, key=_by_version))
    wanted = [
        r
        for r in demanded
        if r.specifier.prereleases or not any(r.allows(release.version) for release in final)
    ]
    early = [
        release
        for release in kept
        if release.version.is_prerelease and any(r.allows(release.version) for r in wanted)
    ]
    return tuple(sorted([*final, *early], key=_by_version))


def _by_version(release: Release) -> Version:
    return release.version


def _pinned(release: Release, demanded: Sequence[Requirement]) -> bool:
    return any(
        clause.operator in ("==", "===") and not clause.version.endswith(".*")
        for requirement in demanded
        if requirement.allows(release.version)
        for clause in requirement.specifier
    )


def window(
    releases: Sequence[Release],
    keep: Sequence[Version] = (),
    demanded: Sequence[Requirement] = (),
) -> tuple[Release, ...]:
    """The newest release of each of the newest minor series, those to be kept, and the newest that
    each demand lets in.

    A search over every release ever made would fetch their metadata to prove that they are no
    better. When there is no plan inside the window, the planner looks outside it.

    Where there are more series than that, those of them that say for no Python that they run on
    it, although a newer one does, are left out too: they are older than that key
    (``Requires-Python``, PEP 345; indexes show it since 2017), and requiring less than their
    successors would make them look cheap.
    """
    newest: dict[tuple[int, ...], Release] = {}
    for release in releases:
        newest[release.version.release[:2]] = release
    series = list(newest.values())[-_SERIES_SHOWN:]
    if len(newest) > _SERIES_SHOWN and any(r.requires_python for r in series):
        while not series[0].requires_python:
            series.pop(0)
    shown = {r.version: r for r in series}
    shown.update({r.version: r for r in releases if r.version in keep})
    for requirement in demanded:
        for release in reversed(releases):
            if requirement.allows(release.version):
                shown[release.version] = release
                break
    return tuple(shown[version] for version in sorted(shown))
