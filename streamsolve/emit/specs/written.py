"""Lines that several kinds of specs have: their head, their changelog, and relaxed bounds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from packaging.specifiers import SpecifierSet

from ...model.component import Kind
from ...model.plan import Relaxed
from ..gpu_targets import gpu_environment
from ..mock_settings import MockSettings
from .data_text import commented, data
from .task import SpecTask

__all__ = [
    "CHANGELOG",
    "changelog_date",
    "changelog_entry",
    "gpu_exports",
    "header",
    "relaxations",
]

CHANGELOG = "changelog"
_TITLE = "# Made by streamsolve from a lock; make it again rather than change it."
_PACKAGER = "streamsolve <streamsolve@localhost>"
# The first of January 2000, where no date is given or one before it: RPM takes no entry for one of
# before 1997, and nothing may hang on when a spec was made.
_NO_DATE = 946_684_800
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UPPER = frozenset({"<", "<=", "==", "~=", "==="})
_LOWER = frozenset({">", ">=", "==", "~=", "==="})


def header(task: SpecTask, *words: str) -> list[str]:
    """The comments at the head of a spec: what it is for, and ``words`` a comment each."""
    about = f"{task.id}, a stream of its own for {task.application}."
    return [_TITLE, commented(about), *map(commented, words), ""]


def changelog_date(settings: MockSettings) -> str:
    """The date of a changelog entry, in UTC: the one that is given, or always the same."""
    day = datetime.fromtimestamp(max(_NO_DATE, settings.source_date_epoch or 0), UTC)
    return f"{_DAYS[day.weekday()]} {_MONTHS[day.month - 1]} {day.day:02} {day.year}"


def changelog_entry(task: SpecTask) -> str:
    """One entry that says what the package is."""
    about = data(f"{task.id} for {task.application}")
    return f"* {changelog_date(task.settings)} {_PACKAGER}\n- {about}"


def gpu_exports(task: SpecTask) -> list[str]:
    """Lines of a shell that say for which GPUs to compile, for builds that no configuration tells
    it; none for what does not compile for GPUs."""
    exports = [f'export {name}="{value}"' for name, value in gpu_environment(task.gpu_targets)]
    return ["# The GPU architectures of the lock.", *exports] if exports else []


def relaxations(task: SpecTask) -> list[str]:
    """A line for each bound on a distribution that the profile relaxes, with its reason."""
    lines = []
    for relaxed in sorted(task.relaxed, key=lambda one: (one.stated.component, one.stated.text)):
        if relaxed.stated.component.kind is not Kind.DISTRIBUTION:
            continue
        if relaxed.reason:
            lines.append(commented(relaxed.reason))
        lines += [
            f"%pyproject_patch_dependency {relaxed.stated.component.name}:{action}"
            for action in _actions(relaxed)
        ]
    return lines


def _actions(relaxed: Relaxed) -> Iterator[str]:
    """What Fedora's macro is told, so that of the stated bounds only those that count are left."""
    stated, counts = relaxed.stated.specifier, relaxed.counts.specifier
    if not len(counts):
        yield "drop_constraints"
        return
    for operators, drop, change, sign in (
        (_UPPER, "drop_upper", "set_upper", "<"),
        (_LOWER, "drop_lower", "set_lower", ">="),
    ):
        before, after = _bounds(stated, operators), _bounds(counts, operators)
        if before == after:
            continue
        # The macro sets bounds of one form only; what is wider than what counts is checked by the
        # plan, which knows the version that is built.
        is_sayable = len(after) == 1 and after[0][0] == sign
        yield f"{change}:{after[0][1]}" if is_sayable else drop


def _bounds(specifier: SpecifierSet, operators: frozenset[str]) -> list[tuple[str, str]]:
    return sorted((one.operator, one.version) for one in specifier if one.operator in operators)
