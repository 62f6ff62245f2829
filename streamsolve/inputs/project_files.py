"""What an sdist or a wheel on this disk says of itself: read with limits, never unpacked or run.

Every text is a stranger's and is given as it is written; whoever writes it into a file has to take
care of that.
"""

from __future__ import annotations

import configparser
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve

from ..archives import ARCHIVE_FAULTS
from ..errors import Code, InputError, Place
from ..model.project import ProjectFacts
from .listing import is_pure_wheel
from .sdist import scan_sdist
from .toml_places import toml_data

if TYPE_CHECKING:
    from packaging.metadata import RawMetadata

__all__ = ["read_project_file"]

_FAULTS: tuple[type[Exception], ...] = (OSError, *ARCHIVE_FAULTS)
_TEXT_LIMIT = 8 << 20
_WHEEL_MEMBERS = 200_000
_TOP = frozenset({"PKG-INFO", "pyproject.toml"})
_EGG_TEXT = re.compile(r"(?:src/)?[^/]+\.egg-info/(?:top_level|entry_points)\.txt")
_WHEEL_TEXT = re.compile(r"[^/]+\.dist-info/(METADATA|entry_points\.txt)")
_MODULE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_COMPILED = re.compile(r"\.(?:c|cc|cpp|cxx|cu|f|f90|pyx|rs|S|so|zig)$")
_ELSEWHERE = re.compile(
    r"(?:^|/)(?:_?tests?|testing|docs?|examples?|samples?|bench(?:mark)?s?|fuzz)(?:/|$)"
)
_ASIDE = frozenset({"docs", "examples", "test", "tests"})
_HOME = ("homepage", "home", "repository", "source", "source code", "github", "documentation")


def read_project_file(path: Path, *, filename: str = "") -> ProjectFacts:
    """Read an sdist or a wheel; ``filename`` is its name if not the path's, and tells its form.

    Raises :class:`InputError` (``INDEX_BAD_METADATA``) for an archive that is damaged or claims to
    be too large, and for one without metadata.
    """
    name = filename or path.name
    return _of_wheel(path, name) if name.endswith(".whl") else _of_sdist(path, name)


def _of_sdist(path: Path, file: str) -> ProjectFacts:
    def is_text(member: str) -> bool:
        return member in _TOP or _EGG_TEXT.fullmatch(member) is not None

    names, members = scan_sdist(path, is_text, file=file, limit=_TEXT_LIMIT)
    texts = {name: content.decode("utf-8", "replace") for name, content in members.items()}
    if "PKG-INFO" not in texts:
        raise _fault(file, "it has no PKG-INFO")
    tops = {name.removeprefix("./").partition("/")[0] for name in names}
    inner = [name.removeprefix("./").partition("/")[2] for name in names]
    found = _described(texts["PKG-INFO"], file)
    pyproject = _toml(texts.get("pyproject.toml", ""))
    entries = next((t for n, t in texts.items() if n.endswith("entry_points.txt")), "")
    scripts = {*_console_scripts(entries), *_project_scripts(pyproject)}
    top_level = next((t for n, t in texts.items() if n.endswith("top_level.txt")), "")
    modules = [line.strip() for line in top_level.splitlines()]
    return evolve(
        found,
        directory=tops.pop() if len(tops) == 1 else "",
        modules=_modules(modules) or _own_module(found.name, inner),
        scripts=tuple(sorted(scripts)),
        archful=any(_COMPILED.search(n) and not _ELSEWHERE.search(n) for n in inner),
    )


def _of_wheel(path: Path, file: str) -> ProjectFacts:
    texts: dict[str, str] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > _WHEEL_MEMBERS:
                raise _fault(file, "it has more members than a wheel should")
            for member in members:
                match = _WHEEL_TEXT.fullmatch(member.filename)
                if match is not None:
                    texts[match[1]] = _text_of(archive, member, file)
    except NotImplementedError:
        raise _fault(file, "the archive is compressed in an unknown way") from None
    except _FAULTS as error:
        raise _fault(file, f"the archive cannot be read: {error}") from None
    if "METADATA" not in texts:
        raise _fault(file, "it has no METADATA")
    firsts = (_importable(member.filename) for member in members)
    return evolve(
        _described(texts["METADATA"], file),
        modules=_modules(firsts),
        scripts=tuple(sorted(_console_scripts(texts.get("entry_points.txt", "")))),
        archful=not is_pure_wheel(file),
    )


def _text_of(archive: zipfile.ZipFile, member: zipfile.ZipInfo, file: str) -> str:
    with archive.open(member) as stream:
        content = stream.read(_TEXT_LIMIT + 1)
    if len(content) > _TEXT_LIMIT:
        raise _fault(file, f"its member {member.filename!a} is larger than {_TEXT_LIMIT}")
    return content.decode("utf-8", "replace")


def _importable(path: str) -> str:
    """The top-level module that a member of a wheel is of; empty for none."""
    first, slash, _ = path.partition("/")
    if slash:
        return "" if first.endswith((".dist-info", ".data")) else first
    return first.partition(".")[0] if path.endswith((".py", ".so")) else ""


# -- texts -----------------------------------------------------------------------------------------


def _described(text: str, file: str) -> ProjectFacts:
    from packaging.metadata import parse_email

    raw = parse_email(text)[0]
    name, version = raw.get("name", "").strip(), raw.get("version", "").strip()
    if not name or not version:
        raise _fault(file, "its metadata has no name or no version")
    return ProjectFacts(
        name,
        version,
        file,
        summary=raw.get("summary", ""),
        license_expression=raw.get("license_expression", ""),
        licence=raw.get("license", ""),
        classifiers=tuple(raw.get("classifiers", ())),
        url=_url(raw),
        extras=tuple(raw.get("provides_extra", ())),
        license_files=bool(raw.get("license_files")),
    )


def _url(raw: RawMetadata) -> str:
    """The home page, else what comes nearest to one."""
    page = raw.get("home_page", "").strip()
    if page and page != "UNKNOWN":
        return page
    named = {label.strip().lower(): url for label, url in raw.get("project_urls", {}).items()}
    return next((named[label].strip() for label in _HOME if named.get(label)), "")


def _toml(text: str) -> Mapping[str, Any]:
    try:
        return toml_data(text)
    except ValueError:
        return {}


def _project_scripts(pyproject: Mapping[str, Any]) -> Iterable[str]:
    for path in (("project", "scripts"), ("project", "gui-scripts"), ("tool", "poetry", "scripts")):
        table: object = pyproject
        for key in path:
            table = table.get(key) if isinstance(table, dict) else None
        yield from table if isinstance(table, dict) else ()


def _console_scripts(text: str) -> Iterable[str]:
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    for section in ("console_scripts", "gui_scripts"):
        if parser.has_section(section):
            yield from parser.options(section)


def _modules(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({name for name in names if _MODULE.fullmatch(name)} - _ASIDE))


def _own_module(name: str, members: Iterable[str]) -> tuple[str, ...]:
    """The module of the distribution's own name, where the archive has it."""
    module = re.sub(r"[-_.]+", "_", name)
    known = set(members)
    for each in dict.fromkeys((module, module.lower())):
        for top in ("", "src/"):
            if {f"{top}{each}/__init__.py", f"{top}{each}.py"} & known:
                return (each,)
    return ()


def _fault(file: str, message: str) -> InputError:
    return InputError(Code.INDEX_BAD_METADATA, message, place=Place(file))
