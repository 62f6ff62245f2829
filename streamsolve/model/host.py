"""What a machine has that is to run an application, and whether that is what a lock asks of it."""

from __future__ import annotations

from enum import Enum

from attrs import field, frozen

__all__ = [
    "Container",
    "Cpu",
    "Deployment",
    "Driver",
    "Gpu",
    "HostCheck",
    "HostReport",
    "HostState",
    "HostTool",
    "InstalledPackages",
    "Verdict",
]


@frozen
class Cpu:
    """The processors. ``arch`` is the kernel's name (``x86_64``); ``level`` that of the x86-64 ABI
    (``x86-64-v3``), empty elsewhere. ``count`` is of logical processors, 0 where unknown."""

    arch: str = ""
    model: str = ""
    level: str = ""
    count: int = 0


@frozen(order=True)
class Gpu:
    """One GPU, or several that are alike.

    ``vendor`` is ``nvidia``, ``amd`` or ``intel``; ``name`` the product's, empty where only the bus
    tells of it; ``architecture`` as profiles write it (``sm_90``, ``gfx942``), empty where unknown.
    ``memory`` is in MiB, 0 where unknown. ``driver`` is the kernel's for it, empty for none.
    """

    vendor: str
    name: str = ""
    architecture: str = ""
    memory: int = 0
    driver: str = ""
    count: int = 1


@frozen
class Driver:
    """A driver for GPUs. ``version`` is empty for one that is the kernel's own. ``loaded`` says
    that the kernel runs it, ``kind`` what sort it is (``open``, ``proprietary``, ``packaged``,
    ``kernel``), empty where unknown. ``trouble`` is what its own tool says is wrong."""

    name: str
    version: str = ""
    kind: str = ""
    loaded: bool = False
    trouble: str = ""


@frozen
class Container:
    """``inside`` is the kind of container that this runs in, empty for none. ``engines`` are those
    that are installed, with their versions; ``devices`` the files of the Container Device Interface
    by name; ``toolkit`` is the version of NVIDIA's container toolkit."""

    inside: str = ""
    engines: tuple[tuple[str, str], ...] = ()
    devices: tuple[str, ...] = ()
    toolkit: str = ""


@frozen
class Deployment:
    """An image that the host boots. ``kind`` is ``bootc`` or ``ostree``; ``digest`` that of the
    image or of the commit. ``layered`` are packages on top, ``staged`` is the version that the
    next boot brings."""

    kind: str
    image: str = ""
    version: str = ""
    digest: str = ""
    layered: tuple[str, ...] = ()
    staged: str = ""


@frozen
class InstalledPackages:
    """RPM's database: how many packages, and of a lock's runtime root how many are installed at the
    lock's version and at another one."""

    count: int
    wanted: int = 0
    same: int = 0
    other: int = 0


@frozen(order=True)
class HostTool:
    """Something that was asked and gave nothing to use: what, and why."""

    what: str
    why: str


@frozen
class HostState:
    """What was found. Texts are empty and numbers 0 where nothing is known.

    ``kernel`` is the release as the kernel says it, ``glibc`` a version; ``memory`` is in MiB, and
    ``disk`` the MiB that are free by mount point. ``secure_boot`` is ``on``, ``off`` or empty.
    ``modules`` are those loaded that have to do with GPUs. ``packages`` are name and
    ``[epoch:]version-release`` of what RPM has installed, None without RPM. ``silent`` is what was
    asked and gave nothing.
    """

    system: str = ""
    cpu: Cpu = field(factory=Cpu)
    kernel: str = ""
    glibc: str = ""
    memory: int = 0
    disk: tuple[tuple[str, int], ...] = ()
    gpus: tuple[Gpu, ...] = ()
    drivers: tuple[Driver, ...] = ()
    modules: tuple[str, ...] = ()
    rocm: str = ""
    level_zero: bool = False
    container: Container = field(factory=Container)
    deployment: Deployment | None = None
    secure_boot: str = ""
    packages: tuple[tuple[str, str], ...] | None = None
    silent: tuple[HostTool, ...] = ()

    def driver(self, name: str) -> Driver | None:
        """The driver of that name, or None."""
        return next((driver for driver in self.drivers if driver.name == name), None)

    def of_vendor(self, vendor: str) -> tuple[Gpu, ...]:
        """The GPUs of a vendor."""
        return tuple(gpu for gpu in self.gpus if gpu.vendor == vendor)


class Verdict(Enum):
    """Whether something fits; ``UNTOLD`` where what is there cannot be seen from here."""

    FITS = "fits"
    DOES_NOT_FIT = "does-not-fit"
    UNTOLD = "untold"


@frozen
class HostCheck:
    """One thing that is asked of the host.

    ``subject`` is what it is about, ``needed`` what is asked and ``found`` what is there, as texts.
    ``why`` is who asks, ``source`` where that is stated. ``step`` is what to do, empty where it
    fits.
    """

    subject: str
    verdict: Verdict
    needed: str
    found: str
    why: str = ""
    source: str = ""
    step: str = ""


@frozen
class HostReport:
    """What was found, and with a lock what is asked. ``installed`` is None without RPM."""

    state: HostState
    checks: tuple[HostCheck, ...] = ()
    application: str = ""
    installed: InstalledPackages | None = None

    @property
    def fits(self) -> bool | None:
        """Whether everything fits; None where something cannot be told and nothing else is
        wrong."""
        verdicts = {check.verdict for check in self.checks}
        if Verdict.DOES_NOT_FIT in verdicts:
            return False
        return None if Verdict.UNTOLD in verdicts else True
