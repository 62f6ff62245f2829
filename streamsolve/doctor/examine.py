"""Everything that is looked at, in one value."""

from __future__ import annotations

from ..model.host import HostState
from .cpu import examine_cpu
from .gpus import examine_gpus
from .host import CarefulHost, Host
from .system import (
    examine_container,
    examine_deployment,
    examine_disk,
    examine_glibc,
    examine_kernel,
    examine_memory,
    examine_packages,
    examine_secure_boot,
    examine_system,
)

__all__ = ["examine"]


def examine(host: Host) -> HostState:
    """Look at a host. Never raises, whatever the host does: what is not there, or says nothing that
    is understood, is empty in the answer."""
    careful = CarefulHost(host)
    graphics = examine_gpus(careful)
    return HostState(
        system=examine_system(careful),
        cpu=examine_cpu(careful),
        kernel=examine_kernel(careful),
        glibc=examine_glibc(careful),
        memory=examine_memory(careful),
        disk=examine_disk(careful),
        gpus=graphics.gpus,
        drivers=graphics.drivers,
        modules=graphics.modules,
        rocm=graphics.rocm,
        level_zero=graphics.level_zero,
        container=examine_container(careful),
        deployment=examine_deployment(careful),
        secure_boot=examine_secure_boot(careful),
        packages=examine_packages(careful),
        silent=tuple(sorted(careful.silent)),
    )
