"""Settings: what holds for a command where its options do not say it.

Each key takes its value from the first of: an option, an environment variable, the project's
``streamsolve.toml`` (the first one on the way up from a directory), the user's, the system's, the
default. ``repos`` is the exception: those of all sources are joined, nearest source first, and
where two name the same repository the nearest one counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from pathlib import Path

from attrs import field, frozen

from ..errors import Code, ErrorCollector, InputError, InputErrors, Place, nearest
from ..storage import read_whole
from .notation import read_interpreter, read_name
from .setting_values import (
    COLOURS,
    read_arch,
    read_colour,
    read_flag,
    read_modules,
    read_text,
    read_url,
    read_url_or_directory,
    scheme_of,
)
from .tables import Convert, Table, Unreadable, kind_of_value
from .toml_places import parse_toml

__all__ = [
    "COLOURS",
    "ENVIRONMENT",
    "SETTINGS_FILE",
    "SearchRoots",
    "Setting",
    "Settings",
    "SourceKind",
    "find_settings_files",
    "load_settings",
    "overlay_text",
    "parse_settings",
    "standard_roots",
]

SETTINGS_FILE = "streamsolve.toml"

_KNOWN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)((?:,priority=[^,=]*)?(?:,module_hotfixes)?)")
"""A repository by name alone, with what may follow an address."""
_SUMMARY = "the settings cannot be used"


class SourceKind(Enum):
    """Where a value comes from, the strongest first."""

    OPTION = "option"
    ENVIRONMENT = "environment variable"
    FILE = "file"
    DEFAULT = "default"


@frozen
class Setting:
    """One value and its origin. ``where`` is the option, the variable, or ``file:line``."""

    key: str
    value: str | bool
    kind: SourceKind
    where: str = ""

    @property
    def origin(self) -> str:
        """The origin as it is shown, such as ``environment variable STREAMSOLVE_BASE``."""
        if self.kind is SourceKind.FILE:
            return self.where
        return f"{self.kind.value} {self.where}".strip()


@frozen
class Settings:
    """The values that count.

    Empty texts mean: the profile's default for ``base``, ``variant`` and ``python``; the user's
    cache directory; the usual package index. ``repos`` are (name, address), in order of precedence;
    what is known by its name has no address but what follows one (``,priority=50``). ``modules``
    are ``NAME:STREAM``. ``origins`` has one :class:`Setting` per key, and one per repository under
    ``repos.NAME``; ``files`` are the settings files that were read, nearest first.
    """

    base: str = ""
    variant: str = ""
    arch: str = "x86_64"
    python: str = ""
    offline: bool = False
    cache: str = ""
    index_url: str = ""
    repos: tuple[tuple[str, str], ...] = ()
    colour: str = "auto"
    modules: tuple[str, ...] = ()
    origins: tuple[Setting, ...] = ()
    files: tuple[str, ...] = ()

    def origin(self, key: str) -> Setting | None:
        """The setting of a key, or None where there is no such key."""
        return next((setting for setting in self.origins if setting.key == key), None)


def overlay_text(name: str, address: str) -> str:
    """A repository of the settings as options write it; one that is known by name has no address
    of its own."""
    return f"{name}={address}" if address and not address.startswith(",") else f"{name}{address}"


@frozen
class SearchRoots:
    """The directories in which the user's and the system's settings files are looked for."""

    user: tuple[Path, ...] = field(default=())
    system: tuple[Path, ...] = field(default=())


def standard_roots() -> SearchRoots:
    """Where this platform keeps configuration; ``/etc/streamsolve`` before the XDG directories."""
    import os

    import platformdirs

    site = platformdirs.site_config_dir("streamsolve", appauthor=False, multipath=True)
    return SearchRoots(
        user=(platformdirs.user_config_path("streamsolve", appauthor=False),),
        system=(Path("/etc/streamsolve"), *(Path(part) for part in site.split(os.pathsep))),
    )


def find_settings_files(start: Path, roots: SearchRoots) -> tuple[Path, ...]:
    """The settings files that count for a directory: the project's, the user's, the system's."""
    beginning = start.absolute()
    upward = (folder / SETTINGS_FILE for folder in (beginning, *beginning.parents))
    project = next((path for path in upward if _is_file(path)), None)
    others = (folder / SETTINGS_FILE for folder in (*roots.user, *roots.system))
    found = dict.fromkeys([project] if project else [])
    found |= dict.fromkeys(path for path in others if _is_file(path))
    return tuple(found)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # A directory that may not be entered is as good as none.
        return False


