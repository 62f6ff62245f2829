"""The base of the real build: the small distribution, and a library and tools that clash later on.

base = small_base(tmp_path)         # base.directory / "x86_64" and "source" are repositories

It is made once and kept under a name that says what it was made from, so that another recipe makes
another one. It takes about two minutes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

from .commands import rpm_environment, run_logged
from .distribution import ARCHITECTURE, TOOLS, make_packages
from .roots import HOME, new_root
from .sources import BASE_SPECS, base_archives

__all__ = ["KEY", "NAME", "definition", "missing", "small_base"]

NAME = "small-1"
KEY = "key.asc"
"""The public key of its packages, beside its repositories."""

_SIGNER = "small <small@example.invalid>"
_GROUP = ("redhat-rpm-config", "rpm-build", "which")
_DEFINITION = """\
schema = "streamsolve.base/1"
name = "{name}"
summary = "A small distribution"
release = "1"
dist = ".sm1"
architectures = ["{arch}"]
python = "{python}"
build-group = [{group}]
[[repositories]]
id = "small"
baseurl = "file://{directory}/{arch}"
[[repositories]]
id = "small-source"
baseurl = "file://{directory}/source"
sources = true
"""

_CACHE = "STREAMSOLVE_TEST_CACHE"
_TOPDIR = f"{HOME}/build"


def missing() -> str:
    """What this machine lacks to make the base and to build on it; empty if nothing."""
    absent = [tool for tool in (*TOOLS, "gpg", "rpmsign", "unshare") if shutil.which(tool) is None]
    if os.geteuid():
        return "roots are made by root alone"
    return f"{', '.join(absent)} not installed" if absent else ""


def small_base(cache: Path) -> Path:
    """The directory of the base, made if it is not there. ``cache`` is where it is kept, unless
    the environment names a directory that outlives the checkout."""
    kept = Path(os.environ.get(_CACHE) or cache).resolve()
    kept.mkdir(parents=True, exist_ok=True)
    made = kept / f"realbuild-{_digest()}" / NAME
    with (kept / "realbuild.lock").open("w") as lock:
        # Whoever else needs it waits instead of making it too.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.is_dir():
            with tempfile.TemporaryDirectory(dir=kept, prefix="making-") as name:
                _make(Path(name))
                (Path(name) / NAME).rename(_parent(made) / NAME)
    return made


def definition(base: Path) -> str:
    """The definition of the base that lies in that directory."""
    [python] = (base / ARCHITECTURE).glob("python3-3.*.rpm")
    series = ".".join(python.name.split("-")[1].split(".")[:2])
    group = ", ".join(f'"{name}"' for name in _GROUP)
    return _DEFINITION.format(
        name=NAME, arch=ARCHITECTURE, python=series, group=group, directory=base
    )


def _parent(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    return path.parent


def _digest() -> str:
    """What the base is made from: the recipe. Debian's packages of the day are not in it."""
    here = Path(__file__).parent
    names = ("base", "commands", "debian", "distribution", "macros", "roots", "sources")
    recipe = b"".join((here / f"{name}.py").read_bytes() for name in names)
    return hashlib.sha256(recipe).hexdigest()[:16]


def _make(directory: Path) -> None:
    debian = directory / "debian"
    debian.mkdir()
    make_packages(debian)
    binaries, sources = (directory / NAME / part for part in (ARCHITECTURE, "source"))
    binaries.mkdir(parents=True)
    sources.mkdir()
    for path in (debian / "RPMS").rglob("*.rpm"):
        path.rename(binaries / path.name)
    _index(binaries)
    with (directory / "base.log").open("w") as log:
        _build(directory, binaries, sources, log)
    _sign(directory, [*binaries.glob("*.rpm"), *sources.glob("*.rpm")])
    _index(binaries)
    _index(sources)


def _index(directory: Path) -> None:
    run_logged(
        ("createrepo_c", "--quiet", str(directory)),
        directory.parents[1] / "createrepo.log",
        environment=os.environ,
    )


def _build(directory: Path, binaries: Path, sources: Path, log: IO[str]) -> None:
    """Build the base's own packages, one after the other in one root."""
    conf = directory / "dnf.conf"
    conf.write_text(
        "[main]\nreposdir=/dev/null\ngpgcheck=0\ninstall_weak_deps=0\n"
        f"[small]\nname=small\nbaseurl=file://{binaries}\n"
    )
    with new_root(directory / "root", directory / "home", log) as root:
        root.dnf(conf, "install", *_GROUP, "gcc", "make", "python3-devel", "pyproject-rpm-macros")
        root.add_builder()
        home = root.directory / HOME.lstrip("/")
        (home / ".rpmmacros").write_text(f"%_topdir {_TOPDIR}\n%_buildhost small\n")
        for name, content in base_archives().items():
            path = home / "build" / "SOURCES" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for name, text in BASE_SPECS.items():
            spec = home / "build" / "SPECS" / f"{name}.spec"
            spec.parent.mkdir(exist_ok=True)
            spec.write_text(text)
            root.give(home)
            inside = f"{_TOPDIR}/SPECS/{spec.name}"
            root.run("rpmbuild", "-ba", "--nodeps", inside, as_builder=True)
            root.run("bash", "-c", f"rpm -U --replacepkgs --nodeps {_TOPDIR}/RPMS/*/*.rpm")
        for path in (home / "build" / "RPMS").rglob("*.rpm"):
            shutil.copy(path, binaries)
        for path in (home / "build" / "SRPMS").glob("*.src.rpm"):
            shutil.copy(path, sources)


def _sign(directory: Path, packages: list[Path]) -> None:
    """Sign all packages with a key made for this; its public half lies beside the repositories."""
    home = directory / "gnupg"
    home.mkdir(mode=0o700)
    program = str(shutil.which("gpg"))
    macros = (f"%__gpg {program}", f"%_gpg_name {_SIGNER}", f"%_gpg_path {home}")
    environment = rpm_environment(directory / "signing", *macros)
    gpg = (program, "--homedir", str(home), "--batch", "--passphrase", "")
    commands = (
        (*gpg, "--quick-generate-key", _SIGNER, "rsa3072", "sign", "never"),
        (*gpg, "--armor", "--output", str(directory / NAME / KEY), "--export", _SIGNER),
        ("rpmsign", "--addsign", *sorted(map(str, packages))),
        # No agent of this key stays behind.
        ("gpgconf", "--homedir", str(home), "--kill", "all"),
    )
    for command in commands:
        run_logged(command, directory / "signing.log", environment=environment)
