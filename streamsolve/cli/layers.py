"""Layers of images on the command line: how many, like which image, and what an update re-sends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from ..errors import Code, InputError, Place

if TYPE_CHECKING:
    from ..model.layer_diff import LayersDiff
    from ..model.layer_groups import LayerGroup
    from ..model.layer_units import RpmFile
    from ..model.plan import Plan

__all__ = [
    "LAYER_OPTIONS",
    "chosen_layers",
    "layer_options",
    "layers_between",
    "layers_diff_options",
]

C = TypeVar("C", bound=Callable[..., object])

_MOST = 127
_LOCK_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)
_LIKE = click.option(
    "--layers-like",
    metavar="LOCK",
    multiple=True,
    type=_LOCK_FILE,
    help="Keep the layers of the image of LOCK where they are good enough, so that who has it gets "
    "little; the locks of several images, oldest first.",
)
_WITH = click.option(
    "--layers-with",
    metavar="LOCK",
    multiple=True,
    type=_LOCK_FILE,
    help="Have layers in common with the image of LOCK, of a sibling or another variant; name all "
    "of them for each.",
)

LAYER_OPTIONS = (
    click.option(
        "--layers",
        metavar="N",
        type=click.IntRange(1, _MOST),
        help="Choose N layers such that an update re-sends little; one for each kind of package if "
        "not given.",
    ),
    _LIKE,
)
"""How the layers of an image are chosen."""

_DIFF_OPTIONS = (
    click.option(
        "--layers", is_flag=True, help="Say what of an image is sent again, layer by layer, too."
    ),
    click.option(
        "--layers-count",
        metavar="N",
        type=click.IntRange(1, _MOST),
        help="How many layers it has (emit oci --layers N); one for each kind of package if not "
        "given.",
    ),
    _LIKE,
    _WITH,
    click.option(
        "--containerfile",
        is_flag=True,
        help="An image that is built from a Containerfile: a layer changes with those below it.",
    ),
    click.option(
        "--rpms-old", metavar="DIR", type=_DIRECTORY, help="The RPM files of OLD, to be exact."
    ),
    click.option(
        "--rpms-new", metavar="DIR", type=_DIRECTORY, help="The RPM files of NEW, to be exact."
    ),
)


def layer_options(command: C) -> C:
    """Those of an image whose layers stand by themselves, which images can have in common."""
    for option in reversed((*LAYER_OPTIONS, _WITH)):
        command = option(command)
    return command


def layers_diff_options(command: C) -> C:
    """What ``diff`` is asked of layers; :func:`layers_between` takes their values by name."""
    for option in reversed(_DIFF_OPTIONS):
        command = option(command)
    return command


def chosen_layers(
    plan: Plan,
    count: int | None,
    like: tuple[Path, ...],
    siblings: tuple[Path, ...] = (),
    *,
    ordered: bool = False,
) -> tuple[LayerGroup, ...]:
    """The layers that were asked for; none where nothing was."""
    from ..model.layer_choice import choose_layers

    if not count:
        given = {"layers_like": like, "layers_with": siblings}
        _refuse(given, "--layers N says how many layers there are")
        return ()
    if plan.builds is None:
        # Whoever writes the image says so.
        return ()
    before, others = ([_plan(each) for each in files] for files in (like, siblings))
    chosen = choose_layers(plan, count, ordered=ordered, like=before, siblings=others)
    return chosen.groups()


def layers_between(old: Path, new: Path, asked: Mapping[str, Any]) -> LayersDiff | None:
    """What is sent again from one lock's image to another's; None if nobody asked. ``asked`` are
    the values of :func:`layers_diff_options`."""
    from ..model.layer_diff import layers_diff

    about = {name: value for name, value in asked.items() if name != "layers"}
    if not asked["layers"]:
        _refuse(about, "--layers asks about layers")
        return None
    if not asked["layers_count"]:
        given = {name: about[name] for name in ("layers_like", "layers_with")}
        _refuse(given, "--layers-count N says how many layers there are")
    if asked["containerfile"]:
        _refuse({"layers_with": asked["layers_with"]}, "a Containerfile's layers are never shared")
    before, after = map(_plan, (old, new))
    return layers_diff(
        before,
        after,
        asked["layers_count"] or 0,
        ordered=asked["containerfile"],
        earlier=[_plan(file) for file in asked["layers_like"]],
        siblings=[_plan(file) for file in asked["layers_with"]],
        old_files=_files(before, asked["rpms_old"]),
        new_files=_files(after, asked["rpms_new"]),
    )


def _refuse(given: Mapping[str, object], hint: str) -> None:
    """Options that mean nothing without another one."""
    for name, value in given.items():
        if value:
            option = f"--{name.replace('_', '-')}"
            raise InputError(
                Code.BAD_OPTION, "it means nothing here", place=Place(option), hint=hint
            )


def _plan(file: Path) -> Plan:
    from ..planner.locking import load_lock

    plan = load_lock(file).plan
    if plan.builds is None:
        raise InputError(Code.BAD_OPTION, "the lock has no packages", place=Place(str(file)))
    return plan


def _files(plan: Plan, directory: Path | None) -> dict[str, RpmFile]:
    """The files of a plan's packages below a directory, by name-evr.arch in the plan."""
    from ..emit.grammar import Refusals
    from ..emit.locked_files import locked_files
    from ..model.layer_units import RpmFile
    from .emit_containers import files_below

    if directory is None or plan.builds is None:
        return {}
    refusals = Refusals(str(directory))
    found, _ = locked_files(plan.builds.runtime, files_below(directory), refusals)
    refusals.raise_if_any()
    top = directory.resolve()
    return {
        name: RpmFile((top / file.path).stat().st_size, file.header.sha256)
        for name, file in found.items()
    }
