"""What changed between two locks or two plans, as a packager reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..model.difference import (
    Change,
    LockDiff,
    OrderChange,
    PackageChange,
    RepositoryMove,
    RootChange,
    SettingChange,
    StreamChange,
)
from ..model.plan import ReasonKind
from .markup import NO_BREAK, Block, Row, Span, Style, Table, blank, cut_table, paragraph
from .sentences import builder_time, count
from .vendored_diff_text import vendored_diff_blocks

__all__ = ["diff_blocks", "repository_rows", "settings_rows"]

_ROWS = 8
_NAMES = 6
_ALIKE = 3
_DEMANDS = 2
_DIGEST = 12
_WORD = {
    Change.UP: ("up", Style.GOOD),
    Change.DOWN: ("down", Style.WARNING),
    Change.IN: ("in", Style.NAME),
    Change.OUT: ("out", Style.QUIET),
    Change.ORIGIN: ("other origin", Style.PRIVATE),
    Change.CHANGED: ("changed", Style.WARNING),
}
_REASONS = {
    ReasonKind.APPLICATION.value: "the application itself",
    ReasonKind.BASE_FITS.value: "the base's own version fits",
    ReasonKind.COMPAT_FITS.value: "a compat package of the base fits",
    ReasonKind.NOT_IN_BASE.value: "the base does not ship it",
    ReasonKind.BASE_VERSION.value: "rebuilt at the base's version",
    ReasonKind.BASE_CONFLICT.value: "the base's version does not fit",
    ReasonKind.OTHER_PYTHON.value: "the base's package is built for another Python",
    ReasonKind.INTERPRETER.value: "the base's Python does not fit",
    ReasonKind.EXTERNAL.value: "a third party's package",
    ReasonKind.OMITTED.value: "left out by the profile",
}
_SPECIFIC = (ReasonKind.NOT_IN_BASE.value, ReasonKind.BASE_CONFLICT.value)
_SETTINGS = {
    "application": "application",
    "arch": "architecture asked for",
    "base": "base",
    "base_arch": "architecture",
    "base_python": "the base's Python",
    "base_release": "the base's release",
    "build_group": "build group",
    "checks": "tests",
    "chosen_python": "Python",
    "demands": "further demands",
    "overlays": "repositories on top",
    "priorities": "priorities",
    "profile": "profile",
    "profile_sha256": "the profile's content",
    "python": "Python asked for",
    "relaxed": "relaxed",
    "specs": "specs",
    "tool": "streamsolve",
    "variant": "variant",
    "version": "version asked for",
}


def diff_blocks(diff: LockDiff, *, everything: bool = False) -> tuple[Block, ...]:
    """Everything that changed, what is chosen first; nothing changed says so. Without
    ``everything`` long lists are cut, and say how long they are."""
    if not diff:
        return (paragraph(Span("✓ ", Style.GOOD), "Nothing changed.", hang=2),)
    sections = (
        _settings(diff.settings),
        _streams(diff.streams, everything),
        _base(diff, everything),
        _roots(diff.roots, everything),
        _builds(diff, everything),
        vendored_diff_blocks(diff.vendored, everything=everything),
    )
    blocks: list[Block] = []
    for section in filter(None, sections):
        blocks += [blank(), *section] if blocks else section
    return tuple(blocks)


def _heading(name: str, told: Iterable[str]) -> Block:
    return paragraph(Span(name, Style.HEADING), f": {', '.join(told)}")


def _counted(changes: Iterable[Change]) -> list[str]:
    listed = list(changes)
    return [
        f"{listed.count(change)} {_WORD[change][0]}" for change in _WORD if listed.count(change)
    ]


# -- settings --------------------------------------------------------------------------------------


def _settings(settings: Sequence[SettingChange]) -> list[Block]:
    if not settings:
        return []
    return [paragraph(Span("Made otherwise", Style.HEADING)), Table(settings_rows(settings))]


def settings_rows(settings: Iterable[SettingChange]) -> tuple[Row, ...]:
    """A row for each setting, in words; of digests only the beginning."""
    rows = []
    for setting in settings:
        old, new = setting.old or "none", setting.new or "none"
        if setting.name.endswith("sha256"):
            old, new = old[:_DIGEST], new[:_DIGEST]
        name = _SETTINGS.get(setting.name, setting.name)
        text = _listed(old, new) if ", " in old + new else f"{old} → {new}"
        rows.append(Row((Span(name, Style.NAME),), (Span(text),)))
    return tuple(rows)


def _listed(old: str, new: str) -> str:
    """What is new in a list and what is gone from it."""
    before, after = (set() if text == "none" else set(text.split(", ")) for text in (old, new))
    parts = [f"+ {name}" for name in sorted(after - before)]
    return ", ".join(parts + [f"- {name}" for name in sorted(before - after)])


# -- streams ---------------------------------------------------------------------------------------


def _streams(streams: Sequence[StreamChange], everything: bool) -> list[Block]:
    if not streams:
        return []
    blocks: list[Block] = [_heading("Streams", _counted(one.change for one in streams))]
    for change in _WORD:
        # What the application itself gets comes before what only builds use.
        group = sorted(
            (one for one in streams if one.change is change),
            key=lambda one: (one.build_only, one.component),
        )
        folded = {} if everything else _alike(group)
        alone = [one for one in group if not any(one in alike for alike in folded.values())]
        blocks += cut_table([_stream_row(one) for one in alone], _ROWS, everything=everything)
        blocks += [_folded(alike) for alike in folded.values()]
    return blocks


def _alike(streams: Sequence[StreamChange]) -> dict[str, list[StreamChange]]:
    """Streams of which the same is told, where they are many."""
    found: dict[str, list[StreamChange]] = {}
    for one in streams:
        found.setdefault(_told(one), []).append(one)
    return {told: alike for told, alike in found.items() if len(alike) > _ALIKE}


def _folded(streams: Sequence[StreamChange]) -> Block:
    word, style = _WORD[streams[0].change]
    names = [f"{one.component} {_versions(one)}".replace(" ", NO_BREAK) for one in streams]
    shown = names if len(names) <= _NAMES + 1 else names[:_NAMES]
    more = f" and {len(names) - len(shown)} more (--all)" if len(shown) < len(names) else ""
    return paragraph(
        Span(f"{len(names)} {word}", style),
        f", {_told(streams[0])}: ",
        Span(f"{', '.join(shown)}{more}", Style.QUIET),
        indent=2,
        hang=2,
    )


def _told(one: StreamChange) -> str:
    return "; ".join(filter(None, (_origins(one), *_why(one))))


def _stream_row(one: StreamChange) -> Row:
    word, style = _WORD[one.change]
    cells = (Span(word, style), Span(one.component, Style.NAME), Span(_versions(one)))
    return Row(cells, (Span(_told(one)),))


def _versions(one: StreamChange) -> str:
    if one.old_version and one.new_version and one.old_version != one.new_version:
        return f"{one.old_version} → {one.new_version}"
    return one.new_version or one.old_version


def _origins(one: StreamChange) -> str:
    if one.old_origin and one.new_origin and one.old_origin != one.new_origin:
        return f"{one.old_origin} → {one.new_origin}"
    return one.new_origin or f"was {one.old_origin}"


def _why(one: StreamChange) -> Iterable[str]:
    if one.parts:
        yield f"another {' and '.join(one.parts)} under the same version"
    if one.text:
        yield one.text
    elif one.reason:
        yield _REASONS.get(one.reason, one.reason)
        if one.reason in _SPECIFIC:
            yield from _demands(one.demands)
    if one.build_only and "build roots" not in one.text:
        yield "used in build roots only"


def _demands(demands: Sequence[tuple[str, str]]) -> Iterable[str]:
    told = list(dict.fromkeys(f"{by} needs {requirement}" for by, requirement in demands))
    if told:
        rest = len(told) - _DEMANDS
        more = f" and {count(rest, 'more demand')}" if rest > 0 else ""
        yield ", ".join(told[:_DEMANDS]) + more


# -- base and roots --------------------------------------------------------------------------------


def _base(diff: LockDiff, everything: bool) -> list[Block]:
    blocks: list[Block] = []
    if diff.repositories:
        heading = paragraph(Span("Repositories of the base", Style.HEADING))
        blocks += [heading, Table(repository_rows(diff.repositories))]
    if diff.updates:
        if blocks:
            blocks.append(blank())
        told = _counted(update.package.change for update in diff.updates)
        blocks.append(_heading("Packages of the base", told))
        ordered = sorted(diff.updates, key=lambda update: -update.roots)
        rows_of = [_update_row(update.package, update.roots) for update in ordered]
        blocks += cut_table(rows_of, _ROWS, everything=everything)
    return blocks


def repository_rows(moves: Iterable[RepositoryMove]) -> tuple[Row, ...]:
    """A row for each repository whose content is another."""
    return tuple(
        Row((Span(move.id, Style.NAME),), (Span(_moved(move.old_sha256, move.new_sha256)),))
        for move in moves
    )


def _moved(old: str, new: str) -> str:
    if not old or not new:
        return "is used now" if new else "is not used any more"
    return f"moved: repomd.xml {old[:_DIGEST]} → {new[:_DIGEST]}"


def _update_row(package: PackageChange, roots: int) -> Row:
    word, style = _WORD[package.change]
    versions = f"{package.old_evr} → {package.new_evr}"
    if package.old_evr == package.new_evr:
        versions = f"{package.new_evr}, other content"
    cells = (Span(word, style), Span(f"{package.name}.{package.arch}", Style.NAME))
    return Row(cells, (Span(versions),), Span(f"in {count(roots, 'root')}", Style.QUIET))


def _roots(roots: Sequence[RootChange], everything: bool) -> list[Block]:
    if not roots:
        return []
    blocks: list[Block] = [_heading("Roots", _counted(one.change for one in roots))]
    # What is in every root is told with the packages of the base.
    rows = [_root_row(one) for one in roots if one.change is Change.CHANGED]
    for change in (Change.IN, Change.OUT):
        names = [one.root for one in roots if one.change is change]
        if names:
            word, style = _WORD[change]
            shown = names if everything or len(names) <= _NAMES + 1 else names[:_NAMES]
            rest = len(names) - len(shown)
            more = f" and {rest} more (--all)" if rest else ""
            rows.insert(0, Row((Span(word, style),), (Span(f"{', '.join(shown)}{more}"),)))
    return [*blocks, *cut_table(rows, _ROWS, everything=everything)]


def _root_row(one: RootChange) -> Row:
    word, style = _WORD[one.change]
    told = _counted(package.change for package in one.packages)
    packages = f"packages: {', '.join(told)}" if told else "the same packages, asked for otherwise"
    return Row((Span(word, style),), (Span(one.root, Style.NAME), Span(f": {packages}")))


# -- builds and their order ------------------------------------------------------------------------


def _builds(diff: LockDiff, everything: bool) -> list[Block]:
    blocks: list[Block] = []
    if diff.builds:
        blocks.append(_heading("Builds", _counted(one.change for one in diff.builds)))
    if diff.builds and everything:
        blocks.append(
            Table(
                tuple(
                    Row(
                        (Span(*_WORD[one.change]), Span(one.build, Style.NAME)),
                        (Span(", ".join(part.replace("_", " ") for part in one.parts)),),
                    )
                    for one in diff.builds
                )
            )
        )
    if diff.order is not None:
        blocks += _order(diff.order, everything)
    return blocks


def _order(order: OrderChange, everything: bool) -> Iterable[Block]:
    told = []
    if order.old_minutes != order.new_minutes:
        told.append(f"{builder_time(order.old_minutes)} → {builder_time(order.new_minutes)}")
    if order.old_levels != order.new_levels:
        told.append(f"{order.old_levels} → {order.new_levels} levels")
    if order.moved:
        told.append(f"{count(len(order.moved), 'build')} in another level")
    if order.old_path != order.new_path:
        chain = f": {' → '.join(order.new_path)}" if everything else ""
        told.append(f"another longest chain{chain}")
    if told:
        yield _heading("Order", told)
