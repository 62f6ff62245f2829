"""Module metadata (modulemd) read from YAML: streams of versions 1 to 3, what a packager writes,
defaults and obsoletes.

Only the structure that YAML gives is used, never its types: a stream ``10.10`` stays as it is
written, and each fault has its line. Documents of other kinds, such as translations, are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..errors import Code, ErrorCollector, InputError, Place, nearest
from ..model.modules import (
    ModuleDefaults,
    ModuleDependencies,
    ModuleIndex,
    ModuleObsoletes,
    ModuleStream,
    StreamChoice,
)

__all__ = ["parse_modules"]

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE", "yes", "on"})
_LARGEST = 64 << 20
_DEEPEST = 100
_BRACKET = re.compile(r"[\[\]{}]")
_FAR_IN = re.compile(rf"^[ ?:-]{{{_DEEPEST}}}", re.MULTILINE)
_TOO_DEEP = "no YAML that can be read: it is nested too deeply"
_NUMBER = re.compile(r"-?[0-9]{1,20}")

_Read = Callable[["_Map"], object]
_Choices = tuple[tuple[str, StreamChoice], ...]


def parse_modules(text: str, *, file: str = "") -> ModuleIndex:
    """All documents of a file.

    Raises :class:`InputErrors` (``BROKEN_MODULES``) with every fault and its line.
    """
    faults = ErrorCollector(Code.BROKEN_MODULES)
    found: dict[type, list[Any]] = {ModuleStream: [], ModuleDefaults: [], ModuleObsoletes: []}
    for node in _documents(text, file, faults):
        with faults.collect():
            top = _Map(node, file, "")
            read = _READERS.get((top.text("document"), top.text("version", "1")))
            if read is None:
                _check_kind(top)
                continue
            value = read(top.map("data"))
            found[type(value)].append(value)
    faults.raise_if_any(f"{file or 'the module metadata'} cannot be used")
    parts = (found[kind] for kind in (ModuleStream, ModuleDefaults, ModuleObsoletes))
    return ModuleIndex(*(tuple(sorted(set(part))) for part in parts))


def _documents(text: str, file: str, faults: ErrorCollector) -> Iterator[Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if len(text) > _LARGEST:
        faults.add(f"more than {_LARGEST >> 20} MiB of module metadata", Place(file))
        return
    try:
        if _may_be_deep(text) and _depth(yaml.parse(text, loader)) > _DEEPEST:
            faults.add(_TOO_DEEP, Place(file))
            return
        for node in yaml.compose_all(text, loader):
            if node is not None:
                yield node
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or "it cannot be read"
        faults.add(f"no YAML: {what}", Place(file, mark.line + 1 if mark else 0))
    except RecursionError:
        faults.add(_TOO_DEEP, Place(file))


def _may_be_deep(text: str) -> bool:
    """Whether a look at the text leaves it open that it is nested too deeply: each level takes a
    bracket, or a column at the beginning of a line."""
    depth = deepest = 0
    for bracket in _BRACKET.finditer(text):
        depth += 1 if bracket[0] in "[{" else -1
        deepest = max(deepest, depth)
    return deepest > _DEEPEST or _FAR_IN.search(text) is not None


def _depth(events: Iterable[Any]) -> int:
    """How deeply a text is nested. What makes nodes of the events is C that goes down as far as the
    text does, and ends the process where its stack ends."""
    depth = deepest = 0
    for event in events:
        kind = type(event).__name__
        depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
        deepest = max(deepest, depth)
        if deepest > _DEEPEST:
            break
    return deepest


def _check_kind(top: _Map) -> None:
    """A kind that we know in a version that we do not is a fault; other kinds are not."""
    kind, version = top.text("document"), top.text("version", "1")
    known = sorted(of for kinds, of in _READERS if kinds == kind)
    if known:
        raise top.fault(
            f"version {version} of a document {kind!r} is not known",
            "version",
            f"known: {', '.join(known)}",
        )


# -- the documents ---------------------------------------------------------------------------------


def _stream(data: _Map) -> ModuleStream:
    """A built stream of version 1 or 2, and one of version 3, whose dependencies are one group."""
    dependencies = data.optional("dependencies")
    groups: tuple[ModuleDependencies, ...] = ()
    if dependencies is not None and dependencies.is_list:
        groups = tuple(_group(each) for each in data.maps("dependencies"))
    elif dependencies is not None:
        groups = (_group(data.map("dependencies")),)
    return _with_content(data, groups, virtual=_virtual(data))


def _packager_3(data: _Map) -> ModuleStream:
    """What a packager writes: named configurations, each for one platform."""
    return _with_content(data, tuple(_configuration(each) for each in data.maps("configurations")))


def _with_content(
    data: _Map, groups: tuple[ModuleDependencies, ...], virtual: tuple[str, ...] = ()
) -> ModuleStream:
    components = data.map("components", {}).map("rpms", {})
    licence = data.optional("license")
    licences = data.map("license").texts("module") if licence and licence.is_map else ()
    artifacts = data.map("artifacts", {})
    return ModuleStream(
        name=data.text("name", ""),
        stream=data.text("stream", ""),
        version=data.number("version"),
        context=data.text("context", ""),
        arch=data.text("arch", ""),
        static_context=data.text("static_context", "") in _TRUE,
        dependencies=tuple(sorted(groups)),
        virtual=virtual,
        profiles=tuple(
            (name, tuple(sorted(profile.texts("rpms"))))
            for name, profile in data.map("profiles", {}).members()
        ),
        artifacts=tuple(sorted(artifacts.texts("rpms"))),
        components=tuple((name, each.number("buildorder")) for name, each in components.members()),
        summary=data.text("summary", ""),
        licences=licences,
        demodularized=tuple(sorted(data.map("demodularized", {}).texts("rpms"))),
    )


def _virtual(data: _Map) -> tuple[str, ...]:
    return tuple(sorted(data.map("xmd", {}).map("mbs", {}).texts("virtual_streams")))


def _group(node: _Map) -> ModuleDependencies:
    platform = node.text("platform", "")
    build, run = (_choices(node.map(part, {})) for part in ("buildrequires", "requires"))
    if platform:
        build, run = _with_platform(build, platform), _with_platform(run, platform)
    return ModuleDependencies(build, run)


def _configuration(node: _Map) -> ModuleDependencies:
    found = _group(node)
    return ModuleDependencies(found.buildrequires, found.requires, node.text("context", ""))


def _with_platform(side: _Choices, platform: str) -> _Choices:
    return tuple(sorted({**dict(side), "platform": StreamChoice((platform,))}.items()))


def _choices(node: _Map) -> _Choices:
    found = []
    for name in node.names():
        try:
            found.append((name, StreamChoice.parse(node.one_or_more(name))))
        except ValueError as error:
            raise node.fault(str(error), name) from None
    return tuple(sorted(found))


def _defaults(data: _Map) -> ModuleDefaults:
    profiles = data.map("profiles", {})
    return ModuleDefaults(
        data.text("module"),
        data.text("stream", ""),
        tuple((name, tuple(sorted(profiles.texts(name)))) for name in profiles.names()),
    )


def _obsoletes(data: _Map) -> ModuleObsoletes:
    by = data.map("obsoleted_by", {})
    successor = ":".join(filter(None, (by.text("module", ""), by.text("stream", ""))))
    return ModuleObsoletes(
        module=data.text("module"),
        stream=data.text("stream"),
        modified=data.text("modified", ""),
        context=data.text("context", ""),
        message=data.text("message", ""),
        eol_date=data.text("eol_date", ""),
        by=successor,
        reset=data.text("reset", "") in _TRUE,
    )


_READERS: Mapping[tuple[str, str], _Read] = {
    ("modulemd", "1"): _stream,
    ("modulemd", "2"): _stream,
    ("modulemd", "3"): _stream,
    ("modulemd-stream", "1"): _stream,
    ("modulemd-stream", "2"): _stream,
    ("modulemd-stream", "3"): _stream,
    ("modulemd-packager", "2"): _stream,
    ("modulemd-packager", "3"): _packager_3,
    ("modulemd-defaults", "1"): _defaults,
    ("modulemd-obsoletes", "1"): _obsoletes,
}


# -- YAML nodes with their places ------------------------------------------------------------------


class _Map:
    """A mapping of a document. ``path`` is where it is, as ``data.dependencies[0]``."""

    def __init__(self, node: Any, file: str, path: str) -> None:  # noqa: ANN401  yaml is untyped here
        self._file, self._path = file, path
        self._node = node
        if node is not None and node.id != "mapping":
            raise InputError(
                Code.BROKEN_MODULES,
                "a mapping is expected here",
                place=Place(file, node.start_mark.line + 1, path),
            )
        self._members: dict[str, Any] = {}
        for key, value in node.value if node is not None else ():
            if key.id != "scalar":
                place = Place(file, key.start_mark.line + 1, path)
                raise InputError(Code.BROKEN_MODULES, "a key is no text", place=place)
            self._members[key.value] = value

    def fault(self, message: str, key: str = "", hint: str = "") -> InputError:
        """An error about a member, at its line."""
        node = self._members.get(key, self._node)
        line = node.start_mark.line + 1 if node is not None else 0
        place = Place(self._file, line, self._at(key) if key else self._path)
        return InputError(Code.BROKEN_MODULES, message, place=place, hint=hint)

    def _at(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def names(self) -> tuple[str, ...]:
        """The keys, sorted."""
        return tuple(sorted(self._members))

    def members(self) -> Iterator[tuple[str, _Map]]:
        """The members, which are mappings or empty, by key, sorted."""
        for name in self.names():
            yield name, self.map(name, {})

    def optional(self, key: str) -> _Kind | None:
        """What a member is, if it is there and not empty."""
        node = self._members.get(key)
        if node is None or (node.id == "scalar" and node.value in _NULL):
            return None
        return _Kind(node.id)

    def text(self, key: str, default: str | None = None) -> str:
        """A scalar as it is written."""
        kind = self.optional(key)
        if kind is None:
            if default is None:
                hint = nearest(key, self._members)
                raise self.fault(f"{key!r} is missing", hint=hint)
            return default
        if kind.id != "scalar":
            raise self.fault("a text is expected here", key)
        return str(self._members[key].value)

    def number(self, key: str) -> int:
        """A whole number; 0 if there is none."""
        text = self.text(key, "0")
        if not _NUMBER.fullmatch(text):
            raise self.fault(f"{text[:40]!r} is not a whole number", key)
        return int(text)

    def map(self, key: str, default: Mapping[str, object] | None = None) -> _Map:
        """A mapping; an empty one where ``default`` is given and there is none."""
        if self.optional(key) is None:
            if default is None:
                raise self.fault(f"{key!r} is missing", hint=nearest(key, self._members))
            return _Map(None, self._file, self._at(key))
        return _Map(self._members[key], self._file, self._at(key))

    def maps(self, key: str) -> tuple[_Map, ...]:
        """A list of mappings."""
        return tuple(
            _Map(node, self._file, f"{self._at(key)}[{number}]")
            for number, node in enumerate(self._list(key))
        )

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; an empty one where there is none."""
        nodes = self._list(key)
        if any(node.id != "scalar" for node in nodes):
            raise self.fault("a list of texts is expected here", key)
        return tuple(str(node.value) for node in nodes)

    def one_or_more(self, key: str) -> tuple[str, ...]:
        """A list of texts, or one text, as version 1 has it."""
        kind = self.optional(key)
        return (self.text(key),) if kind is not None and kind.id == "scalar" else self.texts(key)

    def _list(self, key: str) -> list[Any]:
        kind = self.optional(key)
        if kind is None:
            return []
        if not kind.is_list:
            raise self.fault("a list is expected here", key)
        return list(self._members[key].value)


class _Kind:
    """What kind of YAML node something is."""

    def __init__(self, id: str) -> None:
        self.id = id

    @property
    def is_list(self) -> bool:
        """Whether it is a sequence."""
        return self.id == "sequence"

    @property
    def is_map(self) -> bool:
        """Whether it is a mapping."""
        return self.id == "mapping"
