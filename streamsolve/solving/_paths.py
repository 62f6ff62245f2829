"""Whether an answer hangs on paths that only the file lists name.

primary.xml names the files that most packages require: those under ``/etc``, in a directory of
commands, and sendmail. An answer that was found without the file lists is sound if no other path
is in it; the packages in it are those that dnf 4 takes, which always has the file lists, if besides
nothing was passed over for want of one. What is passed over because of what *it* needs, or by a
boolean requirement, is not looked for: that costs more than a solve. dnf 5 passes it over as well,
since it has no file lists unless it is told to fetch them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..model.package import Package
from ..model.root import RootConflict, RootRequest, RootSolution
from ._libsolv import Engine
from ._requirers import leaves

__all__ = ["UnlistedPaths", "is_unlisted"]

_LISTED = re.compile(r"/etc/|.*bin/|/usr/lib/sendmail$")


def is_unlisted(name: str) -> bool:
    """Whether it is a path that primary.xml need not name."""
    return name.startswith("/") and not _LISTED.match(name)


class UnlistedPaths:
    """What a pool's answers are looked through for while its file lists are not loaded."""

    def __init__(self, engine: Engine) -> None:
        # What these provide may have been met by others that libsolv likes less.
        lacking = engine.lacking_paths(is_unlisted)
        self._passed_over = frozenset().union(*(engine.provided(each)[1] for each in lacking))
        self._seen: dict[int, tuple[Package, bool]] = {}

    def matter_to(self, request: RootRequest, answer: RootSolution | RootConflict) -> bool:
        """Whether the answer could be another one with the file lists."""
        # What is recommended is not in the values of packages.
        if request.weak or self._in(request.install):
            return True
        if isinstance(answer, RootSolution):
            return any(map(self._used_by, answer.packages))
        return self._in(rule.dependency for each in answer.problems for rule in each.rules)

    def _used_by(self, package: Package) -> bool:
        seen = self._seen.get(id(package))
        if seen is None:
            # The package is kept, so that its id stays its own.
            found = self._in((*package.requires, *package.conflicts))
            seen = self._seen[id(package)] = (package, found)
        return seen[1]

    def _in(self, texts: Iterable[str]) -> bool:
        return any(
            is_unlisted(name) or name in self._passed_over
            for text in texts
            for name, _ in leaves(text)
        )
