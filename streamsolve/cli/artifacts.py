"""``streamsolve artifacts``, and ``verify LOCK --artifacts DIR``: they write nothing."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from ..errors import ExitCode
from .lock_questions import json_option
from .options import read_settings
from .progress import progress_display
from .screen import show, show_json

__all__ = ["artifacts", "verify_artifacts"]


@click.command()
@click.argument(
    "paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@json_option
def artifacts(paths: tuple[Path, ...], as_json: bool) -> None:
    """Say for which GPU architectures each FILE has code, without a vendor's tools.

    A FILE is a package, a wheel, a library, a kernel file, or a directory of such: CUDA fat
    binaries and code objects, PTX, HIP's code objects in plain and compressed bundles. Of the
    files in a directory only those with GPU code are named.
    """
    from ..artifacts import code_of_file, files_below
    from ..explain.artifacts_document import gpu_code_document
    from ..explain.artifacts_text import gpu_blocks

    settings = read_settings({})
    found = []
    for path in paths:
        for file in files_below(path):
            code = code_of_file(file)
            if code or file == path:
                found.append((str(file), code))
    if as_json:
        show_json(gpu_code_document(found))
    else:
        show(gpu_blocks(found), colour=settings.colour)


def verify_artifacts(
    context: click.RichContext, file: Path, directory: Path, *, everything: bool, as_json: bool
) -> None:
    """``verify FILE --artifacts DIRECTORY``; ends with 4 if something is not as planned."""
    from ..artifacts import check_artifacts, take_inventory
    from ..explain.artifacts_document import artifacts_document
    from ..explain.artifacts_text import artifact_blocks
    from ..planner.locking import load_lock

    settings = read_settings({})
    lock = load_lock(file)
    with progress_display() as progress:
        inventory = take_inventory(directory, progress=progress)
    found = check_artifacts(lock.plan, lock.settings.gpu, inventory)
    if as_json:
        show_json(artifacts_document(found, str(file), str(directory)))
    else:
        show(
            artifact_blocks(found, str(file), str(directory), everything=everything),
            colour=settings.colour,
        )
    if not found.holds:
        context.exit(ExitCode.BUILD_FAILED)
