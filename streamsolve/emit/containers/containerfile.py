"""A locked plan as a Containerfile: one layer for each group of packages, nothing left in them.

What aims at what: the base image is named by digest and every package by its full name, so the
same file gives the same packages; the order of the layers is that of how seldom they change; and
what dnf needs is mounted while a step runs. A layer's step names its packages, so an engine that
has built it before builds it again if and only if one of them is another.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from ...errors import Code, InputError, Place
from ...model.build import BuildPlan
from ...model.layer_groups import LayerGroup, layer_groups
from ...model.plan import Plan
from ..grammar import Refusals
from .labels import collection_paths, environment, host_needs, image_labels, run_options
from .module_step import module_step
from .packages import (
    CONFIGURATION,
    Asked,
    asked_for,
    check_runtime,
    checksum_files,
    checksums_path,
    configuration,
)
from .script import build_script
from .settings import (
    LABEL,
    ImageSettings,
    base_image_parts,
    check_image_settings,
    user_of,
)
from .steps import (
    BUILT,
    MOUNTS,
    TITLE,
    Checksums,
    builder_stage,
    comment,
    environment_lines,
    install_step,
    label_lines,
    words,
)

__all__ = [
    "CONTAINERFILE",
    "DIRECTORY",
    "SCRIPT",
    "check_labels",
    "checksums_of",
    "emit_containerfile",
    "runtime_of",
]

CONTAINERFILE = "Containerfile"
SCRIPT = "build.sh"
DIRECTORY = "repos"
"""What the build context holds beside the Containerfile: what dnf reads."""

_ID = 1001


def emit_containerfile(
    plan: Plan, settings: ImageSettings, *, file: str = ""
) -> Mapping[str, bytes]:
    """The files by path, sorted: the Containerfile, what dnf reads, and a script that builds.

    Raises :class:`InputErrors` (``NOT_EMITTED``) with every value that cannot be written out and
    every package whose file is not at hand; ``file`` is the lock's name, for the places in it.
    """
    builds = runtime_of(plan, file)
    refusals = Refusals(file)
    check_image_settings(settings, plan.application, Refusals("", refusals.faults))
    check_runtime(plan, builds.runtime, refusals)
    refusals.raise_if_any()
    asked = asked_for(builds.runtime, settings, refusals)
    check_labels(image_labels(plan, settings), refusals)
    refusals.raise_if_any()
    groups = settings.layers or layer_groups(plan)
    sums = checksum_files(groups, asked, builds.runtime, settings)
    files = {
        CONTAINERFILE: _containerfile(plan, settings, groups, asked, sums),
        SCRIPT: build_script(plan, settings),
        f"{DIRECTORY}/{CONFIGURATION}": configuration(builds.runtime, asked, settings),
        **{f"{DIRECTORY}/{name}": text for name, text in sums.items()},
    }
    return dict(sorted(files.items()))


def runtime_of(plan: Plan, file: str) -> BuildPlan:
    """The plan's builds, whose runtime root an image is; InputError where there are none."""
    if plan.builds is None:
        raise InputError(
            Code.NOT_EMITTED,
            "the plan does not say which packages run it",
            place=Place(file),
            hint="lock the application: a lock has all roots",
        )
    return plan.builds


def checksums_of(group: LayerGroup, sums: Mapping[str, bytes]) -> Checksums | None:
    """The checksums of a group's files, where they are at hand."""
    path = checksums_path(group)
    return Checksums(path, sha256(sums[path]).hexdigest()) if path in sums else None


def check_labels(labels: Mapping[str, str], refusals: Refusals) -> None:
    """Note each label whose value would be taken for more than a value."""
    for key, value in labels.items():
        refusals.check(value, LABEL, f"label {key}")


def _containerfile(
    plan: Plan,
    settings: ImageSettings,
    groups: tuple[LayerGroup, ...],
    asked: Mapping[str, Asked],
    sums: Mapping[str, bytes],
) -> bytes:
    name, _, digest = base_image_parts(settings.base_image)
    lines, seen = [TITLE, *_remarks(plan)], MOUNTS
    if settings.builder_image:
        builder, _, pinned = base_image_parts(settings.builder_image)
        lines += builder_stage(f"{builder}@{pinned}", settings.lock_digest)
        seen = BUILT
    lines.append(f"FROM {name}@{digest} AS runtime")
    lines += module_step(plan, settings, seen)
    for group in groups:
        lines += comment(f"{group.title}: {len(group.packages)} packages")
        is_last = group is groups[-1]
        lines += install_step(
            (asked[package.nevra].text for package in group.packages),
            settings.releasever,
            checksums=checksums_of(group, sums),
            more=_user_commands(user_of(settings, plan.application)) if is_last else (),
            seen=seen,
        )
    lines += ["", *_run_as(plan, settings)]
    return ("\n".join(lines) + "\n").encode()


def _remarks(plan: Plan) -> list[str]:
    """What a reader should know before anything else."""
    lines = [f"# The machine needs {need}." for need in host_needs(plan)]
    if options := run_options(plan):
        lines.append(f"# To run it: podman run {' '.join(options)} IMAGE")
    return lines


def _user_commands(user: str) -> list[str]:
    """The user, written by hand: useradd writes the day into /etc/shadow."""
    home = f"/home/{user}"
    return [
        f"printf '%s\\n' '{user}:x:{_ID}:{_ID}::{home}:/sbin/nologin' >> /etc/passwd",
        f"printf '%s\\n' '{user}:x:{_ID}:' >> /etc/group",
        f"mkdir -p {home}",
        f"chown {_ID}:{_ID} {home}",
    ]


def _run_as(plan: Plan, settings: ImageSettings) -> list[str]:
    image = settings.image
    # What the base image has in a variable stays behind it; nothing is empty then.
    first = {key: f"{value}${{{key}:+:${key}}}" for key, value in collection_paths(plan).items()}
    return [
        *environment_lines({**first, **environment(plan), **image.environment}),
        *label_lines(image_labels(plan, settings)),
        *(f"EXPOSE {port}" for port in sorted(image.ports)),
        f"USER {_ID}:{_ID}",
        *words("ENTRYPOINT", image.entrypoint),
        *words("CMD", image.command),
    ]
