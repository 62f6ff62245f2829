"""How profiles, bases and settings look on the screen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..explain import Block, Row, Span, Style, Table, blank, paragraph
from ..explain.vendored_text import count_text

if TYPE_CHECKING:
    from ..inputs.base_definitions import BaseDefinition
    from ..inputs.overlay_definitions import OverlayDefinition
    from ..inputs.settings import Settings
    from ..model.package import Base
    from ..model.profile import Profile

__all__ = [
    "base_directory_page",
    "base_page",
    "base_rows",
    "checked",
    "profile_page",
    "profile_rows",
    "settings_rows",
    "written",
]

_DONE = Span("✓", Style.GOOD)


def _row(name: str, text: str, *cells: str) -> Row:
    return Row((Span(name, Style.NAME), *map(Span, cells)), (Span(text),))


def _described(summary: str, names: Sequence[str]) -> str:
    return f"{summary} ({', '.join(names)})".strip()


def _next(text: str, command: str) -> list[Block]:
    return [blank(), paragraph(f"{text}: ", Span(command, Style.COMMAND))]


def _section(heading: str, rows: Iterable[Row]) -> list[Block]:
    found = tuple(rows)
    return [blank(), paragraph(Span(heading, Style.HEADING)), Table(found)] if found else []


def profile_rows(profiles: Iterable[Profile]) -> list[Block]:
    """One row per profile: name, version, what it is, and its variants."""
    rows = [
        _row(
            one.name,
            f"{one.summary} ({', '.join(v.name for v in one.variants)})".strip(),
            str(one.version),
        )
        for one in profiles
    ]
    if not rows:
        return [paragraph("No profile comes with this installation.")]
    first = rows[0].cells[0].text
    return [Table(tuple(rows), indent=0), *_next("Next", f"streamsolve plan {first}")]


def profile_page(profile: Profile) -> list[Block]:
    """What a profile says: variants, and each decision that it takes with its reason."""
    title = Span(f"{profile.name} {profile.version}", Style.HEADING)
    policy = ", ".join(origin.value for origin in profile.policy.proprietary) or "nothing"
    return [
        paragraph(title, f": {profile.summary}" if profile.summary else ""),
        paragraph(f"Planned on {profile.default_base} if no base is given. ", profile.homepage),
        paragraph(f"A proprietary licence is accepted for: {policy}."),
        *_section("Variants", (_variant_row(profile, v.name, v.summary) for v in profile.variants)),
        *_section(
            "Relaxed requirements",
            (
                _row(
                    f"{one.component}{one.specifier}",
                    _only(one.variants, one.reason),
                    f"→ {one.to or 'any version'}",
                )
                for one in profile.relaxations
            ),
        ),
        *_section(
            "Omitted",
            (
                _row(str(one.component), _only(one.variants, one.reason))
                for one in profile.omissions
            ),
        ),
        *_section(
            "External, from a third party's repository",
            (
                _row(str(one.component), f"{one.package} ({one.repository})")
                for one in profile.externals
            ),
        ),
        *_section(
            "Repackaged from their wheels",
            (_row(str(one.component), one.reason, one.licence) for one in profile.prebuilt),
        ),
        *_section(
            "Built otherwise than by the base or upstream",
            (
                _row(str(one.component), _only((*one.variants, *one.arches), one.reason))
                for one in profile.build_rules
                if one.drops or one.replaces
            ),
        ),
        *_section(
            "Vendored, in what is built from them",
            (
                _row(str(one.component), _only(one.variants, one.reason), count_text(one.packages))
                for one in profile.vendored
            ),
        ),
        *_section(
            "Coherence groups: what moves together",
            (_row(g.name, ", ".join(map(str, (g.leader, *g.members)))) for g in profile.groups),
        ),
        *_next("Next", f"streamsolve plan {profile.name}"),
    ]


def _only(limits: Sequence[str], reason: str) -> str:
    """The reason of a row, which may hold for some variants or architectures only."""
    return f"({', '.join(limits)}) {reason}" if limits else reason


def _variant_row(profile: Profile, name: str, summary: str) -> Row:
    return _row(name, f"{summary} (default)" if name == profile.default_variant else summary)


def checked(profiles: Sequence[Profile], included: Sequence[str] = ()) -> list[Block]:
    """That profiles, and files that profiles include, are well."""
    rows = [
        Row((_DONE, Span(one.name, Style.NAME), Span(str(one.version))), (Span(one.file),))
        for one in profiles
    ]
    blocks: list[Block] = [Table(tuple(rows), indent=0)] if rows else []
    for file in included:
        told = ": a file for profiles to include"
        blocks.append(paragraph(_DONE, "  ", Span(file, Style.NAME), told, hang=3))
    return blocks


def written(paths: Sequence[Path]) -> list[Block]:
    """Which files were made."""
    return [paragraph(_DONE, f" wrote {path}", hang=2) for path in paths]


def base_rows(
    bases: Sequence[BaseDefinition], overlays: Sequence[OverlayDefinition] = ()
) -> list[Block]:
    """One row per base, and one per repository that is known by name."""
    rows = [
        _row(
            one.name,
            f"{one.summary} ({', '.join(one.architectures)})".strip(),
            f"Python {one.python}",
        )
        for one in bases
    ]
    return [
        Table(tuple(rows), indent=0),
        *_section(
            "On top of them by --repo NAME",
            (_row(one.name, f"{one.summary} (for {', '.join(one.bases)})") for one in overlays),
        ),
        *_next("A directory of repositories works too", "streamsolve plan APP --base DIRECTORY"),
    ]


def base_page(base: BaseDefinition) -> list[Block]:
    """Where the repositories of a base are, and what is known of it before they are read."""
    glibc = ".".join(map(str, base.glibc))
    facts = f"Python {base.python_full or base.python}, glibc {glibc}"
    group = ", ".join(base.build_group)
    return [
        paragraph(Span(base.name, Style.HEADING), f": {base.summary}" if base.summary else ""),
        paragraph(f"{facts}; for {', '.join(base.architectures)}."),
        *_section(
            "Repositories",
            (
                _row(one.id, one.location, "source" if one.sources else "binary", one.kind.value)
                for one in base.repositories
            ),
        ),
        *_section(
            "Repositories that you name",
            (
                *(_row(one, f"--repo {one}=URL or DIRECTORY", "needed") for one in base.given),
                *(_row(one, f"--repo {one}=URL", "if wanted") for one in base.given_optional),
            ),
        ),
        blank(),
        paragraph(Span("Build roots begin with", Style.HEADING), f": {group}", hang=2),
    ]


def base_directory_page(base: Base) -> list[Block]:
    """What was found in a directory of repositories."""
    glibc = f", glibc {'.'.join(map(str, base.glibc))}" if base.glibc else ""
    python = base.python_full or base.python
    facts = f"Python {python}{glibc}" if python else "No package of it provides a Python"
    return [
        paragraph(Span(base.name, Style.HEADING)),
        paragraph(f"{facts}; for {base.arch}."),
        *_section(
            "Repositories",
            (
                _row(one.id, f"repomd.xml {one.digest}", "source" if one.sources else "binary")
                for one in base.repositories
            ),
        ),
    ]


def settings_rows(settings: Settings, *, origin: bool, defaults: Mapping[str, str]) -> list[Block]:
    """One row per setting, by key; with ``origin`` where it comes from, and the files read.

    ``defaults`` say what holds for a key that has no value.
    """
    rows = []
    for setting in settings.origins:
        value = str(setting.value).lower() if isinstance(setting.value, bool) else setting.value
        usual = "" if value else defaults.get(setting.key, "")
        if origin:
            text = f"{setting.origin}: {usual}" if usual else setting.origin
            rows.append(_row(setting.key, text, value or "-"))
        else:
            rows.append(_row(setting.key, value or usual))
    blocks: list[Block] = [Table(tuple(rows), indent=0)]
    if origin:
        files = ", ".join(settings.files) or "none"
        blocks += [blank(), paragraph(f"Settings files that were read: {files}", hang=2)]
    return blocks
