"""From the options of ``streamsolve copr`` to what COPR should have, and from there to rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Code, ErrorCollector, InputError, Place
from .architectures import set_of

if TYPE_CHECKING:
    from ..copr import FarmBuild, FarmOptions, FarmPlan, FarmRepository
    from ..copr.options import SourceChoice
    from ..copr.tally import Standing
    from ..explain.copr_text import BuildRow
    from ..lock import Lock

__all__ = ["directory_of", "planned", "rows_of"]


def planned(file: Path, options: Mapping[str, Any], *, webhooks: bool = False) -> FarmPlan:
    """What COPR should have for a lock. With ``webhooks`` only the projects and names count, so
    sources need not be there: what they are is checked where a package is set up."""
    from ..copr import plan_farm
    from ..planner.locking import file_of, load_lock
    from ..storage import file_digest

    lock = load_lock(file)
    arch = lock.plan.arch if set_of(file) else ""
    directory = directory_of(options)
    given = frozenset(spec.component for spec in lock.settings.specs)
    return plan_farm(
        lock.plan,
        _farm_options(lock, file_digest(file_of(file)), options, arch),
        _source_packages(directory),
        file=str(file),
        given=given,
        sources_needed=not webhooks,
    )


def directory_of(options: Mapping[str, Any]) -> Path | None:
    """The emitted directory."""
    found: Path | None = options["directory"]
    return found


def _source_packages(directory: Path | None) -> dict[str, str]:
    """The source packages of an emitted directory, with their sha256."""
    from ..copr.choose import SOURCE_PACKAGES
    from ..storage import file_digest

    if directory is None:
        return {}
    found = sorted((directory / SOURCE_PACKAGES).glob("*.src.rpm"))
    return {path.name: file_digest(path) for path in found if path.is_file()}


def _farm_options(lock: Lock, digest: str, options: Mapping[str, Any], arch: str) -> FarmOptions:
    """The options as a value; faults of spelling, all at once. ``digest`` is that of the lock's
    file, of whose locks it is that for ``arch`` if there are several."""
    from ..copr import FarmOptions
    from ..copr.options import BUILDDEPS, Method, project_name

    faults = ErrorCollector(Code.BAD_OPTION)
    owner, project = project_name(options["project"])
    if not (owner and project):
        faults.add(f"{options['project']!r} names no project", Place("--project"), _OWNER)
    method, sources = _sources(options["sources"], faults)
    chroots = options["chroots"] or (f"{lock.plan.base}-{lock.plan.arch}",)
    repositories = _repositories(lock, options["repos"], chroots, faults)
    faults.raise_if_any("the options cannot be used")
    return FarmOptions(
        owner,
        project,
        chroots,
        repositories,
        options["packages"],
        _modules(lock, options["modules"]),
        options["isolation"],
        Method(method),
        sources,
        options["lock_url"],
        digest,
        options["builddeps"] or BUILDDEPS,
        lock_arch=arch,
    )


_EPEL = "epel"
_OWNER = "write OWNER/NAME, or @GROUP/NAME"
_FORM = "write srpm, custom, pypi or distgit:[NAMESPACE/]PACKAGE@COMMIT, after COMPONENT= or alone"


def _sources(texts: Sequence[str], faults: ErrorCollector) -> tuple[str, tuple[SourceChoice, ...]]:
    """The method for all, and what was chosen for some."""
    from ..copr.options import Method, SourceChoice

    general, found = Method.AUTO.value, list[SourceChoice]()
    for text in texts:
        component, sign, method = text.rpartition("=")
        name, _, rest = method.partition(":")
        known = {each.value for each in Method}
        if name not in known or (sign and not component) or (rest and name != "distgit"):
            faults.add(f"{text!r} names no source", Place("--source"), _FORM)
        elif name == "distgit":
            path, at, commit = rest.rpartition("@")
            namespace, _, package = path.rpartition("/")
            if not (component and at and package and commit):
                faults.add(f"{text!r} names no commit of a component", Place("--source"), _FORM)
            found.append(SourceChoice(component, Method.DISTGIT, package, commit, namespace))
        elif component:
            found.append(SourceChoice(component, Method(name)))
        else:
            general = name
    return general, tuple(found)


def _modules(lock: Lock, typed: Sequence[str]) -> tuple[str, ...]:
    """The module streams that chroots enable: those of the lock, and what was typed; a module that
    was typed is as it was typed."""
    said = {text.removeprefix("!").partition(":")[0] for text in typed}
    locked = [each.spelled for each in lock.plan.enabled_modules if each.name not in said]
    return (*locked, *typed)


def _repositories(
    lock: Lock, texts: Sequence[str], chroots: Sequence[str], faults: ErrorCollector
) -> tuple[FarmRepository, ...]:
    """The repositories on top of the base, those of the lock among them; what chroots bring by
    themselves, such as EPEL those of the name, need not be named."""
    from ..copr import FarmRepository
    from ..inputs.base_definitions import find_definition
    from ..inputs.overlays import overlay_of_lock
    from ..inputs.repositories import LocationKind

    found: dict[str, FarmRepository] = {}
    for text in texts:
        with faults.collect():
            overlay = overlay_of_lock(text, lock.settings.repositories, lock.plan.base)
            if overlay.kind is not LocationKind.BASEURL:
                raise InputError(
                    Code.BAD_OPTION,
                    f"COPR follows no list of mirrors, which is all that is known of {text!r}",
                    place=Place("--repo"),
                    hint=f"write {overlay.name}=URL, or take chroots that have it, such as epel-…",
                )
            found[overlay.name] = FarmRepository(overlay.name, overlay.location, overlay.priority)
    definition = find_definition(lock.plan.base)
    brought = set(definition.may_be_given) if definition else set[str]()
    if all(_EPEL in chroot.partition("-")[0].split("+") for chroot in chroots):
        brought.add(_EPEL)
    for name in sorted({*lock.settings.overlays} - found.keys() - brought):
        faults.add(
            f"the lock has the repository {name!r} on top of its base, and where it is is not said",
            Place("--repo"),
            f"add --repo {name}=URL",
        )
    return tuple(found.values())


def rows_of(
    plan: FarmPlan,
    standings: Mapping[str, Standing],
    builds: Mapping[str, FarmBuild],
    logs: Mapping[str, tuple[str, ...]],
) -> tuple[BuildRow, ...]:
    """The builds of a plan as they are shown."""
    from ..explain.copr_text import BuildRow

    return tuple(
        BuildRow(
            build.id,
            build.level,
            f"{plan.owner}/{build.project}",
            standings[build.id].value,
            builds[build.id].id if build.id in builds else 0,
            build.after,
            logs.get(build.id, ()),
        )
        for build in plan.builds
    )
