"""Short texts that the screens and the JSON document share."""

from __future__ import annotations

import re
from collections.abc import Sequence

from packaging.version import Version

from ..errors import Place
from ..model.component import PYTHON, Component, Kind, Scope
from ..model.plan import Demander, PlannedStream, ReasonKind
from ..model.requirement import Requirement
from .markup import NO_BREAK

__all__ = [
    "asked",
    "builder_time",
    "built_component",
    "built_for",
    "byte_text",
    "count",
    "demanded",
    "demanded_of",
    "demanders",
    "is_for_building",
    "joined",
    "named",
    "place_text",
    "reason_clause",
    "reason_text",
    "shortened",
    "spelled",
]

_MINUTES_PER_HOUR = 60
_SENTENCE_END = re.compile(r"(?<=\.)\s+(?=[A-Z])")
_CLAUSE_END = re.compile(r"[;:,](?= )")
# An earlier clause end would leave too little of a text.
_LEAST_SHOWN = 0.4
_BUILD_OF = "the build of "
_SERIES = tuple(Version(f"3.{minor}") for minor in range(40))
_ONE_SERIES = re.compile(r"==(\d+\.\d+)\.\*")
_ROUNDED_FROM = 10

_KIND_WORDS = {
    Kind.DISTRIBUTION: "distribution",
    Kind.INTERPRETER: "interpreter",
    Kind.TOOLCHAIN: "toolchain",
    Kind.ACCELERATOR: "accelerator stack",
    Kind.KERNEL_MODULE: "kernel module",
    Kind.PACKAGE: "package",
}


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 stream``, ``2 streams``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def byte_text(number: int) -> str:
    """A number of bytes as people read it, to three digits: ``1.24 MB``."""
    amount, units = float(number), ["B", "kB", "MB", "GB"]
    while amount >= 1000 and len(units) > 1:
        amount /= 1000
        del units[0]
    return f"{amount:.3g} {units[0]}"


def builder_time(minutes: int) -> str:
    """Time of one builder, from minutes: ``45 min``, ``3 h 20 min``, ``41 h``."""
    hours, rest = divmod(minutes, _MINUTES_PER_HOUR)
    # From ten hours on the minutes say nothing.
    texts = [f"{hours}{NO_BREAK}h"] if hours else []
    if not hours or (rest and hours < _ROUNDED_FROM):
        texts.append(f"{rest}{NO_BREAK}min")
    return NO_BREAK.join(texts)


def joined(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def built_component(component: Component) -> str:
    """Of which component this is the build, spelled; empty for what is no build."""
    if component.kind is not Kind.PACKAGE or not component.name.startswith(_BUILD_OF):
        return ""
    return component.name.removeprefix(_BUILD_OF)


def named(component: Component) -> str:
    """The component with its kind, which a distribution and a build do not need."""
    if component.kind in (Kind.DISTRIBUTION, Kind.INTERPRETER) or built_component(component):
        return component.name
    return f"{component.name} ({_KIND_WORDS[component.kind]})"


def asked(requirement: Requirement) -> str:
    """What a requirement asks for, without the name of the component: ``==2.14.0``."""
    if requirement.url:
        return f"the file {requirement.url}"
    clauses = sorted(requirement.specifier, key=lambda c: (c.operator.startswith("<"), str(c)))
    return ",".join(map(str, clauses)) or "any version"


def built_for(requirement: Requirement) -> str:
    """The one interpreter that a package is made for, empty where it is not bound to one."""
    found = _ONE_SERIES.fullmatch(str(requirement.specifier))
    return found[1] if found and requirement.component == PYTHON else ""


def spelled(requirement: Requirement) -> str:
    """The whole requirement with its bounds in reading order: ``python>=3.11,<3.15``."""
    if requirement.url:
        return requirement.text
    extras = f"[{','.join(requirement.extras)}]" if requirement.extras else ""
    bounds = asked(requirement) if len(requirement.specifier) else ""
    return f"{requirement.component}{extras}{bounds}"


def demanded(demand: Demander) -> str:
    """``vllm needs ==2.14.0``; what a command asks for and what wheels exist for reads so."""
    return f"{_who(demand)} {_what(demand)}"


def demanded_of(demand: Demander) -> str:
    """The same as the end of a sentence: ``by vllm, which needs ==2.14.0``."""
    if demand.requirement.is_asked:
        return f"because {demanded(demand)}"
    return f"by {_who(demand)}, which {_what(demand)}"


def _who(demand: Demander) -> str:
    if demand.requirement.is_asked:
        return "you"
    return f"{_BUILD_OF}{demand.component}" if is_for_building(demand) else str(demand.component)


def is_for_building(demand: Demander) -> bool:
    """Whether a distribution is needed to build the one that demands it."""
    requirement = demand.requirement
    return (
        requirement.scope is Scope.BUILD
        and requirement.component.kind is Kind.DISTRIBUTION
        and demand.component.kind in (Kind.DISTRIBUTION, Kind.INTERPRETER)
    )


def _what(demand: Demander) -> str:
    if demand.requirement.is_asked:
        return f"asked for {asked(demand.requirement)}"
    if demand.requirement.place.file == "wheels":
        return f"has wheels only for Python {_series(demand.requirement)}"
    return f"needs {asked(demand.requirement)}"


def _series(requirement: Requirement) -> str:
    """The interpreters that a requirement allows: ``3.11–3.13``."""
    runs: list[list[Version]] = []
    before = False
    for series in _SERIES:
        allowed = requirement.allows(series)
        if allowed and before:
            runs[-1].append(series)
        elif allowed:
            runs.append([series])
        before = allowed
    return ", ".join(map(_run_text, runs)) or asked(requirement)


def _run_text(run: Sequence[Version]) -> str:
    if run[-1] == _SERIES[-1]:
        return f"{run[0]} and newer"
    if run[0] == _SERIES[0]:
        return f"{run[-1]} and older"
    return str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}"


