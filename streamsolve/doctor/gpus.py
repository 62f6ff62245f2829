"""GPUs and their drivers, from the vendors' tools, ``/proc`` and ``/sys``.

What the bus tells counts only where a vendor's own tool or driver tells nothing, since it has no
names: a GPU without a driver is seen there alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from attrs import evolve, frozen

from ..model.gpu import is_architecture
from ..model.host import Driver, Gpu
from .host import CarefulHost, shown

__all__ = ["Graphics", "examine_gpus"]

_VENDORS = {"10DE": "nvidia", "1002": "amd", "8086": "intel"}
# Display controllers (03xx) and processing accelerators (12xx).
_CLASSES = ("3", "12")
_VERSION = r"[0-9]+(?:\.[0-9]+)+"
_NVRM = re.compile(rf"NVRM version:.*?(?P<open>Open )?Kernel Module.*?\s(?P<version>{_VERSION})\s")
_QUERY = "name,driver_version,compute_cap,memory.total"
_MODULES = re.compile(r"nvidia|nvidia_.+|nouveau|nova_core|amdgpu|i915|xe")
_TARGET = re.compile(r"gfx_target_version ([0-9]{4,6})")
_MOST = 64


@frozen
class Graphics:
    """What there is of GPUs."""

    gpus: tuple[Gpu, ...]
    drivers: tuple[Driver, ...]
    modules: tuple[str, ...]
    rocm: str
    level_zero: bool


def examine_gpus(host: CarefulHost) -> Graphics:
    """Every GPU that can be seen, alike ones together, and the drivers."""
    modules = _modules(host)
    on_bus = tuple(_on_bus(host))
    nvidia, trouble = _nvidia(host)
    drivers = [*_nvidia_driver(host, modules, nvidia, trouble)]
    gpus = [gpu for gpu, _ in nvidia] or [*_unmanaged(on_bus, "nvidia")]
    amd = _amd(host) or [*_unmanaged(on_bus, "amd")]
    if "amdgpu" in modules or amd:
        drivers.append(_amd_driver(host, modules))
    intel = [*_unmanaged(on_bus, "intel")]
    drivers += [
        Driver(name, kind="kernel", loaded=True) for name in ("i915", "xe") if name in modules
    ]
    version = host.line("/opt/rocm/.info/version")
    return Graphics(
        _together([*gpus, *amd, *intel]),
        tuple(drivers),
        modules,
        version if re.match(_VERSION, version) else "",
        _has_level_zero(host),
    )


def _together(gpus: Iterable[Gpu]) -> tuple[Gpu, ...]:
    """Those that are alike as one, sorted."""
    return tuple(evolve(gpu, count=number) for gpu, number in sorted(Counter(gpus).items()))


def _modules(host: CarefulHost) -> tuple[str, ...]:
    """The loaded modules that have to do with GPUs; one that is built in has a directory too."""
    lines = host.text("/proc/modules").splitlines()
    loaded = {line.split(" ", 1)[0] for line in lines} | set(host.names("/sys/module"))
    return tuple(sorted(name for name in loaded if _MODULES.fullmatch(name)))


# -- the bus ---------------------------------------------------------------------------------------


def _on_bus(host: CarefulHost) -> Iterator[Gpu]:
    for slot in host.names("/sys/bus/pci/devices"):
        lines = host.text(f"/sys/bus/pci/devices/{slot}/uevent").splitlines()
        fields = dict(line.split("=", 1) for line in lines if "=" in line)
        vendor = _VENDORS.get(fields.get("PCI_ID", "").partition(":")[0].upper())
        # The class is hexadecimal without zeros before it: 30200 is 03, 02, 00.
        if vendor and fields.get("PCI_CLASS", "")[:-4] in _CLASSES:
            yield Gpu(vendor, driver=shown(fields.get("DRIVER", "")))


def _unmanaged(on_bus: Iterable[Gpu], vendor: str) -> Iterator[Gpu]:
    return (gpu for gpu in on_bus if gpu.vendor == vendor)


# -- NVIDIA ----------------------------------------------------------------------------------------


def _nvidia(host: CarefulHost) -> tuple[list[tuple[Gpu, str]], str]:
    """The GPUs with the driver's version, as nvidia-smi tells them; and what it says is wrong."""
    answer = host.run("nvidia-smi", f"--query-gpu={_QUERY}", "--format=csv,noheader")
    if answer.trouble:
        said = shown(answer.text.partition("\n")[0])
        return [], said
    found = []
    for line in answer.text.splitlines()[:_MOST]:
        cells = [shown(cell) for cell in line.split(",")]
        if len(cells) != _QUERY.count(",") + 1:
            continue
        name, version, capability, memory = cells
        number = capability.replace(".", "")
        architecture = f"sm_{number}" if is_architecture(f"sm_{number}") else ""
        mib = memory.removesuffix(" MiB")
        size = int(mib) if re.fullmatch(r"[0-9]{1,9}", mib) else 0
        found.append((Gpu("nvidia", name, architecture, size, "nvidia"), version))
    if not found and answer.text.strip():
        host.note("nvidia-smi", "printed what is not understood")
    return found, ""


