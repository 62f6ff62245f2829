"""The extract of a package index that comes with the tool, in text that a person can read and diff.

Goals of the format: small; one line per release, so that a refresh changes the lines of what
changed; the same bytes for the same content; read without decoding what is not asked for.

JSON Lines. The first line is the header; then the requirement files of the application, sorted by
path; then the releases, sorted by name and version. Empty members are left out::

    {"schema":"streamsolve.upstream-extract/1","application":"demo","version":"1.0"}
    {"file":"requirements/cpu.txt","lines":["-r common.txt","numba==0.65.0",""]}
    {"name":"six","version":"1.17.0","python":">=3.6","sdist":["six-1.17.0.tar.gz","ff…"],
     "build":{"requires":["setuptools"],"backend":"setuptools.build_meta"}}
    {"name":"sixty","absent":true}

(One line here is shown as two.)

``requires`` are the requirements that can hold without an extra or with one of ``extras``, which
are only the extras that the extract was asked to keep: those in the header's ``extras``, by name,
such as ``{"uvicorn":["standard"]}``. ``absent`` stands where no release can be
used: the index has none, or the profile omits the distribution. ``sdists`` stands in the place of
``sdist`` where there are several. ``wheels`` are listed for a release without an sdist, since only
there can one be what is shipped; otherwise ``pure`` says that one of them runs on every platform.
``arches`` in the header are those whose wheels are listed; all are if it is missing. ``build`` is
the ``[build-system]`` of the sdist (``in_tree`` is true where the backend lies in it), PEP 517's
default written out; a release without it was not asked, and one whose sdist asks for nothing has an
empty one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeGuard

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ..errors import Code, ErrorCollector, InputError, Place
from ..model import Artifact, Release, ReleaseMetadata
from ..model.build import BuildSystem
from ..model.pep508 import parse_version
from .core_metadata import OnBad
from .extra_markers import can_hold
from .listing import is_pure_wheel

__all__ = ["SCHEMA", "UpstreamExtract", "read_extract", "write_extract"]

SCHEMA = "streamsolve.upstream-extract/1"
_NAME = '{"name":"'
_FILE = '{"file":"'
_Entry = tuple[Release, ReleaseMetadata, BuildSystem | None]
NO_EXTRAS: Mapping[str, Collection[str]] = MappingProxyType({})


class UpstreamExtract:
    """Answers as a package index does, from an extract. Lines are decoded when they are asked for.

    ``application`` and ``version`` are those that the extract was made for, ``arches`` those that
    wheels were listed for (all if empty); ``file`` is what errors call it.
    """

    def __init__(
        self,
        application: str,
        version: str,
        lines: Mapping[str, list[tuple[int, str]]],
        files: Mapping[str, tuple[int, str]],
        file: str,
        arches: tuple[str, ...] = (),
        extras: Mapping[str, Collection[str]] = NO_EXTRAS,
    ) -> None:
        self.arches = arches
        self._extras = extras
        self.application = application
        self.version = version
        self._lines = lines
        self._files = files
        self._file = file
        self._decoded: dict[str, dict[Version, _Entry]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The normalised names of the distributions that it knows, sorted: also of those that it
        knows to have no release."""
        return tuple(sorted(self._lines))

    def keeps(self, name: str, version: Version, extra: str) -> bool:
        """Whether it says what an extra (normalised) adds to a release, if it holds the release at
        all: what it does not keep looks as if the extra added nothing."""
        held = version in self._of(str(canonicalize_name(name)))
        return not held or extra in self._extras.get(str(canonicalize_name(name)), ())

    def releases(self, name: str) -> tuple[Release, ...]:
        """The releases that it holds of a distribution, oldest to newest; none if it has no such.

        Raises :class:`InputErrors` that holds every broken line of that distribution.
        """
        return tuple(entry[0] for entry in self._of(str(canonicalize_name(name))).values())

    def releases_of(self, names: Iterable[str]) -> dict[str, tuple[Release, ...]]:
        """The releases of several distributions, by normalised name, sorted."""
        return {name: self.releases(name) for name in sorted(map(_normalised, names))}

    def metadata(
        self, wanted: Iterable[tuple[str, Version]], *, on_bad: OnBad | None = None
    ) -> dict[tuple[str, Version], ReleaseMetadata]:
        """The metadata of releases, by normalised name and version, sorted.

        Raises one :class:`InputErrors` for all releases that the extract does not hold; with
        ``on_bad``, each of those is told to it instead and left out of the answer.
        """
        collector = ErrorCollector(Code.INDEX_BAD_METADATA)
        found = {}
        for name, version in sorted((_normalised(name), version) for name, version in wanted):
            entry = self._of(name).get(version)
            if entry is not None:
                found[(name, version)] = entry[1]
                continue
            error = InputError(
                Code.INDEX_BAD_METADATA,
                f"it does not hold {name} {version}",
                place=Place(self._file),
                hint="refresh it, or ask the package index",
            )
            if on_bad is not None:
                on_bad(name, version, error)
            else:
                collector.errors.append(error)
        collector.raise_if_any("the embedded extract of the package index is not enough")
        return found

    def build_systems(
        self, wanted: Iterable[tuple[str, Version]]
    ) -> dict[tuple[str, Version], BuildSystem]:
        """The build systems of those releases of which the extract holds one, by normalised name
        and version, sorted."""
        found = {}
        for name, version in sorted((_normalised(name), version) for name, version in wanted):
            entry = self._of(name).get(version)
            if entry is not None and entry[2] is not None:
                found[(name, version)] = entry[2]
        return found

    def requirement_file(self, path: str) -> str | None:
        """The text of a requirement file of the application, or None when it has no such."""
        if path not in self._files:
            return None
        number, line = self._files[path]
        lines = _decode(line, Place(self._file, number)).get("lines")
        if not _texts(lines):
            raise _broken("its lines are no list of texts", Place(self._file, number))
        return "\n".join(lines)

    @property
    def requirement_files(self) -> tuple[str, ...]:
        """The paths of the requirement files that it holds, sorted."""
        return tuple(sorted(self._files))

    def _of(self, name: str) -> dict[Version, _Entry]:
        """The releases of a distribution by version, oldest first."""
        if name not in self._decoded:
            collector = ErrorCollector(Code.BROKEN_PROFILE)
            entries = []
            for number, line in self._lines.get(name, ()):
                if line == _encode({"name": name, "absent": True}):
                    continue
                with collector.collect():
                    entries.append(_entry(line, Place(self._file, number)))
            collector.raise_if_any(f"the extract says of {name} what cannot be read")
            entries.sort(key=lambda entry: entry[0].version)
            self._decoded[name] = {entry[0].version: entry for entry in entries}
        return self._decoded[name]


