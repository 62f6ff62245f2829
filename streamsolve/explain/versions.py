"""Many versions in few words."""

from __future__ import annotations

from collections.abc import Iterable

from packaging.version import Version

__all__ = ["version_ranges"]

_LISTED = 2


def version_ranges(versions: Iterable[Version], among: Iterable[Version] = ()) -> str:
    """Collapse versions to ranges of those that exist: ``1.2–1.9 (14 versions), 2.1``.

    A range joins versions with nothing between them in ``among`` that is not one of them, so it
    never promises a version that was not given. An empty choice reads ``none``.
    """
    chosen = set(versions)
    runs: list[list[Version]] = []
    joined = False
    for version in sorted(chosen | set(among)):
        if version not in chosen:
            joined = False
        elif joined:
            runs[-1].append(version)
        else:
            runs.append([version])
            joined = True
    return ", ".join(_run_text(run) for run in runs) or "none"


def _run_text(run: list[Version]) -> str:
    if len(run) <= _LISTED:
        return ", ".join(str(version) for version in run)
    return f"{run[0]}–{run[-1]} ({len(run)} versions)"
