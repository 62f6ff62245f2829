"""What comes out: a spec before and after it is put into the namespace, and a report of all."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from attrs import field, frozen

from .spec_text import SpecText

__all__ = ["Draft", "EmittedSpec", "EmittedSpecs", "SpecKind"]


class SpecKind(Enum):
    """What a spec was made from."""

    GIVEN = "given"
    BASE = "base"
    INTERPRETER = "interpreter"
    UPSTREAM = "upstream"
    WHEEL = "wheel"
    SKELETON = "skeleton"
    KERNEL_MODULE = "kernel module"
    RUNTIME = "runtime"


@frozen
class Draft:
    """A spec that is not yet in a namespace, with the files beside it by name. ``incomplete`` is
    what a packager must finish, ``said`` what was changed."""

    spec: SpecText
    files: Mapping[str, bytes] = field(factory=dict)
    incomplete: tuple[str, ...] = ()
    said: tuple[str, ...] = ()


@frozen
class EmittedSpec:
    """One spec. ``stream`` is ``name@version``, also that of the runtime package of a namespace;
    ``path`` is the spec's. ``origin`` is what it was made from. ``incomplete`` says what a
    packager must finish before it can be built, ``missing`` which files nobody knows a digest of,
    ``unknown_licence`` that the metadata does not say one. ``unread`` says that the distribution
    that it is made from was not at hand, so that only what the plan knows of it is there."""

    stream: str
    path: str
    kind: SpecKind
    origin: str = ""
    incomplete: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unknown_licence: bool = False
    unread: bool = False


@frozen
class EmittedSpecs:
    """Files by path, sorted, and the specs among them, sorted by stream."""

    files: Mapping[str, bytes]
    specs: tuple[EmittedSpec, ...]

    @property
    def incomplete(self) -> tuple[EmittedSpec, ...]:
        """Those that a packager must finish."""
        return tuple(spec for spec in self.specs if spec.incomplete)
