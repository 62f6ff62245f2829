"""What a host has and whether a lock fits it: text, and the document ``streamsolve.doctor/1``."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import asdict

from ..model.host import Deployment, Driver, Gpu, HostCheck, HostReport, HostState, Verdict
from ..model.schemas import shipped_schema
from .document import Document
from .markup import Block, Row, Span, Style, Table, blank, paragraph
from .sentences import count

__all__ = ["doctor_blocks", "doctor_document", "doctor_schema"]

_MARKS = {
    Verdict.FITS: Span("✓", Style.GOOD),
    Verdict.DOES_NOT_FIT: Span("✗", Style.BAD),
    Verdict.UNTOLD: Span("▲", Style.WARNING),
}
_GIB = 1024
_LONG = 24
_DIGEST_SHOWN = 19
_VENDORS = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel"}


def doctor_schema() -> Document:
    """The JSON Schema of these documents."""
    return shipped_schema("doctor-1")


# -- text ------------------------------------------------------------------------------------------


def doctor_blocks(report: HostReport, file: str = "") -> tuple[Block, ...]:
    """The answer first, then each check, then what there is; ``file`` is the lock, if any."""
    blocks: list[Block] = [*_answer(report, file)]
    if report.checks:
        blocks.append(Table(tuple(_check(each) for each in report.checks)))
    blocks += [blank()] if blocks else []
    blocks.append(paragraph(Span("This machine", Style.HEADING)))
    rows = [Row((Span(name, Style.NAME),), (Span(text),)) for name, text in _rows(report)]
    return (*blocks, Table(tuple(rows)))


def _answer(report: HostReport, file: str) -> Iterator[Block]:
    if not file:
        if report.checks:
            yield paragraph(Span("Known to go together, or not", Style.HEADING))
        return
    name = Span(report.application, Style.NAME)
    bad = sum(each.verdict is Verdict.DOES_NOT_FIT for each in report.checks)
    untold = sum(each.verdict is Verdict.UNTOLD for each in report.checks)
    if bad:
        text = f" does not fit this machine: {bad} of {count(len(report.checks), 'check')}."
        yield paragraph(_mark(Verdict.DOES_NOT_FIT), name, text, hang=2)
    elif untold:
        text = f": nothing is against it, and {untold} of {count(len(report.checks), 'check')} "
        text += "cannot be told here."
        yield paragraph(_mark(Verdict.UNTOLD), name, text, hang=2)
    else:
        yield paragraph(_mark(Verdict.FITS), name, " fits this machine.", hang=2)


def _mark(verdict: Verdict) -> Span:
    mark = _MARKS[verdict]
    return Span(f"{mark.text} ", mark.style)


def _check(check: HostCheck) -> Row:
    cells = (_MARKS[check.verdict], Span(check.subject, Style.NAME))
    fits = check.verdict is Verdict.FITS
    needs = "" if fits and len(check.needed) > _LONG else f"needs {check.needed}"
    said = ", ".join(filter(None, (needs, check.why)))
    text = Span(f"{check.found}; {said}" if said else check.found)
    source = Span(f" ({check.source})" if check.source and not fits else "", Style.QUIET)
    return Row(cells, (text, source, Span(f" → {check.step}" if check.step else "")))


def _rows(report: HostReport) -> Iterator[tuple[str, str]]:
    state = report.state
    yield "system", state.system or "not known"
    yield "processor", _cpu(state)
    yield "kernel", state.kernel or "not known"
    yield "glibc", state.glibc or "none found"
    yield "memory", _size(state.memory) if state.memory else "not known"
    if state.disk:
        yield "free", ", ".join(f"{_size(mib)} in {place}" for place, mib in state.disk)
    yield "GPUs", ", ".join(map(_gpu, state.gpus)) or "none found"
    yield "drivers", "; ".join(map(_driver, state.drivers)) or "none for GPUs"
    further = [f"ROCm {state.rocm}"] if state.rocm else []
    further += ["Level Zero"] if state.level_zero else []
    if further:
        yield "also", ", ".join(further)
    yield "containers", _containers(state)
    yield "packages", _packages(report)
    yield "boots", _deployment(state.deployment)
    yield "secure boot", state.secure_boot or "cannot be told"
    if state.silent:
        yield "silent", "; ".join(f"{tool.what} {tool.why}" for tool in state.silent)


def _size(mib: int) -> str:
    return f"{mib / _GIB:.0f} GiB" if mib >= _GIB else f"{mib} MiB"


def _cpu(state: HostState) -> str:
    cpu = state.cpu
    number = count(cpu.count, "processor") if cpu.count else ""
    known = (cpu.arch or "architecture not known", cpu.level, cpu.model, number)
    return ", ".join(filter(None, known))


def _gpu(gpu: Gpu) -> str:
    name = gpu.name or f"{_VENDORS.get(gpu.vendor, gpu.vendor)} GPU"
    told = [gpu.architecture, _size(gpu.memory) if gpu.memory else ""]
    if not gpu.driver:
        told.append("without a driver")
    elif not gpu.name:
        told.append(f"driven by {gpu.driver}")
    rest = ", ".join(filter(None, told))
    return f"{f'{gpu.count} × ' if gpu.count > 1 else ''}{name}{f' ({rest})' if rest else ''}"


def _driver(driver: Driver) -> str:
    told = ["the kernel's own" if driver.kind == "kernel" else driver.kind]
    told += [] if driver.loaded else ["not loaded"]
    rest = ", ".join(filter(None, told))
    text = " ".join(filter(None, (driver.name, driver.version, f"({rest})" if rest else "")))
    return f"{text}: {driver.trouble}" if driver.trouble else text


def _containers(state: HostState) -> str:
    container = state.container
    told = [f"this is inside one ({container.inside})"] if container.inside else []
    told += [f"{name} {version}" for name, version in container.engines]
    if container.toolkit:
        told.append(f"NVIDIA container toolkit {container.toolkit}")
    if container.devices:
        told.append(f"CDI: {', '.join(container.devices)}")
    return ", ".join(told) or "no podman, no docker"


def _packages(report: HostReport) -> str:
    if report.state.packages is None:
        return "no RPM database"
    text = f"{len(report.state.packages)} by RPM"
    found = report.installed
    if found is not None and found.wanted:
        text += (
            f"; of the lock's {found.wanted} at run time {found.same} as locked and {found.other} "
            "at another version"
        )
    return text


def _deployment(found: Deployment | None) -> str:
    if found is None:
        return "no image: packages are installed one by one"
    told = [found.kind, found.image, found.version, found.digest[:_DIGEST_SHOWN]]
    told += [f"with {', '.join(found.layered)}"] if found.layered else []
    told += [f"next boot: {found.staged}"] if found.staged else []
    return ", ".join(filter(None, told))


# -- the document ----------------------------------------------------------------------------------


def doctor_document(report: HostReport, file: str = "") -> Document:
    """Complete; what is not known is null, and lists are sorted."""
    state = report.state
    return {
        "schema": "streamsolve.doctor/1",
        "lock": file or None,
        "application": report.application or None,
        "fits": report.fits if file else None,
        "checks": [_check_document(each) for each in report.checks],
        "host": {
            "system": state.system or None,
            "cpu": {
                "arch": state.cpu.arch or None,
                "level": state.cpu.level or None,
                "model": state.cpu.model or None,
                "count": state.cpu.count or None,
            },
            "kernel": state.kernel or None,
            "glibc": state.glibc or None,
            "memory_mib": state.memory or None,
            "free_mib": dict(state.disk),
            "gpus": [_gpu_document(each) for each in state.gpus],
            "drivers": [asdict(each) for each in state.drivers],
            "modules": list(state.modules),
            "rocm": state.rocm or None,
            "level_zero": state.level_zero,
            "container": {
                "inside": state.container.inside or None,
                "engines": dict(state.container.engines),
                "cdi": list(state.container.devices),
                "nvidia_toolkit": state.container.toolkit or None,
            },
            "deployment": _deployment_document(state.deployment),
            "secure_boot": state.secure_boot or None,
            "rpm": _rpm_document(report),
            "silent": [asdict(each) for each in state.silent],
        },
    }


def _check_document(check: HostCheck) -> Document:
    return {**asdict(check), "verdict": check.verdict.value}


def _gpu_document(gpu: Gpu) -> Document:
    return {
        "vendor": gpu.vendor,
        "name": gpu.name or None,
        "architecture": gpu.architecture or None,
        "memory_mib": gpu.memory or None,
        "driver": gpu.driver or None,
        "count": gpu.count,
    }


def _deployment_document(found: Deployment | None) -> Document | None:
    if found is None:
        return None
    return {**asdict(found), "layered": list(found.layered)}


def _rpm_document(report: HostReport) -> Document | None:
    if report.state.packages is None:
        return None
    found = report.installed
    return {
        "packages": len(report.state.packages),
        "of_lock": None
        if found is None
        else {"wanted": found.wanted, "same": found.same, "other": found.other},
    }
