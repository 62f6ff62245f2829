"""Which packages the modules of a base hide, as dnf filters them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from attrs import frozen

from .modules import ModuleIndex, ModuleStream

__all__ = ["ActiveModule", "ModuleFilter", "ModuleReason", "plain_name"]

_SOURCES = ("src", "nosrc")


class ModuleReason(Enum):
    """Why a stream of a module is active."""

    CHOSEN = "chosen"
    REQUIRED = "required"
    DEFAULT = "default"


@frozen
class ActiveModule:
    """A stream of a module whose packages can be used: it was chosen, is required by the one that
    ``by`` names (``name:stream``), or is recommended by the base where nothing was chosen.

    ``version`` and ``context`` say which build of it; 0 and empty where its metadata does not.
    """

    name: str
    stream: str
    reason: ModuleReason
    by: str = ""
    version: int = 0
    context: str = ""

    @property
    def spelled(self) -> str:
        """``name:stream``."""
        return f"{self.name}:{self.stream}"


@frozen
class ModuleFilter:
    """The packages that cannot be used because of modules.

    Of the packages with full names in ``artifacts``, those that are not in ``shown`` as well; and,
    since an active stream stands for all packages of its names, those that bear or provide one of
    ``names`` and sources of ``source_names`` that are not in ``shown``. Repositories with the ids
    ``exempt`` are left as they are. Full names are ``name-[epoch:]version-release.architecture``.
    """

    artifacts: frozenset[str] = frozenset()
    shown: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    source_names: frozenset[str] = frozenset()
    exempt: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, index: ModuleIndex, active: Iterable[ModuleStream], exempt: Iterable[str] = ()
    ) -> ModuleFilter:
        """What modules hide where these builds of streams, and no others, are active. Earlier
        builds of the same stream and context are active with them."""
        keys = {build.key for build in active}
        builds = [build for build in index.streams if build.key in keys]
        shown = {plain_name(text) for build in builds for text in build.artifacts}
        others = (build for build in index.streams if build.key not in keys)
        names: set[str] = set()
        source_names: set[str] = set()
        for build in builds:
            for text in build.artifacts:
                name, arch = text.rsplit("-", 2)[0], text.rpartition(".")[2]
                if name not in build.demodularized:
                    (source_names if arch in _SOURCES else names).add(name)
        return cls(
            frozenset(plain_name(text) for build in others for text in build.artifacts),
            frozenset(shown),
            frozenset(names),
            frozenset(source_names),
            frozenset(exempt),
        )

    @property
    def is_empty(self) -> bool:
        """Whether it hides nothing."""
        return not (self.artifacts or self.names or self.source_names)


def plain_name(artifact: str) -> str:
    """``nodejs-1:20.1-1.x86_64`` as it is; ``npm-0:10-1.x86_64`` without the epoch that is none."""
    name, version, rest = (*artifact.rsplit("-", 2), "", "")[:3]
    return f"{name}-{version.removeprefix('0:')}-{rest}" if rest else artifact
