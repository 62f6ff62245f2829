"""One image: layers from packages, on a base image or from scratch, with its configuration."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import define, evolve, field, frozen

from ..errors import Code, InputError
from ..rpms import open_package
from ..rpms.database import DATABASE, write_database
from ..rpms.installed import installed_header
from .account_files import GROUP, HOMES, PASSWD, add_user, read_accounts, read_sysusers
from .accounts import Accounts
from .base_image import BaseImage, read_base_image
from .blobs import BlobStore, Descriptor, canonical_json
from .compression import Compression
from .contents import Contents, LayerPackages, PackagePart, plan_contents
from .installed_packages import BasePackages, read_base_packages, wanted_files
from .layers import LayerFile, write_file_layer, write_layers
from .members import directory_member
from .tar import Member, whiteout
from .tree import DirectoryState, ImageTree, parents

__all__ = ["ARCHITECTURES", "BuiltImage", "ImageSettings", "RunSettings", "build_image"]

ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
    "i686": "386",
}
"""OCI's words for RPM's architectures."""

_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_BASE_DIGEST = "org.opencontainers.image.base.digest"
_DATABASE_TITLE = "package database"
_COLOURED = 3
_UNCOLOURED = ("i686",)
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What engines put there where an image says nothing."""
_WAL, _SHM = "-wal", "-shm"


@frozen(kw_only=True)
class RunSettings:
    """How the image is run; what is empty is as in the base image. ``environment`` and ``labels``
    are added to what is there, ``first`` are directories that come before what a variable has, and
    ``ports`` are TCP ports. ``user`` is a name: where the image does
    not know it, it becomes a user with a home and without rights."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""
    directory: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    ports: tuple[int, ...] = ()
    first: tuple[tuple[str, str], ...] = ()


@frozen(kw_only=True)
class ImageSettings:
    """How one image is made.

    ``arch`` is RPM's word for the architecture. ``base`` is ``oci:DIR[:TAG]``, empty for an image
    from scratch. ``epoch`` is ``SOURCE_DATE_EPOCH``; without one no file is newer than the package
    that it is from, and the image is as new as its newest package. ``database`` is the directory of
    RPM's database; empty means where the base image has it, else where Fedora has it.
    ``annotations`` are the manifest's. ``files`` are small ones (path, content) in the database's
    layer, such as what dnf keeps of modules.
    """

    arch: str
    compression: Compression = Compression.ZSTD
    base: str = ""
    epoch: int | None = None
    database: str = ""
    run: RunSettings = field(factory=RunSettings)
    annotations: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()

    @property
    def architecture(self) -> str:
        """OCI's word. Raises :class:`InputError` (``BAD_IMAGE``) where there is none."""
        if self.arch not in ARCHITECTURES:
            raise InputError(Code.BAD_IMAGE, f"there are no images for {self.arch!r}")
        return ARCHITECTURES[self.arch]


@frozen
class BuiltImage:
    """An image in a layout. ``layers`` are those that were made here, with their titles, lowest
    first. ``present`` are packages that the base image had already (name-evr.arch), sorted.
    ``warnings`` are sentences."""

    manifest: Descriptor
    architecture: str
    layers: tuple[tuple[str, Descriptor], ...]
    present: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def build_image(
    groups: Sequence[LayerPackages], settings: ImageSettings, store: BlobStore
) -> BuiltImage:
    """Write one image's blobs. Groups that are empty make no layer.

    Raises :class:`InputError` (``BAD_PACKAGE_FILE``, ``BAD_IMAGE``). What was written then is of no
    use, and stays for the caller to remove.
    """
    with tempfile.TemporaryDirectory(prefix=".image-", dir=store.directory) as scratch:
        return _Builder(settings, store, Path(scratch)).build(groups)


