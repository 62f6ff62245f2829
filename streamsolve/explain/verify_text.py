"""Whether a lock can still be done today, for a reader."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.verification import Fate, PackageFate, SourceFate, Unseen, Verification
from .command import Command
from .diff_text import repository_rows, settings_rows
from .markup import Block, Row, Span, Style, Table, blank, paragraph, section
from .sentences import count

__all__ = ["unseen_blocks", "verify_blocks"]

_ROWS = 10
_DIGEST = 12
_VERSIONS = 3
_PLURALS = {
    "package of the base": "packages of the base",
    "repository of the base": "repositories of the base",
}


def verify_blocks(
    found: Verification, file: str, base: str, step: Command, *, everything: bool = False
) -> tuple[Block, ...]:
    """The answer, then what is gone or changed, what moved, and what was not looked at. ``step`` is
    the command that makes the lock again."""
    sections: list[list[Block]] = [[_answer(found, file, base)]]
    for fate, name in (
        (Fate.GONE, "Gone from the base"),
        (Fate.CHANGED, "Changed under their name"),
    ):
        sections.append(_packages(name, found.of(fate), everything))
    sections.append(_sources(found.sources, everything))
    if found.repositories:
        heading = paragraph(Span("Repositories", Style.HEADING))
        sections.append([heading, Table(repository_rows(found.repositories))])
    if found.settings:
        heading = paragraph(Span("A new lock would be made otherwise", Style.HEADING))
        sections.append([heading, Table(settings_rows(found.settings))])
    sections.append([*unseen_blocks(found.unseen)])
    if not found.holds or found.repositories or found.settings:
        row = Row(
            (Span("Next", Style.HEADING), Span(str(step), Style.COMMAND)), (Span("makes it again"),)
        )
        sections.append([Table((row,), indent=0)])
    blocks: list[Block] = []
    for each in filter(None, sections):
        blocks += [blank(), *each] if blocks else each
    return tuple(blocks)


def _answer(found: Verification, file: str, base: str) -> Block:
    packages = count(found.packages_seen, "package")
    sources = count(found.sources_seen, "source")
    if found.holds and not (found.packages_seen and found.sources_seen):
        mark, head = Span("▲ ", Style.WARNING), " could not be verified as a whole"
        rest = f" on {base}: {packages} and {sources} were looked at, and are there."
    elif found.holds:
        mark, head = Span("✓ ", Style.GOOD), " can still be done"
        rest = f" on {base}: all that was looked at is there, {packages} and {sources}."
    else:
        lost = [source for source in found.sources if source.fate is not Fate.YANKED]
        mark, head = Span("✗ ", Style.BAD), " can no longer be done as it is"
        rest = (
            f" on {base}: {len(found.packages)} of {packages} and {len(lost)} of {sources} are "
            "gone or changed."
        )
    return paragraph(mark, Span(file, Style.NAME), Span(head, Style.HEADING), rest, hang=2)


def _packages(name: str, packages: Sequence[PackageFate], everything: bool) -> list[Block]:
    # What lies in the most roots matters most.
    ordered = sorted(packages, key=lambda one: (-one.roots, one))
    rows = [
        Row(
            (Span(_name(one), Style.NAME),),
            (Span(f"{_version(one)}, {_instead(one)}"),),
            Span(count(one.roots, "root"), Style.QUIET),
        )
        for one in ordered
    ]
    return section(name, rows, _ROWS, everything=everything)


def _name(one: PackageFate) -> str:
    """``glibc.x86_64`` of ``glibc-2.43-5.fc45.x86_64``."""
    return f"{one.nevra.rsplit('-', 2)[0]}.{one.nevra.rpartition('.')[2]}"


def _version(one: PackageFate) -> str:
    """``2.43-5.fc45`` of ``glibc-2.43-5.fc45.x86_64``."""
    return "-".join(one.nevra.rsplit("-", 2)[1:]).rpartition(".")[0]


def _instead(one: PackageFate) -> str:
    if one.fate is Fate.CHANGED:
        return f"{_short(one.checksum)} → {_short(one.found)}"
    if not one.instead:
        return "nothing of that name is there"
    return f"now {', '.join(one.instead[:_VERSIONS])}"


def _sources(sources: Sequence[SourceFate], everything: bool) -> list[Block]:
    words = {
        Fate.GONE: "gone",
        Fate.CHANGED: "changed under its name",
        Fate.YANKED: "yanked by upstream, still there",
    }
    rows = [
        Row(
            (Span(one.filename or one.purl, Style.NAME),),
            (
                Span(words[one.fate]),
                Span(f": {_short(one.sha256)} → {_short(one.found)}" if one.found else ""),
            ),
        )
        for one in sources
    ]
    return section("Sources", rows, _ROWS, everything=everything)


def unseen_blocks(unseen: Sequence[Unseen]) -> tuple[Block, ...]:
    """What was not looked at, and why."""
    if not unseen:
        return ()
    blocks: list[Block] = [paragraph(Span("Not looked at", Style.HEADING))]
    for one in unseen:
        told = count(one.number, one.what, _PLURALS.get(one.what, ""))
        blocks.append(paragraph(f"{told}: {one.why}", indent=2, hang=2))
    return tuple(blocks)


def _short(checksum: str) -> str:
    """The beginning of a digest, without its algorithm."""
    return checksum.rpartition(":")[2][:_DIGEST]
