"""What overlays change in a plan, and what becomes of it without one of them."""

from __future__ import annotations

from attrs import frozen

from .conflict import Conflict
from .question import Move

__all__ = ["Fallback", "OverlayPackage", "OverlayUse"]


@frozen(order=True)
class OverlayPackage:
    """A package of an overlay, and the base's of the same name.

    Evrs are ``[epoch:]version-release``. ``base_evr`` and ``base_repository`` are of the package
    that dnf would take without any overlay, empty where the base has none of that name.
    ``runtime`` says that the runtime root is meant, ``build_roots`` how many build roots are.
    """

    name: str
    arch: str
    evr: str
    base_evr: str = ""
    base_repository: str = ""
    runtime: bool = False
    build_roots: int = 0


@frozen
class Fallback:
    """The plan that there is without an overlay, the others still there.

    ``moves`` are what becomes of components, ``private`` and ``cost`` that plan's private streams
    and their minutes. Where there is no plan, ``conflicts`` or the ``fault`` say why.
    """

    exists: bool
    moves: tuple[Move, ...] = ()
    private: int = 0
    cost: int = 0
    conflicts: tuple[Conflict, ...] = ()
    fault: str = ""


@frozen
class OverlayUse:
    """What an overlay is to a plan. Packages are sorted by name.

    ``packages`` lie in roots; ``passed_over`` are those that dnf would prefer to the base's, and in
    whose place the base's lies in roots because they do not fit there. ``without`` is None where it
    was not asked.
    """

    id: str
    priority: int
    packages: tuple[OverlayPackage, ...] = ()
    passed_over: tuple[OverlayPackage, ...] = ()
    without: Fallback | None = None

    @property
    def replaced(self) -> tuple[OverlayPackage, ...]:
        """Those of its packages in roots that the base has as well."""
        return tuple(package for package in self.packages if package.base_evr)

    @property
    def new(self) -> tuple[OverlayPackage, ...]:
        """Those of its packages in roots that the base has not."""
        return tuple(package for package in self.packages if not package.base_evr)
