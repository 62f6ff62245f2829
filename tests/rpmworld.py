"""RPM files built by the real rpmbuild, and what the real rpm makes of them.

demo = build_rpm(tmp_path, "demo", install="mkdir -p %{buildroot}/usr/bin …", files=("/usr/bin/x",))
install(root, [demo])                # rpm --root … -i --noscripts
tree_of(root)                        # path -> (kind, mode, owners, capabilities, link, digest)
"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

__all__ = ["EPOCH", "build_rpm", "install", "rpm_query", "run", "tree_of"]

EPOCH = 1_600_000_000
DATABASE = "/usr/lib/sysimage/rpm"

_HEAD = """\
%global debug_package %{{nil}}
%global __os_install_post %{{nil}}
%global __brp_mangle_shebangs %{{nil}}
%define _build_id_links none
%define _invalid_encoding_terminates_build 0
%define _binary_payload {payload}
%define clamp_mtime_to_source_date_epoch 1
%define use_source_date_epoch_as_buildtime 1
%define _buildhost builder
Name: {name}
Version: {version}
Release: {release}
Summary: For tests
License: MIT
BuildArch: {arch}
AutoReqProv: no
{tags}
%description
For tests.
%install
rm -rf %{{buildroot}}; mkdir -p %{{buildroot}}
cd %{{buildroot}}
{install}
{scripts}
%files
{files}
"""


def run(*command: str | Path, **environment: str) -> str:
    """What a command writes; it must succeed."""
    done = subprocess.run(
        list(map(str, command)),
        env={**os.environ, "LC_ALL": "C.UTF-8", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=280,
    )
    output = done.stdout.decode("utf-8", "backslashreplace")
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}:\n{output[-3000:]}"
    return output


def build_rpm(
    directory: Path,
    name: str,
    *,
    install: str = "",
    files: Iterable[str] = (),
    version: str = "1",
    release: str = "1",
    arch: str = "noarch",
    tags: str = "",
    scripts: str = "",
    payload: str = "w3.zstdio",
    epoch: int = EPOCH,
) -> Path:
    """One package. ``install`` is a script that starts in the build root, ``files`` are lines of
    ``%files``; lines in a spec may be any bytes (surrogates)."""
    work = directory / f"{name}-work"
    work.mkdir(parents=True)
    spec = work / f"{name}.spec"
    text = _HEAD.format(
        name=name,
        version=version,
        release=release,
        arch=arch,
        tags=tags,
        install=install,
        scripts=scripts,
        files="\n".join(files),
        payload=payload,
    )
    spec.write_bytes(text.encode("utf-8", "surrogateescape"))
    file = f"{name}-{version}-{release}.{arch}.rpm"
    run(
        *("rpmbuild", "-bb", "--quiet", "--nodeps", "--define", f"_topdir {work}"),
        *("--define", f"_rpmdir {directory}", "--define", f"_rpmfilename {file}", spec),
        SOURCE_DATE_EPOCH=str(epoch),
    )
    run("rm", "-rf", work)
    return directory / file


def install(root: Path, packages: Sequence[Path], *more: str) -> None:
    """Let the real rpm install packages below a root, without running anything of theirs."""
    root.mkdir(parents=True, exist_ok=True)
    options = ("--dbpath", DATABASE, "--noscripts", "--nodeps", "--nosignature", "--force-debian")
    run("rpm", "--root", root, *options, "-i", *more, *packages)


def rpm_query(root: Path, *words: str, database: str = DATABASE) -> list[str]:
    """The lines that ``rpm -q`` prints for a root, sorted."""
    return sorted(run("rpm", "--root", root, "--dbpath", database, "-q", *words).splitlines())


def tree_of(root: Path, *, without: Sequence[str] = ()) -> Mapping[bytes, tuple[object, ...]]:
    """Everything below a root but some directories: mode, owners, number of names, target of a
    link, extended attributes, digest of the content."""
    found: dict[bytes, tuple[object, ...]] = {}
    top = os.fsencode(root)
    for directory, names, files in os.walk(top):
        for name in (*names, *files):
            path = directory + b"/" + name
            inside = path[len(top) :]
            if any(inside == os.fsencode(each) for each in without):
                continue
            if any(inside.startswith(os.fsencode(each) + b"/") for each in without):
                continue
            found[inside] = _described(path)
    return found


def _described(path: bytes) -> tuple[object, ...]:
    state = os.lstat(path)
    kind = stat.S_IFMT(state.st_mode)
    link = os.readlink(path) if stat.S_ISLNK(kind) else b""  # noqa: PTH115 - of bytes
    names = state.st_nlink if stat.S_ISREG(kind) else 0
    attributes = tuple(
        (name, os.getxattr(path, name, follow_symlinks=False))
        for name in sorted(os.listxattr(path, follow_symlinks=False))
    )
    digest = ""
    if stat.S_ISREG(kind):
        with Path(os.fsdecode(path)).open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    mode = 0 if link else stat.S_IMODE(state.st_mode)
    return kind, mode, state.st_uid, state.st_gid, names, link, attributes, digest
