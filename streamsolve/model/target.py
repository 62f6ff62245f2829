"""What a plan is made for. Never the machine that plans."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen
from packaging.version import Version

__all__ = ["Target", "series_of"]


def series_of(version: Version) -> str:
    """The first two numbers of a version: the series of an interpreter, the minor of a toolkit."""
    return ".".join(str(part) for part in version.release[:2])


@frozen(order=True)
class Target:
    """A platform: the interpreter's version (``3.14``), the architecture, Linux with glibc.

    ``glibc`` is the base's (major, minor), which bounds the manylinux tags that run there.
    """

    python: str
    arch: str
    python_full: str = ""
    glibc: tuple[int, int] = (2, 34)

    @property
    def full_version(self) -> str:
        """The interpreter's three-part version; its first patch release where none is known."""
        return self.python_full or f"{self.python}.0"

    def environment(self) -> Mapping[str, str]:
        """The PEP 508 environment. ``platform_release`` and ``platform_version`` are empty,
        because the kernel of the machine that will run it is not known."""
        return {
            "implementation_name": "cpython",
            "implementation_version": self.full_version,
            "os_name": "posix",
            "platform_machine": self.arch,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": self.full_version,
            "python_version": self.python,
            "sys_platform": "linux",
            "extra": "",
        }
