"""``streamsolve build``, and ``verify --rebuild``: what was emitted is built."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import rich_click as click

from ..errors import Code, ExitCode, InputError
from .lock_questions import all_option, json_option
from .options import lock_argument, read_settings
from .progress import progress_display
from .screen import show, show_json

if TYPE_CHECKING:
    from ..building.directory import BuildDirectory
    from ..building.runner import RunSettings
    from ..building.steps import MockStep
    from ..lock import Lock

__all__ = ["build", "show_rebuild"]

_USUAL = Path("build")
_PUT_THERE = ("sources", "srpms")
_SECONDS_PER_MINUTE = 60.0


@click.command()
@lock_argument
@click.option(
    "-d",
    "--directory",
    metavar="DIR",
    default=_USUAL,
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="What `emit mock` wrote; if there is nothing yet, the lock is emitted into it.",
)
@click.option(
    "-j",
    "--jobs",
    metavar="N",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="So many builds at a time.",
)
@click.option(
    "--mock",
    "program",
    metavar="PROGRAM",
    envvar="MOCK",
    default="mock",
    show_default=True,
    help="The command that builds, with options that every build has.",
)
@click.option(
    "--createrepo",
    metavar="PROGRAM",
    envvar="CREATEREPO",
    default="createrepo_c",
    show_default=True,
    help="The command that makes the metadata of repositories.",
)
@click.option(
    "--timeout",
    metavar="MINUTES",
    type=click.FloatRange(min=0, min_open=True),
    help="End a build that takes longer.",
)
@click.option(
    "--keep-going/--fail-fast",
    default=True,
    help="After a failure, go on with what does not depend on it, which is what happens if nothing "
    "is said; or begin nothing more.",
)
@click.option(
    "--resume/--fresh",
    default=True,
    help="Skip what is built from the same inputs, which is what happens if nothing is said; or "
    "build everything again.",
)
@click.option("--dry-run", is_flag=True, help="Write nothing: say what would be run, and why.")
@all_option
@json_option
@click.pass_context
def build(
    context: click.RichContext,
    /,
    file: Path,
    directory: Path,
    jobs: int,
    program: str,
    createrepo: str,
    timeout: float | None,
    keep_going: bool,
    resume: bool,
    dry_run: bool,
    everything: bool,
    as_json: bool,
) -> None:
    """Build everything that the lock FILE has, with mock, in the order of its graph.

    A build begins as soon as all that it needs is published. What is built from the same inputs is
    not built again, so the same command goes on where it was stopped. A failure stops what depends
    on it. Ends with 4 if a build failed.
    """
    from ..building.runner import RunSettings, run_builds
    from ..building.steps import MockStep
    from ..explain.build_run_text import build_run_blocks, build_run_document
    from ..planner.locking import load_lock
    from .build_display import build_display
    from .planning import typed

    settings = read_settings({})
    lock = load_lock(file)
    minutes = None if timeout is None else timeout * _SECONDS_PER_MINUTE
    step = MockStep(_words(program, "--mock"), minutes)
    chosen = RunSettings(jobs, keep_going, not resume, _words(createrepo, "--createrepo"))
    if dry_run:
        _show_planned(lock, file, directory, step, chosen, everything, as_json, settings.colour)
        return
    step.require()
    _require(chosen.createrepo)
    if _is_fresh(directory):
        _emit(context, file, directory, as_json=as_json)
    opened = _opened(lock, directory, file)
    with _interruptible(), progress_display() as progress, build_display() as watch:
        run = run_builds(opened, step, chosen, watch=watch, progress=progress)
    if as_json:
        show_json(build_run_document(run))
    else:
        again = typed(("build", str(file)), {"directory": str(directory)})
        show(build_run_blocks(run, again, everything=everything), colour=settings.colour)
    if not run.holds:
        context.exit(ExitCode.BUILD_FAILED)


def _words(text: str, option: str) -> tuple[str, ...]:
    """A command, which may have options of its own."""
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise InputError(Code.BAD_OPTION, f"{option} {text!r} is no command: {error}") from None
    if not words:
        raise InputError(Code.BAD_OPTION, f"{option} names no command")
    return words


def _is_fresh(directory: Path) -> bool:
    """Whether nothing was emitted into it yet: it may have what a packager puts there first."""
    return not directory.is_dir() or all(path.name in _PUT_THERE for path in directory.iterdir())


def _require(createrepo: tuple[str, ...]) -> None:
    if shutil.which(createrepo[0]) is None:
        raise InputError(
            Code.MISSING_TOOL,
            f"publishing packages needs {createrepo[0]}, which is not there",
            hint="install the system's package createrepo_c, or name another program with "
            "--createrepo PROGRAM",
        )


def _emit(context: click.RichContext, file: Path, directory: Path, *, as_json: bool) -> None:
    """The same as ``emit mock FILE -o DIRECTORY``."""
    from .emit import emit

    command = emit.get_command(context, "mock")
    if command is None:
        raise LookupError("there is no command emit mock")
    if as_json:
        # What it says is no part of the answer.
        with redirect_stdout(sys.stderr):
            context.invoke(command, file=file, directory=directory)
    else:
        context.invoke(command, file=file, directory=directory)
        click.echo()


def _show_planned(
    lock: Lock,
    file: Path,
    directory: Path,
    step: MockStep,
    chosen: RunSettings,
    everything: bool,
    as_json: bool,
    colour: str,
) -> None:
    """``--dry-run``. Where nothing was emitted yet, everything is new."""
    from ..building.runner import plan_run
    from ..building.schedule import in_order
    from ..explain.build_run_text import planned_run_blocks, planned_run_document
    from ..model.build_run import PlannedRun

    if not _is_fresh(directory):
        opened = _opened(lock, directory, file)
        with progress_display() as progress:
            planned = plan_run(opened, step, chosen, progress=progress)
    else:
        builds = lock.plan.builds.builds if lock.plan.builds else ()
        by_id = {each.id: each for each in builds}
        planned = tuple(PlannedRun(id, by_id[id].root, "it is new") for id in in_order(builds))
    if as_json:
        show_json(planned_run_document(planned, str(directory)))
    else:
        blocks = planned_run_blocks(planned, str(directory), everything=everything)
        show(blocks, colour=colour)


# -- interrupts ------------------------------------------------------------------------------------


@contextmanager
def _interruptible() -> Iterator[None]:
    """A request to end is an interrupt inside, and what that means is told."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            before[number] = signal.signal(number, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        click.echo("interrupted: what is built stays, and the same command goes on", err=True)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# -- verify --rebuild ------------------------------------------------------------------------------