def _nvidia_driver(
    host: CarefulHost, modules: tuple[str, ...], gpus: list[tuple[Gpu, str]], trouble: str
) -> Iterator[Driver]:
    said = _NVRM.search(host.text("/proc/driver/nvidia/version"))
    version = said["version"] if said else host.line("/sys/module/nvidia/version")
    if not version and gpus:
        version = gpus[0][1]
    if not re.fullmatch(_VERSION, version):
        version = ""
    kind = ("open" if said["open"] else "proprietary") if said else ""
    loaded = said is not None or "nvidia" in modules or bool(gpus)
    if version or loaded or trouble:
        yield Driver("nvidia", version, kind, loaded, trouble)
    yield from (
        Driver(name, kind="kernel", loaded=True)
        for name in ("nouveau", "nova_core")
        if name in modules
    )


# -- AMD -------------------------------------------------------------------------------------------


def _amd(host: CarefulHost) -> list[Gpu]:
    """The GPUs that compute, from the kernel's topology; names from rocminfo, where it is."""
    names = dict(_rocminfo(host.heard("rocminfo")))
    found = []
    nodes = "/sys/class/kfd/kfd/topology/nodes"
    for node in host.names(nodes)[:_MOST]:
        target = _TARGET.search(host.text(f"{nodes}/{node}/properties"))
        if target is None or not int(target[1]):
            continue
        major, rest = divmod(int(target[1]), 10000)
        minor, step = divmod(rest, 100)
        architecture = f"gfx{major}{minor:x}{step:x}"
        if is_architecture(architecture):
            found.append(Gpu("amd", names.get(architecture, ""), architecture, driver="amdgpu"))
    if found:
        return found
    return [Gpu("amd", name, arch, driver="amdgpu") for arch, name in names.items()]


def _rocminfo(text: str) -> Iterator[tuple[str, str]]:
    """Architecture and product of each agent that is a GPU."""
    for agent in text.split("*******")[1:]:
        fields: dict[str, str] = {}
        for line in agent.splitlines():
            key, colon, value = line.partition(":")
            if colon:
                fields.setdefault(key.strip(), value.strip())
        name = fields.get("Name", "")
        if fields.get("Device Type") == "GPU" and is_architecture(name):
            yield name, shown(fields.get("Marketing Name", ""))


def _amd_driver(host: CarefulHost, modules: tuple[str, ...]) -> Driver:
    """The module in the kernel has no version of its own; AMD's packaged one has."""
    version = host.line("/sys/module/amdgpu/version")
    known = version if re.fullmatch(_VERSION, version) else ""
    return Driver("amdgpu", known, "packaged" if known else "kernel", "amdgpu" in modules)


# -- Intel -----------------------------------------------------------------------------------------


def _has_level_zero(host: CarefulHost) -> bool:
    directories = ("/usr/lib64", "/usr/lib", "/usr/lib/x86_64-linux-gnu")
    return any("libze_loader.so.1" in host.names(place) for place in directories)
