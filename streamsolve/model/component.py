"""Components and where a stream of one comes from."""

from __future__ import annotations

from enum import Enum
from functools import cache

from attrs import frozen
from packaging.utils import canonicalize_name

__all__ = ["PYTHON", "Component", "Kind", "Origin", "Scope", "distribution"]


class Kind(Enum):
    """What sort of thing a component is."""

    DISTRIBUTION = "distribution"
    INTERPRETER = "interpreter"
    TOOLCHAIN = "toolchain"
    ACCELERATOR = "accelerator"
    KERNEL_MODULE = "kernel-module"
    PACKAGE = "package"

    def __lt__(self, other: Kind) -> bool:
        return self.value < other.value


class Origin(Enum):
    """Where a stream comes from.

    ``OMITTED`` is no origin of a stream that is used: it marks a requirement that the profile
    leaves out on purpose.
    """

    BASE = "base"
    EXTERNAL = "external"
    PRIVATE = "private"
    OMITTED = "omitted"


class Scope(Enum):
    """Where a requirement must hold: in the runtime root, in a build root, or on the host."""

    RUN = "run"
    BUILD = "build"
    HOST = "host"


@frozen(order=True, cache_hash=True)
class Component:
    """One thing that can be had in several versions.

    ``name`` is normalised as PEP 503 says for a distribution, and as written otherwise.
    """

    kind: Kind
    name: str

    def __str__(self) -> str:
        return self.name

    @property
    def spelled(self) -> str:
        """How a profile writes it: ``kind:name``, or the bare name of a distribution."""
        return self.name if self.kind is Kind.DISTRIBUTION else f"{self.kind.value}:{self.name}"


PYTHON = Component(Kind.INTERPRETER, "python")
"""The interpreter is a component like any other."""


@cache
def distribution(name: str) -> Component:
    """The component of a Python distribution, whatever the spelling of its name."""
    return Component(Kind.DISTRIBUTION, str(canonicalize_name(name)))
