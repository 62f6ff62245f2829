"""Why a stream is in the roots of builds: which builds need it, and how each says so."""

from __future__ import annotations

from ..model.build import Build, BuildNeed, BuildPlan, RootStream
from ..model.component import Origin
from ..model.plan import Plan, PlannedStream
from .build_text import build_name
from .markup import Block, Row, Span, Style, Table, blank, paragraph
from .sentences import count, joined

__all__ = ["also_in_builds", "needing_builds"]

_SHOWN = 5
_NAMED = 3


def needing_builds(stream: PlannedStream, plan: Plan) -> list[Block]:
    """The builds whose roots hold a stream that only builds use: first those that ask for it
    themselves, each with its words, then those that get it through other streams."""
    if plan.builds is None:
        return []
    users = _users(stream, plan.builds)
    asking = [(build, needs) for build in users if (needs := _on(build, stream))]
    through = [build for build in users if not _on(build, stream)]
    # What pins a version says more than the many that take any.
    asking.sort(key=lambda pair: not any(_bounds(need) for need in pair[1]))
    heading = Span("Builds that need it", Style.HEADING)
    blocks: list[Block] = [blank(), paragraph(heading, f": {count(len(users), 'build')}")]
    shown = asking if len(asking) <= _SHOWN + 1 else asking[:_SHOWN]
    rows = (
        Row((Span(build_name(build), Style.NAME),), (Span(joined(list(map(_said, needs)))),))
        for build, needs in shown
    )
    if shown:
        blocks.append(Table(tuple(rows)))
    if len(shown) < len(asking):
        blocks.append(paragraph(f"and {len(asking) - len(shown)} more that ask for it", indent=2))
    if through:
        text = f"through other streams in the root: {_names(through)}"
        blocks.append(paragraph(text, indent=2, hang=2))
    return blocks


def also_in_builds(stream: PlannedStream, plan: Plan) -> list[Block]:
    """That a private stream of the runtime root lies in build roots as well."""
    users = _users(stream, plan.builds) if plan.builds is not None else []
    if not users or stream.origin is not Origin.PRIVATE:
        return []
    what = f"also in the root{'' if len(users) == 1 else 's'} that build {_names(users)}"
    return [paragraph(what, indent=2, hang=2)]


def _users(stream: PlannedStream, builds: BuildPlan) -> list[Build]:
    """The builds in whose roots the stream lies."""
    roots = {root.id for root in builds.roots if any(_is(held, stream) for held in root.streams)}
    return [build for build in builds.builds if build.root in roots]


def _is(held: RootStream, stream: PlannedStream) -> bool:
    return (held.component, held.version, held.origin) == (
        stream.component,
        stream.version,
        stream.origin,
    )


def _on(build: Build, stream: PlannedStream) -> list[BuildNeed]:
    return [need for need in build.needs if need.component == stream.component.spelled]


def _bounds(need: BuildNeed) -> bool:
    return any(sign in need.text for sign in "<>=~!")


def _said(need: BuildNeed) -> str:
    return f"{need.text} ({need.place})" if need.place else need.text


def _names(builds: list[Build]) -> str:
    names = list(dict.fromkeys(build_name(build) for build in builds))
    if len(names) > _NAMED + 1:
        names = [*names[:_NAMED], f"{len(names) - _NAMED} more"]
    return joined(names)
