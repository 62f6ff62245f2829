"""Why no plan exists: typed causes, no prose."""

from __future__ import annotations

from enum import Enum

from attrs import frozen
from packaging.version import Version

from .component import Component
from .requirement import Requirement

__all__ = ["Cause", "Conflict", "Demand", "Failure", "Refusal", "Repair", "RepairKind", "Unseen"]


class Cause(Enum):
    """What kind of impossibility a conflict is."""

    NO_SUCH_COMPONENT = "no-such-component"
    NO_SUCH_VERSION = "no-such-version"
    INCOMPATIBLE = "incompatible"
    FORBIDDEN = "forbidden"
    UNREADABLE = "unreadable"
    ROOT = "root"


class Unseen(Enum):
    """Where nobody looked for what a conflict does not find, so that it may well be there.

    ``INDEX``: the package index, since only the releases that come with the tool were looked at.
    ``BASE``: the base beyond its extract that comes with the tool. ``PROFILE``: anywhere, since no
    rule of the profile says what the component is.
    """

    BASE = "base"
    INDEX = "index"
    PROFILE = "profile"


class Refusal(Enum):
    """Why releases that would do cannot be had. ``NO_SOURCE``: upstream publishes none of them as
    source, and the profile does not accept a wheel. ``NO_WHEEL``: the wheels that it accepts are
    for other interpreters, architectures or C libraries."""

    NO_SOURCE = "no-source"
    NO_WHEEL = "no-wheel"


@frozen
class Demand:
    """One requirement of one component, stated by ``versions`` of it (sorted; the ones that exist
    and could be used). ``available`` are the versions of the required component that exist, and
    ``allowed`` those of them that the requirement lets in. With ``only_if_used`` it does not
    require the component, and binds it where something else does."""

    by: Component
    versions: tuple[Version, ...]
    requirement: Requirement
    available: tuple[Version, ...] = ()
    allowed: tuple[Version, ...] = ()
    only_if_used: bool = False


@frozen
class Conflict:
    """A smallest set of demands that cannot be met together.

    ``chains`` lead from the application to what blocks it, each a sequence of demands in which
    the next is stated by versions that the one before lets in; for a conflict of one chain its
    last demand is the one that cannot be met. ``about`` is the component that the chains meet at:
    the one that does not exist, or that the last demands have in common; or one that chains go
    through, because its versions die in different ways.
    ``packages`` are RPM texts where the impossibility is one of the base's packages; the chains
    then lead to each stream whose packages it is about. Where nothing else stands in the way,
    ``missing`` are the dependencies of these packages that nothing provides, and ``blocked`` those
    that something provides which cannot be installed itself. ``lacking`` is everything that nothing
    provides. ``evidence`` says where facts are from that demands rest on, in the profile's words.
    ``unseen`` says where nobody looked: with it, that something is missing is not known.
    ``refusal`` says of what is forbidden for no licence why it is.
    """

    about: Component
    cause: Cause
    chains: tuple[tuple[Demand, ...], ...]
    packages: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    unseen: Unseen | None = None
    refusal: Refusal | None = None


class RepairKind(Enum):
    """What a repair changes."""

    VARIANT = "variant"
    BASE = "base"
    PYTHON = "python"
    APPLICATION = "application"
    RELAX = "relax"
    MODULE = "module"
    DEMAND = "demand"


@frozen
class Repair:
    """A change with which a plan exists: it was solved before it was offered.

    ``value`` is the variant, base, Python or version to ask for, the module stream to choose
    (``name:stream``), the further demand to leave out, or the requirement to relax as ``component
    specifier``, stated by ``by``.
    ``further`` are the requirements to relax beside it, as pairs of who states one and the
    requirement. ``private`` and ``cost`` are those of the plan.
    """

    kind: RepairKind
    value: str
    private: int
    cost: int
    by: str = ""
    further: tuple[tuple[str, str], ...] = ()


@frozen
class Failure:
    """That no plan exists, and all that is known about it."""

    application: str
    version: str
    variant: str
    base: str
    arch: str
    conflicts: tuple[Conflict, ...]
    repairs: tuple[Repair, ...] = ()
