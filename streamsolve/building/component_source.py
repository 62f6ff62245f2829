"""What one component is built from, whole: its spec, what lies beside it, and upstream's files.

It is what `emit mock` writes for the component and what `sources` brings, in one directory, as the
custom source method of COPR wants it. Nothing of other components is looked up or made.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import evolve, frozen

from ..emit.mock_settings import MockSettings
from ..emit.source_rules import SOURCES, UNKNOWN_DIGEST, read_source_list
from ..emit.specs import EmittedSpec, SpecKind, emit_specs
from ..emit.writer import Content, LocalFile
from ..errors import Code, ErrorCollector, InputError, InputErrors, Place
from ..inputs.index import PackageIndex
from ..inputs.source_rpms import find_source_rpms
from ..inputs.transport import Transport
from ..lock import Lock
from ..model.plan import Plan
from ..model.progress import Progress, no_progress
from ..storage import file_digest
from .base_specs import fetch_source_packages
from .materials import read_materials
from .sources import base_sources, bring_sources, source_needs

__all__ = ["ComponentSource", "SourcePlaces", "component_source", "only_stream"]


@frozen
class SourcePlaces:
    """Where things are had. ``base`` is a definition's name or a directory of repositories,
    ``srpms`` are directories of the base's source packages and ``sources`` of upstream's files,
    which are looked into first."""

    base: str
    transport: Transport
    index: PackageIndex
    srpms: tuple[Path, ...] = ()
    sources: tuple[Path, ...] = ()


@frozen
class ComponentSource:
    """Files by name, and the spec among them. Files of upstream lie in the directory that was
    given to bring them into."""

    files: Mapping[str, Content]
    spec: EmittedSpec


def component_source(
    lock: Lock,
    stream: str,
    settings: MockSettings,
    places: SourcePlaces,
    aside: Path,
    *,
    file: str = "",
    progress: Progress = no_progress,
) -> ComponentSource:
    """Everything for one stream (``name@version``). What is downloaded is put into ``aside``.

    Raises :class:`InputErrors`: ``SOURCES_MISSING`` for what cannot be had, or is of no digest that
    is known; ``WRONG_CHECKSUM``; and what :func:`emit_specs` raises.
    """
    own = only_stream(lock, stream)
    _refuse_given(own, stream, file)
    kept, sources = aside / "base", aside / "sources"
    needs = source_needs(own.plan, file=file)
    try:
        bring_sources(
            needs.files, sources, index=places.index, local=places.sources, progress=progress
        )
    except InputErrors as error:
        # What was brought does not stay.
        summary = f"the sources of {stream} cannot be had:"
        raise InputErrors(error.code, summary, error.errors) from None
    packages = find_source_rpms(places.srpms) if places.srpms else {}
    missing = {*needs.specs.values()} - packages.keys()
    if missing:
        packages |= fetch_source_packages(
            places.base, missing, kept, arch=own.plan.arch, transport=places.transport
        )
    base_sources(own.plan, needs, packages, sources)
    materials = read_materials(own, srpms=packages, sources=sources, progress=progress)
    alone = evolve(lock.plan, builds=own.plan.builds)
    made = emit_specs(alone, settings, materials.specs, file=file)
    spec = next(each for each in made.specs if each.stream == stream)
    directory = spec.path.rpartition("/")[0]
    files: dict[str, Content] = {
        path.rpartition("/")[2]: content
        for path, content in made.files.items()
        if path.rpartition("/")[0] == directory
    }
    return ComponentSource(files | _upstream(spec, files, sources), spec)


def only_stream(lock: Lock, stream: str) -> Lock:
    """A lock of one stream alone; its roots and the order stay as they are."""
    plan = lock.plan
    if plan.builds is None:
        return lock
    builds = tuple(build for build in plan.builds.builds if build.stream == stream)
    names = {build.component.spelled for build in builds}
    return evolve(
        lock,
        plan=_only(evolve(plan, builds=evolve(plan.builds, builds=builds)), stream),
        settings=evolve(
            lock.settings,
            specs=tuple(each for each in lock.settings.specs if each.component in names),
        ),
    )


def _only(plan: Plan, stream: str) -> Plan:
    streams = (one for one in plan.streams if f"{one.component.spelled}@{one.version}" == stream)
    return evolve(plan, streams=tuple(streams))


def _refuse_given(own: Lock, stream: str, file: str) -> None:
    """A spec that the packager gave is in no lock."""
    for each in own.settings.specs:
        raise InputError(
            Code.SOURCES_MISSING,
            f"the lock was made with a spec of the packager's for {stream}, {each.filename}, and "
            "holds only its digest",
            place=Place(file),
            hint="upload a source package that is made with it",
        )


def _upstream(
    spec: EmittedSpec, files: Mapping[str, Content], sources: Path
) -> dict[str, LocalFile]:
    """Upstream's files that the list beside the spec names; all faults at once."""
    listed = files[SOURCES]
    text = listed.decode("utf-8") if isinstance(listed, bytes) else ""
    faults, found = ErrorCollector(Code.SOURCES_MISSING), dict[str, LocalFile]()
    hint = "upload a source package instead: `streamsolve emit mock`, then `make srpms`"
    for each in read_source_list(text, file=spec.path):
        local = sources / each.filename
        if not local.is_file():
            faults.add("it cannot be had", Place(each.filename), hint)
        elif each.sha256 in ("", UNKNOWN_DIGEST) or file_digest(local) != each.sha256:
            faults.add("its sha256 is not the one of the list", Place(each.filename), hint)
        elif each.filename in files:
            faults.add("it is called as another file beside the spec", Place(each.filename), hint)
        else:
            found[each.filename] = LocalFile(local, each.sha256)
    for name in spec.missing:
        if name not in found:
            faults.add("the lock knows no digest of it", Place(name), hint)
    if spec.kind is SpecKind.SKELETON and not faults.errors:
        faults.add("what the lock says of it makes no spec that can be built", Place(), hint)
    faults.raise_if_any(f"the sources of {spec.stream} are not whole:")
    return found
