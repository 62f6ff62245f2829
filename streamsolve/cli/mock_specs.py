"""What ``streamsolve emit mock`` writes of specs, and says of them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import rich_click as click

from .options import read_specs
from .progress import progress_display

if TYPE_CHECKING:
    from ..building.materials import Materials
    from ..emit import Content, MockSettings
    from ..emit.specs import EmittedSpecs
    from ..explain import Block
    from ..lock import Lock

__all__ = ["SPEC_OPTION_GROUP", "SpecOptions", "Step", "spec_options", "written_specs"]

Step = tuple[str, str]
"""A command, and what it does."""

C = TypeVar("C", bound=Callable[..., object])

_MOST_SHOWN = 8
_NAMES = 4
_DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)
_OPTIONS = (
    click.option(
        "--specs/--no-specs",
        "wanted",
        default=None,
        help="Write specs and rules for source packages; done if anything is there to make specs "
        "from.",
    ),
    click.option(
        "--sources",
        metavar="DIR",
        type=_DIRECTORY,
        help="Upstream's files, as `streamsolve sources` brings them; DIR/sources of -o if that "
        "is there.",
    ),
    click.option(
        "--srpms",
        metavar="DIR",
        multiple=True,
        type=_DIRECTORY,
        help="Source packages of the base, whose specs are built upon; the directory base of "
        "--sources if nothing is said. May be given again.",
    ),
    click.option(
        "--spec",
        "given",
        metavar="COMPONENT=FILE",
        multiple=True,
        help="The spec file or source package that the lock was made with; may be given again.",
    ),
)
SPEC_OPTION_GROUP = ["--specs", "--sources", "--srpms", "--spec"]
"""The options, for the help."""


def spec_options(command: C) -> C:
    """Add the options about specs; :class:`SpecOptions` has their values."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


class SpecOptions(NamedTuple):
    """The values of those options."""

    wanted: bool | None = None
    sources: Path | None = None
    srpms: tuple[Path, ...] = ()
    given: tuple[str, ...] = ()

    def within(self, directory: Path) -> SpecOptions:
        """With what lies in the directory that is written to, where nothing was said."""
        sources, srpms = self.sources, self.srpms
        if sources is None and (directory / "sources").is_dir():
            sources = directory / "sources"
        if not srpms and sources is not None and (sources / "base").is_dir():
            srpms = (sources / "base",)
        return SpecOptions(self.wanted, sources, srpms, self.given)

    @property
    def are_wanted(self) -> bool:
        """Whether specs are to be written."""
        if self.wanted is None:
            return bool(self.sources or self.srpms or self.given)
        return self.wanted


def written_specs(
    lock: Lock, made: MockSettings, options: SpecOptions, directory: Path, file: Path
) -> tuple[dict[str, Content], list[Block], list[Step]]:
    """The files of specs, the rules for source packages and upstream's files that lie elsewhere;
    what there is to say of them; and what comes next."""
    from ..building.materials import read_materials
    from ..emit.source_rules import source_rules
    from ..emit.specs import emit_specs
    from ..inputs.source_rpms import find_source_rpms

    with progress_display() as progress:
        materials = read_materials(
            lock,
            given=read_specs(options.given),
            srpms=find_source_rpms(options.srpms),
            sources=options.sources,
            progress=progress,
        )
    specs = emit_specs(lock.plan, made, materials.specs, file=str(file))
    files: dict[str, Content] = {**specs.files, **source_rules(lock.plan.arch, specs.files)}
    missing = 0
    if options.sources is not None:
        linked, missing = _linked(specs.files, options.sources, directory)
        files |= linked
    steps = _next_steps(materials, options, missing, directory, file)
    return files, _told(specs, materials), steps


