"""What an image says about itself: OCI's annotations as labels, and what only a lock knows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from ...model.component import Component, Kind
from ...model.plan import HostRequirement, Plan, PlannedStream
from ...model.software_collections import SoftwareCollection
from .settings import ImageSettings, base_image_parts

__all__ = [
    "LOCK_DIGEST",
    "accelerator",
    "collection_paths",
    "environment",
    "host_needs",
    "image_labels",
    "run_options",
]

_OCI = "org.opencontainers.image"
_OWN = "streamsolve"
LOCK_DIGEST = f"{_OWN}.lock.digest"
"""The label that says which lock an image was made from."""

_CUDA = Component(Kind.ACCELERATOR, "cuda")
_ROCM = Component(Kind.ACCELERATOR, "rocm")


def image_labels(plan: Plan, settings: ImageSettings) -> Mapping[str, str]:
    """The labels, sorted; what is not known is left out, as is a base image where none is named.
    The values have to be checked."""
    image = settings.image
    base = settings.base_image
    name, tag, digest = base_image_parts(base) if base else ("", "", "")
    revision = image.revision.replace("{version}", str(plan.version))
    driver = ", ".join(host_needs(plan))
    found = {
        f"{_OCI}.title": plan.application,
        f"{_OCI}.description": settings.title,
        f"{_OCI}.version": str(plan.version),
        f"{_OCI}.source": image.source,
        f"{_OCI}.revision": revision,
        f"{_OCI}.licenses": _expression(plan.own),
        f"{_OCI}.base.name": f"{name}:{tag}" if tag else name,
        f"{_OCI}.base.digest": digest,
        f"{_OCI}.created": _time(settings.source_date_epoch),
        LOCK_DIGEST: settings.lock_digest,
        f"{_OWN}.base": plan.base,
        f"{_OWN}.variant": plan.variant,
        f"{_OWN}.host": driver,
        f"{_OWN}.run": " ".join(run_options(plan)),
    }
    return {key: value for key, value in sorted(found.items()) if value}


def _expression(stream: PlannedStream | None) -> str:
    """The licence of a stream, where it is an SPDX expression as OCI wants it."""
    if stream is None or not stream.licence:
        return ""
    try:
        return canonicalize_license_expression(stream.licence)
    except InvalidLicenseExpression:
        return ""


def _time(epoch: int | None) -> str:
    return "" if epoch is None else f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%dT%H:%M:%SZ}"


# -- accelerators ----------------------------------------------------------------------------------


def accelerator(plan: Plan) -> PlannedStream | None:
    """The accelerator's stream that the application runs on, or None."""
    found = (s for s in plan.streams if s.kind is Kind.ACCELERATOR and s.version is not None)
    return next((stream for stream in found if not stream.build_only), None)


def host_needs(plan: Plan) -> tuple[str, ...]:
    """What the machine must have, as ``nvidia-driver >=580.65.06``, sorted."""
    return tuple(sorted({_told(needed) for needed in plan.host}))


def _told(needed: HostRequirement) -> str:
    requirement = needed.requirement
    return f"{requirement.component.name} {requirement.specifier}".strip()


def collection_paths(plan: Plan) -> Mapping[str, str]:
    """The directories that come first in two variables where the Software Collections of the
    runtime root are enabled, as each one's script ``enable`` puts them there."""
    runtime = plan.builds.runtime if plan.builds else None
    found = [SoftwareCollection(name) for name in runtime.collections] if runtime else []
    if not found:
        return {}
    return {
        "LD_LIBRARY_PATH": ":".join(f"{each.prefix}/root/usr/lib64" for each in found),
        "PATH": ":".join(each.programs for each in found),
    }


def environment(plan: Plan) -> Mapping[str, str]:
    """The variables by which NVIDIA's container runtime knows what an image needs.

    A toolkit runs with every driver of its major version's first release and newer, so this is what
    is asked for. The driver's own version cannot be: that runtime compares semantic versions, and a
    driver's (``580.65.06``) is none.
    """
    stream = accelerator(plan)
    if stream is None or stream.component != _CUDA or stream.version is None:
        return {}
    return {
        "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
        "NVIDIA_REQUIRE_CUDA": f"cuda>={stream.version.major}.0",
        "NVIDIA_VISIBLE_DEVICES": "all",
    }


def run_options(plan: Plan) -> tuple[str, ...]:
    """The options with which podman gives a container its accelerator."""
    stream = accelerator(plan)
    if stream is not None and stream.component == _CUDA:
        return ("--device", "nvidia.com/gpu=all")
    if stream is not None and stream.component == _ROCM:
        # The devices belong to the groups video and render of the host.
        return ("--device", "/dev/kfd", "--device", "/dev/dri", "--group-add", "keep-groups")
    return ()
