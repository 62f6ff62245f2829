"""Fifty requests to a real base, CentOS Stream 9: is each satisfiable? dnf and we must agree.

The base's halves are three years apart, so many requests are truly impossible. No module stream is
switched off for either side (see :mod:`.dnf_oracle`): all versions of all streams can be chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import frozen

from streamsolve.library import load_base
from streamsolve.model.root import RootConflict, RootRequest, RootSolution
from streamsolve.solving import PackagePool

from .dnf_oracle import Verdict, accepts_exactly, needs_dnf, places

pytestmark = needs_dnf

REQUESTS = (
    # A name each.
    ("bash",),
    ("cmake",),
    ("gcc-c++",),
    ("git",),
    ("java-17-openjdk",),
    ("nodejs",),
    ("postgresql-server",),
    ("python3-devel",),
    ("rpm-build",),
    ("rust",),
    # Software Collections.
    ("gcc-toolset-12-gcc",),
    ("gcc-toolset-14-gcc",),
    ("gcc-toolset-14-gcc-c++",),
    ("gcc-toolset-14-runtime",),
    # Several Pythons.
    ("python(abi) = 3.11",),
    ("python(abi) = 3.13",),
    ("python3.11", "python3.12"),
    ("python3.11-lxml", "python3.11-requests"),
    ("python3.11-mod_wsgi", "python3.12-mod_wsgi"),
    ("python3.11-pip-wheel",),
    ("python3.11-scipy",),
    ("python3.12-Cython",),
    ("python3.12-devel",),
    ("python3.12dist(numpy)",),
    # Versions.
    ("cmake >= 3.26",),
    ("coreutils = 8.32",),
    ("glibc >= 2.35",),
    ("nodejs < 1:18", "npm"),
    ("nodejs < 1:19", "nodejs >= 1:20"),
    ("nodejs >= 1:20", "npm < 1:9"),
    ("php >= 8.2",),
    ("ruby >= 3.3",),
    # Paths, also such as only the file lists name.
    ("/usr/bin/gcc",),
    ("/usr/bin/git",),
    ("/usr/bin/nonesuch",),
    ("/usr/lib64/libz.so.1",),
    ("/usr/share/man/man1/bash.1.gz",),
    # What a build finds with pkg-config.
    ("pkgconfig(openssl)",),
    ("pkgconfig(python-3.12)",),
    # Boolean dependencies.
    ("((gcc or cmake) and (nonesuch or ruby))",),
    ("(cmake if make else nonesuch)", "make"),
    ("(gcc and make)",),
    ("(gcc or make)",),
    ("(nonesuch if bash)", "bash"),
    ("(python3.12-numpy with python3.12dist(numpy) >= 1.24)",),
    ("(python3.12dist(numpy) with python3.12-numpy < 1.20)",),
    # What can, and what cannot, lie beside each other.
    ("emacs", "emacs-nox"),
    ("mariadb", "mysql"),
    ("maven-openjdk17", "maven-openjdk8"),
    ("pipewire-pulseaudio", "pulseaudio"),
)
MULTILIB = (
    ("/lib/libc.so.6",),
    ("glibc(x86-32)",),
    ("libX11(x86-32)", "libX11(x86-64)"),
    ("libc.so.6", "libgcc(x86-32)"),
)


@frozen
class Compared:
    """Our answer to a request and dnf's."""

    ours: RootSolution | RootConflict
    dnfs: Verdict

    @property
    def difference(self) -> str:
        """How we differ on whether it can be met, or why dnf would not install our root; or
        nothing."""
        if not isinstance(self.ours, RootSolution):
            return f"only dnf can: {self.ours}" if self.dnfs.alone.satisfiable else ""
        if not self.dnfs.alone.satisfiable:
            return f"only we can: {self.dnfs.alone.words}"
        return "" if self.dnfs.accepted else f"dnf does not take our root: {self.dnfs.exactly}"


@pytest.fixture(scope="module")
def answers(
    tmp_path_factory: pytest.TempPathFactory, shared: Path
) -> Mapping[tuple[str, ...], Compared]:
    """Both answers to every request of this module; dnf opens the base once for all."""
    asked = [RootRequest(request) for request in (*REQUESTS, *MULTILIB)]
    directory = tmp_path_factory.mktemp("centos")
    cache = directory / "cache-of-ours"
    base = load_base(str(shared / "data" / "centos-stream-9"), offline=True, cache=cache)
    with PackagePool.open(base.repositories, arch=base.arch, cache=cache) as pool:
        ours = [pool.solve(request) for request in asked]
    names = [
        [package.nevra for package in answer.packages] if isinstance(answer, RootSolution) else []
        for answer in ours
    ]
    roots = list(zip(asked, names, strict=True))
    verdicts = accepts_exactly(directory, places(base.repositories), roots)
    return {
        request.install: Compared(answer, verdict)
        for request, answer, verdict in zip(asked, ours, verdicts, strict=True)
    }


def test_the_fifty_requests_are_different_ones_and_a_good_mix(
    answers: Mapping[tuple[str, ...], Compared],
) -> None:
    assert len(set(REQUESTS)) == len(REQUESTS) == 50
    possible = sum(answers[request].dnfs.alone.satisfiable for request in REQUESTS)
    assert possible >= 25
    assert 50 - possible >= 15


@pytest.mark.parametrize("wanted", REQUESTS, ids=" ".join)
def test_we_and_dnf_agree_whether_a_wantedcan_be_met(
    answers: Mapping[tuple[str, ...], Compared], wanted: tuple[str, ...]
) -> None:
    assert answers[wanted].difference == ""


@pytest.mark.parametrize("wanted", MULTILIB, ids=" ".join)
def test_we_and_dnf_agree_on_libraries_of_two_architectures(
    answers: Mapping[tuple[str, ...], Compared], wanted: tuple[str, ...]
) -> None:
    assert answers[wanted].difference == ""