def _linked(
    specs: Mapping[str, bytes], sources: Path, directory: Path
) -> tuple[dict[str, Content], int]:
    """Upstream's files that specs list, where they lie elsewhere; and how many are not there."""
    from ..emit import LocalFile
    from ..emit.source_rules import SOURCES, read_source_list
    from ..storage import file_digest

    elsewhere = sources.resolve() != (directory / "sources").resolve()
    found: dict[str, Content] = {}
    missing = 0
    for path, content in specs.items():
        if path.rpartition("/")[2] != SOURCES:
            continue
        for each in read_source_list(content.decode("utf-8"), file=path):
            local = sources / each.filename
            if not local.is_file():
                missing += 1
            elif elsewhere and each.sha256 and file_digest(local) == each.sha256:
                found[f"sources/{each.filename}"] = LocalFile(local.resolve(), each.sha256)
    return found, missing


# -- what is shown ---------------------------------------------------------------------------------


def _told(specs: EmittedSpecs, materials: Materials) -> list[Block]:
    from ..emit.specs.data_text import plain
    from ..explain import blank, paragraph
    from ..explain.sentences import count

    kinds = [spec.kind.value for spec in specs.specs]
    made = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(sorted(kinds)))
    told: list[Block] = [blank(), paragraph(f"Specs: {len(kinds)} ({made}).")]
    unread = sum(spec.unread for spec in specs.specs)
    if unread:
        what = count(unread, "distribution")
        told.append(_warning(f"Of {what} only the lock is known, since their files are not here."))
    unknown = sum(spec.unknown_licence for spec in specs.specs if not spec.unread)
    if unknown:
        text = "LicenseRef-Not-Known, since upstream names no licence that SPDX knows."
        told.append(_warning(f"{count(unknown, 'spec')} with the licence {text}"))
    for stream, why in materials.unread[:_MOST_SHOWN]:
        told.append(_warning(plain(f"{stream} says nothing of itself: {why}")))
    return told + _incomplete(specs)


def _warning(text: str) -> Block:
    from ..explain import Span, Style, paragraph

    return paragraph(Span("! ", Style.WARNING), text, hang=2)


def _incomplete(specs: EmittedSpecs) -> list[Block]:
    """What is left to a packager, each once with the specs that lack it; most specs first."""
    from ..emit.specs.data_text import plain
    from ..explain import Span, Style, paragraph
    from ..explain.sentences import count

    lacking: dict[str, list[str]] = {}
    for spec in specs.incomplete:
        for words in spec.incomplete:
            lacking.setdefault(plain(words), []).append(spec.path.split("/")[1])
    if not lacking:
        return []
    told = [_warning(f"{count(len(specs.incomplete), 'spec')} for you to finish:")]
    by_number = sorted(lacking.items(), key=lambda found: (-len(found[1]), found[0]))
    for words, names in by_number[:_MOST_SHOWN]:
        shown = names if len(names) <= _NAMES + 1 else names[:_NAMES]
        more = f" and {len(names) - len(shown)} more" if len(shown) < len(names) else ""
        spans = (f"{words}: ", Span(", ".join(shown) + more, Style.NAME))
        told.append(paragraph(*spans, indent=2, hang=2))
    if len(by_number) > _MOST_SHOWN:
        told.append(paragraph(f"and {len(by_number) - _MOST_SHOWN} more", indent=2))
    return told


def _next_steps(
    materials: Materials, options: SpecOptions, missing: int, directory: Path, file: Path
) -> list[Step]:
    from ..explain.sentences import count

    sources = options.sources or directory / "sources"
    bring = ["streamsolve", "sources", str(file), "-o", str(sources)]
    again = "; then run this again: specs are written from them"
    steps: list[Step] = []
    if materials.lacking:
        number = len(materials.lacking)
        what = f"brings upstream's files, and {count(number, 'source package')} of the base{again}"
        steps.append((shlex.join([*bring, "--base-sources"]), what))
    elif missing or options.sources is None:
        steps.append((shlex.join(bring), f"brings upstream's files{again}"))
    make = shlex.join(["make", "-C", str(directory), "srpms"])
    return [*steps, (make, "makes the source packages, once the specs are as you want them")]
