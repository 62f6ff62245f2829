"""Files of an application's source, as they lie in a directory: read with limits, never run."""

from __future__ import annotations

from pathlib import Path

from ..errors import Code, InputError, Place

__all__ = ["project_directory", "read_in_project"]

_LARGEST_MANIFEST = 4 << 20
_MANIFESTS = {"Cargo.toml": "cargo", "package.json": "npm"}


def project_directory(text: str) -> Path:
    """The directory that ``--from`` names; :class:`InputError` where there is none."""
    path = Path(text).expanduser()
    if not path.is_dir():
        what = (
            "it is a file; give the directory that it is in"
            if path.is_file()
            else ("there is no such directory")
        )
        raise InputError(Code.NO_DRAFT, what, place=Place(text))
    return path


def read_in_project(
    directory: Path,
    name: str,
    shown: str,
    *,
    needed: bool = False,
    largest: int = _LARGEST_MANIFEST,
) -> str:
    """The text of a file below a directory; empty where there is none and it is not ``needed``.

    ``shown`` is what messages call the directory, ``largest`` is in bytes. :class:`InputError` for
    one that is larger, is no UTF-8, or lies elsewhere behind a link.
    """
    path, place = directory / name, Place(f"{shown}/{name}")
    if not _is_there(path, place):
        if not needed:
            return ""
        others = [each for each in sorted(_MANIFESTS) if (directory / each).is_file()]
        others += sorted(path.name for path in directory.glob("*.spec"))
        hints = [f"it has {each}: --from {_scheme(shown, each)}" for each in others[:3]]
        text = f"there is no {name} in it"
        raise InputError(Code.NO_DRAFT, text, place=Place(shown), hint="; ".join(hints))
    if not path.resolve().is_relative_to(directory.resolve()) or not path.is_file():
        raise InputError(Code.BROKEN_MANIFEST, "it is no file of this directory", place=place)
    try:
        with path.open("rb") as stream:
            content = stream.read(largest + 1)
        if len(content) > largest:
            raise InputError(Code.BROKEN_MANIFEST, f"more than {largest >> 20} MiB", place=place)
        return content.decode("utf-8-sig")
    except OSError as error:
        raise _unreadable(error, place) from None
    except UnicodeDecodeError:
        raise InputError(Code.BROKEN_MANIFEST, "no UTF-8", place=place) from None


def _is_there(path: Path, place: Place) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise _unreadable(error, place) from None


def _unreadable(error: OSError, place: Place) -> InputError:
    message = f"cannot be read: {error.strerror}"
    return InputError(Code.BROKEN_MANIFEST, message, place=place)


def _scheme(shown: str, name: str) -> str:
    """How ``--from`` names what a file of a directory is."""
    scheme = _MANIFESTS.get(name)
    return f"{scheme}:{shown}" if scheme else f"spec:{shown}/{name}"
