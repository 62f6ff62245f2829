"""What became of the streams between two locks or two plans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve, field, frozen
from packaging.version import InvalidVersion

from ..model.component import PYTHON
from ..model.difference import Change, StreamChange
from ..model.pep508 import parse_version
from ..model.plan import Plan, PlannedStream
from .shape import text_of

__all__ = ["Seen", "of_document", "of_plan", "stream_changes"]


@frozen
class Seen:
    """A stream as if it were new, with what else there is to compare of it, by name."""

    change: StreamChange
    content: Mapping[str, str] = field(factory=dict)


def of_plan(plan: Plan) -> tuple[Seen, ...]:
    """The streams of a plan."""
    return tuple(Seen(_seen(stream), _content_of(stream)) for stream in plan.streams)


def _content_of(stream: PlannedStream) -> dict[str, str]:
    source = stream.source
    return {"source": f"{source.purl} {source.filename} {source.sha256}"}


def _seen(stream: PlannedStream) -> StreamChange:
    demands = stream.reason.demands or stream.required_by
    return StreamChange(
        Change.IN,
        stream.component.spelled,
        new_version="" if stream.version is None else str(stream.version),
        new_origin=stream.origin.value,
        build_only=stream.build_only,
        reason=stream.reason.kind.value,
        text=stream.reason.text,
        demands=tuple((each.component.spelled, str(each.requirement)) for each in demands),
    )


def of_document(document: Mapping[str, Any]) -> tuple[Seen, ...]:
    """The streams of a document ``streamsolve.plan/1``."""
    found = []
    for stream in document["streams"]:
        kind, name = text_of(stream["kind"]), text_of(stream["component"])
        demands = stream["reason"]["demands"] or stream["required_by"]
        change = StreamChange(
            Change.IN,
            name if kind == "distribution" else f"{kind}:{name}",
            new_version=text_of(stream["version"] or ""),
            new_origin=text_of(stream["origin"]),
            build_only=bool(stream["build_only"]),
            reason=text_of(stream["reason"]["kind"]),
            text=text_of(stream["reason"]["text"]),
            demands=tuple(
                (text_of(each["component"]), text_of(each["requirement"])) for each in demands
            ),
        )
        source = stream["source"] or {}
        content = {
            "source": " ".join(str(source.get(key)) for key in ("purl", "filename", "sha256")),
        }
        found.append(Seen(change, content))
    return tuple(found)


def stream_changes(old: Iterable[Seen], new: Iterable[Seen]) -> tuple[StreamChange, ...]:
    """Streams of a component are compared one with one: those of the plan's own first, then by
    version."""
    found: list[StreamChange] = []
    before, after = _grouped(old), _grouped(new)
    for component in sorted(before.keys() | after.keys()):
        mine, theirs = before.get(component, []), after.get(component, [])
        same = {_identity(stream) for stream in mine} & {_identity(stream) for stream in theirs}
        found += _under_their_versions(mine, theirs)
        gone = [stream.change for stream in mine if _identity(stream) not in same]
        come = [stream.change for stream in theirs if _identity(stream) not in same]
        for number in range(max(len(gone), len(come))):
            found.append(_changed(gone[number : number + 1], come[number : number + 1]))
    return tuple(found)


def _under_their_versions(old: Iterable[Seen], new: Iterable[Seen]) -> Iterable[StreamChange]:
    """The streams of one version and origin in both that differ in something else."""
    before = {_identity(stream): stream for stream in old}
    for now in new:
        was = before.get(_identity(now))
        parts = [] if was is None else [k for k, v in now.content.items() if was.content[k] != v]
        if was is not None and parts:
            told = now.change
            yield evolve(
                told,
                change=Change.CHANGED,
                old_version=told.new_version,
                old_origin=told.new_origin,
                parts=tuple(parts),
            )


def _grouped(streams: Iterable[Seen]) -> dict[str, list[Seen]]:
    found: dict[str, list[Seen]] = {}
    for stream in streams:
        found.setdefault(stream.change.component, []).append(stream)
    for group in found.values():
        group.sort(key=lambda one: (one.change.build_only, *_identity(one)))
    return found


def _identity(stream: Seen) -> tuple[str, str]:
    return stream.change.new_version, stream.change.new_origin


def _changed(gone: list[StreamChange], come: list[StreamChange]) -> StreamChange:
    if not come:
        (was,) = gone
        return StreamChange(
            Change.OUT,
            was.component,
            old_version=was.new_version,
            old_origin=was.new_origin,
            build_only=was.build_only,
        )
    if not gone:
        return come[0]
    (was,), (now,) = gone, come
    order = _compare_versions(was.new_version, now.new_version)
    if now.component == PYTHON.spelled and _is_series_of(now.new_version, was.new_version):
        order = 0
    change = {-1: Change.UP, 0: Change.ORIGIN, 1: Change.DOWN}[order]
    return StreamChange(
        change,
        now.component,
        was.new_version,
        now.new_version,
        was.new_origin,
        now.new_origin,
        now.build_only,
        now.reason,
        now.text,
        now.demands,
    )


def _is_series_of(one: str, other: str) -> bool:
    """Whether one of two versions of Python is the series of the other: what is private is built at
    its newest patch release, and has no number for it."""
    longer, shorter = sorted((one, other), key=len, reverse=True)
    return longer.startswith(f"{shorter}.")


def _compare_versions(old: str, new: str) -> int:
    """-1 for up. What is left out on one side has no version, so that only its origin changed."""
    try:
        left, right = parse_version(old), parse_version(new)
    except InvalidVersion:
        return 0
    return (left > right) - (left < right)
