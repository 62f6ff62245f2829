"""Builds one component twice from the same, and says what differs."""

from __future__ import annotations

import shutil
from pathlib import Path

from attrs import evolve

from ..errors import BuildFailedError, Code, ErrorCollector, InputError, Place, nearest
from ..model.build import Build, Stage
from ..model.build_run import Rebuild
from ..model.progress import Progress, no_progress
from .attempt import Workbench, next_logs
from .comparison import differences, has_diffoscope, write_text
from .directory import BuildDirectory
from .journal import damage, read_record
from .publish import Published
from .report import log_ends
from .runner import RunSettings, job_of
from .srpms import prepare_sources
from .steps import Step, Stop

__all__ = ["build_of", "rebuild"]


def build_of(directory: BuildDirectory, name: str) -> Build:
    """The build of a component, by its name, ``name@version`` or the id of the build; of two passes
    the last. Raises :class:`InputError` (``BAD_OPTION``) for none, and for several."""
    builds = directory.builds.builds
    found = [build for build in builds if build.id == name] or [
        build
        for build in builds
        if name in (build.stream, build.component.spelled, build.component.name)
        and build.stage is not Stage.BOOTSTRAP
    ]
    if not found:
        known = (build.component.spelled for build in builds)
        raise InputError(
            Code.BAD_OPTION, f"the plan does not build {name!r}: {nearest(name, known)}"
        )
    if len(found) > 1:
        names = ", ".join(build.id for build in found)
        raise InputError(
            Code.BAD_OPTION, f"the plan builds {name!r} several times", hint=f"name one of {names}"
        )
    return found[0]


def rebuild(
    directory: BuildDirectory,
    build: Build,
    step: Step,
    settings: RunSettings | None = None,
    *,
    progress: Progress = no_progress,
) -> Rebuild:
    """Build it twice, one after the other, in the same root from the same source package, and
    compare. Nothing is published; what was made stays in ``rebuilds/``.

    Raises :class:`InputErrors` (``CANNOT_BUILD``) if what its root needs is not built yet, and
    :class:`BuildFailedError` if it does not build.
    """
    settings = settings or RunSettings()
    try:
        with directory.held():
            content = _needed(directory, build)
            prepare_sources(directory, [build], progress=progress)
            kept = directory.path / "rebuilds" / directory.name(build)
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir(parents=True)
            stop, bench = Stop(), Workbench.of(directory, step, settings.createrepo)
            try:
                for number in (1, 2):
                    progress(f"building {build.id}", number - 1, 2)
                    _build(bench, build, content, kept / str(number), stop)
            except BaseException:
                stop.ask()
                raise
            progress(f"building {build.id}", 2, 2)
            return _compared(directory, build, kept, progress)
    except OSError as error:
        raise directory.unwritable(error) from None


def _needed(directory: BuildDirectory, build: Build) -> tuple[Published, ...]:
    faults = ErrorCollector(Code.CANNOT_BUILD)
    found = []
    for id in build.after:
        needed = directory.builds.build(id)
        record = read_record(directory.results(needed), id) if needed else None
        if needed is None or record is None or damage(record, directory.results(needed)):
            faults.add(f"its root needs {id}, which is not built", Place(build.id))
            continue
        found.append(Published(directory.name(needed), directory.results(needed), record.packages))
    if faults.errors:
        faults.errors[-1].hint = f"`streamsolve build LOCK -d {directory.shown}` builds it"
    faults.raise_if_any("nothing was built:")
    return tuple(found)


def _build(
    bench: Workbench, build: Build, content: tuple[Published, ...], kept: Path, stop: Stop
) -> None:
    """One of the two; what it made is put into ``kept``."""
    directory = bench.directory
    running = directory.running(build).with_name(f"{directory.name(build)}.rebuild-{kept.name}")
    job = job_of(directory, build, stop, running)
    job = evolve(job, name=f"{job.name}.rebuild-{kept.name}")
    logs = next_logs(directory.logs(build))
    why = bench.run(running, job, content, logs)
    if why:
        ends = log_ends(logs, directory.told(logs))
        last = f": {ends[0].lines[-1]}" if ends else ""
        raise BuildFailedError(
            Code.BUILD_FAILED,
            f"{build.id} in the root {build.root}: {why}{last}",
            place=Place(ends[0].path if ends else directory.told(logs)),
        )
    job.results.rename(kept)
    shutil.rmtree(running, ignore_errors=True)


def _compared(directory: BuildDirectory, build: Build, kept: Path, progress: Progress) -> Rebuild:
    first, second = kept / "1", kept / "2"
    packages = sorted(p.name for p in first.glob("*.rpm") if not p.name.endswith(".src.rpm"))
    found = differences(first, second)
    texts = []
    both = [one.file for one in found if not one.only] if has_diffoscope() else []
    for number, name in enumerate(both):
        progress("asking diffoscope", number, len(both))
        output = kept / f"{name}.txt"
        if write_text(first / name, second / name, output):
            texts.append(directory.told(output))
    progress("asking diffoscope", len(both), len(both))
    return Rebuild(build.id, len(packages), found, tuple(texts), has_diffoscope())
