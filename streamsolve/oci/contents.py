"""What each layer holds: which files of which packages, under which path, and which directories.

Every layer has the directories above its files, with the attributes that they have in the image so
far, since an engine that unpacks layers apart would make up its own. Their times are left out (0):
a directory's time says when something in it last changed, which would make layers depend on each
other.

A file that two packages have is made once, by the first of them, if RPM would let both install it:
equal in kind, mode, owners and content, or of different colour (32 and 64 bits), where the 64-bit
one is made. Everything else is a conflict; all of them are told.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import define, evolve, field, frozen

from ..errors import Code, ErrorCollector, InputError, Place
from ..rpms import Entry, FileFlag, FileKind, Header, open_package
from ..rpms.installed import FileState
from ..rpms.tags import Tag
from .accounts import Accounts
from .members import collide, directory_member, directory_state, entry_member, prefers
from .tar import Member, whiteout
from .tree import BASE, DirectoryState, ImageTree, parents

__all__ = ["Contents", "LayerContents", "LayerPackages", "PackagePart", "plan_contents"]

_KEPT = 8
# An entry has about half a kilobyte.
_KEPT_FILES = 20_000
_BASE_IMAGE = "the base image"


@frozen
class LayerPackages:
    """The packages of one layer as files on this disk, with their headers, in order."""

    name: str
    packages: tuple[tuple[Path, Header], ...]


@frozen
class PackagePart:
    """What a layer takes of a package. ``left_out`` are files, by their place in the header, that
    are not made, ``states`` what the database says of those; ``moved`` are the paths of files that
    lie elsewhere than the header says, because a directory on the way is a link. ``files`` are all
    that the header lists, and None where keeping them would take too much memory."""

    path: Path
    header: Header
    files: tuple[Entry, ...] | None = field(default=None, eq=False, repr=False)
    left_out: frozenset[int] = frozenset()
    moved: Mapping[int, bytes] = field(factory=dict, hash=False)
    states: Mapping[int, FileState] = field(factory=dict, hash=False)


@frozen
class LayerContents:
    """A layer before it is written: members without content first, then packages in order."""

    name: str
    members: tuple[Member, ...]
    parts: tuple[PackagePart, ...]


@frozen
class Contents:
    """All layers. ``warnings`` are sentences on what is made otherwise than the packages say."""

    layers: tuple[LayerContents, ...]
    warnings: tuple[str, ...]


def plan_contents(
    groups: Sequence[LayerPackages],
    tree: ImageTree,
    accounts: Accounts,
    installed: Mapping[bytes, Entry],
    removed: Mapping[str, Sequence[bytes]],
) -> Contents:
    """Say what each layer holds. ``tree`` is what the base image has, and is completed.

    ``installed`` are the files of the base image's packages that stay, by path. ``removed`` are the
    files of those that a package takes the place of, by the new one's name-evr.arch.
    Raises :class:`InputErrors` (``BAD_IMAGE``) with all conflicts.
    """
    packages = [package for group in groups for package in group.packages]
    planner = _Planner(packages, tree, accounts, installed)
    planner.note_links()
    found, number = [], 0
    for group in groups:
        numbers = range(number, number + len(group.packages))
        found.append(planner.layer(group.name, numbers, removed))
        number = numbers.stop
    planner.faults.raise_if_any("the packages cannot be put into one image:")
    return Contents(tuple(map(planner.completed, found)), tuple(sorted(planner.warnings)))


@define
class _Layer:
    """A layer while it is planned: its directories, and those that something lies in."""

    directories: dict[bytes, DirectoryState] = field(factory=dict)
    used: set[bytes] = field(factory=set)


@define
class _Planner:
    _packages: Sequence[tuple[Path, Header]]
    tree: ImageTree
    accounts: Accounts
    installed: Mapping[bytes, Entry]
    faults: ErrorCollector = field(factory=lambda: ErrorCollector(Code.BAD_IMAGE))
    warnings: set[str] = field(factory=set)
    # Who made a path, by the number of the package; the base image's are not in it.
    _made: dict[bytes, int] = field(factory=dict)
    _links: set[bytes] = field(factory=set)
    _below: set[bytes] = field(factory=set)
    _kept: set[bytes] = field(factory=set)
    _losers: dict[int, set[int]] = field(factory=dict)
    _entries: dict[int, dict[bytes, Entry]] = field(factory=dict)
    _checked: tuple[str, str, str] = ("", "", "")
    _room: int = field(factory=lambda: _KEPT_FILES)

    def note_links(self) -> None:
        """Note the links of all packages before any path is resolved, since any may lie on the way
        of any; those nearer to the root first, since they lie on the way of others."""
        self._below = set(self.tree.links)
        found = [
            (entry.path.count(b"/"), entry.path, number, entry.target)
            for number, (path, _) in enumerate(self._packages)
            for entry in _links(path)
        ]
        for _, path, number, target in sorted(found):
            with self._collecting(number):
                place = self.tree.canonical(path)
                if place in self.tree.directories:
                    self._conflict(path, BASE)
                elif place not in self._links:
                    self._links.add(place)
                    self.tree.link(place, target)

    def layer(
        self, name: str, numbers: range, removed: Mapping[str, Sequence[bytes]]
    ) -> LayerContents:
        """Plan one layer on top of those before it."""
        layer, gone = _Layer(), set[bytes]()
        parts = tuple(self._part(number, layer) for number in numbers)
        for number in numbers:
            gone.update(removed.get(self._packages[number][1].nevra, ()))
        gone = {path for path in gone if self._is_left(path)}
        for path in gone:
            self.tree.files.pop(path, None)
            self._below.discard(path)
        layer.used.update(_above(path) for path in gone)
        for used in sorted(layer.used):
            for above in (*parents(used), used):
                if above and above not in layer.directories:
                    self._check_directory(above)
                    state = self.tree.directories.setdefault(above, DirectoryState())
                    layer.directories[above] = state
        directories = sorted(layer.directories.items())
        members = [directory_member(path, state) for path, state in directories]
        return LayerContents(name, (*members, *map(whiteout, sorted(gone))), parts)

    def completed(self, layer: LayerContents) -> LayerContents:
        """Leave out what lost against a file of a later package."""
        numbers = {path: number for number, (path, _) in enumerate(self._packages)}
        parts = []
        for part in layer.parts:
            lost = self._losers.get(numbers[part.path], set())
            states = {**part.states, **dict.fromkeys(lost, FileState.WRONG_COLOUR)}
            parts.append(evolve(part, left_out=part.left_out | lost, states=states))
        return evolve(layer, parts=tuple(parts))

    def _is_below(self, path: bytes) -> bool:
        """Whether the base image has a file or a link there."""
        return self.tree.files.get(path) == BASE or path in self._below

    def _is_left(self, path: bytes) -> bool:
        """Whether a file of a package that is replaced is still the base image's, and not kept."""
        if path in self._made or path in self._kept or path in self.installed:
            return False
        return self._is_below(path)

    def _part(self, number: int, layer: _Layer) -> PackagePart:
        path, header = self._packages[number]
        left_out, moved, states = set[int](), dict[int, bytes](), dict[int, FileState]()
        collecting = self._collecting(number)
        files = _files(path)
        for entry in files:
            if entry.is_ghost:
                continue
            with collecting:
                self._check_attributes(entry, header)
                place = self.tree.canonical(entry.path)
                if place != entry.path:
                    moved[entry.index] = place
                if entry.kind is FileKind.DIRECTORY:
                    self._directory(entry, place, number, layer)
                elif self._is_made(entry, place, number, states):
                    layer.used.add(_above(place))
                else:
                    left_out.add(entry.index)
        kept = files if len(files) <= self._room else None
        self._room -= len(kept or ())
        return PackagePart(path, header, kept, frozenset(left_out), moved, states)

    def _directory(self, entry: Entry, place: bytes, number: int, layer: _Layer) -> None:
        """A directory of a package, which several packages and the base image may have too."""
        if place in self._links:
            self._conflict(place, self._made.get(place, BASE))
        elif place in self.tree.links:
            # RPM leaves a link to a directory that is there already.
            return
        elif place in self.tree.files:
            self._conflict(place, self.tree.files[place])
        else:
            state = directory_state(entry, self.accounts)
            other = self._made.get(place, BASE)
            known = self.installed.get(place) if other == BASE else None
            differs = collide(entry, known) if known else self.tree.directories.get(place) != state
            if differs and (known or other != BASE):
                self._conflict(place, other)
                return
            self._made[place] = number
            self.tree.directories[place] = layer.directories[place] = state
            layer.used.add(_above(place))

    def _is_made(
        self, entry: Entry, place: bytes, number: int, states: dict[int, FileState]
    ) -> bool:
        """Whether a file is made from this package. What it collides with is told."""
        if place in self.tree.directories:
            self._conflict(place, self._made.get(place, BASE))
            return False
        other = self._made.get(place)
        if other is not None:
            if not self._beats(entry, place, other, states):
                return False
        elif self._is_below(place) and not self._is_over_base(entry, place, states):
            return False
        self._made[place] = number
        if entry.kind is FileKind.SYMLINK:
            self.tree.files.pop(place, None)
        else:
            self.tree.files[place] = number
        return True

    def _beats(self, entry: Entry, place: bytes, other: int, states: dict[int, FileState]) -> bool:
        """Whether a file is made instead of that of an earlier package."""
        against = self._entry(other, place)
        if not collide(entry, against):
            return False
        preferred = prefers(entry, against)
        if preferred is None:
            self._conflict(place, other)
            return False
        if preferred:
            self._losers.setdefault(other, set()).add(against.index)
        else:
            states[entry.index] = FileState.WRONG_COLOUR
        return preferred

    def _is_over_base(self, entry: Entry, place: bytes, states: dict[int, FileState]) -> bool:
        """Whether a file is made over that of the base image. Configuration that is not to be
        replaced stays as the base image has it."""
        if entry.flags & FileFlag.NO_REPLACE:
            self._kept.add(place)
            return False
        against = self.installed.get(place)
        if against is None:
            return True
        if not collide(entry, against):
            return False
        preferred = prefers(entry, against)
        if preferred is None:
            self._conflict(place, BASE)
        elif not preferred:
            states[entry.index] = FileState.WRONG_COLOUR
        return bool(preferred)

    def _entry(self, number: int, place: bytes) -> Entry:
        """The file that a package has at a path."""
        if number not in self._entries:
            if len(self._entries) >= _KEPT:
                self._entries.pop(next(iter(self._entries)))
            files = _files(self._packages[number][0])
            self._entries[number] = {
                self.tree.canonical(entry.path): entry for entry in files if not entry.is_ghost
            }
        return self._entries[number][place]

    def _check_attributes(self, entry: Entry, header: Header) -> None:
        """Tell of owners that nobody knows; refuse capabilities that no file can have."""
        owners = (header.nevra, entry.user, entry.group)
        if owners == self._checked and not entry.capabilities:
            return
        self._checked = owners
        for kind, name, number in (
            ("user", entry.user, self.accounts.user(entry.user)),
            ("group", entry.group, self.accounts.group_number(entry.group)),
        ):
            if number is None:
                shown = ascii(name)[1:-1][:80]
                self.warnings.add(f"{header.nevra}: no {kind} {shown} is known: it is root's")
        if entry.capabilities and entry.kind is FileKind.FILE:
            try:
                entry_member(entry, entry.path, self.accounts, 0)
            except ValueError as error:
                raise InputError(Code.BAD_IMAGE, str(error)) from None

    def _check_directory(self, place: bytes) -> None:
        """Note a file that others lie below."""
        owner = self.tree.files.get(place)
        if owner is not None:
            name = _BASE_IMAGE if owner == BASE else self._packages[owner][1].nevra
            self.faults.add(f"{_shown(place)} is a file, and others lie below it", Place(name))

    def _conflict(self, place: bytes, other: int) -> None:
        name = _BASE_IMAGE if other == BASE else self._packages[other][1].nevra
        message = f"{_shown(place)} is also a file of {name}, and another one"
        raise InputError(Code.BAD_IMAGE, message)

    def _collecting(self, number: int) -> _Collecting:
        return _Collecting(self.faults, self._packages[number][1].nevra)


@define
class _Collecting:
    """Notes what is wrong with a package's file, and goes on with the next."""

    _faults: ErrorCollector
    _name: str

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        if isinstance(error, InputError) and error.code is Code.BAD_IMAGE:
            self._faults.add(error.message, Place(self._name))
            return True
        return False


def _above(path: bytes) -> bytes:
    """The directory that something lies in; nothing for the root."""
    return path.rpartition(b"/")[0]


def _shown(path: bytes) -> str:
    """A path as messages have it."""
    return ascii(path.decode("utf-8", "surrogateescape"))[1:-1][:200]


def _links(path: Path) -> tuple[Entry, ...]:
    """The links of a package, which may have none."""
    with open_package(path) as package:
        if not any(map(stat.S_ISLNK, package.blob.numbers(Tag.FILE_MODES))):
            return ()
        return tuple(
            each for each in package.files if each.kind is FileKind.SYMLINK and not each.is_ghost
        )


def _files(path: Path) -> tuple[Entry, ...]:
    """The files of a package, from its header alone."""
    with open_package(path) as package:
        return package.files