def read_extract(text: str, *, file: str) -> UpstreamExtract:
    """Read an extract; ``file`` is what errors call it.

    Costs one pass over the starts of the lines. Raises :class:`InputErrors` for a header that is
    not of this format and for lines that are neither a release nor a file; a fault inside a line
    shows when the line is asked for.
    """
    header, _, rest = text.partition("\n")
    first = _decode(header, Place(file, 1))
    if first.get("schema") != SCHEMA:
        raise _broken(f"it does not begin with the schema {SCHEMA!r}", Place(file, 1))
    releases: dict[str, list[tuple[int, str]]] = {}
    files: dict[str, tuple[int, str]] = {}
    collector = ErrorCollector(Code.BROKEN_PROFILE)
    for number, line in enumerate(rest.split("\n"), 2):
        if line.startswith(_NAME):
            releases.setdefault(line[len(_NAME) : line.find('"', len(_NAME))], []).append(
                (number, line)
            )
        elif line.startswith(_FILE):
            with collector.collect():
                files[str(_decode(line, Place(file, number))["file"])] = (number, line)
        elif line:
            collector.add("it is neither a release nor a file", Place(file, number))
    collector.raise_if_any(f"{file} is no extract that can be read")
    arches = first.get("arches", [])
    if not _texts(arches):
        raise _broken("its arches are no list of texts", Place(file, 1))
    extras = first.get("extras", {})
    if not isinstance(extras, dict) or not all(map(_texts, extras.values())):
        raise _broken("its extras are no lists of texts by name", Place(file, 1))
    return UpstreamExtract(
        str(first.get("application", "")),
        str(first.get("version", "")),
        releases,
        files,
        file,
        tuple(arches),
        extras,
    )


def write_extract(
    *,
    application: str,
    version: str,
    releases: Iterable[Release],
    metadata: Mapping[tuple[str, Version], ReleaseMetadata],
    build_systems: Mapping[tuple[str, Version], BuildSystem] | None = None,
    files: Mapping[str, str],
    extras: Collection[tuple[str, str]] = (),
    arches: Collection[str] = (),
    names: Collection[str] = (),
) -> str:
    """The text of an extract: the same for the same content, in whatever order it comes.

    Releases without metadata are left out: they could not be chosen. ``extras`` are the
    (distribution, extra) whose requirements are kept. ``arches`` limits the wheels listed to those
    that run on Linux on one of them; all are listed when it is empty. Those of ``names`` without a
    release are noted as absent, so that nobody asks an index for them.
    """
    kept: dict[str, set[str]] = {}
    for name, extra in extras:
        kept.setdefault(_normalised(name), set()).add(_normalised(extra))
    lines: list[dict[str, Any]] = [
        {"schema": SCHEMA, "application": application, "version": version}
    ]
    if arches:
        lines[0]["arches"] = sorted(arches)
    if kept:
        lines[0]["extras"] = {name: sorted(kept[name]) for name in sorted(kept)}
    lines += [{"file": path, "lines": files[path].split("\n")} for path in sorted(files)]
    of_releases: list[dict[str, Any]] = []
    for release in sorted(releases, key=lambda release: (release.name, release.version)):
        key = (release.name, release.version)
        said = metadata.get(key)
        if said is not None:
            line = _line(release, said, kept.get(release.name, set()), arches)
            if build_systems and key in build_systems:
                line["build"] = _build_members(build_systems[key])
            of_releases.append(line)
    present = {line["name"] for line in of_releases}
    missing = {_normalised(name) for name in names} - present
    of_releases += [{"name": name, "absent": True} for name in missing]
    lines += sorted(of_releases, key=lambda line: str(line["name"]))
    return "".join(_encode(line) + "\n" for line in lines)


