"""What a Debian or Ubuntu has, for a reader and as the document ``streamsolve.debian/1``."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.component import Kind
from ..model.debian import DebianAnswer, DebianBase, DebianComparison, KnownBy, Meets
from ..model.schemas import shipped_schema
from .document import Document
from .markup import Block, Row, Span, Style, blank, cut_table, paragraph
from .sentences import count, joined

__all__ = ["debian_blocks", "debian_document", "debian_schema"]

_ROWS = 12
_KNOWN = {
    KnownBy.RULE: "by rule",
    KnownBy.STATED: "by its fields",
    KnownBy.NAME: "by its name",
    KnownBy.SOURCE: "by its source's name",
}


def debian_schema() -> Document:
    """The JSON Schema of these documents."""
    return shipped_schema("debian-1")


# -- text ------------------------------------------------------------------------------------------


def debian_blocks(
    base: DebianBase,
    directory: str,
    python: str,
    comparison: DebianComparison | None = None,
    *,
    everything: bool = False,
) -> tuple[Block, ...]:
    """What there is, and what comes of an application's requirements there."""
    blocks = list(_base(base, directory, python))
    if comparison is not None:
        blocks += [blank(), *_comparison(comparison, everything)]
    return tuple(blocks)


def _base(base: DebianBase, directory: str, python: str) -> Sequence[Block]:
    confirmed = sum(index.confirmed for index in base.indexes)
    lists = count(len(base.indexes), "list")
    said = f", {confirmed} of them confirmed by a Release file" if confirmed else ""
    speaks = f", Python {python}" if python else ", no Python 3"
    older = f"; older ones of them, which do not count: {base.older:,}" if base.older else ""
    return [
        paragraph(
            Span(directory, Style.NAME),
            f" has {len(base.packages):,} packages for {base.arch}{speaks}{older} ({lists}{said}).",
        )
    ]


def _comparison(found: DebianComparison, everything: bool) -> list[Block]:
    sorts = {meets: found.of(meets) for meets in Meets}
    met, missing = sorts[Meets.MEETS], sorts[Meets.MISSING]
    conflicts, untold = sorts[Meets.CONFLICTS], sorts[Meets.UNTOLD]
    told = [
        f"{len(met)} can come from there",
        f"{len(conflicts)} conflict",
        f"{len(missing)} are missing",
        *([f"{len(untold)} cannot be told"] if untold else []),
    ]
    head = f" requires {count(len(found.answers), 'component')}: {joined(told)}."
    blocks: list[Block] = [paragraph(Span(found.application, Style.HEADING), head)]
    rows = [_conflict(each) for each in conflicts]
    blocks += _section("✗ ", Style.BAD, "In conflict", rows, everything)
    rows = [_untold(each) for each in untold]
    blocks += _section("▲ ", Style.WARNING, "Cannot be told", rows, everything)
    blocks += _names("○ ", Style.QUIET, "Nothing is known to carry", missing)
    broken = [each for each in met if each.candidate and each.candidate.unmet]
    blocks += _section(
        "▲ ", Style.WARNING, "Would fit, and has unmet needs", _unmet(broken), everything
    )
    rows = [
        Row((Span(one, Style.NAME),), (Span(f"does not let {other} in: {relation}"),))
        for one, other, relation in found.exclusions
    ]
    blocks += _section("✗ ", Style.BAD, "Would fit, and not together", rows, everything)
    if everything:
        rows = [_met(each) for each in met]
        blocks += _section("✓ ", Style.GOOD, "Can come from there", rows, everything)
    else:
        blocks += _names("✓ ", Style.GOOD, "Can come from there", met)
    if found.omitted:
        blocks += [
            blank(),
            paragraph(
                Span("○ ", Style.QUIET), f"omitted on purpose: {', '.join(found.omitted)}", hang=2
            ),
        ]
    return [*blocks, blank(), _honest(found)]


def _unmet(answers: Sequence[DebianAnswer]) -> list[Row]:
    """What is unmet of packages that would fit."""
    return [
        Row(
            (Span(each.component.name, Style.NAME), Span(each.candidate.package)),
            (Span(f"needs {', '.join(each.candidate.unmet)}, which nothing there provides"),),
        )
        for each in answers
        if each.candidate is not None
    ]


