"""Values for tests, said in few words: ``private("torch", "2.14.0")``, ``plan(...)``.

Requirements are written as in PEP 508. Everything has a default that a test does not care about.
"""

from __future__ import annotations

from collections.abc import Iterable

from packaging.version import Version

from streamsolve.errors import Place
from streamsolve.model.component import PYTHON, Component, Kind, Origin, distribution
from streamsolve.model.conflict import Cause, Conflict, Demand, Failure, Repair
from streamsolve.model.plan import (
    Burden,
    Demander,
    HeldBack,
    HostRequirement,
    Notice,
    Plan,
    PlannedStream,
    Reason,
    ReasonKind,
    Relaxed,
    RepositoryId,
    Summary,
)
from streamsolve.model.requirement import Requirement, parse_requirement, requirement_on
from streamsolve.model.stream import Source


def versions(*texts: str) -> tuple[Version, ...]:
    return tuple(Version(text) for text in texts)


def component(name: str) -> Component:
    """``python`` is the interpreter, ``accelerator:cuda`` names its kind, else a distribution."""
    if name == "python":
        return PYTHON
    kind, colon, rest = name.partition(":")
    return Component(Kind(kind), rest) if colon else distribution(name)


def requirement(text: str, at: str = "") -> Requirement:
    """A requirement, ``at`` a place such as ``cuda.txt:12``."""
    file, _, line = at.partition(":")
    place = Place(file, int(line or 0)) if at else Place()
    for name in ("python",):
        if text.startswith(name) and not text[len(name)].isalpha():
            return requirement_on(component(name), text[len(name) :], place=place)
    return parse_requirement(text, place=place)


def demander(by: str, text: str) -> Demander:
    """``demander("vllm", "torch==2.14.0")``."""
    return Demander(component(by), requirement(text))


def stream(
    name: str,
    version: str | None,
    origin: Origin,
    reason: ReasonKind,
    *,
    base_has: str = "",
    demands: Iterable[tuple[str, str]] = (),
    required_by: Iterable[tuple[str, str]] = (),
    text: str = "",
    cost: int = 0,
    requires: Iterable[str] = (),
    package: str | None = None,
    source: Source | None = None,
    prebuilt: bool = False,
    licence: str = "",
) -> PlannedStream:
    asked = tuple(demander(*pair) for pair in demands)
    return PlannedStream(
        component=component(name),
        version=None if version is None else Version(version),
        origin=origin,
        package=package if package is not None else f"python3-{name}",
        source=source or Source(""),
        requirements=tuple(requirement(one) for one in requires),
        required_by=tuple(demander(*pair) for pair in required_by) or asked,
        reason=Reason(reason, base_has, asked, text),
        cost=cost,
        prebuilt=prebuilt,
        licence=licence,
    )


def from_base(name: str, version: str = "1.0") -> PlannedStream:
    return stream(name, version, Origin.BASE, ReasonKind.BASE_FITS, base_has=version)


def private(
    name: str,
    version: str = "1.0",
    *,
    base_has: str = "",
    needed: tuple[str, str] = ("vllm", ""),
    reason: ReasonKind | None = None,
    cost: int = 4,
) -> PlannedStream:
    """A private stream that conflicts with the base, or that the base does not have."""
    by, text = needed
    why = reason or (ReasonKind.BASE_CONFLICT if base_has else ReasonKind.NOT_IN_BASE)
    demands = ((by, text or name),)
    return stream(name, version, Origin.PRIVATE, why, base_has=base_has, demands=demands, cost=cost)


def rebuilt(name: str, version: str = "1.0") -> PlannedStream:
    """A stream that is private only because another Python is used."""
    return private(
        name,
        version,
        base_has=version,
        reason=ReasonKind.OTHER_PYTHON,
        needed=("vllm", f"{name}>=0"),
    )


def private_python(version: str, base_has: str, by: str, asks: str) -> PlannedStream:
    return stream(
        "python",
        version,
        Origin.PRIVATE,
        ReasonKind.INTERPRETER,
        base_has=base_has,
        demands=((by, asks),),
        cost=40,
        package=f"python{version.rpartition('.')[0]}",
    )


def external(name: str, version: str, text: str = "") -> PlannedStream:
    return stream(name, version, Origin.EXTERNAL, ReasonKind.EXTERNAL, text=text, package=name)


def omitted(name: str, why: str, by: str = "vllm") -> PlannedStream:
    return stream(
        name,
        None,
        Origin.OMITTED,
        ReasonKind.OMITTED,
        text=why,
        required_by=((by, name),),
        package="",
    )


