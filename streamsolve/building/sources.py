"""What upstream published of a lock's streams, brought into one directory.

A file is taken from where it lies already, from directories that were named, or from the package
index; each is checked against the lock, and appears under its name only when it is whole. So
whatever stopped a run, the next one goes on from there.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from attrs import frozen

from ..errors import Code, ErrorCollector, InputError, InputErrors, Place, nearest
from ..inputs.index import PackageIndex
from ..inputs.source_rpms import SourceFile, extract_sources, read_source_rpm
from ..model.component import Origin
from ..model.plan import Plan
from ..model.progress import Progress, no_progress
from ..storage import file_digest
from .base_specs import base_source_packages, disk_faults, is_of_version, place_file

__all__ = [
    "Brought",
    "SourceNeeds",
    "Supply",
    "WantedFile",
    "base_sources",
    "bring_sources",
    "source_needs",
]

_WORKERS = 4
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*", re.ASCII)
_PYPI = re.compile(r"pkg:pypi/([A-Za-z0-9._-]+)@", re.ASCII)


@frozen(order=True)
class WantedFile:
    """A file that the lock names: ``stream`` is ``name@version``, sha256 is hexadecimal."""

    stream: str
    filename: str
    sha256: str
    purl: str


@frozen(order=True)
class Supply:
    """A stream whose source the lock knows by no file and digest. ``purl`` says where it is, empty
    where nobody knows; ``spec`` is the base's source package that its spec comes from, if any."""

    stream: str
    purl: str
    spec: str = ""


@frozen
class SourceNeeds:
    """What the private streams of a plan are built from, each part sorted. ``specs`` are the
    source packages of the base by stream."""

    files: tuple[WantedFile, ...]
    supplies: tuple[Supply, ...]
    specs: Mapping[str, str]


@frozen
class Brought:
    """Names of files, each part sorted: those that a run brought, and those that were there."""

    brought: tuple[str, ...]
    there: tuple[str, ...]


def source_needs(plan: Plan, only: Collection[str] = (), *, file: str = "") -> SourceNeeds:
    """What there is to bring, and what not; ``only`` are components as profiles spell them.

    Raises :class:`InputErrors`: ``BAD_OPTION`` for components that are not built, ``BROKEN_LOCK``
    for a file name that no file here can have, and for two files of one name.
    """
    private = [stream for stream in plan.streams if stream.origin is Origin.PRIVATE]
    names = {stream.component.spelled for stream in private}
    faults = ErrorCollector(Code.BAD_OPTION)
    for name in sorted({*only} - names):
        hint = nearest(name, names)
        faults.add(f"nothing private is called {name!r}", Place("--only"), hint)
    faults.raise_if_any("the sources cannot be brought")
    specs = base_source_packages(plan.builds) if plan.builds else {}
    files, supplies, kept = [], [], {}
    broken, named = ErrorCollector(Code.BROKEN_LOCK), dict[str, str]()
    # Builds may use further versions of a component.
    for id, stream in sorted((f"{s.component.spelled}@{s.version}", s) for s in private):
        if only and stream.component.spelled not in only:
            continue
        source = stream.source
        if id in specs:
            kept[id] = specs[id]
        if not source.filename or not source.sha256:
            supplies.append(Supply(id, source.purl, specs.get(id, "")))
        elif not _NAME.fullmatch(source.filename):
            text = f"{ascii(source.filename)[:200]} is no name of a file"
            broken.add(text, Place(file, path=id))
        elif named.setdefault(source.filename, source.sha256) != source.sha256:
            broken.add(f"there are two files {source.filename}", Place(file, path=id))
        else:
            files.append(WantedFile(id, source.filename, source.sha256, source.purl))
    broken.raise_if_any("the lock's sources cannot be used")
    return SourceNeeds(tuple(files), tuple(supplies), kept)


def bring_sources(
    wanted: Sequence[WantedFile],
    directory: Path,
    *,
    index: PackageIndex | None = None,
    local: Sequence[Path] = (),
    progress: Progress = no_progress,
) -> Brought:
    """Bring files into a directory, a few at a time; ``local`` are directories to look in first,
    ``index`` is asked for the rest.

    Raises :class:`InputErrors` (``SOURCES_MISSING``) with every file that cannot be had, when all
    others are there.
    """
    by_name: dict[str, list[Path]] = {}
    names = {each.filename for each in wanted}
    for path in sorted({path for each in local for path in each.rglob("*")}):
        if path.name in names and path.is_file():
            by_name.setdefault(path.name, []).append(path)
    with disk_faults(directory):
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=directory) as aside:
            one = _Bringer(directory, by_name, index, Path(aside))
            return _all_at_once(wanted, one.bring, progress)


