"""What a lock asks of the machine that runs it, and what is known to go together, against a host.

What cannot be seen from where this runs is never taken for missing: inside a container the host's
driver may be hidden, and a GPU without a driver does not tell its architecture.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import frozen
from packaging.version import InvalidVersion, Version

from ..model.artifacts import GpuMatrix
from ..model.component import Component, Kind
from ..model.gpu import Cover, coverage, vendor_of
from ..model.host import Gpu, HostCheck, HostReport, HostState, InstalledPackages, Verdict
from ..model.kernel import KernelPair
from ..model.lock import LockSettings
from ..model.plan import HostRequirement, Plan
from ..model.profile import ComponentRule, DeclaredStream
from ..model.requirement import Requirement
from ..model.rpm_version import split_evr

__all__ = ["judge"]

_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_DRIVERS = {
    "nvidia-driver": "nvidia",
    "nvidia-open": "nvidia",
    "nvidia": "nvidia",
    "amdgpu-driver": "amdgpu",
    "amdgpu": "amdgpu",
}
"""Which driver of a host a component is."""
_PACKAGES = dict.fromkeys(
    (
        "akmod-nvidia",
        "akmod-nvidia-open",
        "kmod-nvidia",
        "kmod-nvidia-open-dkms",
        "nvidia-driver",
        "nvidia-kmod",
        "nvidia-open",
        "xorg-x11-drv-nvidia",
    ),
    "nvidia",
)
"""Packages that bring a driver, as RPM Fusion and NVIDIA name them."""
_VENDOR_OF_DRIVER = {"nvidia": "nvidia", "amdgpu": "amd"}
_VENDORS = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel"}
_KERNEL_NAMES = ("kernel", "kernel-core")
_GLIBC = Component(Kind.PACKAGE, "glibc")


def judge(
    state: HostState,
    *,
    plan: Plan | None = None,
    settings: LockSettings | None = None,
    rules: Sequence[ComponentRule] = (),
) -> HostReport:
    """Hold a host against what is known of drivers and kernels (``rules``), and against a lock."""
    checks = list(_known_pairs(state, rules))
    if plan is None:
        return HostReport(state, tuple(checks))
    asked = [_architecture(plan, state)]
    asked += [_requirement(needed, state, rules) for needed in plan.host]
    asked += _gpus(settings.gpu if settings else GpuMatrix(), state, plan)
    asked += _bound(plan.kernel_pair, state)
    name = f"{plan.application} {plan.version} ({plan.variant})"
    return HostReport(state, (*asked, *checks), name, _installed(plan, state))


# -- what is there ---------------------------------------------------------------------------------


@frozen
class _Found:
    """What a host has of a component: a text for it, and its version where there is one to compare.
    ``hidden`` says why it cannot be told, empty where what is said is all that there is; ``idle``
    that it is installed and does not run."""

    text: str
    version: Version | None = None
    hidden: str = ""
    idle: bool = False


def _found(component: Component, state: HostState) -> _Found:
    if component.kind is Kind.KERNEL_MODULE and component.name in _DRIVERS:
        return _driver(_DRIVERS[component.name], state)
    if component.name in _KERNEL_NAMES:
        return _numbered(state.kernel, "the kernel's release is not known")
    if component == _GLIBC:
        return _numbered(state.glibc, "the C library is not glibc, or cannot be asked")
    if component.kind is Kind.PACKAGE and state.packages is not None:
        evr = dict(state.packages).get(component.name)
        if evr is None:
            return _Found(f"{component.name} is not installed")
        return _Found(f"{component.name} {evr}", _version(split_evr(evr)[1]))
    return _Found("not looked at", hidden=f"nothing here says which {component.name} there is")


def _numbered(text: str, hidden: str) -> _Found:
    version = _version(text)
    return _Found(text, version) if version else _Found(text or "nothing", hidden=hidden)


def _version(text: str) -> Version | None:
    """The numbers that a text begins with: a kernel's ``7.0.0-0.rc1`` has 7.0's interfaces."""
    found = _NUMBERS.match(text)
    try:
        return Version(found[0]) if found else None
    except (InvalidVersion, ValueError):
        return None


def _driver(name: str, state: HostState) -> _Found:
    driver = state.driver(name)
    if driver is not None and driver.version:
        kind = f" ({driver.kind})" if driver.kind else ""
        text = f"{name} {driver.version}{kind}"
        text = text if driver.loaded else f"{text}, not loaded"
        return _Found(text, _version(driver.version), idle=not driver.loaded)
    if driver is not None and driver.loaded:
        return _Found(f"the kernel's own {name}", hidden="it has no version of its own")
    for package, evr in state.packages or ():
        if _PACKAGES.get(package) == name:
            version = split_evr(evr)[1]
            text = f"{package} {version}, not loaded"
            return _Found(text, _version(version), idle=True)
    if driver is not None:
        return _Found(f"no {name} driver that works")
    if state.container.inside:
        where = f"inside a container ({state.container.inside})"
        return _Found("none seen", hidden=f"the host's driver cannot be seen {where}")
    return _Found(f"no {name} driver")


# -- requirements of a lock ------------------------------------------------------------------------


def _architecture(plan: Plan, state: HostState) -> HostCheck:
    found = state.cpu.arch
    verdict = Verdict.FITS if found == plan.arch else Verdict.DOES_NOT_FIT
    step = f"lock it for this machine: `streamsolve lock {plan.application} --arch {found}`"
    if not found:
        verdict, step = Verdict.UNTOLD, "compare it with what `uname -m` prints on the machine"
    return HostCheck(
        "processor",
        verdict,
        plan.arch,
        found or "unknown",
        "the packages of the lock are for it",
        step="" if verdict is Verdict.FITS else step,
    )


def _requirement(
    needed: HostRequirement, state: HostState, rules: Sequence[ComponentRule]
) -> HostCheck:
    requirement = needed.requirement
    found = _found(requirement.component, state)
    verdict = Verdict.DOES_NOT_FIT if found.idle else _verdict(requirement, found)
    step = ""
    if verdict is Verdict.UNTOLD:
        step = f"{found.hidden}: run this on the host"
        if not state.container.inside:
            step = found.hidden
    elif verdict is Verdict.DOES_NOT_FIT:
        step = _step(requirement, found, state, rules)
    return HostCheck(
        requirement.component.name,
        verdict,
        str(requirement.specifier) or "any version",
        found.text,
        f"for {needed.by.name}",
        _place(requirement),
        step,
    )


def _place(requirement: Requirement) -> str:
    """The file and line that state it."""
    place = requirement.place
    return f"{place.file}:{place.line}" if place.file and place.line else place.file


def _verdict(requirement: Requirement, found: _Found) -> Verdict:
    if found.hidden:
        return Verdict.UNTOLD
    if found.version is None:
        return Verdict.DOES_NOT_FIT
    return Verdict.FITS if requirement.allows(found.version) else Verdict.DOES_NOT_FIT


def _step(
    requirement: Requirement,
    found: _Found,
    state: HostState,
    rules: Sequence[ComponentRule],
) -> str:
    """What to do about something that is missing or of another version."""
    component = requirement.component
    name = f"{component.name} {requirement.specifier}".strip()
    if component.name in _KERNEL_NAMES:
        return f"boot a kernel {requirement.specifier}"
    driver = _DRIVERS.get(component.name, "") if component.kind is Kind.KERNEL_MODULE else ""
    if driver and not _has_gpu(_VENDOR_OF_DRIVER[driver], state):
        vendor = _VENDORS[_VENDOR_OF_DRIVER[driver]]
        return f"this machine has no {vendor} GPU: run it on one that has, or lock another variant"
    parts = [f"{'update to' if found.version else 'install'} {name}"]
    if found.idle and found.version and requirement.allows(found.version):
        parts = ["see why its module is not loaded (`modprobe nvidia`, `dmesg`)"]
    if state.deployment is not None and driver:
        parts = [f"bring {name} in the image that the host boots (`streamsolve emit bootc`)"]
    if "nouveau" in state.modules and driver == "nvidia":
        parts.append("nouveau has the GPU now and must let it go")
    if state.secure_boot == "on" and driver:
        parts.append("secure boot is on, so the module must be signed with a key that it trusts")
    parts += [
        f"not of the {stream.version} branch, which is for {clause.component.name} "
        f"{clause.specifier}"
        for _, stream, clause in _excluded(state, rules, component)
    ]
    return "; ".join(parts)


def _has_gpu(vendor: str, state: HostState) -> bool:
    return bool(state.of_vendor(vendor))


# -- a kernel module of the lock -------------------------------------------------------------------


def _bound(pair: KernelPair | None, state: HostState) -> Iterator[HostCheck]:
    """Whether the kernel that runs is the one that a module was built for."""
    if pair is None:
        return
    same = state.kernel == pair.release
    verdict = Verdict.FITS if same else Verdict.DOES_NOT_FIT
    step = "boot the kernel that the module was built for (`streamsolve emit bootc`), or lock the "
    step += "module for the one that runs"
    if not state.kernel:
        verdict, step = Verdict.UNTOLD, "compare it with what `uname -r` prints on the machine"
    yield HostCheck(
        "kernel",
        verdict,
        pair.release,
        state.kernel or "unknown",
        f"{pair.module.name} {pair.written} is built for it and for no other",
        step="" if same else step,
    )


# -- GPU architectures -----------------------------------------------------------------------------


def _gpus(matrix: GpuMatrix, state: HostState, plan: Plan) -> Iterator[HostCheck]:
    lists = {"": matrix.architectures, **matrix.of}
    vendors = sorted({vendor_of(each) for names in lists.values() for each in names})
    for vendor in vendors:
        own = {
            stream: tuple(each for each in names if vendor_of(each) == vendor)
            for stream, names in lists.items()
        }
        gpus = state.of_vendor(vendor)
        if not gpus:
            yield _without_gpu(vendor, own, state)
        for gpu in gpus:
            yield _covered(gpu, {stream: names for stream, names in own.items() if names}, plan)


def _listed(own: Mapping[str, Iterable[str]]) -> str:
    return ", ".join(dict.fromkeys(each for names in own.values() for each in names))


def _without_gpu(vendor: str, own: Mapping[str, Iterable[str]], state: HostState) -> HostCheck:
    name = _VENDORS[vendor]
    verdict, found = Verdict.DOES_NOT_FIT, f"no {name} GPU"
    step = f"run it on a machine with a {name} GPU, or lock another variant"
    if state.container.inside:
        verdict, found = Verdict.UNTOLD, "none seen"
        step = "GPUs may be hidden inside a container: run this on the host, or pass them in"
    return HostCheck("GPU", verdict, _listed(own), found, step=step)


def _covered(gpu: Gpu, own: Mapping[str, tuple[str, ...]], plan: Plan) -> HostCheck:
    name = gpu.name or f"{_VENDORS[gpu.vendor]} GPU"
    if not gpu.architecture:
        step = (
            f"install the {_VENDORS[gpu.vendor]} driver, whose tools say which architecture it is"
        )
        return HostCheck("GPU", Verdict.UNTOLD, _listed(own), f"{name}, unknown", step=step)
    found = {stream: coverage(gpu.architecture, names) for stream, names in own.items()}
    lacking = sorted(stream for stream, each in found.items() if each.cover is Cover.NONE)
    verdict, step, why = Verdict.FITS, "", "it is built for it"
    if lacking:
        verdict = Verdict.DOES_NOT_FIT
        named = list(filter(None, lacking)) or ["it"]
        why = f"{', '.join(named)} {'has' if len(named) == 1 else 'have'} no code for it"
        stacks = [s for s in plan.streams if s.kind is Kind.ACCELERATOR and s.version]
        able = " and ".join(f"{stack.component.name} {stack.version}" for stack in stacks)
        step = (
            f"run it on another GPU, or add {gpu.architecture} to [variants.{plan.variant}.gpu] of "
            f"the profile{f' if {able} builds for it' if able else ''}, lock and build again"
        )
    elif any(each.cover is Cover.COMPILED for each in found.values()):
        why = "the driver compiles code for it when it is loaded"
    elif any(each.cover is Cover.COMPATIBLE for each in found.values()):
        by = sorted({name for each in found.values() for name in each.by})
        why = f"what is built for {', '.join(by)} runs on it"
    text = f"{gpu.architecture} ({name})" if gpu.name else gpu.architecture
    return HostCheck("GPU", verdict, _listed(own), text, why, step=step)


# -- what is known to go together ------------------------------------------------------------------


def _clauses(stream: DeclaredStream) -> tuple[Requirement, ...]:
    return (*stream.requires, *stream.constrains)


def _excluded(
    state: HostState, rules: Sequence[ComponentRule], component: Component
) -> Iterator[tuple[ComponentRule, DeclaredStream, Requirement]]:
    """Streams of a kernel module that what this host has otherwise excludes."""
    if component.kind is not Kind.KERNEL_MODULE:
        return
    own = _DRIVERS.get(component.name, component.name)
    for rule in rules:
        other = rule.component
        if other.kind is not Kind.KERNEL_MODULE or _DRIVERS.get(other.name, other.name) != own:
            continue
        for stream in rule.streams:
            for clause in _clauses(stream):
                if _verdict(clause, _found(clause.component, state)) is Verdict.DOES_NOT_FIT:
                    yield rule, stream, clause


def _known_pairs(state: HostState, rules: Sequence[ComponentRule]) -> Iterator[HostCheck]:
    """What is known of the drivers that are here. A driver that runs in spite of it was mended by
    somebody: that is told, and is no fault."""
    for rule in rules:
        if rule.component.kind is not Kind.KERNEL_MODULE:
            continue
        found = _found(rule.component, state)
        for stream in rule.streams:
            if found.version is None or not _begins(found.version, stream.version):
                continue
            for clause in _clauses(stream):
                yield _pair(found, stream, clause, state, _DRIVERS.get(rule.component.name, ""))


def _begins(version: Version, stream: Version) -> bool:
    return version.release[: len(stream.release)] == stream.release


def _pair(
    found: _Found, stream: DeclaredStream, clause: Requirement, state: HostState, driver: str
) -> HostCheck:
    there = _found(clause.component, state)
    verdict, step = _verdict(clause, there), ""
    own = state.driver(driver)
    if verdict is Verdict.DOES_NOT_FIT:
        step = f"use another branch than {stream.version}, or {clause.component.name} "
        step += str(clause.specifier)
        if own is not None and own.loaded:
            verdict = Verdict.UNTOLD
            step = "it is loaded all the same: it was mended for this kernel; test it after updates"
    elif verdict is Verdict.UNTOLD:
        step = there.hidden
    return HostCheck(
        clause.component.name,
        verdict,
        str(clause.specifier),
        there.text,
        f"for {found.text}",
        ": ".join(filter(None, (_place(clause), stream.evidence))),
        step,
    )


# -- packages --------------------------------------------------------------------------------------


def _installed(plan: Plan, state: HostState) -> InstalledPackages | None:
    if state.packages is None:
        return None
    wanted = plan.builds.runtime.packages if plan.builds else ()
    have: dict[str, set[str]] = {}
    for name, evr in state.packages:
        have.setdefault(name, set()).add(evr)
    there = [package for package in wanted if package.name in have]
    same = sum(package.evr.removeprefix("0:") in have[package.name] for package in there)
    return InstalledPackages(len(state.packages), len(wanted), same, len(there) - same)