def plan(
    *streams: PlannedStream,
    variant: str = "cuda",
    python: str = "3.14",
    minimal: bool = True,
    lower_bound: int | None = None,
    held_back: Iterable[HeldBack] = (),
    relaxed: Iterable[Relaxed] = (),
    warnings: Iterable[tuple[str, str]] = (),
    host: Iterable[HostRequirement] = (),
    would_conflict: Iterable[str] = (),
    would_add: Iterable[str] = (),
) -> Plan:
    """A plan for vllm 0.33.0 on fedora-45; the summary is counted from its streams."""

    def number(origin: Origin) -> int:
        return sum(one.origin is origin for one in streams)

    ordered = sorted(streams, key=lambda one: (one.kind.value, one.component.name))
    return Plan(
        application="vllm",
        version=Version("0.33.0"),
        variant=variant,
        base="fedora-45",
        arch="x86_64",
        repositories=(RepositoryId("fedora", "ab" * 32),),
        python=python,
        summary=Summary(
            base=number(Origin.BASE),
            private=number(Origin.PRIVATE),
            external=number(Origin.EXTERNAL),
            omitted=number(Origin.OMITTED),
            cost=sum(one.cost for one in streams),
            minimal=minimal,
            lower_bound=number(Origin.PRIVATE) if lower_bound is None else lower_bound,
        ),
        streams=tuple(ordered),
        burden=Burden(0, tuple(would_conflict), tuple(would_add)),
        warnings=tuple(Notice(*pair) for pair in warnings),
        held_back=tuple(held_back),
        relaxed=tuple(relaxed),
        host=tuple(host),
    )


def held_back(name: str, version: str, newest: str, *by: tuple[str, str]) -> HeldBack:
    return HeldBack(
        component(name), Version(version), Version(newest), tuple(demander(*one) for one in by)
    )


def relaxed(by: str, stated: str, counts: str, reason: str, at: str = "") -> Relaxed:
    return Relaxed(component(by), requirement(stated, at), requirement(counts), reason)


def host_needs(name: str, specifier: str, by: str) -> HostRequirement:
    return HostRequirement(requirement_on(component(name), specifier), component(by))


def demand(
    by: str,
    stated_in: Iterable[str],
    text: str,
    *,
    at: str = "",
    there: Iterable[str] = (),
) -> Demand:
    """A demand; what it allows is worked out from what is there."""
    asked = requirement(text, at)
    available = versions(*there)
    allowed = tuple(version for version in available if asked.allows(version))
    return Demand(component(by), versions(*stated_in), asked, available, allowed)


def conflict(
    about: str, cause: Cause, *chains: tuple[Demand, ...], packages: Iterable[str] = ()
) -> Conflict:
    return Conflict(component(about), cause, chains, tuple(packages))


def failure(*conflicts: Conflict, repairs: Iterable[Repair] = ()) -> Failure:
    return Failure("vllm", "0.33.0", "cuda", "fedora-45", "x86_64", conflicts, tuple(repairs))


def big_plan() -> Plan:
    """As large as a real one: 150 private streams, most of them rebuilt for another Python."""
    return plan(
        stream(
            "vllm", "0.33.0", Origin.PRIVATE, ReasonKind.APPLICATION, cost=600, requires=("six",)
        ),
        private_python("3.14.2", "3.15.0", "vllm", "python>=3.11,<3.15"),
        private("torch", "2.14.0", base_has="2.13.0", needed=("vllm", "torch==2.14.0"), cost=360),
        *(
            private(
                f"clashing-{n}",
                "1.4.2",
                base_has="2.0",
                needed=("vllm", f"clashing-{n}<2"),
                cost=n,
            )
            for n in range(1, 14)
        ),
        *(private(f"missing-{n}", "0.1", needed=("vllm", f"missing-{n}")) for n in range(34)),
        *(rebuilt(f"rebuilt-{n}") for n in range(100)),
        *(from_base(f"base-{n}") for n in range(9)),
        *(
            external(f"nvidia-part-{n}", "13.0.1", "NVIDIA's own repository has it")
            for n in range(33)
        ),
        omitted("tokenspeed", "only for a GPU that Fedora does not support"),
        held_back=(
            held_back("clashing-1", "1.4.2", "2.0", ("vllm", "clashing-1<2")),
            held_back("base-1", "1.0", "1.1"),
        ),
        relaxed=(
            relaxed(
                "vllm",
                "certifi>=2026.10.19",
                "certifi",
                "the base's package reads the system's trust store whatever its version",
                "METADATA:31",
            ),
        ),
        warnings=(("mixed-minors", "CUDA's parts are not all of one minor: cublas is 13.1"),),
        host=(host_needs("kernel-module:nvidia", ">=580", "accelerator:cuda"),),
        would_conflict=(f"python3-clashing-{n}" for n in range(1, 14)),
        would_add=(f"python3-missing-{n}" for n in range(34)),
    )
