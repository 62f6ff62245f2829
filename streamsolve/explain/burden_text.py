"""What a base's maintainers would have to change without private streams, for a reader."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.component import PYTHON, Origin
from ..model.plan import Plan, ReasonKind
from .markup import Block, Row, Span, Style, Table, paragraph
from .sentences import count, joined

__all__ = ["burden_blocks", "would_rebuild"]


def would_rebuild(plan: Plan) -> tuple[str, ...]:
    """What the base has at a version that fits, and would have to build again for the plan's
    Python: ``name version``, sorted."""
    return tuple(
        sorted(
            f"{stream.component} {stream.version}"
            for stream in plan.streams
            if stream.origin is Origin.PRIVATE
            and not stream.build_only
            and stream.reason.kind is ReasonKind.OTHER_PYTHON
        )
    )


def burden_blocks(plan: Plan, *, everything: bool = False) -> list[Block]:
    """What the plan changes in the base, and what it would have to change without private streams;
    with ``everything`` by name. Nothing where neither changes anything."""
    python = plan.stream(PYTHON.name)
    own_python = python is not None and python.origin is Origin.PRIVATE
    changed = [
        text
        for text in plan.burden.would_conflict
        if not (own_python and text.startswith(f"{PYTHON.name} "))
    ]
    added, again = plan.burden.would_add, would_rebuild(plan)
    steps = []
    if python is not None and own_python:
        steps.append(f"make Python {plan.python} its own instead of {python.reason.base_version}")
    if changed:
        packages = _packages(changed)
        steps.append(f"change the version of {packages} for all who use {_them(changed)}")
    if added:
        steps.append(f"add {len(added) if changed else _packages(added)}")
    if again:
        packages = str(len(again)) if changed or added else _packages(again)
        steps.append(f"build {packages} again for Python {plan.python}")
    if not steps:
        return []
    now = plan.burden.base_packages_changed
    changes = "nothing changes" if not now else f"{count(now, 'package')} change"
    blocks: list[Block] = [
        paragraph(
            Span("Burden", Style.HEADING),
            f": in {plan.base} {changes}. Without private streams it would have to "
            f"{joined(steps)}.",
            hang=2,
        )
    ]
    if everything:
        rows = (("change", changed), ("add", added), ("build again", again))
        blocks.append(Table(tuple(_row(what, names) for what, names in rows if names)))
    return blocks


def _packages(names: Sequence[str]) -> str:
    return count(len(names), "package")


def _them(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _row(what: str, names: Sequence[str]) -> Row:
    return Row((Span(what, Style.NAME),), (Span(", ".join(sorted(names))),))