def _line(
    release: Release, said: ReleaseMetadata, extras: Collection[str], arches: Collection[str]
) -> dict[str, Any]:
    sdists = [[sdist.filename, sdist.sha256] for sdist in release.sdists]
    wheels = [
        [wheel.filename, wheel.sha256]
        for wheel in (() if sdists else release.wheels)
        if _runs_on(wheel.filename, arches)
    ]
    members = {
        "name": release.name,
        "version": str(release.version),
        "python": said.requires_python or release.requires_python,
        "requires": [text for text in said.requires if can_hold(text, extras)],
        "extras": [extra for extra in said.extras if _normalised(extra) in extras],
        "licence": said.licence,
        "sdist": sdists[0] if len(sdists) == 1 else [],
        "sdists": sdists if len(sdists) > 1 else [],
        "wheels": wheels,
        "pure": release.pure,
        "yanked": release.yanked,
    }
    return {key: value for key, value in members.items() if value}


def _build_members(build: BuildSystem) -> dict[str, Any]:
    members = {
        "requires": list(build.requires),
        "backend": build.backend,
        "in_tree": build.in_tree,
    }
    return {key: value for key, value in members.items() if value}


def _runs_on(filename: str, arches: Collection[str]) -> bool:
    if not arches or is_pure_wheel(filename):
        return True
    platforms = filename.removesuffix(".whl").rpartition("-")[2].split(".")
    return any(
        platform == "any" or ("linux" in platform and platform.endswith(f"_{arch}"))
        for platform in platforms
        for arch in arches
    )


def _entry(line: str, place: Place) -> _Entry:
    members = _decode(line, place)
    words = [members.get(key, "") for key in ("name", "version", "python", "licence")]
    requires, extras = members.get("requires", []), members.get("extras", [])
    if not _texts(words) or not _texts(requires) or not _texts(extras):
        raise _broken("a member is not of the kind that the format says", place)
    name, spelled, python, licence = words
    try:
        version = parse_version(spelled)
    except InvalidVersion:
        raise _broken(f"{spelled!r} is no version", place) from None
    one = members.get("sdist")
    sdists = _artifacts(members.get("sdists", []) if one is None else [one], place)
    release = Release(
        name, version, python, sdists, _artifacts(members.get("wheels", []), place),
        bool(members.get("yanked", False)), bool(members.get("pure", False)),
    )  # fmt: skip
    said = ReleaseMetadata(name, version, tuple(requires), python, tuple(extras), licence)
    return release, said, _build_system(members.get("build"), place)


def _build_system(members: object, place: Place) -> BuildSystem | None:
    """What a line says of a build; None where it says nothing."""
    if members is None:
        return None
    if isinstance(members, dict):
        requires, backend = members.get("requires", []), members.get("backend", "")
        in_tree = members.get("in_tree", False)
        if _texts(requires) and isinstance(backend, str) and isinstance(in_tree, bool):
            return BuildSystem(tuple(requires), backend, in_tree)
    raise _broken("its build is not what the format says", place)


def _artifacts(pairs: object, place: Place) -> tuple[Artifact, ...]:
    if not isinstance(pairs, list) or not all(_texts(pair) and len(pair) == 2 for pair in pairs):
        raise _broken("a file is not written as [name, sha256]", place)
    return tuple(Artifact(name, digest) for name, digest in pairs)


def _texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _encode(line: Mapping[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


def _decode(line: str, place: Place) -> dict[str, Any]:
    try:
        decoded = json.loads(line)
    except RecursionError:
        raise _broken("it is nested too deep", place) from None
    except ValueError as error:
        raise _broken(f"it is no JSON: {error}", place) from None
    if not isinstance(decoded, dict):
        raise _broken("it is no JSON object", place)
    return decoded


def _broken(text: str, place: Place) -> InputError:
    return InputError(
        Code.BROKEN_PROFILE,
        text,
        place=place,
        hint="make it again with `streamsolve profile refresh`",
    )


def _normalised(name: str) -> str:
    return str(canonicalize_name(name))