def _honest(found: DebianComparison) -> Block:
    """How far the names can be relied on."""
    known = [answer.candidate.known_by for answer in found.answers if answer.candidate]
    told = [f"{known.count(by)} {words}" for by, words in _KNOWN.items() if by in known]
    how = f" Known here: {', '.join(told)}." if told else ""
    return paragraph(
        Span(
            "Debian's lists do not say which distribution a package holds, nor upstream's version "
            f"in PEP 440's words: both are read from names and numbers.{how}",
            Style.QUIET,
        )
    )


def _section(
    mark: str, style: Style, name: str, rows: Sequence[Row], everything: bool
) -> list[Block]:
    if not rows:
        return []
    heading = paragraph(Span(mark, style), Span(f"{name} ({len(rows)})", Style.HEADING))
    return [blank(), heading, *cut_table(rows, _ROWS, everything=everything)]


def _names(mark: str, style: Style, name: str, answers: Sequence[DebianAnswer]) -> list[Block]:
    if not answers:
        return []
    names = ", ".join(answer.component.name for answer in answers)
    head = Span(f"{name} ({len(answers)})", Style.HEADING)
    return [blank(), paragraph(Span(mark, style), head, f": {names}", hang=2)]


def _cells(answer: DebianAnswer) -> tuple[Span, ...]:
    have = answer.candidate.evr if answer.candidate else ""
    return (Span(answer.component.name, Style.NAME), Span(have))


def _called(answer: DebianAnswer) -> str:
    """The package, where its name is not the one that anybody would expect."""
    package = answer.candidate.package if answer.candidate else ""
    name = answer.component.name
    return "" if package in (name, f"python3-{name}") else f" ({package})"


def _conflict(answer: DebianAnswer) -> Row:
    wanted = joined(sorted({_bound(each.text, answer.component.name) for each in answer.failed}))
    return Row(_cells(answer), (Span(f"asked for: {wanted}{_called(answer)}"),))


def _untold(answer: DebianAnswer) -> Row:
    return Row(_cells(answer), (Span(f"is no version to compare{_called(answer)}"),))


def _met(answer: DebianAnswer) -> Row:
    words = _KNOWN[answer.candidate.known_by] if answer.candidate else ""
    return Row(_cells(answer), (Span(f"known {words}{_called(answer)}"),))


def _bound(text: str, name: str) -> str:
    """A requirement without the name that stands before it already."""
    return text.removeprefix(name)


# -- the document ----------------------------------------------------------------------------------


def debian_document(
    base: DebianBase,
    directory: str,
    python: str,
    comparison: DebianComparison | None = None,
) -> Document:
    """What there is; ``comparison`` is null where no application was named."""
    return {
        "schema": "streamsolve.debian/1",
        "directory": directory,
        "arch": base.arch,
        "python": python or None,
        "packages": len(base.packages),
        "older": base.older,
        "indexes": [
            {
                "file": index.file,
                "sha256": index.sha256,
                "packages": index.packages,
                "confirmed": index.confirmed,
            }
            for index in base.indexes
        ],
        "comparison": None if comparison is None else _comparison_document(comparison),
    }


def _comparison_document(found: DebianComparison) -> Document:
    return {
        "application": found.application,
        "counts": {meets.value: len(found.of(meets)) for meets in Meets},
        "omitted": list(found.omitted),
        "exclusions": [
            {"package": one, "excludes": other, "relation": relation}
            for one, other, relation in found.exclusions
        ],
        "components": [_answer_document(answer) for answer in found.answers],
    }


def _answer_document(answer: DebianAnswer) -> Document:
    candidate = answer.candidate
    kind: Kind = answer.component.kind
    return {
        "component": answer.component.name,
        "kind": kind.value,
        "meets": answer.meets.value,
        "requirements": [requirement.text for requirement in answer.requirements],
        "failed": [requirement.text for requirement in answer.failed],
        "package": None
        if candidate is None
        else {
            "name": candidate.package,
            "version": candidate.evr,
            "upstream": None if candidate.version is None else str(candidate.version),
            "known_by": candidate.known_by.value,
            "unmet": list(candidate.unmet),
        },
    }
