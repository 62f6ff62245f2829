"""Which source packages of the base a plan's builds start from, and how they get here."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from packaging.version import InvalidVersion

from ..errors import Code, ErrorCollector, InputError, Place
from ..inputs.base_definitions import find_definition
from ..inputs.bases import open_base
from ..inputs.repositories import open_repository, repository_urls
from ..inputs.source_rpms import ListedPackage, listed_source_packages
from ..inputs.transport import Transport
from ..model.build import BuildPlan, NeedOrigin
from ..model.component import PYTHON
from ..model.package import Repository, RpmMd
from ..model.pep508 import parse_version
from ..model.plan import PlannedStream
from ..storage import atomic_writer, file_digest

__all__ = [
    "base_source_packages",
    "disk_faults",
    "fetch_source_packages",
    "is_of_version",
    "place_file",
]


def base_source_packages(builds: BuildPlan) -> dict[str, str]:
    """By stream (``name@version``), the full name (``….src``) of the source package whose spec its
    needs came from, sorted; a stream that the base has no spec of is not among them."""
    found: dict[str, str] = {}
    for build in builds.builds:
        for need in (*build.needs, *build.left_out):
            if need.origin is NeedOrigin.BASE_SPEC and need.place.endswith(".src"):
                found.setdefault(build.stream, need.place)
    return dict(sorted(found.items()))


def is_of_version(text: str, stream: PlannedStream) -> bool:
    """Whether a source package of a version (RPM's spelling) is of a stream's; an interpreter is
    planned as a series, of which any release is."""
    try:
        found = parse_version(text.replace("~", ""))
    except InvalidVersion:
        return False
    if stream.component == PYTHON and stream.version is not None:
        return found.release[: len(stream.version.release)] == stream.version.release
    return found == stream.version


def fetch_source_packages(
    base: str, wanted: Collection[str], directory: Path, *, arch: str, transport: Transport
) -> dict[str, Path]:
    """Bring source packages from a base's source repositories; by full name, where each one is.

    ``base`` is a definition's name or a directory of repositories. Each file is checked against the
    repository's metadata. Raises :class:`InputErrors` (``SOURCES_MISSING``) for all that cannot be
    had, when everything else is there.
    """
    faults, found = ErrorCollector(Code.SOURCES_MISSING), dict[str, Path]()
    missing = set(wanted)
    for urls, repository in _source_repositories(base, arch, transport):
        if not missing or not isinstance(repository.content, RpmMd):
            continue
        primary = repository.content.primary
        listed = listed_source_packages(primary, missing, file=repository.id)
        for nevra, package in sorted(listed.items()):
            missing.discard(nevra)
            with faults.collect(), disk_faults(directory):
                found[nevra] = _fetch(package, urls, directory, transport)
    for nevra in sorted(missing):
        faults.add(
            "no source repository of the base has it",
            Place(nevra),
            "the base may have moved on: put it into --srpms, or lock again",
        )
    faults.raise_if_any("source packages of the base are missing")
    return found


def _source_repositories(
    base: str, arch: str, transport: Transport
) -> Iterable[tuple[tuple[str, ...], Repository]]:
    """The base's source repositories, opened, with their addresses."""
    definition = find_definition(base)
    if definition is None:
        opened = open_base(base, arch=arch, transport=transport)
        for repository in opened.repositories:
            if repository.sources and isinstance(repository.content, RpmMd):
                where = repository.content.primary.path.parents[1]
                yield (f"{where}/",), repository
        return
    variables = definition.variables(arch)
    for row in definition.repositories:
        if row.sources:
            urls = repository_urls(
                row.location, transport=transport, kind=row.kind, variables=variables
            )
            yield (
                urls,
                open_repository(
                    row.id,
                    row.location,
                    transport=transport,
                    sources=True,
                    kind=row.kind,
                    variables=variables,
                ),
            )


def _fetch(
    package: ListedPackage, urls: tuple[str, ...], directory: Path, transport: Transport
) -> Path:
    """One package from the first mirror that has it; nothing where it is already."""
    target = directory / package.filename
    if target.is_file() and file_digest(target, package.algorithm) == package.digest:
        return target
    directory.mkdir(parents=True, exist_ok=True)
    last: InputError | None = None
    with tempfile.TemporaryDirectory(prefix=".part-", dir=directory) as aside:
        for url in urls:
            try:
                path = transport.download(
                    f"{url}{package.location}",
                    sha256=package.digest,
                    algorithm=package.algorithm,
                    size=package.size,
                    aside=Path(aside),
                )
            except InputError as error:
                last = error
                continue
            place_file(path, target)
            return target
    raise last or InputError(
        Code.SOURCES_MISSING, "no mirror has it", place=Place(package.filename)
    )


@contextmanager
def disk_faults(where: Path, code: Code = Code.SOURCES_MISSING) -> Iterator[None]:
    """Turn the faults of this disk into :class:`InputError` of a code; ``where`` is what could not
    be written or read, where the fault does not say."""
    try:
        yield
    except OSError as error:
        place = Place(str(error.filename or where))
        raise InputError(
            code, f"it cannot be used: {error.strerror or error}", place=place
        ) from None


def place_file(path: Path, target: Path) -> None:
    """Put a file that was checked under a name, whole or not at all: linked where that is
    possible, else copied. Raises ``OSError``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=target.parent) as aside:
        link = Path(aside, "file")
        try:
            os.link(path.resolve(), link)
        except OSError:
            with atomic_writer(target) as sink, path.open("rb") as source:
                shutil.copyfileobj(source, sink)
            return
        link.replace(target)
