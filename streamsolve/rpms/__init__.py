"""RPM files on this disk: their headers and what is in them."""

from .files import Entry, FileKind
from .header import Header, Scriptlet
from .payload import PackageFile, open_package
from .tags import FileFlag

__all__ = [
    "Entry",
    "FileFlag",
    "FileKind",
    "Header",
    "PackageFile",
    "Scriptlet",
    "open_package",
]