def load_settings(
    options: Mapping[str, object],
    *,
    environ: Mapping[str, str],
    start: Path,
    roots: SearchRoots | None = None,
) -> Settings:
    """Gather the settings for a command that runs in ``start``.

    ``options`` are by key (``index_url`` is ``index-url``); None or an empty sequence is an option
    that was not given; ``repos`` are ``NAME=URL`` texts. Unknown keys of files are errors, as are
    values that cannot be used: all of them at once, with :attr:`Code.BROKEN_SETTINGS` for files
    and :attr:`Code.BAD_OPTION` for the rest.
    """
    errors = ErrorCollector(Code.BROKEN_SETTINGS)
    sources: list[Iterable[Setting]] = [_from_options(options, errors)]
    sources.append(_from_environment(environ, errors))
    paths = find_settings_files(start, standard_roots() if roots is None else roots)
    for path in paths:
        with errors.collect():
            text = _read(path)
            sources.append(parse_settings(text, file=str(path), directory=str(path.parent)))
    if errors.errors and all(error.code is Code.BAD_OPTION for error in errors.errors):
        raise InputErrors(Code.BAD_OPTION, _SUMMARY, errors.errors)
    errors.raise_if_any(_SUMMARY)
    return _merge(sources, tuple(str(path) for path in paths))


def _read(path: Path) -> str:
    try:
        return read_whole(path).decode("utf-8")
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        message = "not UTF-8, as TOML has to be"
    raise InputError(Code.BROKEN_SETTINGS, message, place=Place(str(path)))


def _merge(sources: Iterable[Iterable[Setting]], files: tuple[str, ...]) -> Settings:
    """The first source that has a key wins."""
    chosen: dict[str, Setting] = {}
    for source in sources:
        for setting in source:
            chosen.setdefault(setting.key, setting)
    repos = [setting for key, setting in chosen.items() if key.startswith("repos.")]
    plain = [chosen.get(key, default) for key, default in _DEFAULTS.items()]
    values: dict[str, object] = {s.key.replace("-", "_"): s.value for s in plain}
    values["modules"] = tuple(str(values["modules"]).split())
    return Settings(
        **values,  # type: ignore[arg-type]  # the types are those of _DEFAULTS
        repos=tuple((repo.key.removeprefix("repos."), str(repo.value)) for repo in repos),
        origins=(*plain, *repos),
        files=files,
    )


# ---- what each key may be ------------------------------------------------------------------


_TEXT_KEYS: dict[str, Convert[str]] = {
    "base": read_text,
    "variant": read_name,
    "arch": read_arch,
    "python": read_interpreter,
    "cache": read_text,
    "index-url": read_url,
    "colour": read_colour,
}
_DEFAULTS = {
    key: Setting(key, value, SourceKind.DEFAULT)
    for key, value in (
        ("base", ""),
        ("variant", ""),
        ("arch", "x86_64"),
        ("python", ""),
        ("offline", False),
        ("cache", ""),
        ("index-url", ""),
        ("colour", "auto"),
        ("modules", ""),
    )
}
ENVIRONMENT: Mapping[str, str] = {
    f"STREAMSOLVE_{key.upper().replace('-', '_')}": key for key in (*_DEFAULTS, "repos")
}
"""The environment variables that are read, and the key that each one sets."""


# ---- files ---------------------------------------------------------------------------------


def parse_settings(text: str, *, file: str, directory: str) -> tuple[Setting, ...]:
    """Read a settings file. A relative path in it counts from ``directory``, where it lies."""
    errors = ErrorCollector(Code.BROKEN_SETTINGS)
    top = Table(parse_toml(text, file=file, code=Code.BROKEN_SETTINGS), errors)
    found: dict[str, str | bool] = {}
    for key, convert in _TEXT_KEYS.items():
        value = top.value(key, convert, "", required=False)
        if value:
            found[key] = _anchored(value, directory) if _is_path(key, value) else value
    if modules := top.values("modules", read_modules):
        found["modules"] = " ".join(dict.fromkeys(modules))
    offline = top.flag("offline", False)
    if "offline" in top:
        found["offline"] = offline
    repos = top.table("repos")
    for name in repos:
        repos.key(name, _repo_name, "")
        address = repos.value(name, read_url_or_directory, "")
        found[f"repos.{name}"] = address if scheme_of(address) else _anchored(address, directory)
    top.close()
    errors.raise_if_any(_SUMMARY)
    lines = top.document.lines
    return tuple(
        Setting(key, value, SourceKind.FILE, f"{file}:{lines[tuple(key.split('.', 1))]}")
        for key, value in found.items()
    )


