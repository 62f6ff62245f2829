"""Which wheels run on a target: its interpreter, architecture and glibc, never this machine's."""

from __future__ import annotations

from collections.abc import Callable

from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from ..model.target import Target
from ..model.upstream import Artifact, Release

__all__ = ["running_wheels", "wheels_for"]


def wheels_for(release: Release, arch: str) -> list[Artifact]:
    """The wheels of a release that are for Linux on an architecture, whatever interpreter and C
    library they want, sorted; unreadable names are left out."""
    return _wheels(release, lambda tag: _is_for(tag.platform, arch))


def running_wheels(release: Release, target: Target) -> list[Artifact]:
    """The wheels of a release that run on a target, sorted; unreadable names are left out."""
    return _wheels(release, lambda tag: _runs(tag, target))


def _wheels(release: Release, fits: Callable[[Tag], bool]) -> list[Artifact]:
    """The wheels that have a tag that fits."""
    found = []
    for wheel in sorted(release.wheels):
        try:
            tags = parse_wheel_filename(wheel.filename)[3]
        except InvalidWheelFilename:
            continue
        if any(map(fits, tags)):
            found.append(wheel)
    return found


def _is_for(platform: str, arch: str) -> bool:
    return platform == "any" or ("linux" in platform and platform.endswith(f"_{arch}"))


def _runs(tag: Tag, target: Target) -> bool:
    """Whether a wheel of this tag runs on the target."""
    major, minor = (int(part) for part in target.python.split("."))
    if tag.interpreter == f"py{major}" or (
        tag.interpreter.startswith(f"py{major}")
        and tag.interpreter[3:].isdigit()
        and int(tag.interpreter[3:]) <= minor
    ):
        interpreter = tag.abi == "none"
    elif tag.interpreter.startswith(f"cp{major}") and tag.interpreter[3:].isdigit():
        number = int(tag.interpreter[3:])
        interpreter = (number == minor and tag.abi in (f"cp{major}{minor}", "abi3", "none")) or (
            number <= minor and tag.abi == "abi3"
        )
    else:
        return False
    return interpreter and _platform_runs(tag.platform, target)


_LEGACY_MANYLINUX = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


def _platform_runs(platform: str, target: Target) -> bool:
    if platform == "any":
        return True
    if not platform.endswith(f"_{target.arch}"):
        return False
    name = platform.removesuffix(f"_{target.arch}")
    if name == "linux":
        return True
    if name in _LEGACY_MANYLINUX:
        return _LEGACY_MANYLINUX[name] <= target.glibc
    numbers = name.removeprefix("manylinux_").split("_")
    return (
        name.startswith("manylinux_")
        and len(numbers) == 2
        and (int(numbers[0]), int(numbers[1])) <= target.glibc
    )
