"""A kernel module and its kernel for a reader: what binds them, and what is done in which order."""

from __future__ import annotations

from collections.abc import Sequence

from packaging.version import Version

from ..model.conflict import Conflict
from ..model.kernel import KernelPair, KernelStep
from .markup import Block, Row, Span, Style, Table, paragraph
from .sentences import shortened

__all__ = ["another_kernel", "evidence_blocks", "pair_blocks"]

_EVIDENCE = 120
_WHAT = {
    KernelStep.BUILD: "make, with {headers}{where}",
    KernelStep.TEST: "in the same build: for {release}, and version {written}; then the packages",
    KernelStep.SIGN: "in the same build, with the builder's key: never on the device",
    KernelStep.DEPLOY: "an image that holds this kernel and this module, and no other",
}
_COMMANDS = {
    KernelStep.BUILD: "streamsolve emit mock LOCK -o DIR; make -C DIR",
    KernelStep.TEST: "streamsolve verify LOCK --artifacts DIR/repo",
    KernelStep.SIGN: "the key is shown to mock: see docs/kernel-modules.md",
    KernelStep.DEPLOY: "streamsolve emit bootc LOCK --base-image IMAGE -o DIR",
}


def pair_blocks(pair: KernelPair | None, *, everything: bool = False) -> list[Block]:
    """The pair of a plan; nothing for a plan without. Evidence is whole with ``everything``."""
    if pair is None:
        return []
    blocks: list[Block] = [
        paragraph(
            Span("The module and its kernel", Style.HEADING),
            ": ",
            Span(f"{pair.module.name} {pair.written}", Style.NAME),
            " for ",
            Span(pair.release, Style.NAME),
            f" and no other kernel; its package requires {pair.binding}.",
            hang=2,
        )
    ]
    if pair.cuda:
        blocks.append(paragraph(f"It is new enough for CUDA {_range(pair.cuda)}.", indent=2))
    if pair.symbols:
        text = (
            f"The base lists {pair.symbols} symbols of this kernel with their checksums. Which of "
            "them the module uses is known when it is built, and is checked then."
        )
        blocks.append(paragraph(text, indent=2, hang=2))
    for fact in pair.facts:
        evidence = fact.evidence if everything else shortened(fact.evidence, _EVIDENCE)
        blocks.append(
            paragraph(
                "Known of it, and relaxed: " if fact.relaxed else "Known of it: ",
                f"it goes with {fact.requirement.text}",
                f" ({evidence})" if evidence else "",
                ".",
                indent=2,
                hang=2,
            )
        )
    return [*blocks, Table(tuple(_rows(pair)), indent=2)]


def evidence_blocks(conflict: Conflict, indent: int) -> list[Block]:
    """Where the facts are from that a conflict rests on."""
    return [paragraph("Known because: ", text, indent=indent, hang=2) for text in conflict.evidence]


def another_kernel() -> list[Block]:
    """What may help where no kernel that is there does for a module."""
    text = (
        "A repository on top of the base with another kernel, such as a long-term one, and its "
        "headers may help as well: "
    )
    return [paragraph(text, Span("--repo NAME=URL", Style.COMMAND), ".")]


def _rows(pair: KernelPair) -> Sequence[Row]:
    found = []
    for number, stage in enumerate(pair.stages, 1):
        where = f", in {stage.root}" if stage.root else ""
        what = _WHAT[stage.step].format(
            headers=pair.headers, where=where, release=pair.release, written=pair.written
        )
        command = Span(f" ({_COMMANDS[stage.step]})", Style.QUIET)
        found.append(
            Row((Span(str(number)), Span(stage.step.value, Style.NAME)), (Span(what), command))
        )
    return found


def _range(versions: Sequence[Version]) -> str:
    """The first and the last of what is known."""
    first, last = versions[0], versions[-1]
    return f"{first} to {last}" if first != last else str(first)
