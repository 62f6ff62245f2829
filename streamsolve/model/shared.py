"""Several applications on one base: which share their streams, and which cannot."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from attrs import frozen
from packaging.version import Version

from .component import Component, Origin
from .conflict import Conflict
from .plan import Demander, Plan, PlannedStream

__all__ = [
    "Apart",
    "ApartKind",
    "CommonStream",
    "Contradiction",
    "Copy",
    "Difference",
    "DifferenceKind",
    "SharedApplication",
    "SharedPlan",
    "StreamSet",
]


@frozen
class SharedApplication:
    """One of the applications. ``label`` is ``PROFILE:VARIANT`` and tells it from the others;
    ``alone`` is its plan without them, with what they all say of costs."""

    label: str
    name: str
    variant: str
    component: Component
    version: Version
    alone: Plan


@frozen
class StreamSet:
    """One version of each component that one or more applications use together: one interpreter,
    one repository of private streams.

    ``applications`` are labels, sorted. ``plan`` holds the streams of all of them; its name and
    version say nothing. ``users`` are the applications that each component is there for, sorted.
    """

    applications: tuple[str, ...]
    plan: Plan
    users: Mapping[Component, tuple[str, ...]]

    @property
    def private(self) -> tuple[PlannedStream, ...]:
        """Its private streams, without those that only builds use."""
        return tuple(s for s in self.plan.of_origin(Origin.PRIVATE) if not s.build_only)


class ApartKind(Enum):
    """Why applications cannot be in one set of streams."""

    APPLICATION = "application"
    RULES = "rules"
    DEMANDS = "demands"
    UNDECIDED = "undecided"


@frozen
class Contradiction:
    """What the profiles of two applications say of one component and cannot both hold. ``rule`` is
    what it is about (``label``, ``accelerator``, ``source`` …), ``says`` are labels with what each
    one's profile says."""

    component: Component
    rule: str
    says: tuple[tuple[str, str], ...]


@frozen
class Apart:
    """A smallest group of applications that cannot all be in one set: any fewer of them can.

    With the kind ``APPLICATION`` they are one component, with ``RULES`` it is ``contradictions``,
    with ``DEMANDS`` ``conflicts``; what is ``UNDECIDED`` is taken for impossible without proof.
    """

    applications: tuple[str, ...]
    kind: ApartKind
    contradictions: tuple[Contradiction, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


class DifferenceKind(Enum):
    """Why two sets have a copy each of a private stream.

    ``DEMANDS``: what one demands the other's version does not meet. ``CHOICE``: each version would
    do for both, and each set has the one that is best for it. Of one version: it is for another
    interpreter (``PYTHON``), its profile builds it otherwise (``RULES``), or what it needs at run
    time (``BELOW``) or to be built (``BUILD``) is not the same.
    """

    DEMANDS = "demands"
    CHOICE = "choice"
    PYTHON = "python"
    RULES = "rules"
    BELOW = "below"
    BUILD = "build"


@frozen
class Copy:
    """One private stream that is built once. ``sets`` are numbers from 1, ``applications`` the
    labels of all that use it, ``demands`` those that other copies' versions do not meet. ``cost``
    is in minutes of one builder."""

    version: Version
    sets: tuple[int, ...]
    applications: tuple[str, ...]
    cost: int
    demands: tuple[Demander, ...] = ()


@frozen
class Difference:
    """Why there are several copies. ``agreeing`` are versions of copies that no demand of any set
    is against, though other reasons may be; ``below`` are components that differ below it;
    ``texts`` are the interpreters."""

    kind: DifferenceKind
    agreeing: tuple[Version, ...] = ()
    below: tuple[Component, ...] = ()
    texts: tuple[str, ...] = ()


@frozen
class CommonStream:
    """A component of which more than one application uses a private stream. ``difference`` is None
    where they all use the same."""

    component: Component
    copies: tuple[Copy, ...]
    difference: Difference | None = None


@frozen
class SharedPlan:
    """The smallest set of stream sets for some applications.

    ``applications`` are sorted by label, ``sets`` by their first one, ``apart`` by theirs,
    ``common`` by component. ``fewest`` says that fewer sets are proven impossible,
    ``cheapest`` that so many cannot cost less, each among the offers considered. ``builds`` says
    that build roots were compared as well. ``demands`` are what each application was asked to have
    on top of its own requirements, sorted.
    """

    base: str
    arch: str
    applications: tuple[SharedApplication, ...]
    sets: tuple[StreamSet, ...]
    apart: tuple[Apart, ...]
    common: tuple[CommonStream, ...]
    fewest: bool
    cheapest: bool
    builds: bool = False
    demands: tuple[str, ...] = ()

    @property
    def alone(self) -> int:
        """What all plans cost without each other, in minutes of one builder."""
        return sum(each.alone.summary.cost for each in self.applications)

    @property
    def cost(self) -> int:
        """What all sets cost, a stream that several have once."""
        again = sum(
            copy.cost * (len(copy.sets) - 1) for each in self.common for copy in each.copies
        )
        return sum(each.plan.summary.cost for each in self.sets) - again

    @property
    def private(self) -> int:
        """How many private streams all sets have, one that several have counted once."""
        again = sum(len(copy.sets) - 1 for each in self.common for copy in each.copies)
        return sum(len(each.private) for each in self.sets) - again
