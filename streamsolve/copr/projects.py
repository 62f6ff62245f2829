"""Projects and chroots: what would change, field by field, and changing it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from attrs import evolve, frozen

from ..errors import Code, ErrorCollector, InputError, Place, nearest
from .farm import ChrootState, Farm, ProjectState
from .patience import Patience
from .plan import FarmPlan, WantedProject

__all__ = [
    "FieldChange",
    "Setup",
    "apply_changes",
    "check_farm",
    "compare",
    "refuse_missing",
]

_PROJECT_FIELDS = (
    "additional_repos",
    "repo_priority",
    "enable_net",
    "module_hotfixes",
    "follow_fedora_branching",
)
_MADE_WITH = frozenset(_PROJECT_FIELDS) - {"additional_repos"}
_CHROOT_FIELDS = (
    "additional_packages",
    "additional_modules",
    "with_opts",
    "without_opts",
    "isolation",
)

Value = tuple[str, ...] | str | bool | int | None


@frozen
class FieldChange:
    """One field that is not as it should be. ``chroot`` is empty for a field of the project
    itself, ``field`` for a project that is not there."""

    project: str
    chroot: str
    field: str
    old: Value
    new: Value


@frozen
class Setup:
    """How the projects are and what is to change. ``found`` are those that are there, by name."""

    changes: tuple[FieldChange, ...]
    found: Mapping[str, ProjectState]

    @property
    def missing(self) -> frozenset[str]:
        """The projects that are not there."""
        return frozenset(change.project for change in self.changes if not change.field)


def check_farm(farm: Farm, plan: FarmPlan, patience: Patience) -> None:
    """That COPR knows us and the chroots; all faults at once."""
    patience.insist("say who asks", farm.user)
    known = patience.insist("list its chroots", farm.known_chroots)
    faults = ErrorCollector(Code.NOT_FOR_COPR)
    wanted = {chroot.name for project in plan.projects for chroot in project.chroots}
    for name in sorted(wanted.difference(known)):
        faults.add(f"COPR has no chroot {name!r}", Place("--chroot"), nearest(name, known))
    faults.raise_if_any("this cannot be built in COPR:")


def compare(farm: Farm, plan: FarmPlan, patience: Patience) -> Setup:
    """What would change. Only asks."""
    changes: list[FieldChange] = []
    found: dict[str, ProjectState] = {}
    for wanted in plan.projects:
        state = patience.insist(
            f"show the project {wanted.owner}/{wanted.name}",
            partial(farm.project, wanted.owner, wanted.name),
        )
        if state is None:
            changes += _of_new_project(wanted)
            continue
        found[wanted.name] = state
        chroots = [
            patience.insist(
                f"show the chroot {chroot.name}",
                partial(farm.chroot, wanted.owner, wanted.name, chroot.name),
            )
            if chroot.name in state.chroots
            else ChrootState(chroot.name)
            for chroot in wanted.chroots
        ]
        changes += _of_project(wanted, state)
        changes += _of_chroots(wanted, chroots)
    return Setup(tuple(changes), found)


def apply_changes(farm: Farm, plan: FarmPlan, setup: Setup, patience: Patience) -> None:
    """Make it so. What is interrupted is found half done by the next comparison, and finished.

    Projects see each other, and COPR takes no repository of a project that is not there. So all are
    made first, without repositories.
    """
    for wanted in plan.projects:
        if wanted.name in setup.missing:
            bare = evolve(wanted, additional_repos=())
            name = f"{wanted.owner}/{wanted.name}"
            patience.insist(f"make the project {name}", partial(farm.create, bare))
    for wanted in plan.projects:
        name = f"{wanted.owner}/{wanted.name}"
        changes = [change for change in setup.changes if change.project == wanted.name]
        fields = {change.field for change in changes if not change.chroot} - {""}
        if fields - _MADE_WITH if wanted.name in setup.missing else fields:
            patience.insist(f"change the project {name}", partial(farm.edit, wanted))
        for chroot in wanted.chroots:
            if any(change.chroot == chroot.name for change in changes):
                patience.insist(
                    f"change the chroot {chroot.name} of {name}",
                    partial(farm.edit_chroot, wanted, chroot),
                )


def refuse_missing(setup: Setup, owner: str) -> None:
    """For what only looks: a project that is not there is a fault."""
    if setup.missing:
        names = ", ".join(f"{owner}/{name}" for name in sorted(setup.missing))
        raise InputError(
            Code.NOT_FOR_COPR,
            f"COPR has no project {names}",
            hint="`streamsolve copr push` makes it",
        )


def _of_new_project(wanted: WantedProject) -> Iterable[FieldChange]:
    names = tuple(chroot.name for chroot in wanted.chroots)
    yield FieldChange(wanted.name, "", "", None, names)
    usual = ProjectState(wanted.owner, wanted.name, names)
    yield from _of_project(wanted, usual)
    yield from _of_chroots(wanted, [ChrootState(chroot.name) for chroot in wanted.chroots])


def _of_project(wanted: WantedProject, state: ProjectState) -> Iterable[FieldChange]:
    names = tuple(sorted(chroot.name for chroot in wanted.chroots))
    if tuple(sorted(state.chroots)) != names:
        yield FieldChange(wanted.name, "", "chroots", tuple(sorted(state.chroots)), names)
    for name in _PROJECT_FIELDS:
        old, new = getattr(state, name), getattr(wanted, name)
        if old != new:
            yield FieldChange(wanted.name, "", name, old, new)


def _of_chroots(wanted: WantedProject, states: list[ChrootState]) -> Iterable[FieldChange]:
    for chroot, state in zip(wanted.chroots, states, strict=True):
        for name in _CHROOT_FIELDS:
            old, new = getattr(state, name), getattr(chroot, name)
            if old != new:
                yield FieldChange(wanted.name, chroot.name, name, old, new)
        if state.additional_repos:
            # Build roots would see these as well.
            yield FieldChange(
                wanted.name, chroot.name, "additional_repos", state.additional_repos, ()
            )
