"""What the streams of a plan carry in their own source, for a reader."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.plan import Plan
from ..model.vendored import Ecosystem, Vendored, VendoredPackage, licence_counts
from ..model.wording import few_or_all
from .command import Command
from .markup import Block, Span, Style, blank, paragraph
from .sentences import count, joined, named

__all__ = ["count_text", "listed_blocks", "vendored_blocks", "why_vendored"]

_LICENCES = 3
_ALL_LICENCES = 8
_NAMES = 4
_SOURCES = "SOURCE-DIRECTORY"
"""What stands for the directory with the other tool's lock: LOCK is streamsolve's own elsewhere."""
_WORDS = {Ecosystem.CARGO: ("crate", "crates"), Ecosystem.NPM: ("npm package", "npm packages")}


def vendored_blocks(plan: Plan, command: Command, *, everything: bool = False) -> list[Block]:
    """A paragraph for each stream that carries anything; with ``everything`` each licence with its
    packages. ``command`` is what was typed, and says where the base is."""
    base = dict(command.options).get("--base", plan.base)
    blocks: list[Block] = []
    for each in plan.vendored:
        blocks += _blocks(each, base, everything)
    return blocks


def _blocks(vendored: Vendored, base: str, everything: bool) -> list[Block]:
    text = f": {count_text(vendored.packages)}, no streams of their own."
    if vendored.packages and not vendored.shipped:
        text = f": {count_text(vendored.packages)}, only for development."
    # All of them are told licence by licence below.
    licences = "" if everything else _licences_text(vendored.packages, limit=_LICENCES)
    blocks: list[Block] = [
        paragraph(
            Span(f"Vendored in {named(vendored.component)}", Style.HEADING),
            f"{text}{f' Licences: {licences}.' if licences else ''}",
            *_unknown(vendored, base),
            hang=2,
        )
    ]
    if everything:
        if vendored.reason:
            blocks.append(paragraph(f"Why: {vendored.reason}", indent=2, hang=2))
        blocks += _by_licence(vendored.packages)
    return blocks


def _unknown(vendored: Vendored, base: str) -> tuple[str | Span, ...]:
    """How many licences are not known, and what to do about it."""
    number = len(vendored.unknown)
    if not number:
        return ()
    listed = vendored.file.partition(", ")[0] or "FILE"
    words = Command(("streamsolve", "vendored", _SOURCES), (("--base", base), ("-o", listed)))
    if number == len(vendored.packages):
        told = "No licence of them is known"
    elif number == 1:
        told = "The licence of one is not known"
    else:
        told = f"The licences of {number} are not known"
    return (
        f" {told}; ",
        Span(str(words), Style.COMMAND),
        " looks for them.",
    )


def count_text(packages: Sequence[VendoredPackage]) -> str:
    """``609 crates and 10 npm packages (3 for development)``."""
    parts = []
    for ecosystem in Ecosystem:
        number = sum(each.ecosystem is ecosystem for each in packages)
        if number:
            parts.append(count(number, *_WORDS[ecosystem]))
    development = sum(each.development for each in packages)
    aside = f" ({development} for development)" if development else ""
    return f"{joined(parts) if parts else 'nothing'}{aside}"


def _licences_text(packages: Sequence[VendoredPackage], *, limit: int | None = None) -> str:
    """``MIT OR Apache-2.0 (300), MIT (120) and 5 more``; empty where none is known."""
    told = [f"{licence} ({number})" for licence, number in licence_counts(packages)]
    return few_or_all(told, len(told) if limit is None else limit)


def _by_licence(packages: Sequence[VendoredPackage]) -> list[Block]:
    """A paragraph for each licence with its packages, the most frequent first, those without last:
    there are long ones, beside which a column would be left no room."""
    by_licence: dict[str, list[str]] = {}
    for each in packages:
        by_licence.setdefault(each.licence, []).append(_told(each))
    order = (*(text for text, _ in licence_counts(packages)), "")
    return [
        paragraph(
            Span(f"{licence or 'not known'} ({len(by_licence[licence])})", Style.NAME),
            ": ",
            Span(", ".join(by_licence[licence]), Style.QUIET),
            indent=2,
            hang=2,
        )
        for licence in order
        if licence in by_licence
    ]


def _told(package: VendoredPackage) -> str:
    notes = []
    if package.development:
        notes.append("for development")
    if package.licence_of:
        notes.append(f"the licence is that of {package.licence_of}")
    return f"{package}{f' ({joined(notes)})' if notes else ''}"


def listed_blocks(
    packages: Sequence[VendoredPackage], written: str = "", *, everything: bool = False
) -> list[Block]:
    """Packages by themselves: how many, under which licences, and of which nothing is known.
    ``written`` is the file that they were written to."""
    done = f" in {written}" if written else ""
    blocks: list[Block] = [
        paragraph(
            Span("✓ ", Style.GOOD), Span(count_text(packages), Style.HEADING), f"{done}.", hang=2
        )
    ]
    if everything:
        return [*blocks, blank(), *_by_licence(packages)]
    licences = _licences_text(packages, limit=_ALL_LICENCES)
    if licences:
        blocks.append(paragraph(f"Licences: {licences}.", indent=2, hang=2))
    others = [each for each in packages if each.licence_of]
    if others:
        whose = "is that of another version" if len(others) == 1 else "are those of other versions"
        blocks.append(_short(others, f"{len(others)} of them {whose}"))
    unknown = [each for each in packages if not each.licence]
    if unknown:
        blocks.append(_short(unknown, f"{count(len(unknown), 'licence')} not known"))
        if not written:
            told = "`cargo vendor` or `npm ci` beside the lock, --base and --registry bring more"
            blocks.append(paragraph(told, indent=2, hang=2))
    return blocks


def _short(packages: Sequence[VendoredPackage], what: str) -> Block:
    limit = len(packages) if len(packages) <= _NAMES + 1 else _NAMES
    names = ", ".join(map(str, packages[:limit]))
    rest = len(packages) - limit
    more = f" and {rest} more (--all)" if rest else ""
    mark = Span("▲ ", Style.WARNING)
    return paragraph(mark, f"{what}: ", Span(f"{names}{more}", Style.QUIET), hang=2)


def why_vendored(plan: Plan, name: str) -> list[Block]:
    """In which streams something of that name is vendored, and at which versions; nothing where it
    is in none."""
    blocks: list[Block] = []
    for each in plan.vendored:
        for package in each.packages:
            if package.name == name:
                blocks.append(_why(package, each))
    return blocks


def _why(package: VendoredPackage, vendored: Vendored) -> Block:
    what = _WORDS[package.ecosystem][0]
    licence = package.licence or "a licence that is not known"
    of = f" (so says {package.licence_of})" if package.licence_of else ""
    told = [f"under {licence}{of}"]
    if package.development:
        told.append("there for development alone")
    if package.source:
        told.append(f"from {package.source}")
    return paragraph(
        f"The {what} ",
        Span(f"{package}", Style.HEADING),
        f" is no stream: {named(vendored.component)} carries it in its own source, "
        f"{', '.join(told)}.",
        # As it is written: it may begin with the name of a file.
        f" Why: {vendored.reason.rstrip('.')}." if vendored.reason else "",
        hang=2,
    )
