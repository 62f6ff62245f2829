"""Whether anything private leaks, for a reader: one line, or each leak with what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from attrs import evolve

from ..model.build import Isolation, Leak, LeakKind
from .markup import Block, Span, Style, blank, paragraph
from .sentences import count

__all__ = ["isolation_blocks", "leak_sentence", "leak_step"]

_LEAKS = 6
_ROOTS = 3
_Parts = tuple[str | Span, ...]


def isolation_blocks(isolation: Isolation, *, everything: bool = False) -> tuple[Block, ...]:
    """What the check for leaks found; without ``everything`` only the first leaks."""
    roots = count(isolation.roots, "root")
    packages = count(isolation.packages, "package")
    looked = f"{roots}, {packages} and {count(isolation.provides, 'private provide')}"
    if not isolation.leaks:
        mark = Span("✓ ", Style.GOOD)
        return (paragraph(mark, Span("Nothing leaks", Style.HEADING), f": {looked} looked at."),)
    groups = [(leak, tuple(roots)) for leak, roots in _by_root(isolation.leaks)]
    shown = groups if everything or len(groups) <= _LEAKS + 1 else groups[:_LEAKS]
    heading = Span(f"{count(len(groups), 'leak')} in {looked}", Style.HEADING)
    blocks: list[Block] = [paragraph(Span("✗ ", Style.BAD), heading, ":", hang=2)]
    for leak, where in shown:
        blocks += [
            blank(),
            paragraph(*leak_sentence(leak, where), indent=2, hang=2),
            paragraph(Span("→ ", Style.QUIET), leak_step(leak), indent=4, hang=2),
        ]
    if len(shown) < len(groups):
        more = f"and {count(len(groups) - len(shown), 'more leak')} (--all)"
        blocks += [blank(), paragraph(Span(more, Style.QUIET), indent=2)]
    return tuple(blocks)


def _by_root(leaks: Iterable[Leak]) -> Iterable[tuple[Leak, list[str]]]:
    """Leaks that differ only in their root, as one with all of these."""

    def without_root(leak: Leak) -> Leak:
        return evolve(leak, root="")

    for leak, same in groupby(sorted(leaks, key=without_root), key=without_root):
        yield leak, sorted({one.root for one in same if one.root})


def leak_sentence(leak: Leak, roots: Sequence[str] = ()) -> _Parts:
    """What leaks, whom it reaches, and in which roots (without any, the leak's own)."""
    package, other = Span(leak.package, Style.NAME), Span(leak.other, Style.NAME)
    capability = Span(leak.capability, Style.NAME)
    where = _where(roots or tuple(filter(None, (leak.root,))))
    match leak.kind:
        case LeakKind.UNQUALIFIED_PROVIDE if leak.other:
            return (package, " provides ", capability, ", which ", other, " of the base requires.")
        case LeakKind.UNQUALIFIED_PROVIDE:
            return (package, " provides ", capability, ", which the base provides as well.")
        case LeakKind.BASE_NEEDS_PRIVATE:
            needs = (other, " of the base requires ", capability, ", and nothing in the base ")
            return (*needs, "provides it: only ", package, f" does{where}.")
        case LeakKind.FOREIGN_PACKAGE if leak.other:
            return (package, f" lies{where}, which did not choose its stream, ", other, ".")
        case LeakKind.FOREIGN_PACKAGE:
            return (package, f" lies{where} and is of no stream of this plan.")
        case LeakKind.TWO_STREAMS:
            return (package, " and ", other, " are two streams of ", capability, f"{where}.")
    return _changed(leak, where)


def _changed(leak: Leak, where: str) -> _Parts:
    package, other = Span(leak.package, Style.NAME), Span(leak.other, Style.NAME)
    if not leak.package:
        return ("The base has a repository ", other, ", the name that planned packages go by.")
    if not leak.capability:
        return (package, " from ", other, f" is not the same as in the base{where}.")
    beside = (", ", other) if leak.other else ()
    return (package, f" takes the place of the base's package{where}", *beside, ".")


def _where(roots: Sequence[str]) -> str:
    """``in the runtime root, build-torch and 3 more roots``, after a space."""
    if not roots:
        return ""
    names = ["the runtime root" if root == "runtime" else root for root in roots]
    if len(names) > _ROOTS + 1:
        names = [*names[:_ROOTS], count(len(names) - _ROOTS, "more root")]
    last = f" and {names[-1]}" if len(names) > 1 else ""
    return f" in {', '.join(names[:-1] if last else names)}{last}"


def leak_step(leak: Leak) -> str:
    """What to do against a leak."""
    match leak.kind:
        case LeakKind.UNQUALIFIED_PROVIDE:
            return (
                "Filter that provide in the spec of the package (__provides_exclude), or give it a "
                "name of the application's own."
            )
        case LeakKind.BASE_NEEDS_PRIVATE:
            return (
                "Report it to the base as a package that cannot be installed, and leave that "
                "package out of the root; a base must never need what is private."
            )
        case LeakKind.FOREIGN_PACKAGE:
            return (
                "Require the stream where the root needs it, or keep the package out of that root."
            )
        case LeakKind.TWO_STREAMS:
            return "Choose one of the two for this root, and give the other a root of its own."
        case LeakKind.BASE_CHANGED if not leak.package:
            return "Give that repository another name."
        case LeakKind.BASE_CHANGED if not leak.capability:
            return "Fetch the base again, and plan against one state of it."
    return "Choose either the base's package or the private one for this root."
