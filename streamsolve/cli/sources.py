"""``streamsolve sources``: what the private streams of a lock are built from, in one directory."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from .options import (
    cache_directory,
    fetch_options,
    lock_argument,
    output_option,
    read_settings,
)
from .progress import progress_display
from .screen import show

if TYPE_CHECKING:
    from ..building.sources import Brought, SourceNeeds, Supply
    from ..explain import Block, Span
    from ..inputs.settings import Settings
    from ..lock import Lock
    from ..model.progress import Progress

__all__ = ["sources"]

_BASE_DIRECTORY = "base"
_IN_BUILD = "sources"
_MOST_SHOWN = 40


@click.command()
@lock_argument
@output_option("Bring the files into DIR, such as the directory sources of what emit mock writes.")
@click.option(
    "--only",
    metavar="COMPONENT",
    multiple=True,
    help="Only what COMPONENT is built from; may be given again.",
)
@click.option(
    "--from",
    "local",
    metavar="DIR",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Look in DIR first, by name and sha256; may be given again.",
)
@click.option(
    "--srpms",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the base's source packages lie, and where --base-sources puts them; the directory "
    "base of -o if nothing is said.",
)
@click.option(
    "--base-sources",
    is_flag=True,
    help="Bring the base's source packages too, from its source repositories.",
)
@fetch_options
def sources(
    file: Path,
    directory: Path,
    only: tuple[str, ...],
    local: tuple[Path, ...],
    srpms: Path | None,
    base_sources: bool,
    base: str | None,
    **options: object,
) -> None:
    """Bring what the private streams of the lock FILE are built from into one directory.

    Each file is checked against the lock. What is there already stays; a run that was stopped is
    gone on with by the same command. What the lock knows by no file is listed: that is for you to
    supply.
    """
    from ..building.sources import source_needs
    from ..planner.locking import load_lock

    settings = read_settings(options)
    lock = load_lock(file)
    needs = source_needs(lock.plan, only, file=str(file))
    kept = srpms or directory / _BASE_DIRECTORY
    with progress_display() as progress:
        brought = _bring(needs, directory, local, settings, lock, progress)
        packages = _base_packages(
            needs, kept, lock, settings, progress, base=base or "", fetch=base_sources
        )
        taken = _taken(lock, needs, packages, directory)
    missing = {id: nevra for id, nevra in needs.specs.items() if nevra not in packages}
    told = _told(directory, brought, taken, needs, missing, packages)
    show((*told, *_next(file, directory, kept, packages)), colour=settings.colour)


def _bring(
    needs: SourceNeeds,
    directory: Path,
    local: Sequence[Path],
    settings: Settings,
    lock: Lock,
    progress: Progress,
) -> Brought:
    from ..building.sources import bring_sources
    from ..inputs.index import PackageIndex
    from ..inputs.shipped import default_cache
    from ..inputs.transport import Transport

    cache = cache_directory(settings) or default_cache()
    transport = Transport(offline=settings.offline, cache=cache, progress=progress)
    index = PackageIndex(
        transport, endpoint=settings.index_url or None, cache=cache, arch=lock.plan.arch
    )
    try:
        return bring_sources(needs.files, directory, index=index, local=local, progress=progress)
    finally:
        transport.close()


def _base_packages(
    needs: SourceNeeds,
    kept: Path,
    lock: Lock,
    settings: Settings,
    progress: Progress,
    *,
    base: str,
    fetch: bool,
) -> Mapping[str, Path]:
    """The base's source packages that are wanted and there, by full name."""
    from ..inputs.source_rpms import find_source_rpms

    found = find_source_rpms([kept]) if kept.is_dir() else {}
    wanted = {*needs.specs.values()}
    packages = {nevra: path for nevra, path in found.items() if nevra in wanted}
    if not fetch or packages.keys() == wanted:
        return packages
    from ..building.base_specs import fetch_source_packages
    from ..inputs.shipped import default_cache
    from ..inputs.transport import Transport

    cache = cache_directory(settings) or default_cache()
    transport = Transport(offline=settings.offline, cache=cache, progress=progress)
    try:
        brought = fetch_source_packages(
            base or lock.plan.base,
            wanted - packages.keys(),
            kept,
            arch=lock.plan.arch,
            transport=transport,
        )
    finally:
        transport.close()
    return {**packages, **brought}