def _all_at_once(
    wanted: Sequence[WantedFile], bring: Callable[[WantedFile], bool], progress: Progress
) -> Brought:
    brought, there = list[str](), list[str]()
    faults = ErrorCollector(Code.SOURCES_MISSING)
    files = sorted({each.filename: each for each in wanted}.values())
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        futures = [pool.submit(bring, each) for each in files]
        try:
            for done, (each, future) in enumerate(zip(files, futures, strict=True), 1):
                with faults.collect(), disk_faults(Path(each.filename)):
                    (brought if future.result() else there).append(each.filename)
                progress("bring sources", done, len(files))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    if faults.errors:
        summary = (
            f"{len(faults.errors)} of {len(files)} files cannot be had; the others are there, and "
            "the same command goes on from here"
        )
        raise InputErrors(Code.SOURCES_MISSING, summary, faults.errors)
    return Brought(tuple(sorted(brought)), tuple(sorted(there)))


@frozen
class _Bringer:
    """Brings one file, from any of several threads."""

    directory: Path
    local: Mapping[str, Sequence[Path]]
    index: PackageIndex | None
    aside: Path

    def bring(self, wanted: WantedFile) -> bool:
        """Whether it had to be brought. Raises :class:`InputError` if it cannot be had."""
        target = self.directory / wanted.filename
        if target.is_symlink() or target.exists():
            if target.is_file() and file_digest(target) == wanted.sha256:
                return False
            raise InputError(
                Code.SOURCES_MISSING,
                "another file is in its place, whose sha256 is not the lock's",
                place=Place(str(target)),
                hint="move it away and run this again",
            )
        found = next(
            (path for path in self.local.get(wanted.filename, ()) if _is(path, wanted.sha256)),
            None,
        )
        place_file(found or self._from_index(wanted), target)
        return True

    def _from_index(self, wanted: WantedFile) -> Path:
        project = _PYPI.match(wanted.purl)
        if self.index is None or project is None:
            wrong = self.local.get(wanted.filename, ())
            raise InputError(
                Code.SOURCES_MISSING,
                f"{wrong[0]} is another file: its sha256 is not the lock's"
                if wrong
                else "it is in none of the directories, and no index has it",
                place=Place(wanted.filename),
                hint=f"{wanted.purl} says what it is of",
            )
        return self.index.download(
            project[1], wanted.filename, sha256=wanted.sha256, aside=self.aside
        )


def _is(path: Path, sha256: str) -> bool:
    try:
        return file_digest(path) == sha256
    except OSError:
        return False


# -- files that only the base's source packages have -----------------------------------------------


def base_sources(
    plan: Plan, needs: SourceNeeds, packages: Mapping[str, Path], directory: Path
) -> tuple[str, ...]:
    """Take upstream's files out of the base's source packages, for streams of the version that the
    base has; the names, sorted.

    ``packages`` are source packages by full name. What the lock names under the same name comes
    before. Raises :class:`InputErrors` (``SOURCES_MISSING``) for a file that is in the way, and
    what :func:`read_source_rpm` raises.
    """
    of_lock = {each.filename for each in needs.files}
    streams = {f"{s.component.spelled}@{s.version}": s for s in plan.streams}
    faults, done = ErrorCollector(Code.SOURCES_MISSING), set[str]()
    for id, nevra in needs.specs.items():
        path, stream = packages.get(nevra), streams.get(id)
        if path is None or stream is None:
            continue
        found = read_source_rpm(path)
        if not is_of_version(found.version, stream):
            continue
        lacking = [each for each in found.upstream if each.filename not in of_lock]
        names = {each.filename for each in lacking if not _is_there(each, directory, faults)}
        with disk_faults(directory):
            directory.mkdir(parents=True, exist_ok=True)
            done |= {*extract_sources(path, names, directory)} if names else set()
    faults.raise_if_any("files are in the way of the base's sources")
    return tuple(sorted(done))


def _is_there(each: SourceFile, directory: Path, faults: ErrorCollector) -> bool:
    """Whether a file needs not be brought; notes another one of its name."""
    target = directory / each.filename
    if not target.is_symlink() and not target.exists():
        return False
    if not target.is_file() or file_digest(target) != each.sha256:
        faults.add("another file is in its place", Place(str(target)), "move it away")
    return True