@define
class _Builder:
    _settings: ImageSettings
    _store: BlobStore
    _scratch: Path

    def build(self, groups: Sequence[LayerPackages]) -> BuiltImage:
        """The steps, in order."""
        settings = self._settings
        directory = settings.database.encode() or None
        base = None
        if settings.base:
            keep = wanted_files(directory) | {PASSWD, GROUP}
            base = read_base_image(settings.base, settings.architecture, keep, self._scratch)
        accounts = read_accounts(base.kept if base else {}, groups)
        before = accounts.passwd, accounts.group
        headers = [header for group in groups for _, header in group.packages]
        packages = read_base_packages(base, directory, headers, self._scratch)
        groups = _without(groups, packages.present)
        accounts.declare(read_sysusers(groups))
        if settings.run.user:
            add_user(accounts, settings.run.user)
        tree = base.tree if base else ImageTree()
        contents = plan_contents(groups, tree, accounts, packages.installed, packages.removed)
        layers = write_layers(
            contents.layers,
            accounts,
            self._store,
            compression=settings.compression,
            latest=settings.epoch,
        )
        state = _State(settings, self._store, self._scratch, tree)
        changed = before != (accounts.passwd, accounts.group)
        database = state.layer(packages, contents, accounts if changed else None)
        self._settings = evolve(settings, run=_numbered(settings.run, accounts))
        titles = [layer.name for layer in contents.layers]
        made = (*zip(titles, layers, strict=True), (_DATABASE_TITLE, database))
        return self._finished(base, made, groups, packages, contents)

    def _finished(
        self,
        base: BaseImage | None,
        made: tuple[tuple[str, Descriptor], ...],
        groups: Sequence[LayerPackages],
        packages: BasePackages,
        contents: Contents,
    ) -> BuiltImage:
        """Configuration and manifest, over the base image's layers."""
        settings = self._settings
        below = base.layers if base else ()
        for descriptor, path in below:
            self._store.adopt(path, descriptor.digest)
        created = settings.epoch
        if created is None:
            times = (header.build_time for group in groups for _, header in group.packages)
            created = max(times, default=0)
        layers = (*(descriptor for descriptor, _ in below), *(layer for _, layer in made))
        config = _configuration(settings, base, layers, [title for title, _ in made], created)
        annotations = dict(settings.annotations)
        if base:
            annotations[_BASE_DIGEST] = base.digest
        manifest: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST_TYPE,
            "config": self._store.put(canonical_json(config), _CONFIG_TYPE).document(),
            "layers": [layer.document() for layer in layers],
        }
        if annotations:
            manifest["annotations"] = annotations
        return BuiltImage(
            self._store.put(canonical_json(manifest), _MANIFEST_TYPE),
            settings.architecture,
            made,
            tuple(sorted(packages.present)),
            contents.warnings,
        )


def _without(groups: Sequence[LayerPackages], present: set[str]) -> tuple[LayerPackages, ...]:
    """The groups without packages that are there already, and without empty groups."""
    left = (
        evolve(group, packages=tuple(p for p in group.packages if p[1].nevra not in present))
        for group in groups
    )
    return tuple(group for group in left if group.packages)


def _numbered(run: RunSettings, accounts: Accounts) -> RunSettings:
    """With the user's numbers for its name: who checks that it is not root looks at them."""
    uid = accounts.user(run.user)
    if uid is None:
        return run
    gid = accounts.group_number(run.user)
    return evolve(run, user=f"{uid}:{uid if gid is None else gid}")


# -- what the image knows of its packages ----------------------------------------------------------