def demanders(demands: Sequence[Demander], first: str = "", at_most: int = 2) -> str:
    """``vllm needs ==2.14.0, xgrammar needs >=2.10 and 3 more demands``.

    Those of the component called ``first`` come first, then those that pin a version.
    """

    def rank(demand: Demander) -> tuple[bool, bool]:
        return (demand.component.name != first, not asked(demand.requirement).startswith("=="))

    texts = list(dict.fromkeys(demanded(demand) for demand in sorted(demands, key=rank)))
    rest = len(texts) - at_most
    if rest > 0:
        return f"{', '.join(texts[:at_most])} and {count(rest, 'more demand')}"
    return " and ".join(part for part in (", ".join(texts[:-1]), *texts[-1:]) if part)


def shortened(text: str, at_most: int) -> str:
    """The first sentence of a text; where that is too long its first clauses and ``…``.

    A clause or an entry of a list ends at ``;``, ``:`` or ``,`` outside brackets. Only where none
    ends in time is a text cut between words.
    """
    sentence = _SENTENCE_END.split(text.strip(), maxsplit=1)[0]
    if len(sentence) <= at_most:
        return sentence
    ends = [match.end() for match in _CLAUSE_END.finditer(sentence, 0, at_most)]
    ends = [end for end in ends if end >= at_most * _LEAST_SHOWN and _closed(sentence[:end])]
    if ends:
        return f"{sentence[: ends[-1]]} …"
    return sentence[: at_most + 1].rpartition(" ")[0].rstrip(",;:") + " …"


def _closed(text: str) -> bool:
    return all(text.count(first) == text.count(last) for first, last in ("()", "[]"))


def place_text(place: Place) -> str:
    """``cuda.txt:12``, empty where nothing is known."""
    return f"{place.file}:{place.line}" if place.line else place.file


def reason_text(stream: PlannedStream, application: str = "", at_most: int = 2) -> str:
    """Why the stream has its origin and version, in one clause, and whether only builds use it.

    At most so many demands are named, those of the application first.
    """
    text = reason_clause(stream, application, at_most)
    return f"{text}; used in build roots only" if stream.build_only else text


def reason_clause(stream: PlannedStream, application: str = "", at_most: int = 2) -> str:
    """The same without who uses it."""
    demands = stream.reason.demands
    others = [demand for demand in demands if demand.component != stream.component]
    needs = demanders(others, application, at_most)
    if not demands and stream.reason.kind is ReasonKind.NOT_IN_BASE:
        needs = demanders(stream.required_by, application, at_most)
    # The base's stream of a component may itself need what the plan cannot give it.
    own = [spelled(d.requirement) for d in demands if d.component == stream.component]
    return _clause(stream, needs, " and ".join(dict.fromkeys(own)))


def _clause(stream: PlannedStream, needs: str, own: str) -> str:
    reason = stream.reason
    has = f"the base has {reason.base_version}" if reason.base_version else "the base has none"
    its = f"the base's package needs {own}" if own else ""
    if own:
        has = f"{has}, whose package needs {own}"
    told = "; ".join(part for part in (its, needs) if part)
    also = f": {told}" if told else ""
    match reason.kind:
        case ReasonKind.APPLICATION:
            ours = "the application itself"
            return f"{ours}; {has} of its own" if reason.base_version else ours
        case ReasonKind.BASE_FITS:
            return "the base's own version meets every demand"
        case ReasonKind.COMPAT_FITS:
            usual = f"{has} by default, {needs}" if needs else f"{has} by default"
            return f"the base's compat package {stream.package} fits: {usual}"
        case ReasonKind.NOT_IN_BASE:
            return f"the base does not ship it; {needs}" if needs else "the base does not ship it"
        case ReasonKind.BASE_VERSION:
            return f"rebuilt at the base's version{also}"
        case ReasonKind.BASE_CONFLICT | ReasonKind.INTERPRETER:
            return "; ".join(part for part in (has, needs, reason.text) if part)
        case ReasonKind.OTHER_PYTHON:
            # A need of builds may be met by an older version that needs less itself.
            version = "" if str(stream.version) == reason.base_version else reason.base_version
            package = f"the base's package{version and f', {version},'}"
            return f"{package} is built for another Python{also}"
        case ReasonKind.EXTERNAL:
            return reason.text or "a third party's package, used as it is"
        case ReasonKind.OMITTED:
            return reason.text or "the profile leaves it out"
        case _:
            return "; ".join(part for part in (has, needs, reason.text) if part)
