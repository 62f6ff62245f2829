"""What was built, compared with a lock, and the GPU code in files, for a reader."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..model.artifacts import ArtifactCheck, Finding, FindingKind
from ..model.gpu import CodeKind, GpuCode, GpuFile
from .markup import Block, Row, Span, Style, Table, blank, paragraph, section
from .sentences import count
from .verify_text import unseen_blocks

__all__ = ["artifact_blocks", "finding_sentence", "gpu_blocks"]

_ROWS = 20
_FILES = 4
_TOLD = {
    FindingKind.ADDED_PACKAGE: ("package", "beyond those that the plan names"),
    FindingKind.ADDED_PROVIDE: ("provide", "that the plan does not have"),
    FindingKind.ADDED_REQUIREMENT: ("requirement", "that the plan does not have"),
    FindingKind.MISSING_REQUIREMENT: ("requirement", "of the plan that was not built in"),
    FindingKind.CHANGED_REQUIREMENT: ("requirement", "with other bounds than the plan has"),
    FindingKind.GPU_ADDED: ("architecture", "that was not asked for"),
    FindingKind.GPU_PARTIAL: ("architecture", "that some files of a stream have and others not"),
}
_WORDS = {
    CodeKind.MACHINE: "",
    CodeKind.PORTABLE: "compiled when it is loaded",
    CodeKind.PACKED: "by its name",
    CodeKind.INDEX: "a table, no code",
    CodeKind.LINK: "for linking",
}


def artifact_blocks(
    found: ArtifactCheck, file: str, directory: str, *, everything: bool = False
) -> tuple[Block, ...]:
    """The answer, the faults by stream, the architectures of each stream, what else is different,
    and what was not looked at."""
    sections: list[list[Block]] = [
        [_answer(found, file, directory)],
        section(
            "Not as planned", [_row(each) for each in found.faults], _ROWS, everything=everything
        ),
        _architectures(found, everything),
        _others(found, everything),
        [*unseen_blocks(found.unseen)],
    ]
    blocks: list[Block] = []
    for each in filter(None, sections):
        blocks += [blank(), *each] if blocks else each
    return tuple(blocks)


def _answer(found: ArtifactCheck, file: str, directory: str) -> Block:
    what = f"{count(found.packages, 'package')} and {count(found.wheels, 'wheel')}"
    of = f"{what} of {count(len(found.streams), 'stream')}"
    if found.holds:
        mark, head = Span("✓ ", Style.GOOD), " is what was planned"
        rest = f" in {file}: {of} were looked at."
    else:
        mark, head = Span("✗ ", Style.BAD), " is not what was planned"
        rest = f" in {file}: {count(len(found.faults), 'fault')} in {of}."
    return paragraph(mark, Span(directory, Style.NAME), Span(head, Style.HEADING), rest, hang=2)


def _row(finding: Finding) -> Row:
    name = finding.stream or finding.artifact
    where = f" ({finding.artifact})" if finding.stream and finding.artifact else ""
    return Row(
        (Span(name, Style.NAME),),
        (Span(finding_sentence(finding)), Span(where, Style.QUIET)),
    )


def finding_sentence(finding: Finding) -> str:
    """What is different, without the stream and the artifact that it is about."""
    subject, planned, found = finding.subject, finding.planned, finding.found
    match finding.kind:
        case FindingKind.UNREADABLE:
            return f"cannot be read: {subject}"
        case FindingKind.NOT_BUILT:
            return "nothing of it was built"
        case FindingKind.NO_PACKAGE:
            return f"no package {subject} was built, which the root {finding.root} holds"
        case FindingKind.UNPLANNED:
            return f"{subject} {found} is of no stream of the lock"
        case FindingKind.OTHER_VERSION:
            return f"{subject} has version {found}, the plan has {planned}"
        case FindingKind.MISSING_PROVIDE:
            return f"does not provide {planned}"
        case FindingKind.CHANGED_PROVIDE:
            return f"provides {found}, the plan has {planned}"
        case FindingKind.LEAKING_PROVIDE:
            return f"provides {subject}, which {found} of the base requires or has itself"
        case FindingKind.UNMET_REQUIREMENT:
            have = f"has {found}" if found else "has nothing of that name"
            return f"requires {subject}, and the root {finding.root} {have}"
        case FindingKind.NO_MODULE:
            return f"{subject} has no kernel module"
        case FindingKind.MODULE_KERNEL:
            return f"{subject} is for the kernel {found or 'of no release'}, not for {planned}"
        case FindingKind.MODULE_VERSION:
            return f"{subject} is of version {found}, not {planned}"
        case FindingKind.MODULE_SYMBOL:
            has = f"has {planned}" if planned else "has none of that name"
            return f"{subject} needs {found}, and the kernel {has}"
        case FindingKind.MODULE_UNSIGNED:
            return f"{subject} is not signed"
        case _:
            return _gpu_sentence(finding)


def _gpu_sentence(finding: Finding) -> str:
    subject, found, files = finding.subject, finding.found, _files(finding.files)
    match finding.kind:
        case FindingKind.NO_GPU_CODE:
            return f"has no GPU code at all, the plan has {finding.planned}"
        case FindingKind.GPU_MISSING:
            return f"has no code for {subject}, only for {found or 'nothing'}{files}"
        case FindingKind.GPU_COMPATIBLE:
            return f"has no code built for {subject}; what is built for {found} runs there{files}"
        case FindingKind.GPU_COMPILED:
            return (
                f"has no machine code for {subject}; the driver compiles {found} when it is "
                f"loaded{files}"
            )
        case FindingKind.GPU_ADDED:
            return f"has code for {subject}, which was not asked for{files}"
        case FindingKind.GPU_PARTIAL:
            return f"has code for {subject}, but not{files}"
        case FindingKind.CHANGED_REQUIREMENT:
            return f"requires {found}, the plan has {finding.planned}"
        case FindingKind.MISSING_REQUIREMENT:
            return f"does not require {finding.planned}"
        case FindingKind.ADDED_REQUIREMENT:
            return f"requires {found}, which the plan does not have"
        case FindingKind.ADDED_PROVIDE:
            return f"provides {subject}, which the plan does not have"
        case _:
            return f"{subject} is a part that the plan does not name"


def _files(files: Sequence[str]) -> str:
    if not files:
        return ""
    more = f" and {len(files) - _FILES} more" if len(files) > _FILES + 1 else ""
    shown = files[:_FILES] if more else files
    return f" in {', '.join(shown)}{more}"


def _architectures(found: ArtifactCheck, everything: bool) -> list[Block]:
    rows = [
        Row((Span(each.stream, Style.NAME),), (Span(", ".join(each.architectures)),))
        for each in found.streams
        if each.architectures
    ]
    return section("GPU code", rows, _ROWS, everything=everything)


def _others(found: ArtifactCheck, everything: bool) -> list[Block]:
    """What is told and no fault: counted, or with everything in full."""
    told = [finding for finding in found.findings if not finding.kind.is_fault]
    if everything:
        return section(
            "Also different, and no fault",
            [_row(each) for each in told],
            _ROWS,
            everything=everything,
        )
    rows = []
    for kind, (noun, what) in _TOLD.items():
        some = [each for each in told if each.kind is kind]
        if some:
            streams = count(len({each.stream for each in some}), "stream")
            rows.append(Row((), (Span(f"{count(len(some), noun)} {what}, in {streams}"),)))
    blocks = section("Also different, and no fault", rows, _ROWS, everything=everything)
    more = paragraph(Span("--all lists them", Style.QUIET), indent=2)
    return [*blocks, more] if blocks else []


# -- files alone -----------------------------------------------------------------------------------


def gpu_blocks(found: Sequence[tuple[str, Sequence[GpuFile]]]) -> tuple[Block, ...]:
    """By file on disk, the files with GPU code in it."""
    blocks: list[Block] = []
    for name, files in found:
        if blocks:
            blocks.append(blank())
        rest = "" if files else ": no GPU code"
        blocks.append(paragraph(Span(name, Style.NAME), rest))
        rows = [Row((Span(file.path),), (Span(_codes(file.code)),)) for file in files]
        if rows:
            blocks.append(Table(tuple(rows)))
    return tuple(blocks)


def _codes(codes: Iterable[GpuCode]) -> str:
    """``sm_80, sm_90, compute_90 (compiled when it is loaded)``."""
    told = []
    for code in codes:
        words = _WORDS[code.kind]
        told.append(f"{code.architecture} ({words})" if words else code.architecture)
    return ", ".join(told)
