"""Small rpm-md repositories for tests, and the laws that any root must obey, told in plain Python.

The comparison of versions and the closure are written from RPM's documentation alone, so that
they can be trusted to judge libsolv's answers.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import zstandard

from streamsolve.model import MetadataFile, Package, Repository, RpmMd

COMPRESS = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": lambda content: zstandard.ZstdCompressor().compress(content),
}
FLAGS = {"=": "EQ", "<": "LT", "<=": "LE", ">": "GT", ">=": "GE"}
LISTED = re.compile(r"^(?:/etc/.*|.*/s?bin/.*|/usr/lib/sendmail)$")


def rpm(name: str, evr: str = "1-1", arch: str = "noarch", **texts: object) -> Package:
    """A package; ``provides="a, b = 2"`` and the like are lists with commas."""
    fields = {
        key: tuple(sorted(part.strip() for part in str(value).split(",")))
        if key in {"provides", "requires", "conflicts", "obsoletes"}
        else value
        for key, value in texts.items()
    }
    return Package(name, evr, arch, **fields)


def embedded(
    name: str, *packages: Package, priority: int = 99, sources: bool = False
) -> Repository:
    digest = hashlib.sha256(repr((name, packages)).encode()).hexdigest()
    return Repository(name, digest, packages, priority, sources)


def on_disk(
    directory: Path,
    name: str,
    *packages: Package,
    suffix: str = ".zst",
    files: Mapping[str, Sequence[str]] | None = None,
    priority: int = 99,
    sources: bool = False,
) -> Repository:
    """The same packages as rpm-md files; ``files`` are a package's paths, by its name."""
    files = files or {}
    primary = _primary(packages, files).encode()
    filelists = _filelists(packages, files).encode()
    digest = hashlib.sha256(primary + filelists).hexdigest()
    parts = [
        _store(directory / f"{name}-{part}.xml{suffix}", content, suffix)
        for part, content in (("primary", primary), ("filelists", filelists))
    ]
    content = RpmMd(parts[0], parts[1] if files else None)
    return Repository(name, digest, content, priority, sources)


def _store(path: Path, content: bytes, suffix: str) -> MetadataFile:
    stored = COMPRESS[suffix](content)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stored)
    return MetadataFile(path, hashlib.sha256(stored).hexdigest(), len(content))


def _evr(evr: str) -> str:
    epoch, _, rest = evr.rpartition(":")
    version, _, release = rest.partition("-")
    text = f'epoch="{epoch or 0}" ver={quoteattr(version)}'
    return f"{text} rel={quoteattr(release)}" if release else text


def _entries(tag: str, texts: Iterable[str]) -> str:
    lines = []
    for text in texts:
        name, *rest = [text] if text.startswith("(") else text.split()
        version = f' flags="{FLAGS[rest[0]]}" {_evr(rest[1])}' if rest else ""
        lines.append(f"<rpm:entry name={quoteattr(name)}{version}/>")
    return f"<rpm:{tag}>{''.join(lines)}</rpm:{tag}>"


def element(package: Package, paths: Sequence[str] = ()) -> str:
    """One package of primary.xml, which provides itself."""
    own = dict.fromkeys([*package.provides, f"{package.name} = {package.evr}"])
    source = (
        f"<rpm:sourcerpm>{package.source}-1-1.src.rpm</rpm:sourcerpm>" if package.source else ""
    )
    listed = "".join(f"<file>{path}</file>" for path in paths if LISTED.match(path))
    return (
        f'<package type="rpm"><name>{package.name}</name><arch>{package.arch}</arch>'
        f"<version {_evr(package.evr)}/>"
        f'<checksum type="sha256" pkgid="YES">{_pkgid(package)}</checksum>'
        f'<size package="{package.size}"/><location href="{package.nevra}.rpm"/>'
        f"<format>{source}{_entries('provides', own)}"
        f"{_entries('requires', package.requires)}{_entries('conflicts', package.conflicts)}"
        f"{_entries('obsoletes', package.obsoletes)}{listed}</format></package>"
    )


def _primary(packages: Sequence[Package], files: Mapping[str, Sequence[str]]) -> str:
    body = [element(package, files.get(package.name, ())) for package in packages]
    return (
        '<?xml version="1.0" encoding="UTF-8"?><metadata xmlns="http://linux.duke.edu/metadata/common"'
        f' xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="{len(packages)}">'
        f"{''.join(body)}</metadata>"
    )