def show_rebuild(
    context: click.RichContext,
    file: Path,
    component: str,
    directory: Path | None,
    *,
    everything: bool = False,
    as_json: bool = False,
) -> None:
    """``verify FILE --rebuild COMPONENT``: builds it twice and says what differs; ends with 4 if
    anything does. The programs are those of the environment, as ``build`` takes them."""
    from ..building.rebuild import build_of, rebuild
    from ..building.runner import RunSettings
    from ..building.steps import MockStep
    from ..explain.build_run_text import rebuild_blocks, rebuild_document
    from ..planner.locking import load_lock

    settings = read_settings({})
    lock = load_lock(file)
    opened = _opened(lock, directory or _USUAL, file)
    step = MockStep(_words(os.environ.get("MOCK") or "mock", "MOCK"))
    createrepo = os.environ.get("CREATEREPO") or "createrepo_c"
    chosen = RunSettings(createrepo=_words(createrepo, "CREATEREPO"))
    one = build_of(opened, component)
    step.require()
    _require(chosen.createrepo)
    with _interruptible(), progress_display() as progress:
        found = rebuild(opened, one, step, chosen, progress=progress)
    if as_json:
        show_json(rebuild_document(found))
    else:
        show(rebuild_blocks(found, everything=everything), colour=settings.colour)
    if found.differences:
        context.exit(ExitCode.BUILD_FAILED)


def _opened(lock: Lock, directory: Path, file: Path) -> BuildDirectory:
    from ..building.directory import BuildDirectory

    return BuildDirectory.of(directory, lock.plan, file=str(file), digest=lock.digest)
