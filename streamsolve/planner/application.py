"""The application's own stream: what upstream states for a variant, and what the profile adds.

The package index knows applications that are Python distributions. Any other one is what its
profile says: its needs, and where its source is.
"""

from __future__ import annotations

from collections.abc import Sequence

from packaging.version import Version

from ..errors import Code, ErrorCollector, InputError, Place
from ..inputs.requirement_files import parse_requirement_file
from ..model.component import PYTHON, Kind, Origin
from ..model.plan import Notice
from ..model.profile import Profile, Variant
from ..model.requirement import ASKED, Requirement, parse_requirement, requirement_on
from ..model.stream import Offer, Source, Stream
from ..model.upstream import Release, ReleaseMetadata
from .adjust import Adjuster
from .facts import Facts
from .upstream import Upstream

__all__ = ["application_stream", "check_demands", "unlisted_version"]

_RELEASES_SHOWN = 8


def application_stream(
    profile: Profile,
    variant: Variant,
    upstream: Upstream,
    adjuster: Adjuster,
    *,
    version: Version,
    extra: tuple[Requirement, ...] = (),
) -> Stream:
    """The root of the problem. ``extra`` are demands of the command line.

    Raises :class:`InputError` when upstream has no such version or its requirements cannot be
    read; of an application that is no distribution, upstream is not asked.
    """
    if profile.component.kind is not Kind.DISTRIBUTION:
        return _native(profile, variant, adjuster, version, extra)
    release, metadata = _release(profile, upstream, version)
    if variant.wheel:
        requirements = _stated(profile, metadata)
    else:
        requirements = _from_files(profile, variant, upstream, version)
    requirements += (_python(metadata),)
    requirements += (*variant.needs, *extra)
    usual = profile.pure_cost if release.pure else profile.native_cost
    cost = profile.costs.get(profile.component.name, usual)
    offer = Offer(
        profile.component, version, Origin.PRIVATE, f"python3-{profile.component.name}", cost=cost
    )
    return Stream(
        offer,
        adjuster.adjust(profile.component, version, requirements),
        constraints=Facts(profile).constraints(offer),
        source=_source(profile, release),
        licence=metadata.licence,
    )


def check_demands(
    profile: Profile, variant: Variant, version: Version, demands: Sequence[Requirement]
) -> None:
    """Refuse demands that no choice could meet: on another version of the application than the one
    that is planned, and on files of which the profile does not say which version they are. All
    faults at once, :class:`InputErrors`."""
    faults = ErrorCollector(Code.BAD_REQUIREMENT)
    files = {d.component for d in profile.direct_references if variant.is_among(d.variants)}
    for wanted in demands:
        place = Place() if wanted.place == ASKED else wanted.place
        if wanted.component == profile.component and not wanted.allows(version):
            text = f"{wanted.text}: what is planned is {profile.component.name} {version}"
            faults.add(text, place, "plan another version of it with `plan --app-version`")
        if wanted.url and wanted.component not in files:
            text = f"{wanted.text}: which version that file is, no [[direct]] of the profile says"
            faults.add(text, place, f"ask for a version, such as {wanted.component.name}==1.0")
    faults.raise_if_any("not all of what was asked for can be demanded")


def unlisted_version(profile: Profile, version: Version) -> tuple[Notice, ...]:
    """That nobody knows whether there is the version that is planned of an application which no
    package index lists: its profile speaks of another one."""
    component = profile.component
    known = {profile.version, *(stream.version for stream in profile.declarations(component))}
    if component.kind is Kind.DISTRIBUTION or version in known:
        return ()
    text = (
        f"whether there is {component.name} {version} was not looked up: no package index lists "
        f"it, and the profile is written for {profile.version}"
    )
    return (Notice("version-not-looked-up", text),)


def _source(profile: Profile, release: Release) -> Source:
    """The sdist, else the source repository that the profile names, else the wheel."""
    if not release.sdists:
        for repository in profile.source_repositories:
            if repository.component == profile.component:
                return Source(repository.at(release.version))
    file = (release.sdists or release.wheels)[0]
    return Source(f"pkg:pypi/{release.name}@{release.version}", file.filename, file.sha256)


