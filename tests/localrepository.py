"""Small repositories in rpm-md form, as bytes for a server or on disk.

write_repository(tmp_path / "x86_64", [rpm("bash", "5.3-1.fc44")])
LocalServer(repository_files([rpm("bash", "5.3-1.fc44")], prefix="/os"))
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
from collections.abc import Iterable, Mapping
from pathlib import Path

import zstandard

__all__ = ["compress", "metalink", "repository_files", "rpm", "sha256", "write_repository"]

_COMMON = "http://linux.duke.edu/metadata/common"
_RPM = "http://linux.duke.edu/metadata/rpm"
_REPO = "http://linux.duke.edu/metadata/repo"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def compress(content: bytes, suffix: str) -> bytes:
    """The content as a file with that suffix holds it; an empty suffix leaves it as it is."""
    if suffix == ".gz":
        return gzip.compress(content, mtime=0)
    if suffix == ".zst":
        return zstandard.ZstdCompressor().compress(content)
    if suffix == ".xz":
        return lzma.compress(content)
    if suffix == ".bz2":
        return bz2.compress(content)
    return content


def rpm(name: str, evr: str = "1.0-1", arch: str = "x86_64") -> str:
    """One package element of primary.xml, which provides itself."""
    epoch, _, rest = evr.rpartition(":")
    version, _, release = rest.rpartition("-")
    numbers = f'epoch="{epoch or 0}" ver="{version}" rel="{release}"'
    return (
        f'<package type="rpm"><name>{name}</name><arch>{arch}</arch><version {numbers}/>'
        f'<checksum type="sha256" pkgid="YES">{sha256(f"{name}-{evr}.{arch}".encode())}</checksum>'
        f'<location href="Packages/{name}-{rest}.{arch}.rpm"/><format><rpm:provides>'
        f'<rpm:entry name="{name}" flags="EQ" {numbers}/></rpm:provides></format></package>'
    )


def repository_files(
    packages: Iterable[str] = (),
    *,
    suffix: str = ".gz",
    algorithm: str = "sha256",
    more: Mapping[str, bytes] | None = None,
    prefix: str = "",
) -> dict[str, bytes]:
    """The files of a repository by path, each path behind ``prefix``.

    ``more`` are further files by type, such as ``modules``, kept as they are.
    """
    listed = list(packages)
    primary = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<metadata xmlns="{_COMMON}" xmlns:rpm="{_RPM}"'
        f' packages="{len(listed)}">\n' + "\n".join(listed) + "\n</metadata>\n"
    ).encode()
    contents = {"primary": (f"primary.xml{suffix}", primary, compress(primary, suffix))}
    for kind, content in (more or {}).items():
        contents[kind] = (kind, content, content)
    files: dict[str, bytes] = {}
    rows = ""
    for kind, (name, opened, packed) in contents.items():
        digest = hashlib.new(algorithm, packed).hexdigest()
        location = f"repodata/{digest}-{name}"
        files[f"{prefix}/{location}"] = packed
        rows += (
            f'<data type="{kind}"><checksum type="{algorithm}">{digest}</checksum>'
            f'<open-checksum type="sha256">{sha256(opened)}</open-checksum>'
            f'<location href="{location}"/><size>{len(packed)}</size>'
            f"<open-size>{len(opened)}</open-size></data>\n"
        )
    repomd = f'<?xml version="1.0" encoding="UTF-8"?>\n<repomd xmlns="{_REPO}">\n{rows}</repomd>\n'
    return {f"{prefix}/repodata/repomd.xml": repomd.encode(), **files}


def write_repository(
    directory: Path,
    packages: Iterable[str] = (),
    *,
    suffix: str = ".gz",
    algorithm: str = "sha256",
    more: Mapping[str, bytes] | None = None,
) -> Path:
    """A repository on disk; returns the directory."""
    files = repository_files(packages, suffix=suffix, algorithm=algorithm, more=more)
    for path, content in files.items():
        target = directory / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return directory


def metalink(
    urls: Mapping[str, int], digests: Iterable[str] = (), *, earlier: Iterable[str] = ()
) -> bytes:
    """A metalink as MirrorManager writes it: mirrors with their preference, and the accepted
    digests of repomd.xml, the newest first and then ``earlier`` ones."""

    def verification(digest: str) -> str:
        return f'<verification><hash type="sha256">{digest}</hash></verification>'

    alternates = "".join(f"<mm0:alternate>{verification(d)}</mm0:alternate>" for d in earlier)
    resources = "".join(
        f'<url protocol="http" preference="{rank}">{url}repodata/repomd.xml</url>'
        for url, rank in urls.items()
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><metalink version="3.0"'
        ' xmlns="http://www.metalinker.org/" xmlns:mm0="http://fedorahosted.org/mirrormanager">'
        f'<files><file name="repomd.xml">{"".join(verification(d) for d in digests)}'
        f"<mm0:alternates>{alternates}</mm0:alternates>"
        f"<resources>{resources}</resources></file></files></metalink>"
    ).encode()
