"""What is asked of the planner, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from ..model.plan import Plan

__all__ = ["Outcome", "PlanRequest"]


@frozen
class PlanRequest:
    """A plan to be made. Empty values mean the profile's default, or the base's.

    ``application`` is a profile's name or a path to one; ``base`` is a definition's name or a
    directory; ``overlays`` are ``NAME=URL[,priority=N]``. ``fresh`` looks at the package index
    even for what the profile embeds. ``relaxed`` are further requirements to ignore, as
    ``(by, component, specifier)``; ``demands`` are requirements that the application is to have on
    top of its own, and ``question`` is one more that is only asked about. ``builds`` asks for build
    roots, order and exact packages as well, for which a whole base is needed. ``specs`` are
    ``(component, path)`` of spec files or source packages that beat what the base and upstream say
    of a build; ``checks`` says when tests count: where they cost no further private stream
    (``free``), ``always``, or ``never``. ``pins`` are ``(component, version)``, spelled as profiles
    spell them: versions to keep wherever the component is used, as a lock has them. ``modules`` are
    ``NAME:STREAM``: the streams of the base's modules whose packages can be used in all roots.
    """

    application: str
    variant: str = ""
    base: str = ""
    arch: str = "x86_64"
    python: str = ""
    version: str = ""
    overlays: tuple[str, ...] = ()
    offline: bool = False
    fresh: bool = False
    cache: Path | None = None
    index_url: str = ""
    relaxed: tuple[tuple[str, str, str], ...] = ()
    demands: tuple[str, ...] = ()
    question: str = ""
    builds: bool = False
    specs: tuple[tuple[str, str], ...] = ()
    checks: str = "free"
    pins: tuple[tuple[str, str], ...] = ()
    modules: tuple[str, ...] = ()


@frozen
class Outcome:
    """A plan, and the selection problem that it answers in a form that can be written as JSON."""

    plan: Plan
    universe: Mapping[str, object] = field(factory=dict)
