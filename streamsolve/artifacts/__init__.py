"""What was built, read back: packages, wheels, and the GPU architectures in them."""

from .checking import check_artifacts
from .inventory import take_inventory
from .kernel_module import plain_module, read_module
from .reading import code_of_file, files_below

__all__ = [
    "check_artifacts",
    "code_of_file",
    "files_below",
    "plain_module",
    "read_module",
    "take_inventory",
]