@define
class _State:
    """The last layer: RPM's database, and users and groups where some were added."""

    _settings: ImageSettings
    _store: BlobStore
    _scratch: Path
    _tree: ImageTree

    def layer(
        self, packages: BasePackages, contents: Contents, accounts: Accounts | None
    ) -> Descriptor:
        """Write it. Its files have no time of their own: the same packages make the same layer."""
        directory = self._tree.directory(packages.database)
        file = self._scratch / "new.sqlite"
        parts = [part for layer in contents.layers for part in layer.parts]
        write_database(file, (*packages.headers, *self._headers(parts)))
        files = [self._file(directory + b"/" + DATABASE.encode(), file)]
        if accounts is not None:
            for path, text in ((PASSWD, accounts.passwd), (GROUP, accounts.group)):
                source = self._scratch / path.rpartition(b"/")[2].decode()
                source.write_bytes(text)
                files.append(self._file(self._tree.canonical(path), source))
        for number, (name, content) in enumerate(self._settings.files):
            source = self._scratch / f"file-{number}"
            source.write_bytes(content)
            files.append(self._file(self._tree.canonical(name.encode()), source))
        files.sort(key=lambda each: each.member.path)
        homes = self._home(accounts) if accounts else {}
        places = (*(file.member.path for file in files), *homes)
        known = {**self._tree.directories, **homes}
        above = {*homes, *(each for place in places for each in parents(place))}
        members = [directory_member(p, known.get(p, DirectoryState())) for p in sorted(above)]
        for ending in (_SHM, _WAL):
            path = directory + b"/" + (DATABASE + ending).encode()
            if path in self._tree.files:
                members.append(whiteout(path))
        return write_file_layer(members, files, self._store, compression=self._settings.compression)

    def _home(self, accounts: Accounts) -> dict[bytes, DirectoryState]:
        """The home of the user that it runs as, where that one is new."""
        name = self._settings.run.user
        path = self._tree.canonical(f"{HOMES}{name}".encode())
        uid, gid = accounts.user(name), accounts.group_number(name)
        if not name or uid is None or path in self._tree.directories:
            return {}
        return {path: DirectoryState(0o755, uid, uid if gid is None else gid)}

    def _file(self, path: bytes, source: Path) -> LayerFile:
        size = source.stat().st_size
        return LayerFile(Member(path=path, size=size, mtime=self._settings.epoch or 0), source)

    def _headers(self, parts: Iterable[PackagePart]) -> Iterator[bytes]:
        """The new packages' headers, as if each had been installed when the image was made."""
        colour = 0 if self._settings.arch in _UNCOLOURED else _COLOURED
        for part in parts:
            with open_package(part.path) as package:
                time = self._settings.epoch
                if time is None:
                    time = part.header.build_time
                yield installed_header(package, part.states, time, colour)


# -- the configuration -----------------------------------------------------------------------------


def _configuration(
    settings: ImageSettings,
    base: BaseImage | None,
    layers: Sequence[Descriptor],
    titles: Sequence[str],
    created: int,
) -> dict[str, Any]:
    """The image's configuration: the base image's, and on top what is asked for."""
    inherited = dict(base.config) if base else {}
    time = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    history = [*inherited.get("history", ())]
    history += [{"created": time, "created_by": f"streamsolve: {title}"} for title in titles]
    return {
        **{
            name: inherited[name]
            for name in ("author", "variant", "os.version")
            if name in inherited
        },
        "architecture": settings.architecture,
        "os": "linux",
        "created": time,
        "config": _run(settings.run, inherited.get("config") or {}),
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": history,
    }


def _run(run: RunSettings, inherited: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(inherited)
    variables = dict(each.partition("=")[::2] for each in found.get("Env") or ())
    usual = {"PATH": _PATH, **variables}
    variables |= {name: ":".join(filter(None, (to, usual.get(name)))) for name, to in run.first}
    variables |= dict(run.environment)
    if variables:
        found["Env"] = [f"{name}={value}" for name, value in variables.items()]
    if run.entrypoint:
        # The base image's command belongs to its own entry point.
        found.pop("Cmd", None)
        found["Entrypoint"] = list(run.entrypoint)
    if run.command:
        found["Cmd"] = list(run.command)
    if run.user:
        found["User"] = run.user
    if run.directory:
        found["WorkingDir"] = run.directory
    if run.labels:
        found["Labels"] = {**(found.get("Labels") or {}), **dict(run.labels)}
    if run.ports:
        ports: dict[str, Any] = {f"{port}/tcp": {} for port in run.ports}
        found["ExposedPorts"] = {**(found.get("ExposedPorts") or {}), **ports}
    return found
