"""What a stream carries in its own source, as its spec says it: provides, and the licences of all.

The archive of what is vendored is the packager's to make (``cargo vendor``, ``npm ci``): nothing
here pretends that a spec can fetch it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve

from ...model.plan import Plan
from ...model.vendored import Ecosystem, VendoredPackage, licence_counts
from ...model.vendored_licence import exact_licence, is_expression
from .. import grammar
from ..grammar import Refusals
from .data_text import commented
from .emitted import Draft
from .licences import UNKNOWN_LICENCE
from .spec_text import PREAMBLE, SpecText
from .task import SpecTask

__all__ = ["check_vendored", "vendored_of", "with_vendored"]

_WIDTH = 96
_FINISH = "To be finished by a packager: "
_ARCHIVES = {
    Ecosystem.CARGO: ("crates", "vendor/ as `cargo vendor --locked` makes it"),
    Ecosystem.NPM: ("npm packages", "node_modules/ as `npm ci` or `pnpm install` makes it"),
}


def vendored_of(task: SpecTask, plan: Plan) -> tuple[VendoredPackage, ...]:
    """What the packages of a stream carry; what is for development alone is in none of them."""
    return tuple(
        package
        for each in plan.vendored
        if each.component == task.stream.component
        for package in each.shipped
    )


def check_vendored(task: SpecTask, plan: Plan, refusals: Refusals) -> None:
    """Note what cannot stand in a spec."""
    for package in vendored_of(task, plan):
        place = f"vendored[{task.stream.component.spelled}]"
        dependency = f"{package.bundled} = {package.rpm_version}"
        if not grammar.BUNDLED.allows(dependency):
            refusals.note(f"{grammar.shown(dependency)} is not {grammar.BUNDLED.expected}", place)
        if package.licence and not is_expression(package.licence):
            refusals.note(f"{grammar.shown(package.licence)} is no SPDX expression", place)


def with_vendored(task: SpecTask, plan: Plan, draft: Draft) -> Draft:
    """The spec with what it carries; as it is where it carries nothing, or is the packager's own.

    The licence becomes the conjunction of its own and of all that is carried; where one is not
    known, :data:`UNKNOWN_LICENCE` is a part of it.
    """
    packages = vendored_of(task, plan)
    if not packages or task.material.given is not None:
        return draft
    spec = SpecText(list(draft.spec.lines), draft.spec.known, draft.spec.absent)
    missing = tuple(_missing(packages))
    _provide(spec, task.package, packages)
    _license(spec, packages, [commented(f"{_FINISH}{each}") for each in missing])
    return evolve(draft, spec=spec, incomplete=(*draft.incomplete, *missing))


def _missing(packages: tuple[VendoredPackage, ...]) -> Iterator[str]:
    """What a packager must bring or find out before it can be built and shipped."""
    for ecosystem, (name, archive) in _ARCHIVES.items():
        if any(each.ecosystem is ecosystem for each in packages):
            yield f"the archive of the vendored {name}: {archive}"
    unknown = sum(not each.licence for each in packages)
    if unknown:
        yield f"the licences of {unknown} of what is vendored (`streamsolve vendored`)"


def _provide(spec: SpecText, package: str, packages: Iterable[VendoredPackage]) -> None:
    """Say what is bundled, in the package that has the stream's name."""
    present = {line.strip() for line in spec.lines}
    lines = [f"Provides:       {each.bundled} = {each.rpm_version}" for each in sorted(packages)]
    lines = [line for line in dict.fromkeys(lines) if line not in present]
    header = spec.header("package", package) if spec.name != package else None
    licence = spec.main("license")
    if header is not None:
        spec.insert(header + 1, lines)
    elif licence is not None:
        spec.insert(licence.line + 1, lines)


def _license(spec: SpecText, packages: tuple[VendoredPackage, ...], head: list[str]) -> None:
    """Set the licence of all, with comments above it: ``head``, and who has which."""
    tag = spec.main("license")
    if tag is None or tag.section.kind != PREAMBLE:
        return
    spec.set_value(tag, _conjunction(tag.value, (each.licence for each in packages)))
    spec.insert(tag.line, [*head, *_breakdown(tag.value, packages)])


def _conjunction(own: str, licences: Iterable[str]) -> str:
    """All licences that must be kept to, the own first, the others sorted, each once."""
    operands = _operands(own)
    found = sorted({licence or UNKNOWN_LICENCE for licence in licences})
    for licence in found:
        operands += [each for each in _operands(licence) if each not in operands]
    return " AND ".join(f"({each})" if " OR " in each else each for each in operands)


def _operands(licence: str) -> list[str]:
    """The parts that AND joins on the outside; a text that is no expression is one part."""
    if not exact_licence(licence):
        return [licence]
    parts, depth, start = [], 0, 0
    words = licence.replace("(", " ( ").replace(")", " ) ").split()
    for position, word in enumerate(words):
        depth += {"(": 1, ")": -1}.get(word, 0)
        if word == "OR" and depth == 0:
            # AND binds closer, so that the whole is one choice.
            return [exact_licence(licence)]
        if word == "AND" and depth == 0:
            parts.append(words[start:position])
            start = position + 1
    parts.append(words[start:])
    return list(dict.fromkeys(exact_licence(" ".join(part)) for part in parts))


def _breakdown(own: str, packages: tuple[VendoredPackage, ...]) -> list[str]:
    """Comments that say which part has which licence."""
    lines = [commented(f"The application's own source: {own}"), commented("What it carries:")]
    for licence in (*(text for text, _ in licence_counts(packages)), ""):
        of = [_named(each) for each in packages if each.licence == licence]
        if of:
            lines += _wrapped(f"{licence or 'not known'}: ", of)
    return lines


def _named(package: VendoredPackage) -> str:
    note = f" (says {package.licence_of})" if package.licence_of else ""
    return f"{package}{note}"


def _wrapped(head: str, names: list[str]) -> list[str]:
    """A licence with its packages, on as many lines as they take."""
    lines, line = [], head
    for number, name in enumerate(names):
        text = f"{name}{',' if number < len(names) - 1 else ''}"
        if len(line) + len(text) > _WIDTH and line.strip():
            lines.append(commented(line.rstrip()))
            line = "  "
        line += f"{text} "
    return [*lines, commented(line.rstrip())]
