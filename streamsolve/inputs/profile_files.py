"""The files of profiles: their texts, and those that they include."""

from __future__ import annotations

import posixpath
from pathlib import Path

from ..errors import Code, InputError, Place
from ..storage import read_whole
from .shipped import profiles_directory

__all__ = ["SHIPPED", "file_text", "included_file", "included_text"]

SHIPPED = "streamsolve:"
"""What the name of an included file begins with that comes with the tool."""


def file_text(path: Path, shown: str) -> str:
    """The text of a file, line ends as they are; :class:`InputError` where it has none."""
    try:
        return read_whole(path).decode("utf-8")
    except OSError as error:
        raise InputError(
            Code.BROKEN_PROFILE, f"cannot be read: {error.strerror}", place=Place(shown)
        ) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(
            Code.BROKEN_PROFILE, "not UTF-8, as TOML has to be", place=Place(shown, line)
        ) from None
    except ValueError:
        # The only one left: a name with a character that no name of a file can have.
        message = "cannot be read: no file can have that name"
        raise InputError(Code.BROKEN_PROFILE, message, place=Place(shown)) from None


def included_text(directory: Path, name: str, shown: str = "") -> str:
    """The text of a file that a profile in ``directory`` includes: relative to it, or one that
    comes with the tool (``streamsolve:components/cuda.toml``); :class:`InputError`."""
    if not name.startswith(SHIPPED):
        return file_text(directory / name, shown or name)
    components = profiles_directory() / "components"
    known = [f"{SHIPPED}components/{path.name}" for path in components.glob("*.toml")]
    if name not in known:
        raise InputError(Code.BROKEN_PROFILE, "does not come with streamsolve", place=Place(name))
    return file_text(components / name.rpartition("/")[2], shown or name)


def included_file(file: str, name: str) -> str:
    """What an included file is called in messages: its place as seen from where ``file`` is."""
    if name.startswith(SHIPPED):
        return name
    return posixpath.normpath(posixpath.join(posixpath.dirname(file), name))