def _filelists(packages: Sequence[Package], files: Mapping[str, Sequence[str]]) -> str:
    body = "".join(
        f'<package pkgid="{_pkgid(package)}" name="{package.name}" arch="{package.arch}">'
        f"<version {_evr(package.evr)}/>"
        f"{''.join(f'<file>{path}</file>' for path in files.get(package.name, ()))}</package>"
        for package in packages
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><filelists '
        f'xmlns="http://linux.duke.edu/metadata/filelists" packages="{len(packages)}">'
        f"{body}</filelists>"
    )


def _pkgid(package: Package) -> str:
    """The hexadecimal sha256 of a package: its own, or one that is made up."""
    made_up = hashlib.sha256(package.nevra.encode()).hexdigest()
    return package.checksum.removeprefix("sha256:") or made_up


# --- RPM's order, and what a closed set is


def compare(one: str, other: str) -> int:
    """RPM's comparison of two versions or releases: -1, 0 or 1."""
    first, second = (re.findall(r"\d+|[a-zA-Z]+|~|\^", text) for text in (one, other))
    for index in range(max(len(first), len(second))):
        a = first[index] if index < len(first) else ""
        b = second[index] if index < len(second) else ""
        if a == b:
            continue
        # A tilde sorts before everything, also before the end; a caret just after the end.
        keys = [(_rank(part), int(part) if part.isdigit() else 0, part) for part in (a, b)]
        if keys[0][0] == keys[1][0] == 4 and keys[0][1] == keys[1][1]:
            continue
        return 1 if keys[0] > keys[1] else -1
    return 0


def _rank(part: str) -> int:
    if part == "~":
        return 0
    if not part:
        return 1
    if part == "^":
        return 2
    return 4 if part.isdigit() else 3


def compare_evr(one: str, other: str) -> int:
    """Epoch, version, release; a side without a release matches any."""
    (e1, v1, r1), (e2, v2, r2) = (_split(evr) for evr in (one, other))
    if e1 != e2:
        return 1 if e1 > e2 else -1
    return compare(v1, v2) or (compare(r1, r2) if r1 and r2 else 0)


def _split(evr: str) -> tuple[int, str, str]:
    epoch, _, rest = evr.rpartition(":")
    version, _, release = rest.partition("-")
    return int(epoch or 0), version, release


def satisfies(provided: str, required: str) -> bool:
    """Whether a provide meets a plain requirement: the two ranges have a version in common."""
    name, *have = provided.split()
    wanted, *want = required.split()
    if name != wanted:
        return False
    if not have or not want:
        return True
    order = compare_evr(have[1], want[1])
    return (
        (order == 0 and "=" in have[0] and "=" in want[0])
        or (order < 0 and (">" in have[0] or "<" in want[0]))
        or (order > 0 and ("<" in have[0] or ">" in want[0]))
        or (order == 0 and set(have[0]) & set(want[0]) & set("<>") != set())
    )


def provides(package: Package) -> tuple[str, ...]:
    return (*package.provides, f"{package.name} = {package.evr}")


def faults(packages: Sequence[Package]) -> list[str]:
    """What is wrong with a set of packages: what is required and not provided, two packages of one
    name, a conflict, and an obsoleted package beside what obsoletes it. Boolean dependencies are
    not looked at."""
    wrong = []
    offered = [text for package in packages for text in provides(package)]
    for package in packages:
        for text in package.requires:
            if text.startswith(("(", "rpmlib(")):
                continue
            if not any(satisfies(offer, text) for offer in offered):
                wrong.append(f"{package.nevra} lacks {text}")
        for other in packages:
            if other is package:
                continue
            if other.name == package.name:
                wrong.append(f"two of {package.name}")
            if any(satisfies(have, text) for text in package.conflicts for have in provides(other)):
                wrong.append(f"{package.nevra} conflicts with {other.nevra}")
            own = f"{other.name} = {other.evr}"
            if any(satisfies(own, text) for text in package.obsoletes):
                wrong.append(f"{package.nevra} obsoletes {other.nevra}")
    return wrong
