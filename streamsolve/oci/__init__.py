"""OCI image layouts made from RPM files, without a container engine."""

from .assignment import Layer, assign_layers
from .compression import Compression
from .contents import LayerPackages
from .image import BuiltImage, ImageSettings, RunSettings
from .layout import ImageRequest, Layout, write_layout
from .scriptlets import LeftOut, LeftOutReason, left_out

__all__ = [
    "BuiltImage",
    "Compression",
    "ImageRequest",
    "ImageSettings",
    "Layer",
    "LayerPackages",
    "Layout",
    "LeftOut",
    "LeftOutReason",
    "RunSettings",
    "assign_layers",
    "left_out",
    "write_layout",
]
