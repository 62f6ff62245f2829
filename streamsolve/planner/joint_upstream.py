"""Upstream for several applications: what each one's profile embeds, as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import define, evolve, field
from packaging.version import Version

from ..errors import InputError
from ..inputs.core_metadata import OnBad
from ..inputs.upstream_extract import UpstreamExtract
from ..model.build import BuildSystem
from ..model.upstream import Release, ReleaseMetadata
from .upstream import Upstream

__all__ = ["JoinedExtracts", "JointUpstream"]


class JoinedExtracts(UpstreamExtract):
    """Several extracts as one. What two hold of one release is put together, since each keeps only
    the extras that its own application asks for."""

    def __init__(self, extracts: Sequence[UpstreamExtract]) -> None:
        super().__init__("", "", {}, {}, "")
        self.extracts = tuple(extracts)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that any of them knows, sorted."""
        return tuple(sorted({name for extract in self.extracts for name in extract.names}))

    def keeps(self, name: str, version: Version, extra: str) -> bool:
        """Whether any of those that hold a release says what an extra adds to it."""
        holders = [
            each
            for each in self.extracts
            if any(release.version == version for release in each.releases(name))
        ]
        return not holders or any(each.keeps(name, version, extra) for each in holders)

    def releases(self, name: str) -> tuple[Release, ...]:
        """The releases that any of them holds, oldest first; the first one's word counts."""
        found: dict[Version, Release] = {}
        for extract in self.extracts:
            for release in extract.releases(name):
                found.setdefault(release.version, release)
        return tuple(found[version] for version in sorted(found))

    def metadata(
        self, wanted: Iterable[tuple[str, Version]], *, on_bad: OnBad | None = None
    ) -> dict[tuple[str, Version], ReleaseMetadata]:
        """The metadata of releases; what none of them holds is told to ``on_bad``, if given."""
        found: dict[tuple[str, Version], ReleaseMetadata] = {}
        missing: dict[tuple[str, Version], InputError] = {}
        pairs = sorted(set(wanted))

        def note(name: str, version: Version, error: InputError) -> None:
            missing[name, version] = error

        for extract in self.extracts:
            for key, metadata in extract.metadata(pairs, on_bad=note).items():
                found[key] = _together(found[key], metadata) if key in found else metadata
        for (name, version), error in missing.items():
            if on_bad is not None and (name, version) not in found:
                on_bad(name, version, error)
        return found

    def build_systems(
        self, wanted: Iterable[tuple[str, Version]]
    ) -> dict[tuple[str, Version], BuildSystem]:
        """The build systems that any of them holds."""
        pairs = sorted(set(wanted))
        found: dict[tuple[str, Version], BuildSystem] = {}
        for extract in reversed(self.extracts):
            found.update(extract.build_systems(pairs))
        return {key: found[key] for key in sorted(found)}


def _together(one: ReleaseMetadata, other: ReleaseMetadata) -> ReleaseMetadata:
    return evolve(
        one,
        requires=tuple(dict.fromkeys((*one.requires, *other.requires))),
        extras=tuple(sorted({*one.extras, *other.extras})),
    )


@define
class JointUpstream(Upstream):
    """Upstream that finds the requirement files of every application in its own extract."""

    extracts: tuple[UpstreamExtract, ...] = field(kw_only=True, default=())

    def requirement_file(self, name: str, version: Version, path: str) -> str | None:
        """A requirement file of a release's sdist, or None where it has no such file."""
        for extract in self.extracts:
            if (extract.application, extract.version) == (name, str(version)):
                found = extract.requirement_file(path)
                if found is not None or self.index is None:
                    return found
        return Upstream.requirement_file(self, name, version, path)
