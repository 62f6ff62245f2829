"""``streamsolve emit oci``: locked RPM files as an image, without a container engine."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import rich_click as click

from ..errors import Code, ErrorCollector, InputError, Place
from .emit import emit
from .emit_containers import profile_of
from .layers import chosen_layers, layer_options
from .mock_base import source_date_epoch
from .options import lock_argument, output_option, profile_of_lock_option, read_settings
from .screen import show

if TYPE_CHECKING:
    from ..emit.locked_files import LockedFile
    from ..explain import Block
    from ..lock import Lock
    from ..model.layer_groups import LayerGroup
    from ..model.plan import Plan
    from ..model.profile import Profile
    from ..oci import ImageRequest, Layer, LayerPackages, Layout, LeftOut, RunSettings
    from ..rpms import Header

__all__ = ["emit_oci_command"]

_SHOWN = 5
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", re.ASCII)
_DIRECTORY = re.compile(r"(?:/[A-Za-z0-9._+-]*[A-Za-z0-9_+-][A-Za-z0-9._+-]*)+/?", re.ASCII)


@emit.command("oci")
@lock_argument
@output_option(
    "Write an OCI image layout to DIR. One that is there is replaced when the new one is whole."
)
@click.option(
    "--rpms",
    metavar="DIR",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the locked RPM files are.",
)
@click.option(
    "--base-image",
    metavar="oci:DIR[:TAG]",
    default="",
    help="An image in an OCI layout to begin with; without one, the packages are all there is.",
)
@click.option(
    "--compression",
    type=click.Choice(["zstd", "gzip"]),
    default="zstd",
    show_default=True,
    help="How layers are compressed.",
)
@click.option("--tag", metavar="TAG", default="", help="The image's tag; its version if not given.")
@click.option(
    "--also",
    metavar="LOCK",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A lock of the same application for another architecture; may be given again.",
)
@layer_options
@click.option(
    "--dbpath",
    metavar="DIR",
    default="",
    help="Where the image's RPM has its database; where the base image has it, or Fedora, if not "
    "given.",
)
@profile_of_lock_option
def emit_oci_command(
    file: Path,
    directory: Path,
    rpms: Path,
    base_image: str,
    compression: str,
    tag: str,
    also: tuple[Path, ...],
    layers: int | None,
    layers_like: tuple[Path, ...],
    layers_with: tuple[Path, ...],
    dbpath: str,
    profile: str | None,
) -> None:
    """Make an image of the lock FILE from its RPM files: layers, configuration, manifest.

    The same files give the same digests. No scriptlet is run; those that matter are told.
    """
    from ..oci import Compression, ImageRequest, ImageSettings, left_out, write_layout
    from ..planner.locking import load_lock

    _check_options(tag, dbpath)
    requests: list[ImageRequest] = []
    told: list[Block] = []
    files = _Files(rpms)
    locks = [(each, load_lock(each)) for each in (file, *also)]
    for each, lock in locks:
        used, shown = profile_of(lock, profile)
        told += shown
        settings = ImageSettings(
            arch=lock.plan.arch,
            compression=Compression(compression),
            base=base_image,
            epoch=source_date_epoch(),
            database=dbpath.rstrip("/"),
            run=_run(lock, used),
            files=_module_state(lock.plan, each),
        )
        chosen = chosen_layers(lock.plan, layers, layers_like, layers_with)
        requests.append(ImageRequest(files.groups(lock.plan, each, chosen), settings))
    name = tag or str(locks[0][1].plan.version).replace("+", "-")
    layout = write_layout(directory, requests, tag=name)
    missing = {one for request in requests for one in left_out(request.groups)}
    lines = _told(directory, name, requests, layout, sorted(missing))
    show((*lines, *told), colour=read_settings({}).colour)


def _layer(group: LayerGroup) -> Layer:
    from ..oci import Layer

    return Layer(group.title, tuple(sorted(group.packages, key=lambda each: each.nevra)))


def _check_options(tag: str, dbpath: str) -> None:
    faults = ErrorCollector(Code.BAD_OPTION)
    if tag and not _TAG.fullmatch(tag):
        faults.add(f"{tag!r} is no tag", Place("--tag"), "write letters, digits, '.', '_' and '-'")
    if dbpath and not _DIRECTORY.fullmatch(dbpath):
        faults.add(f"{dbpath!r} is no directory of an image", Place("--dbpath"), "write /usr/…")
    faults.raise_if_any("the options cannot be used")


def _run(lock: Lock, profile: Profile) -> RunSettings:
    """As `emit containerfile` has it."""
    from ..emit.containers import ImageSettings, environment, image_labels
    from ..emit.containers.labels import collection_paths
    from ..emit.containers.settings import user_of
    from ..oci import RunSettings

    described = ImageSettings(
        "",
        lock.digest,
        image=profile.image,
        title=profile.summary,
        source_date_epoch=source_date_epoch(),
    )
    variables = {**environment(lock.plan), **profile.image.environment}
    return RunSettings(
        entrypoint=profile.image.entrypoint,
        command=profile.image.command,
        user=user_of(described, lock.plan.application),
        environment=tuple(sorted(variables.items())),
        labels=tuple(image_labels(lock.plan, described).items()),
        ports=tuple(sorted(profile.image.ports)),
        first=tuple(collection_paths(lock.plan).items()),
    )


def _module_state(plan: Plan, file: Path) -> tuple[tuple[str, bytes], ...]:
    """What keeps the plan's module streams enabled in the image."""
    from ..emit.grammar import Refusals
    from ..emit.module_state import check_modules, state_files

    refusals = Refusals(str(file))
    check_modules(plan, refusals)
    refusals.raise_if_any()
    return tuple((f"/{path}", content) for path, content in state_files(plan).items())