def _native(
    profile: Profile,
    variant: Variant,
    adjuster: Adjuster,
    version: Version,
    extra: tuple[Requirement, ...],
) -> Stream:
    """An application that no package index has: it needs what its profile says, and no
    interpreter unless something of that does."""
    component = profile.component
    named = (s.at(version) for s in profile.source_repositories if s.component == component)
    purl = next(named, f"pkg:generic/{component.name}@{version}")
    cost = profile.costs.get(component.name, profile.native_cost)
    offer = Offer(component, version, Origin.PRIVATE, component.name, cost=cost)
    facts = Facts(profile)
    stated = (*variant.needs, *facts.requirements(offer), *extra)
    needs = adjuster.adjust(component, version, stated)
    known = adjuster.adjust(component, version, facts.constraints(offer))
    return Stream(offer, needs, known, source=Source(purl), licence=profile.licence)


def _release(
    profile: Profile, upstream: Upstream, version: Version
) -> tuple[Release, ReleaseMetadata]:
    name = profile.component.name
    # Who names a version may mean one that was withdrawn, or one before the final one.
    demanded = (requirement_on(profile.component, f"=={version}"),)
    releases = {r.version: r for r in upstream.releases(name, (version,), demanded)}
    if version not in releases and upstream.widen([name]):
        releases = {r.version: r for r in upstream.releases(name, (version,), demanded)}
    if version not in releases:
        raise _no_release(profile, upstream, version, sorted(releases, reverse=True))
    found = upstream.metadata([(name, version)]).get((name, version))
    if found is None:
        raise upstream.unreadable.get((name, version)) or InputError(
            Code.INDEX_BAD_METADATA,
            f"the package index gives no metadata of {name} {version}",
            place=Place(profile.file, path="version"),
            hint="look at the release on the index, or plan another version",
        )
    return releases[version], found


def _no_release(
    profile: Profile, upstream: Upstream, version: Version, releases: Sequence[Version]
) -> InputError:
    """That there is no such release, or that nobody asked whether there is; ``releases`` are those
    that are known, newest first."""
    name, place = profile.component.name, Place(profile.file, path="version")
    known = ", ".join(map(str, releases[:_RELEASES_SHOWN]))
    if upstream.only_embedded(name):
        when = "ask it, without --offline" if upstream.offline else "ask again when it answers"
        return InputError(
            Code.OFFLINE_NOT_CACHED,
            f"whether there is {name} {version} is not known: only {known or 'no release'} comes "
            "with the tool, and the package index was not asked",
            place=place,
            hint=when,
        )
    return InputError(
        Code.INDEX_NO_PROJECT,
        f"{name} {version} is not on the package index",
        place=place,
        hint=f"newest releases: {known}" if known else "is the distribution's name right?",
    )


def _stated(profile: Profile, metadata: ReleaseMetadata) -> tuple[Requirement, ...]:
    """The wheel's own requirements, each with the place that it comes from."""
    collector = ErrorCollector(Code.BAD_REQUIREMENT)
    place = Place(f"{metadata.name} {metadata.version} METADATA")
    found = []
    for text in metadata.requires:
        with collector.collect():
            found.append(parse_requirement(text, place=place))
    collector.raise_if_any(f"the metadata of {profile.name} cannot be used:")
    return tuple(found)


def _python(metadata: ReleaseMetadata) -> Requirement:
    place = Place(f"{metadata.name} {metadata.version} METADATA", path="Requires-Python")
    return requirement_on(PYTHON, metadata.requires_python, place=place)


def _from_files(
    profile: Profile, variant: Variant, upstream: Upstream, version: Version
) -> tuple[Requirement, ...]:
    found: dict[str, Requirement] = {}
    for path in variant.files:
        text = upstream.requirement_file(profile.component.name, version, path)
        if text is None:
            raise InputError(
                Code.BROKEN_PROFILE,
                f"the source of {profile.name} {version} has no file {path}",
                place=variant.place,
                hint="name files as they lie in the sdist, below its top directory",
            )
        parsed = parse_requirement_file(
            text,
            file=path,
            include=lambda name: upstream.requirement_file(profile.component.name, version, name),
        )
        for requirement in parsed.requirements:
            found.setdefault(f"{requirement}; {requirement.marker}", requirement)
    return tuple(found.values())
