"""Extras of a base's distribution: those that the base packages, and those that upstream states.

An extra without a package is no reason to build the distribution again: who asks for it requires
its parts instead. What upstream states is looked up when such an extra is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..model.requirement import Requirement

__all__ = ["BaseExtras"]

_Added = Callable[[str], tuple[Requirement, ...]]


class BaseExtras(Mapping[str, tuple[Requirement, ...]]):
    """What each extra adds, by normalised name. Iterating gives those known so far.

    An extra is missing only where the base has no package for it and upstream cannot be asked.
    """

    def __init__(
        self,
        packaged: Mapping[str, tuple[Requirement, ...]],
        upstream: Callable[[], _Added | None],
    ) -> None:
        self._known = dict(packaged)
        self._upstream = upstream
        self._added: _Added | None = None
        self._asked = False

    def __getitem__(self, extra: str) -> tuple[Requirement, ...]:
        if extra not in self._known:
            if not self._asked:
                self._asked = True
                self._added = self._upstream()
            if self._added is None:
                raise KeyError(extra)
            self._known[extra] = self._added(extra)
        return self._known[extra]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)
