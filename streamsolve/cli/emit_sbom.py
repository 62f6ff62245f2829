"""``streamsolve emit sbom``: what an image is made of, beside it and attached to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ..errors import Code, InputError, Place
from .emit import emit
from .emit_containers import files_below, profile_of
from .mock_base import overlay_ids, source_date_epoch
from .options import (
    force_option,
    lock_argument,
    output_option,
    profile_of_lock_option,
    read_settings,
)
from .screen import show

if TYPE_CHECKING:
    from ..emit.sbom import Bill
    from ..emit.writer import Written
    from ..explain import Block
    from ..lock import Lock
    from ..oci.attach import Attached

__all__ = ["emit_sbom_command"]

_TRANSPORT = "oci:"


@emit.command("sbom")
@lock_argument
@output_option("Write into DIR: sbom.spdx.json and sbom.cdx.json.")
@click.option(
    "--rpms",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Take versions, checksums and licences of packages from the RPM files in DIR.",
)
@click.option(
    "--attach",
    "image",
    metavar="oci:DIR[:TAG]",
    default="",
    help="Attach both, and the lock itself, to an image in an OCI layout.",
)
@profile_of_lock_option
@force_option
def emit_sbom_command(
    file: Path,
    directory: Path,
    rpms: Path | None,
    image: str,
    profile: str | None,
    force: bool,
) -> None:
    """Write what the lock FILE is made of, as SPDX 2.3 and as CycloneDX 1.6.

    Every package of every root is in it, and every source. The time in it is that of
    SOURCE_DATE_EPOCH, else the beginning of 1970, so that the same lock gives the same bytes.
    """
    from ..emit import write_files
    from ..emit.sbom import bill_of, emit_sbom
    from ..planner.locking import load_lock

    lock = load_lock(file)
    used, shown = profile_of(lock, profile)
    bill = bill_of(
        lock.plan,
        lock.digest,
        files=files_below(rpms) if rpms else (),
        bundled=used.on(lock.plan.arch).bundled,
        overlays=overlay_ids(lock),
        epoch=source_date_epoch() or 0,
        file=str(file),
    )
    files = emit_sbom(bill)
    written = write_files(directory, files, replace=force)
    done = _attached(lock, file, files, image) if image else None
    told = _told(bill, directory, written, image, done)
    show((*told, *shown), colour=read_settings({}).colour)


def _attached(lock: Lock, file: Path, files: Mapping[str, bytes], image: str) -> Attached:
    """Attach the documents and the lock to the image."""
    from ..emit.containers import LOCK_DIGEST
    from ..emit.sbom import CYCLONEDX, SPDX
    from ..oci.attach import CYCLONEDX_TYPE, LOCK_TYPE, SPDX_TYPE, Attachment, attach
    from ..planner.locking import open_lock

    directory, tag = _location(image)
    note = ((LOCK_DIGEST, lock.digest),)
    return attach(
        directory,
        tag,
        (
            Attachment(SPDX_TYPE, SPDX, files[SPDX], note),
            Attachment(CYCLONEDX_TYPE, CYCLONEDX, files[CYCLONEDX], note),
            # Whatever the lock is called here, it is found under this name.
            Attachment(LOCK_TYPE, "streamsolve.lock.json", open_lock(file).encode(), note),
        ),
    )


def _location(image: str) -> tuple[Path, str]:
    from ..oci.layout_files import layout_location

    if not image.startswith(_TRANSPORT) or image == _TRANSPORT:
        raise InputError(
            Code.BAD_OPTION,
            f"{image!r} is no image in an OCI layout",
            place=Place("--attach"),
            hint="write oci:DIR:TAG; `skopeo copy containers-storage:IMAGE oci:DIR:TAG` makes one",
        )
    return layout_location(image)


def _told(
    bill: Bill, directory: Path, written: Written, image: str, attached: Attached | None
) -> Iterator[Block]:
    from ..emit.sbom import PartKind
    from ..explain import Span, Style, blank, paragraph
    from ..explain.sentences import count, joined

    counted = {kind: sum(part.kind is kind for part in bill.parts) for kind in PartKind}
    listed = [
        count(counted[PartKind.PACKAGE], "package"),
        count(counted[PartKind.SOURCE], "source"),
    ]
    if counted[PartKind.VENDORED]:
        listed.append(count(counted[PartKind.VENDORED], "vendored package"))
    yield paragraph(
        Span("✓ ", Style.GOOD),
        Span(str(directory), Style.NAME),
        f" lists {joined(listed)}. Files: {written.counted}.",
        hang=2,
    )
    without = sum(not (part.licence or part.licence_text) for part in bill.parts)
    if without:
        text = f"Of {without} of them no licence is known; --rpms DIR reads those of packages."
        yield paragraph(Span("! ", Style.WARNING), text, hang=2)
    if attached is None:
        return
    yield paragraph(
        Span("✓ ", Style.GOOD),
        f"{len(attached.manifests)} documents are attached to ",
        Span(attached.subject, Style.NAME),
        ".",
        hang=2,
    )
    yield blank()
    location = image.rpartition(":")[0] if image.count(":") > 1 else image
    command = f"skopeo copy --all {location}:{attached.tag} docker://REGISTRY/NAME:{attached.tag}"
    yield paragraph(Span(command, Style.COMMAND), "  publishes them beside the image", indent=2)
