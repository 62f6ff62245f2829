"""The system around: release, kernel, C library, memory, disks, RPM, containers, deployments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..model.host import Container, Deployment
from .host import CarefulHost, shown

__all__ = [
    "examine_container",
    "examine_deployment",
    "examine_disk",
    "examine_glibc",
    "examine_kernel",
    "examine_memory",
    "examine_packages",
    "examine_secure_boot",
    "examine_system",
]

_KERNEL = re.compile(r"[0-9]+\.[0-9]+[0-9A-Za-z.+~_-]*")
_GLIBC = re.compile(r"(?:glibc|GLIBC|GNU libc).*?\s([0-9]+\.[0-9]+(?:\.[0-9]+)?)\s*$")
_QUERY = r"%{NAME}\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\n"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_EVR = re.compile(r"[0-9]+:[A-Za-z0-9._+~^-]+")
_TOOL_VERSION = re.compile(r"[0-9]+\.[0-9][0-9A-Za-z.+~-]*")
_SECURE_BOOT = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_MOST = 100


def examine_system(host: CarefulHost) -> str:
    """The release's name."""
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        for line in host.text(path).splitlines():
            if line.startswith("PRETTY_NAME="):
                return shown(line.partition("=")[2].strip("\"'"))
    return ""


def examine_kernel(host: CarefulHost) -> str:
    """The kernel's release, such as ``6.18.4-200.fc44.x86_64``."""
    words = host.text("/proc/version").split()
    for text in (
        host.line("/proc/sys/kernel/osrelease"),
        words[2] if words[:2] == ["Linux", "version"] and len(words) > 2 else "",
        shown(host.heard("uname", "-r")),
    ):
        if _KERNEL.fullmatch(text):
            return text
    return ""


def examine_glibc(host: CarefulHost) -> str:
    """The version of the C library, empty where it is another one."""
    said = _GLIBC.search(host.heard("getconf", "GNU_LIBC_VERSION"))
    if said is None:
        said = _GLIBC.search(host.heard("ldd", "--version").partition("\n")[0])
    return said[1] if said else ""


def examine_memory(host: CarefulHost) -> int:
    """MiB of memory."""
    found = re.search(r"^MemTotal:\s+([0-9]{1,15}) kB$", host.text("/proc/meminfo"), re.MULTILINE)
    return int(found[1]) // 1024 if found else 0


def examine_disk(host: CarefulHost) -> tuple[tuple[str, int], ...]:
    """MiB that are free where images and packages go."""
    answer = host.run("df", "-P", "-k", "/", "/var")
    found: dict[str, int] = {}
    for line in answer.text.splitlines()[1:]:
        cells = line.split()
        if len(cells) == 6 and re.fullmatch(r"[0-9]{1,18}", cells[3]):
            found[shown(cells[5])] = int(cells[3]) // 1024
    return tuple(sorted(found.items())[:_MOST])


def examine_packages(host: CarefulHost) -> tuple[tuple[str, str], ...] | None:
    """What RPM has installed, sorted; None where RPM is not there or has nothing."""
    found = set()
    for line in host.heard("rpm", "-qa", "--queryformat", _QUERY).splitlines():
        name, _, evr = line.partition("\t")
        if _NAME.fullmatch(name) and _EVR.fullmatch(evr):
            found.add((name, evr.removeprefix("0:")))
    return tuple(sorted(found)) or None


def examine_secure_boot(host: CarefulHost) -> str:
    """``on`` or ``off``; empty where it cannot be told."""
    said = host.heard("mokutil", "--sb-state")
    if found := re.match(r"SecureBoot (enabled|disabled)", said):
        return "on" if found[1] == "enabled" else "off"
    # Four bytes of attributes, and one of value.
    data = host.read(f"/sys/firmware/efi/efivars/{_SECURE_BOOT}").data
    return ("on" if data[4] else "off") if len(data) == 5 else ""


# -- containers ------------------------------------------------------------------------------------


def examine_container(host: CarefulHost) -> Container:
    """Whether this is one, and what there is to run some."""
    devices = {
        name
        for place in ("/etc/cdi", "/run/cdi", "/var/run/cdi")
        for name in host.names(place)
        if name.endswith((".yaml", ".json"))
    }
    engines = tuple(
        (name, version)
        for name in ("podman", "docker")
        if (version := _version(host.heard(name, "--version")))
    )
    toolkit = _version(host.heard("nvidia-ctk", "--version"))
    return Container(_inside(host), engines, tuple(sorted(devices)[:_MOST]), toolkit)


def _inside(host: CarefulHost) -> str:
    told = host.line("/run/systemd/container")
    if told:
        return told
    if ".containerenv" in host.names("/run"):
        return "podman"
    if ".dockerenv" in host.names("/"):
        return "docker"
    return "kubernetes" if "kubernetes.io" in host.names("/run/secrets") else ""


def _version(text: str) -> str:
    found = _TOOL_VERSION.search(text)
    return shown(found[0]) if found else ""


# -- deployments -----------------------------------------------------------------------------------


def examine_deployment(host: CarefulHost) -> Deployment | None:
    """The image that is booted, if the host boots images."""
    status = _json(host, "bootc", "status", "--json")
    booted = _at(status, "status", "booted")
    if isinstance(booted, dict):
        image = _at(booted, "image", "image", "image")
        return Deployment(
            "bootc",
            _text(image) or _text(_at(booted, "image", "image")),
            _text(_at(booted, "image", "version")),
            _text(_at(booted, "image", "imageDigest")),
            staged=_text(_at(status, "status", "staged", "image", "version")),
        )
    deployments = _at(_json(host, "rpm-ostree", "status", "--json"), "deployments")
    if not isinstance(deployments, list):
        booted_so = "ostree-booted" in host.names("/run")
        return Deployment("ostree") if booted_so else None
    for each in deployments:
        if isinstance(each, dict) and each.get("booted") is True:
            return Deployment(
                "ostree",
                _text(each.get("container-image-reference")) or _text(each.get("origin")),
                _text(each.get("version")),
                _text(each.get("container-image-reference-digest")) or _text(each.get("checksum")),
                tuple(_texts(each.get("packages"))),
                next(_staged(deployments), ""),
            )
    return None


def _staged(deployments: list[Any]) -> Iterator[str]:
    return (
        _text(each.get("version"))
        for each in deployments
        if isinstance(each, dict) and each.get("staged") is True
    )


def _json(host: CarefulHost, *command: str) -> Mapping[str, Any]:
    text = host.heard(*command)
    if not text:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        host.note(command[0], "printed what is not understood")
        return {}
    return found


def _at(value: object, *path: str) -> object:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text(value: object) -> str:
    return shown(value) if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    items = value if isinstance(value, list) else []
    return sorted(filter(None, map(_text, items)))[:_MOST]