# -- which files -----------------------------------------------------------------------------------


class _Files:
    """The RPM files below a directory, by the name of the package."""

    def __init__(self, directory: Path) -> None:
        from ..rpms import open_package

        self._directory = directory
        self._found: dict[str, list[tuple[Path, Header]]] = {}
        faults = ErrorCollector(Code.BAD_PACKAGE_FILE)
        for path in sorted(directory.rglob("*.rpm")):
            if path.name.endswith(".src.rpm") or not path.is_file():
                continue
            with faults.collect(), open_package(path) as package:
                self._found.setdefault(package.header.name, []).append((path, package.header))
        faults.raise_if_any("RPM files cannot be used")

    def groups(
        self, plan: Plan, file: Path, layers: Iterable[LayerGroup]
    ) -> tuple[LayerPackages, ...]:
        """The layers of a plan, those that were chosen if any were, with the file of each package.

        Raises :class:`InputErrors` with every package that has no file (``BAD_IMAGE``), or that has
        another one than was locked (``NOT_EMITTED``).
        """
        from ..emit.grammar import Refusals
        from ..emit.locked_files import locked_files
        from ..oci import LayerPackages, assign_layers

        if plan.builds is None:
            raise InputError(Code.BAD_IMAGE, "the lock has no builds", place=Place(str(file)))
        runtime = plan.builds.runtime
        headers = {
            header.nevra: (path, header) for each in self._found.values() for path, header in each
        }
        refusals = Refusals(str(file))
        chosen, missing = locked_files(
            runtime, self._locked(p.name for p in runtime.packages), refusals
        )
        refusals.raise_if_any()
        faults = ErrorCollector(Code.BAD_IMAGE)
        for nevra in missing:
            faults.add(f"{nevra} is not there", Place(str(self._directory)))
        faults.raise_if_any("packages of the lock are not at hand:")
        return tuple(
            LayerPackages(
                layer.title, tuple(headers[chosen[each.nevra].nevra] for each in layer.packages)
            )
            for layer in [_layer(each) for each in layers] or assign_layers(plan)
        )

    def _locked(self, names: Iterable[str]) -> Iterator[LockedFile]:
        from ..emit.locked_files import LockedFile
        from ..model.rpm_header import RpmHeader
        from ..storage import file_digest

        for name in dict.fromkeys(names):
            for path, header in self._found.get(name, ()):
                found = RpmHeader(
                    header.name,
                    header.version,
                    header.release,
                    header.arch,
                    path.name,
                    file_digest(path),
                    header.sigmd5,
                    header.license,
                    None if header.epoch is None else str(header.epoch),
                )
                yield LockedFile(found, PurePosixPath(path.relative_to(self._directory)))


# -- what is shown ---------------------------------------------------------------------------------


def _told(
    directory: Path,
    tag: str,
    requests: Iterable[ImageRequest],
    layout: Layout,
    missing: list[LeftOut],
) -> Iterator[Block]:
    from ..explain import Span, Style, blank, paragraph
    from ..explain.sentences import byte_text

    yield paragraph(
        Span("✓ ", Style.GOOD),
        Span(f"oci:{directory}:{tag}", Style.NAME),
        f" is {layout.digest}.",
        hang=2,
    )
    for image, request in zip(layout.images, requests, strict=True):
        count = sum(len(group.packages) for group in request.groups)
        layers = ", ".join(f"{title} {byte_text(layer.size)}" for title, layer in image.layers)
        yield paragraph(f"{image.architecture}: {count} packages in layers: {layers}.", indent=2)
        if image.present:
            there = f"{len(image.present)} of them are in the base image already."
            yield paragraph(there, indent=2)
        for warning in image.warnings[:_SHOWN]:
            yield paragraph(Span("! ", Style.WARNING), f"{warning}.", hang=2)
        if len(image.warnings) > _SHOWN:
            yield paragraph(f"and {len(image.warnings) - _SHOWN} more such.", indent=2)
    yield from _scriptlets(missing)
    yield blank()
    words = ("skopeo", "copy", "--all", f"oci:{directory}:{tag}", "docker://REGISTRY/NAME:TAG")
    yield paragraph(Span(shlex.join(words), Style.COMMAND), "  publishes it", indent=2)


def _scriptlets(missing: list[LeftOut]) -> Iterator[Block]:
    """What was not run and matters, and where it would be."""
    from ..explain import Span, Style, paragraph

    if not missing:
        return
    names = {each.package for each in missing}
    text = (
        f"{len(names)} packages do something when they are installed that was not done here. Where "
        "the application needs it, build the image with `streamsolve emit containerfile`:"
    )
    yield paragraph(Span("! ", Style.WARNING), text, hang=2)
    for each in missing:
        yield paragraph(str(each), indent=4)
