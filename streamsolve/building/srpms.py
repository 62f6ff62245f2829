"""Source packages: those that are there, and those that are made from a spec before any build."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from ..errors import Code, ErrorCollector, InputError, InputErrors, Place
from ..model.build import Build
from ..model.progress import Progress, no_progress
from .directory import BuildDirectory

__all__ = ["prepare_sources", "sources_to_make"]

_MOST = 20
"""So many missing source packages are named."""


def sources_to_make(directory: BuildDirectory, builds: Iterable[Build]) -> tuple[Build, ...]:
    """One build for each stream whose source package is to be made: there is none, or its spec is
    newer. Sorted by stream.

    Raises :class:`InputErrors` (``CANNOT_BUILD``) with the source packages that are neither there
    nor can be made.
    """
    faults = ErrorCollector(Code.CANNOT_BUILD)
    found, missing = [], list[Path]()
    streams = {build.stream: build for build in builds}
    for _, build in sorted(streams.items()):
        source, spec = directory.source(build), directory.spec(build)
        if spec.is_dir() and (not source.is_file() or _newest(spec) > source.stat().st_mtime_ns):
            found.append(build)
        elif not source.is_file():
            missing.append(source)
    for source in missing[:_MOST]:
        faults.add("it is not there", Place(directory.told(source)))
    if len(missing) > _MOST:
        faults.add(f"and {len(missing) - _MOST} more are not there", Place(str(directory.shown)))
    if missing:
        faults.errors[-1].hint = (
            f"put them into {directory.shown / 'srpms'} under these names; or let `streamsolve "
            f"sources LOCK -o {directory.shown / 'sources'} --base-sources`, and then `streamsolve "
            f"emit mock LOCK -o {directory.shown}`, write specs that they are made of"
        )
    faults.raise_if_any(
        "nothing was built: source packages are missing, and there are no specs to make them from"
    )
    return tuple(found)


def prepare_sources(
    directory: BuildDirectory, builds: Iterable[Build], *, progress: Progress = no_progress
) -> None:
    """Make every source package that is to be made. Raises as :func:`sources_to_make`, and with all
    that could not be made."""
    missing = sources_to_make(directory, builds)
    if not missing:
        return
    from .source_packages import make_source_package

    faults: list[InputError] = []
    for number, build in enumerate(missing):
        progress("making source packages", number, len(missing))
        output = directory.source(build)
        output.parent.mkdir(parents=True, exist_ok=True)
        try:
            # As the user calls them: they are told in messages.
            spec, sources = map(directory.told, (directory.spec(build), directory.sources))
            make_source_package(Path(spec), Path(sources), output, arch=directory.plan.arch)
        except InputErrors as error:
            faults += error.errors
        except InputError as error:
            if error.code is Code.MISSING_TOOL:
                raise
            faults.append(error)
    progress("making source packages", len(missing), len(missing))
    if faults:
        raise InputErrors(
            Code.CANNOT_BUILD,
            "nothing was built, because source packages cannot be made:",
            _in_short(faults, directory),
        )


def _in_short(faults: list[InputError], directory: BuildDirectory) -> list[InputError]:
    """As many as a reader goes on reading; what to do, which many have in common, once."""
    shown = faults[:_MOST]
    if len(faults) > _MOST:
        text = f"and {len(faults) - _MOST} more of the same kinds"
        shown.append(InputError(Code.CANNOT_BUILD, text, place=Place(str(directory.shown))))
        shown[-1].hint = faults[_MOST - 1].hint
    for one, following in pairwise(shown):
        if one.hint == following.hint:
            one.hint = ""
    return shown


def _newest(directory: Path) -> int:
    """When anything in a directory, or what is in it, was changed last, in nanoseconds."""
    paths = (directory, *directory.rglob("*"))
    return max(path.lstat().st_mtime_ns for path in paths)
