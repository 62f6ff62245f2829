"""Container images from a lock: Containerfiles, and bootable ones."""

from __future__ import annotations

from .bootc import emit_bootc
from .containerfile import emit_containerfile
from .labels import LOCK_DIGEST, environment, host_needs, image_labels, run_options
from .packages import without_repository
from .script import image_name
from .settings import ImageSettings, KernelModule

__all__ = [
    "LOCK_DIGEST",
    "ImageSettings",
    "KernelModule",
    "emit_bootc",
    "emit_containerfile",
    "environment",
    "host_needs",
    "image_labels",
    "image_name",
    "run_options",
    "without_repository",
]
