"""``streamsolve doctor``: what this machine has, and whether a lock fits it. It changes nothing."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from ..errors import Code, ExitCode, InputError
from .lock_questions import json_option
from .options import read_settings
from .screen import show, show_json

__all__ = ["doctor"]


@click.command()
@click.option(
    "--lock",
    "file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Say whether what this lock holds can run here.",
)
@click.option(
    "--root",
    "root",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Look at a host that was written down: its files below DIR, and what its tools printed in "
    "DIR/commands/NAME. Nothing is run.",
)
@json_option
@click.pass_context
def doctor(context: click.RichContext, file: Path | None, root: Path | None, as_json: bool) -> None:
    """Look at this machine: processor, kernel, GPUs and drivers, containers, packages, what it
    boots.

    With --lock each thing that the lock asks of the machine is checked; ends with 3 if one does not
    fit. What cannot be told from here is told and is no failure.
    """
    from ..doctor import LiveHost, RecordedHost, examine, judge
    from ..explain.doctor_text import doctor_blocks, doctor_document
    from ..inputs.profiles import shipped_rules
    from ..planner.locking import load_lock

    settings = read_settings({})
    if root is not None and not root.is_dir():
        raise InputError(Code.BAD_OPTION, f"--root: there is no directory {root}")
    state = examine(LiveHost() if root is None else RecordedHost(root))
    lock = load_lock(file, arch=state.cpu.arch) if file is not None else None
    report = judge(
        state,
        plan=lock.plan if lock else None,
        settings=lock.settings if lock else None,
        rules=shipped_rules(),
    )
    name = str(file) if file is not None else ""
    if as_json:
        show_json(doctor_document(report, name))
    else:
        show(doctor_blocks(report, name), colour=settings.colour)
    if lock is not None and report.fits is False:
        context.exit(ExitCode.NO_PLAN)
