"""Several architectures at once: ``plan``, ``lock``, ``lock --check`` and ``update``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from ..errors import Code, ExitCode, InputError, NoPlanError, Place
from .options import read_settings
from .progress import progress_display
from .screen import show, show_json

if TYPE_CHECKING:
    from ..explain import Command
    from ..inputs.settings import Settings
    from ..lock import Lock
    from ..planner import PlanRequest

__all__ = [
    "ANSWERS",
    "answers_document",
    "architectures",
    "locks_in",
    "made_locks",
    "plan_architectures",
    "set_of",
    "show_diffs",
    "show_made",
    "with_lock",
]

ANSWERS = "streamsolve.lockset-answers/1"
Request = Callable[["Settings"], "PlanRequest"]
"""The request that the settings of one architecture make."""


def architectures(options: Mapping[str, object]) -> tuple[str, ...]:
    """The architectures that were named, each once and sorted where there are several."""
    text = str(options.get("arch") or "")
    named = [arch.strip() for arch in text.split(",")]
    if len(named) > 1 and not all(named):
        raise InputError(
            Code.BAD_OPTION,
            f"{text!r} names an architecture that has no name",
            place=Place("--arch"),
            hint="write --arch x86_64 --arch aarch64, or --arch x86_64,aarch64",
        )
    return tuple(sorted(set(filter(None, named))))


def plan_architectures(
    context: click.RichContext,
    arches: Sequence[str],
    options: Mapping[str, object],
    request_of: Request,
    command: Command,
    *,
    everything: bool,
    as_json: bool,
) -> None:
    """Plan for each architecture, and show where the plans differ. Ends with 3 where there is no
    plan for one."""
    from ..explain.architectures_text import architecture_blocks, architectures_document
    from ..model.architectures import architectures_diff
    from ..planner import make_plan
    from .planning import show_failure

    plans = {}
    settings = read_settings({**options, "arch": arches[0]})
    for arch in arches:
        request = request_of(read_settings({**options, "arch": arch}))
        try:
            with progress_display() as progress:
                plans[arch] = make_plan(request, progress=progress).plan
        except NoPlanError as error:
            show_failure(error, command.with_option("--arch", arch), as_json, settings.colour)
            context.exit(ExitCode.NO_PLAN)
    found = architectures_diff(plans)
    if as_json:
        show_json(architectures_document(found))
    else:
        show(architecture_blocks(found, everything=everything), colour=settings.colour)


def made_locks(
    context: click.RichContext,
    arches: Sequence[str],
    options: Mapping[str, object],
    request_of: Request,
    command: Command,
    *,
    aside: bool,
    as_json: bool,
) -> Mapping[str, tuple[Lock, str]]:
    """The locks for several architectures with their texts. Ends with 3 where there is none for
    one of them."""
    from ..planner.locking import make_lock
    from .planning import show_failure

    made = {}
    for arch in arches:
        settings = read_settings({**options, "arch": arch})
        try:
            with progress_display() as progress:
                made[arch] = make_lock(request_of(settings), progress=progress)
        except NoPlanError as error:
            of_arch = command.with_option("--arch", arch) if len(arches) > 1 else command
            show_failure(error, of_arch, as_json, settings.colour, aside=aside)
            context.exit(ExitCode.NO_PLAN)
    return made


def show_made(
    made: Mapping[str, tuple[Lock, str]],
    path: Path,
    settings: Settings,
    *,
    to_output: bool,
    as_json: bool,
) -> None:
    """What was locked for each architecture, and where that differs."""
    from ..explain import blank
    from ..explain.architectures_text import architecture_blocks
    from ..explain.lock_answers import locked_document
    from ..explain.lock_text import lock_blocks
    from ..model.architectures import architectures_diff

    if as_json:
        answers = {
            arch: locked_document(lock.plan, f"{path}#{arch}", lock.digest)
            for arch, (lock, _) in made.items()
        }
        show_json(answers_document(path, answers))
        return
    found = architectures_diff({arch: lock.plan for arch, (lock, _) in made.items()})
    blocks = [*architecture_blocks(found)]
    for arch, (lock, _) in made.items():
        file = "" if to_output else f"{path}#{arch}"
        blocks += [blank(), *lock_blocks(lock.plan, file, lock.digest)]
    show(blocks, colour=settings.colour, to=sys.stderr if to_output else None)


def answers_document(file: Path, answers: Mapping[str, object]) -> Mapping[str, object]:
    """One answer for each architecture of a file."""
    return {"schema": ANSWERS, "file": str(file), "answers": dict(answers)}


# -- files of several locks ------------------------------------------------------------------------


def locks_in(file: Path) -> Mapping[str, Path]:
    """The locks in a file, each by its architecture as ``FILE#ARCH``; one that is no file of
    several is by itself, under no architecture."""
    from ..lock import is_lock_set, read_lock_set, split_fragment
    from ..planner.locking import open_file

    if not file.exists() and split_fragment(str(file))[1]:
        return {"": file}
    text = open_file(file)
    if not is_lock_set(text):
        return {"": file}
    return {arch: Path(f"{file}#{arch}") for arch in read_lock_set(text, file=str(file)).locks}


def show_diffs(old: Path, new: Path, *, everything: bool, as_json: bool) -> bool:
    """What changed between two files of several locks, architecture by architecture; whether both
    are such files, and nothing is shown otherwise."""
    if not (_holds_several(old) and _holds_several(new)):
        return False
    before, after = locks_in(old), locks_in(new)
    from ..explain import blank
    from ..explain.diff_text import diff_blocks
    from ..explain.lock_answers import diff_document
    from ..explain.markup import Block, Span, Style, paragraph
    from ..planner.locking import diff_files

    found = {arch: diff_files(before[arch], after[arch]) for arch in before if arch in after}
    removed = sorted(before.keys() - after.keys())
    added = sorted(after.keys() - before.keys())
    if as_json:
        answers = {
            arch: diff_document(str(before[arch]), str(after[arch]), one)
            for arch, one in found.items()
        }
        show_json({**answers_document(new, answers), "removed": removed, "added": added})
        return True
    blocks: list[Block] = [
        *(paragraph(Span(arch, Style.HEADING), f": only in {old}") for arch in removed),
        *(paragraph(Span(arch, Style.HEADING), f": only in {new}") for arch in added),
    ]
    for arch, one in found.items():
        heading = paragraph(Span(arch, Style.HEADING))
        blocks += [*([blank()] if blocks else []), heading]
        blocks += diff_blocks(one, everything=everything)
    show(blocks, colour=read_settings({}).colour)
    return True


def _holds_several(file: Path) -> bool:
    return "" not in locks_in(file)


def set_of(file: Path) -> Path | None:
    """The file of several locks of which ``FILE#ARCH`` is one; None for a lock by itself."""
    from ..lock import is_lock_set, split_fragment
    from ..planner.locking import open_file

    name, arch = ("", "") if file.exists() else split_fragment(str(file))
    if not arch or not is_lock_set(open_file(Path(name))):
        return None
    return Path(name)


def with_lock(file: Path, changed: Mapping[str, tuple[Lock, str]]) -> str:
    """The text of a file of several locks with some of them changed."""
    from ..lock import lock_set_text, read_lock, read_lock_set
    from ..planner.locking import open_file

    held = read_lock_set(open_file(file), file=str(file)).locks
    locks: dict[str, Any] = {
        arch: (read_lock(text, file=f"{file}#{arch}"), text) for arch, text in held.items()
    }
    return lock_set_text({**locks, **changed})
