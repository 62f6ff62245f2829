"""``streamsolve emit``: a locked plan as the files of other tools."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from ..errors import Code, InputError
from .groups import Group
from .mock_options import (
    MOCK_OPTION_GROUPS,
    MockOptions,
    local_image,
    mock_options,
    mock_settings,
)
from .mock_specs import SPEC_OPTION_GROUP, SpecOptions, Step, spec_options, written_specs
from .options import force_option, lock_argument, output_option, read_settings
from .screen import show

if TYPE_CHECKING:
    from ..emit import MockSettings, Written
    from ..emit.hermetic import HermeticRoots
    from ..emit.writer import Content
    from ..explain import Block
    from ..lock import Lock
    from ..model.build import BuildPlan
    from ..model.plan import Plan

__all__ = ["emit", "next_steps"]

_GROUPS = {
    "Output": ["--output", "--force", "--help"],
    **MOCK_OPTION_GROUPS,
    "Specs and source packages": SPEC_OPTION_GROUP,
    "mock's own lock": ["--rpms", "--hermetic"],
}


@click.group(cls=Group)
def emit() -> None:
    """Write a lock as files that other tools read."""


@emit.command(
    "mock",
    context_settings={
        "rich_help_config": {
            "option_groups": {
                "*emit mock": [
                    {"name": name, "options": options} for name, options in _GROUPS.items()
                ]
            }
        }
    },
)
@lock_argument
@output_option("Write into DIR: configs/, chain.sh and a Makefile.")
@force_option
@mock_options
@spec_options
@click.option(
    "--rpms",
    metavar="DIR",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Write locks/ROOT/buildroot_lock.json too, for each root whose RPM files all lie in DIR; "
    "may be given again.",
)
@click.option(
    "--hermetic",
    metavar="ROOT|all",
    multiple=True,
    help="Make hermetic/ROOT too, the repository that mock --hermetic-build wants, from the files "
    "of --rpms; all makes each that can be made. May be given again.",
)
def emit_mock(
    file: Path,
    directory: Path,
    force: bool,
    rpms: tuple[Path, ...],
    hermetic: tuple[str, ...],
    wanted: bool | None,
    sources: Path | None,
    srpms: tuple[Path, ...],
    given: tuple[str, ...],
    **options: Any,  # noqa: ANN401 - those of mock_options, by name
) -> None:
    """Write the lock FILE for mock: a configuration for each root, and the order of the builds.

    chain.sh builds one after the other, the Makefile in parallel. Both take source packages from
    DIR/srpms, where they make those of the specs that are written. The same lock gives the same
    files, and what has not changed is not touched.
    """
    from ..emit import emit_mock as files_for_mock
    from ..emit import write_files
    from ..emit.emitted_for import emitted_for
    from ..planner.locking import load_lock

    for_mock = MockOptions(**options)
    for_specs = SpecOptions(wanted, sources, srpms, given).within(directory)
    if hermetic and not rpms:
        raise InputError(Code.BAD_OPTION, "--hermetic needs RPM files", hint="add --rpms DIR")
    settings = read_settings({"repos": for_mock.repos} if for_mock.repos else {})
    lock = load_lock(file)
    made = mock_settings(lock, for_mock, settings.repos, file)
    files: dict[str, Content] = dict(files_for_mock(lock.plan, made, file=str(file)))
    shown: list[Block] = []
    steps = _before_building(file, directory)
    if for_specs.are_wanted:
        specs, shown, steps = written_specs(lock, made, for_specs, directory, file)
        files |= specs
    if rpms:
        locked, more = _locked(lock, made, for_mock, rpms, hermetic, file)
        files |= locked
        shown += more
    about = emitted_for(lock.plan, made, lock.digest)
    written = write_files(directory, files, replace=force, about=about)
    steps.append(_building(file, directory, made))
    told = _told(lock.plan, made, directory, written)
    show((*told, *shown, *next_steps(steps)), colour=settings.colour)


def _locked(
    lock: Lock,
    made: MockSettings,
    given: MockOptions,
    directories: tuple[Path, ...],
    hermetic: tuple[str, ...],
    file: Path,
) -> tuple[dict[str, Content], list[Block]]:
    """mock's locks and hermetic repositories, and what there is to say of them."""
    from ..building.hermetic import hermetic_files, with_dependencies
    from ..emit import buildroot_locks
    from ..emit.hermetic import hermetic_roots
    from ..emit.namespace import namespace_of
    from ..emit.runtime_package import with_runtime
    from ..inputs.rpm_headers import read_rpm_files

    local = local_image(lock, given)
    found = with_dependencies(read_rpm_files(directories))
    locks = buildroot_locks(
        lock.plan,
        made,
        [each.header for each in found],
        image=local.image if local else None,
        file=str(file),
    )
    files: dict[str, Content] = dict(locks.files)
    if not hermetic or lock.plan.builds is None:
        return files, list(_without_files(locks.missing))
    builds = with_runtime(lock.plan, lock.plan.builds, namespace_of(lock.plan, made))
    roots = hermetic_roots(builds, locks, hermetic, file=str(file))
    files |= hermetic_files(roots, found, local.files if local else {})
    return files, list(_hermetic_told(roots, has_image=local is not None))