def _taken(
    lock: Lock, needs: SourceNeeds, packages: Mapping[str, Path], directory: Path
) -> tuple[str, ...]:
    from ..building.sources import base_sources

    return base_sources(lock.plan, needs, packages, directory) if packages else ()


# -- what is shown ---------------------------------------------------------------------------------


def _told(
    directory: Path,
    brought: Brought,
    taken: Sequence[str],
    needs: SourceNeeds,
    missing: Mapping[str, str],
    packages: Mapping[str, Path],
) -> tuple[Block, ...]:
    from ..explain import Span, Style, blank, paragraph
    from ..explain.sentences import count

    told: list[Block] = [
        paragraph(
            Span("✓ ", Style.GOOD),
            Span(str(directory), Style.NAME),
            f" holds {count(len(needs.files), 'file')} of the lock: "
            f"{len(brought.brought)} brought, {len(brought.there)} there already.",
            hang=2,
        )
    ]
    if taken:
        text = f"{count(len(taken), 'file')} taken out of the base's source packages."
        told.append(paragraph(text, indent=2))
    if missing:
        text = (
            f"Specs of the base that are not here: {len(missing)}, such as that in "
            f"{min(missing.values())}. --base-sources brings them, or put them into --srpms."
        )
        told += [blank(), paragraph(Span("! ", Style.WARNING), text, hang=2)]
    supplies = [each for each in needs.supplies if each.spec not in packages]
    if supplies:
        text = (
            f"The lock names no file for {count(len(supplies), 'stream')}; supply what each needs:"
        )
        told += [blank(), paragraph(Span("! ", Style.WARNING), text, hang=2)]
        told += [paragraph(*_supply(each), indent=2, hang=4) for each in supplies[:_MOST_SHOWN]]
    if len(supplies) > _MOST_SHOWN:
        told.append(paragraph(f"and {len(supplies) - _MOST_SHOWN} more", indent=2))
    return tuple(told)


def _supply(each: Supply) -> tuple[str | Span, ...]:
    """A stream and what the packager has to give for it."""
    from ..emit.specs.skeleton import archive_of, checkout_of
    from ..explain import Span, Style

    checkout, archive = checkout_of(each.purl), archive_of(each.purl)
    if each.spec:
        words = f"the sources of {each.spec}, which --base-sources brings"
    elif checkout:
        words = f"{checkout.filename}, an archive of {each.purl}"
    elif archive:
        words = f"{archive.filename}, from {archive.archive}"
    elif each.purl:
        words = f"an archive of {each.purl}, under the name that its spec gives it"
    else:
        words = "a source; the lock does not say where there is one"
    return Span(each.stream, Style.NAME), f"  {words}"


def _next(
    file: Path, directory: Path, kept: Path, packages: Mapping[str, Path]
) -> tuple[Block, ...]:
    from ..explain import Row, Span, Style, Table, blank

    words = ["streamsolve", "emit", "mock", str(file), "-o"]
    if directory == Path(_IN_BUILD):
        # Beside it, not in the working directory, where everything else lies.
        words += ["build", "--sources", str(directory)]
    elif directory.name == _IN_BUILD:
        # Where `emit mock` looks by itself.
        words.append(str(directory.parent))
    else:
        words += ["DIR", "--sources", str(directory)]
    if packages and kept != directory / _BASE_DIRECTORY:
        words += ["--srpms", str(kept)]
    heading, command = Span("Next", Style.HEADING), Span(shlex.join(words), Style.COMMAND)
    return (
        blank(),
        Table((Row((heading, command), (Span("writes specs from them"),)),), indent=0),
    )