def _repo_name(text: str, place: Place) -> str:
    try:
        return read_name(text, place)
    except Unreadable as error:
        raise Unreadable(f"{text!r} is no repository name", error.hint) from None


def _is_path(key: str, value: str) -> bool:
    """A base is a directory if it looks like a path, else a name."""
    return key == "cache" or (key == "base" and ("/" in value or value[0] in ".~"))


def _anchored(path: str, directory: str) -> str:
    if path == "~" or path.startswith("~/"):
        return str(Path(path).expanduser())
    return str(Path(directory) / path)


# ---- options and the environment -----------------------------------------------------------


def _from_options(options: Mapping[str, object], errors: ErrorCollector) -> list[Setting]:
    found: list[Setting] = []
    for name, value in options.items():
        key = name.replace("_", "-")
        if key != "repos" and key not in _DEFAULTS:
            raise TypeError(f"no setting is called {name!r}: {nearest(key, _DEFAULTS)}")
        if value is None or value == ():
            continue
        if key == "repos" and not isinstance(value, str) and isinstance(value, Iterable):
            texts = [str(text) for text in value]
            found += _repos(texts, SourceKind.OPTION, "--repo", errors)
        elif key == "modules" and not isinstance(value, str) and isinstance(value, Iterable):
            words = " ".join(str(text) for text in value)
            found += _single(key, words, SourceKind.OPTION, "--module", errors)
        elif key == "offline" and isinstance(value, bool):
            found.append(Setting(key, value, SourceKind.OPTION, "--offline"))
        elif key in _TEXT_KEYS and isinstance(value, str):
            found += _single(key, value, SourceKind.OPTION, f"--{key}", errors)
        else:
            raise TypeError(f"{name}: {kind_of_value(value)} is no value of it")
    return found


def _from_environment(environ: Mapping[str, str], errors: ErrorCollector) -> list[Setting]:
    """A variable that is set to nothing counts as not set."""
    found: list[Setting] = []
    for variable, key in ENVIRONMENT.items():
        text = environ.get(variable, "").strip()
        if text and key == "repos":
            found += _repos(text.split(), SourceKind.ENVIRONMENT, variable, errors)
        elif text:
            found += _single(key, text, SourceKind.ENVIRONMENT, variable, errors)
    return found


def _single(
    key: str, text: str, kind: SourceKind, where: str, errors: ErrorCollector
) -> list[Setting]:
    single: dict[str, Callable[[str, Place], str | bool]] = {
        "offline": read_flag,
        "modules": read_modules,
    }
    convert = single[key] if key in single else _TEXT_KEYS[key]
    try:
        return [Setting(key, convert(text, Place(where)), kind, where)]
    except Unreadable as error:
        _bad_option(errors, error.message, where, error.hint)
        return []


def _repos(
    texts: Iterable[str], kind: SourceKind, where: str, errors: ErrorCollector
) -> list[Setting]:
    found: dict[str, Setting] = {}
    for text in texts:
        try:
            setting = _repo(text, kind, where)
        except Unreadable as error:
            _bad_option(errors, error.message, where, error.hint)
            continue
        if found.setdefault(setting.key, setting) is not setting:
            _bad_option(errors, f"the repository in {text!r} is named twice", where, "")
    return list(found.values())


def _repo(text: str, kind: SourceKind, where: str) -> Setting:
    known = _KNOWN.fullmatch(text)
    name, equals, address = (known[1], "=", known[2]) if known else text.partition("=")
    if not equals:
        raise Unreadable(f"{text!r} is no repository", "write NAME=URL or NAME=DIRECTORY")
    place = Place(where)
    key = f"repos.{_repo_name(name, place)}"
    return Setting(key, address if known else read_url_or_directory(address, place), kind, where)


def _bad_option(errors: ErrorCollector, message: str, where: str, hint: str) -> None:
    errors.errors.append(InputError(Code.BAD_OPTION, message, place=Place(where), hint=hint))
