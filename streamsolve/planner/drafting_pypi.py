"""A draft of a Python distribution, from what its release says on the package index."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion

from ..errors import Code, InputError, Place
from ..explain.sentences import count
from ..inputs.project_description import ProjectDescription, repository_purl
from ..model.draft import DraftKey, DraftTable
from ..model.pep508 import parse_version
from ..model.progress import Progress
from ..model.upstream import Release, ReleaseMetadata
from .draft_bench import open_index
from .draft_gaps import describe_release, known_licence, shipped_rows
from .draft_sketch import VARIANT, Sketch, short_summary
from .draft_toml import one_line
from .drafting import DraftRequest, Sketched
from .upstream import usable

__all__ = ["sketch_distribution", "sketch_pypi"]

_INTERPRETERS = ("3.14", "3.13", "3.12", "3.11")
_FURTHER_INTERPRETERS = ("3.15", "3.10", "3.9", "3.8")
_NEWEST_PATCH = 99
_ACCELERATORS = re.compile(r"(?:and-)?(?:cuda|cu|rocm|hip|tpu|xpu|gpu|metal|oneapi|npu)[0-9._-]*")
_DEVELOPMENT = re.compile(
    r"(?:.*[_-])?(?:dev|develop|development|tests?|testing|docs?|documentation|lint|linting|typing|"
    r"types|mypy|ci|benchmarks?|quality|style|release|build|coverage|format|pre-commit|tox|nox)"
    r"(?:[_-].*)?"
)


def sketch_pypi(request: DraftRequest, what: str, progress: Progress) -> Sketched:
    """``NAME``, ``NAME==VERSION``; the newest final release where no version is said."""
    name, equals, pinned = what.partition("==")
    version = pinned.strip() if equals else request.version
    if equals and request.version and request.version != version:
        text = f"two versions are asked for: {version} and {request.version}"
        raise InputError(Code.NO_DRAFT, text, place=Place("--from"), hint="leave one of them out")
    return sketch_distribution(request, name.strip(), version, progress)


def sketch_distribution(
    request: DraftRequest, name: str, version: str, progress: Progress, *, origin: str = ""
) -> Sketched:
    """A sketch of one release. Raises :class:`InputError` where the index has no such."""
    try:
        project = str(canonicalize_name(name, validate=True))
    except InvalidName:
        text = f"{name!r} is no name of a Python distribution"
        raise InputError(Code.NO_DRAFT, text, place=Place("--from")) from None
    index = open_index(request.plan, progress)
    release = _release(project, version, index.releases(project))
    metadata = index.metadata([(project, release.version)])[project, release.version]
    told = describe_release(index, project, release.version)
    sketch = Sketch(origin or f"pypi:{project}=={release.version}")
    licence = known_licence(metadata.licence) or one_line(metadata.licence)[:80]
    stated = f"Licence, as upstream states it: {licence or 'none is stated'}"
    sketch.put("name", request.name, stated)
    sketch.put("version", str(release.version))
    sketch.described(told.summary, told.homepage)
    if canonicalize_name(request.name) != project:
        sketch.put("distribution", project)
    _interpreters(sketch, metadata.requires_python)
    sketch.variant["requirements"] = DraftKey("requirements", "wheel")
    _extras(sketch, project, metadata)
    if not release.sdists:
        _without_sdist(sketch, project, told)
    return Sketched(sketch, _found(release, metadata, told, licence))


def _release(project: str, version: str, releases: Sequence[Release]) -> Release:
    """The release that is asked for, else the newest final one that is not withdrawn."""
    place = Place(f"pypi:{project}")
    if not releases:
        text = "the package index has no such distribution"
        hint = "is the name right? It is the one that pip installs it by"
        raise InputError(Code.INDEX_NO_PROJECT, text, place=place, hint=hint)
    if not version:
        found = usable(releases)
        if not found:
            text = "every release is withdrawn, or has neither an sdist nor a wheel"
            raise InputError(Code.NO_DRAFT, text, place=place, hint="name one with --version")
        return found[-1]
    try:
        wanted = parse_version(version)
    except InvalidVersion:
        text = f"{version!r} is no version as PEP 440 defines it"
        raise InputError(Code.NO_DRAFT, text, place=place) from None
    for release in releases:
        if release.version == wanted and (release.sdists or release.wheels):
            return release
    newest = ", ".join(str(r.version) for r in list(reversed(usable(releases)))[:8])
    text = f"the package index has no release {version}"
    raise InputError(
        Code.INDEX_NO_PROJECT, text, place=place, hint=f"newest releases: {newest or 'none'}"
    )


def _found(
    release: Release, metadata: ReleaseMetadata, told: ProjectDescription, licence: str
) -> list[tuple[str, str]]:
    built = "an sdist" if release.sdists else "no sdist"
    wheels = (
        "no wheel"
        if not release.wheels
        else ("a wheel for every platform" if release.pure else "wheels with compiled code")
    )
    return [
        (
            "distribution",
            f"{release.name} {release.version}: {short_summary(told.summary)}".rstrip(": "),
        ),
        ("licence", licence or "none stated"),
        ("Python", metadata.requires_python or "any version"),
        ("published as", f"{built} and {wheels}"),
        ("requires", _counted(metadata)),
    ]


def _counted(metadata: ReleaseMetadata) -> str:
    own = [text for text in metadata.requires if not re.search(r"\bextra\s*==", text)]
    extras = f"; extras: {', '.join(metadata.extras)}" if metadata.extras else ""
    return f"{count(len(own), 'distribution')}{extras}"


def _interpreters(sketch: Sketch, requires_python: str) -> None:
    """Which private Pythons may be rebuilt: those that the release lets in."""
    if not requires_python:
        return
    allowed = _allowed(_INTERPRETERS, requires_python)
    decide = ""
    if not allowed:
        allowed = _allowed(_FURTHER_INTERPRETERS, requires_python)
        question = (
            "which of these can be rebuilt?" if allowed else "which older one can be rebuilt?"
        )
        decide = f"none of the usual Pythons is let in: {question}"
    sketch.keys["interpreters"] = DraftKey(
        "interpreters",
        tuple(allowed),
        f"Private Pythons that may be rebuilt. Requires-Python is {one_line(requires_python)}.",
        decide,
    )


def _allowed(series: Iterable[str], requires_python: str) -> list[str]:
    specifier = SpecifierSet(requires_python)
    return [one for one in series if specifier.contains(f"{one}.{_NEWEST_PATCH}")]


def _extras(sketch: Sketch, project: str, metadata: ReleaseMetadata) -> None:
    """An extra that is for an accelerator may be a variant, another one a need; none for those who
    develop it."""
    extras = [extra for extra in metadata.extras if not _DEVELOPMENT.fullmatch(extra)]
    accelerated = [extra for extra in extras if _ACCELERATORS.fullmatch(extra)]
    others = [extra for extra in extras if extra not in accelerated]
    if others:
        sketch.variant["needs"] = DraftKey(
            "needs",
            tuple(f"{project}[{extra}]" for extra in others),
            decide="which of upstream's extras belong to it? As a comment they are all left out.",
            suggested=True,
        )
    if accelerated:
        sketch.put("default-variant", VARIANT)
    for position, extra in enumerate(accelerated):
        keys = (
            DraftKey("summary", f"with upstream's extra {extra}"),
            DraftKey("requirements", "wheel"),
            DraftKey("needs", (f"{project}[{extra}]",)),
        )
        decide = "upstream has extras for accelerators: is each of them a variant?"
        sketch.variants.append(
            DraftTable(("variants", extra), keys, decide="" if position else decide, suggested=True)
        )


def _without_sdist(sketch: Sketch, project: str, told: ProjectDescription) -> None:
    """The application's own source is needed, whatever its wheel holds."""
    known = shipped_rows().get(project)
    if known is not None:
        sketch.include(known.file)
        return
    purl = repository_purl(told.urls)
    if purl:
        told_of_it = f"is {purl} its source, and are its tags called v{{version}}?"
    else:
        told_of_it = "where is its source? Its metadata names no repository."
    sketch.row(
        "source",
        project,
        [
            DraftKey(
                "purl", f"{purl}@v{{version}}" if purl else f"pkg:generic/{project}@{{version}}"
            )
        ],
        decide=f"{project} itself has no sdist on the index: {told_of_it}",
    )
