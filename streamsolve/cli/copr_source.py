"""``streamsolve copr source``: the custom source method, run in COPR's source chroot."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ..errors import Code, InputError, Place
from .mock_base import source_date_epoch
from .options import (
    cache_directory,
    fetch_options,
    force_option,
    lock_argument,
    output_option,
    read_settings,
)
from .progress import progress_display
from .screen import show

if TYPE_CHECKING:
    from ..building.component_source import ComponentSource
    from ..emit import MockSettings, Written
    from ..inputs.settings import Settings
    from ..lock import Lock

__all__ = ["add_source_command"]

_PAYLOAD = "hook_payload"
_DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("source")
@lock_argument
@click.option(
    "--component",
    metavar="NAME[@VERSION]",
    default="",
    help="Which component; if nothing is said, the one that COPR_PACKAGE or the webhook's payload "
    "(the file hook_payload) is about.",
)
@output_option(
    "Write into DIR; COPR_RESULTDIR if nothing is said, else the working directory.", required=False
)
@force_option
@click.option(
    "--sources",
    metavar="DIR",
    multiple=True,
    type=_DIRECTORY,
    help="Look for upstream's files in DIR first, by name and sha256; may be given again.",
)
@click.option(
    "--srpms",
    metavar="DIR",
    multiple=True,
    type=_DIRECTORY,
    help="Look for the base's source packages in DIR first; may be given again.",
)
@fetch_options
def source(
    file: Path,
    component: str,
    directory: Path | None,
    force: bool,
    sources: tuple[Path, ...],
    srpms: tuple[Path, ...],
    base: str | None,
    **options: object,
) -> None:
    """Write the spec of one component of the lock FILE, and all of its sources.

    It is the script of COPR's custom source method, and runs anywhere. The spec and what lies
    beside it are those that `emit mock` writes; upstream's files are checked against the lock. All
    of it is written at the end, or nothing.
    """
    from ..copr import asked_stream
    from ..emit import write_files
    from ..planner.locking import load_lock

    settings = read_settings(options)
    lock = load_lock(file)
    stream = asked_stream(
        lock.plan,
        component=component,
        package=os.environ.get("COPR_PACKAGE", ""),
        payload=None if component else _payload(),
    )
    target = directory or Path(os.environ.get("COPR_RESULTDIR") or ".")
    with tempfile.TemporaryDirectory(prefix="streamsolve-") as aside:
        made = _made(lock, stream, settings, file, Path(aside), base or "", srpms, sources)
        written = write_files(target, made.files, replace=force)
    _tell(stream, made, written, target, settings.colour)


def _payload() -> bytes | None:
    """What the webhook sent, as COPR leaves it in the working directory; cut where it is too long
    for one, which whoever reads it refuses."""
    from ..copr.payload import LARGEST_PAYLOAD

    try:
        with Path(_PAYLOAD).open("rb") as stream:
            return stream.read(LARGEST_PAYLOAD + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(
            Code.BROKEN_PAYLOAD,
            f"it cannot be read: {error.strerror or error}",
            place=Place(_PAYLOAD),
        ) from None


def _made(
    lock: Lock,
    stream: str,
    settings: Settings,
    file: Path,
    aside: Path,
    base: str,
    srpms: tuple[Path, ...],
    sources: tuple[Path, ...],
) -> ComponentSource:
    from ..building.component_source import SourcePlaces, component_source
    from ..inputs.index import PackageIndex
    from ..inputs.shipped import default_cache
    from ..inputs.transport import Transport

    cache = cache_directory(settings) or default_cache()
    with progress_display() as progress:
        transport = Transport(offline=settings.offline, cache=cache, progress=progress)
        index = PackageIndex(
            transport, endpoint=settings.index_url or None, cache=cache, arch=lock.plan.arch
        )
        places = SourcePlaces(base or lock.plan.base, transport, index, srpms, sources)
        try:
            return component_source(
                lock, stream, _mock_settings(lock), places, aside, file=str(file), progress=progress
            )
        finally:
            transport.close()


def _mock_settings(lock: Lock) -> MockSettings:
    """What of mock's settings a spec depends on: the date, and for which GPUs it compiles. The rest
    only has to be there."""
    from ..emit import MockSettings

    return MockSettings(
        lock.settings.base_release or "0",
        template=f"{lock.plan.base}-{lock.plan.arch}.cfg",
        source_date_epoch=source_date_epoch(),
        gpu=lock.settings.gpu,
    )


def _tell(
    stream: str, made: ComponentSource, written: Written, directory: Path, colour: str
) -> None:
    from ..explain import Block, Span, Style, paragraph
    from ..explain.sentences import count

    told: list[Block] = [
        paragraph(
            Span("✓ ", Style.GOOD),
            Span(stream, Style.NAME),
            f" is in {directory}: {Path(made.spec.path).name} and "
            f"{count(len(made.files) - 1, 'file')} beside it, {len(written.unchanged)} of them "
            "there already.",
            hang=2,
        )
    ]
    if made.spec.incomplete:
        text = f"The spec is for a packager to finish: {'; '.join(made.spec.incomplete)}."
        told.append(paragraph(Span("! ", Style.WARNING), text, hang=2))
    show(told, colour=colour)


def add_source_command(group: click.Group) -> None:
    """Add the command to a group."""
    group.add_command(source)