# -- what is shown ---------------------------------------------------------------------------------


def _told(
    plan: Plan, settings: MockSettings, directory: Path, written: Written
) -> tuple[Block, ...]:
    from ..emit.namespace import namespace_of
    from ..emit.runtime_package import with_runtime
    from ..explain import Span, Style, paragraph
    from ..explain.sentences import count

    if plan.builds is None:
        return ()
    builds = with_runtime(plan, plan.builds, namespace_of(plan, settings))
    return (
        paragraph(
            Span("✓ ", Style.GOOD),
            Span(str(directory), Style.NAME),
            f" holds {len(builds.roots) + 1} configurations for "
            f"{count(len(builds.builds), 'build')} in {count(len(builds.order.levels), 'level')}. "
            f"Files: {written.counted}.",
            hang=2,
        ),
        *_without_repository(builds, settings),
    )


def _before_building(file: Path, directory: Path) -> list[Step]:
    """What comes first where there is nothing to make specs from."""
    sources = directory / "sources"
    bring = ["streamsolve", "sources", str(file), "-o", str(sources), "--base-sources"]
    text = (
        "brings what specs are made from; then run this again, or put source packages into "
        f"{directory / 'srpms'}"
    )
    return [(shlex.join(bring), text)]


def _building(file: Path, directory: Path, settings: MockSettings) -> Step:
    """What builds everything: the Makefile where packages are published elsewhere."""
    if settings.stream_repository:
        return (
            shlex.join(["make", "-C", str(directory), "-j", "4"]),
            "builds everything, level by level",
        )
    words = ["streamsolve", "build", str(file), "-d", str(directory), "-j", "4"]
    make = shlex.join(["make", "-C", str(directory), "-j", "4"])
    return shlex.join(words), f"builds everything, as `{make}` does"


def next_steps(steps: Iterable[Step]) -> tuple[Block, ...]:
    """The next steps, in their order: each a command line and what it is for."""
    from ..explain import Row, Span, Style, Table, blank

    rows = tuple(
        Row(
            (Span("then" if number else "Next", Style.HEADING), Span(command, Style.COMMAND)),
            (Span(why),),
        )
        for number, (command, why) in enumerate(steps)
    )
    return (blank(), Table(rows, indent=0))


def _without_repository(builds: BuildPlan, settings: MockSettings) -> tuple[Block, ...]:
    """A warning where a third party's packages are needed and no repository can have them."""
    from ..explain import Span, Style, blank, paragraph
    from ..explain.sentences import count

    names = builds.external_packages
    if not names or any(each.overlay for each in settings.repositories):
        return ()
    text = (
        f"{count(len(names), 'package')} of third parties, such as {names[0]}, in no repository of "
        "these configurations: name theirs with --repo NAME=URL and --gpg-key NAME=URL."
    )
    return (blank(), paragraph(Span("! ", Style.WARNING), text, hang=2))


def _without_files(missing: Mapping[str, tuple[str, ...]]) -> tuple[Block, ...]:
    """Which roots have no buildroot_lock.json, and for want of what."""
    from ..explain import Span, Style, blank, paragraph

    if not missing:
        return ()
    root, packages = min(missing.items(), key=lambda found: (len(found[1]), found[0]))
    text = (
        f"{len(missing)} roots have no buildroot_lock.json, because files are not at hand; "
        f"{root} lacks {len(packages)}, such as {packages[0]}."
    )
    return (blank(), paragraph(Span("! ", Style.WARNING), text, hang=2))


def _hermetic_told(roots: HermeticRoots, *, has_image: bool) -> tuple[Block, ...]:
    """Which hermetic repositories there are, how to use one, and what the others wait for."""
    from ..explain import Span, Style, blank, paragraph

    told: list[Block] = [blank()]
    if roots.packages:
        root = min(roots.packages)
        command = f"mock --hermetic-build locks/{root}/buildroot_lock.json hermetic/{root} SRPM"
        told += [
            paragraph(f"Hermetic repositories: {len(roots.packages)}. One build from one:"),
            paragraph(Span(command, Style.COMMAND), indent=2),
        ]
    if roots.packages and not has_image:
        text = (
            "mock refuses a hermetic build without an image to begin with: add --bootstrap-image "
            "NAME and --bootstrap-oci DIR, as `skopeo copy docker://NAME oci:DIR` makes it."
        )
        told.append(paragraph(Span("! ", Style.WARNING), text, hang=2))
    if roots.waiting:
        root, packages = min(roots.waiting.items(), key=lambda found: (len(found[1]), found[0]))
        text = (
            f"Roots that wait for what has still to be built: {len(roots.waiting)}; {root} needs "
            f"{packages[0]}. Build that, and run this again with --rpms for what was built too."
        )
        told.append(paragraph(Span("! ", Style.WARNING), text, hang=2))
    return tuple(told)
