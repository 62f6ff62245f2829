"""What modules hide: dnf, told to enable the same streams, and we see the same packages.

The base is the real CentOS Stream 9, and small repositories for what it has not: defaults,
demodularized names, requirements among modules, repositories with ``module_hotfixes``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest
from attrs import frozen

from streamsolve.inputs.bases import open_base, parse_overlay
from streamsolve.inputs.transport import Transport
from streamsolve.library import load_base
from streamsolve.model import Base
from streamsolve.model.root import RootRequest, RootSolution
from streamsolve.planner.module_streams import chosen_modules
from streamsolve.solving import PackagePool

from .dnf_oracle import needs_dnf, places
from .localrepository import write_repository
from .module_oracle import Shown, shown_by_dnf
from .rpmmd import element, rpm

pytestmark = needs_dnf

CHOSEN = (
    (),
    ("nodejs:20",),
    ("nodejs:18", "php:8.2"),
    ("mariadb:10.11", "nginx:1.24", "postgresql:16"),
    ("maven:3.8", "redis:7", "ruby:3.3"),
    ("nodejs:22", "php:8.3", "postgresql:15", "nginx:1.22", "ruby:3.1", "php:8.3"),
)
WANTED = (
    "bash",
    "mariadb-server",
    "maven",
    "nginx",
    "nodejs",
    "npm",
    "php-cli",
    "php-pecl-zip",
    "postgresql-server",
    "redis",
    "ruby",
    "rubygem-pg",
)


@frozen
class Centos:
    """The base, and its packages."""

    base: Base
    pool: PackagePool


def visible(pool: PackagePool, everything: frozenset[str]) -> frozenset[str]:
    return everything - {package.nevra for package in pool.hidden}


@pytest.fixture(scope="module")
def centos(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Iterable[Centos]:
    base = load_base(str(shared / "data" / "centos-stream-9"), offline=True)
    cache = tmp_path_factory.mktemp("ours")
    with PackagePool.open(base.repositories, arch=base.arch, cache=cache) as pool:
        yield Centos(base, pool)


@pytest.fixture(scope="module")
def dnfs(
    tmp_path_factory: pytest.TempPathFactory, centos: Centos
) -> Mapping[Sequence[str] | None, Shown]:
    """dnf's answers by the streams that were enabled, and under None where nothing is hidden."""
    found = places(centos.base.repositories)
    directory = tmp_path_factory.mktemp("dnf")
    modular = {name: (path, False) for name, (path, _) in found.items()}
    exempt = {name: (path, True) for name, (path, _) in found.items()}
    shown = shown_by_dnf(directory / "a", modular, CHOSEN, wanted=WANTED)
    (everything,) = shown_by_dnf(directory / "b", exempt, [()])
    return {**dict(zip(CHOSEN, shown, strict=True)), None: everything}


@pytest.mark.parametrize("chosen", CHOSEN, ids=" ".join)
def test_dnf_and_we_see_the_same_packages_of_centos_stream_9(
    chosen: Sequence[str], dnfs: Mapping[Sequence[str] | None, Shown], centos: Centos
) -> None:
    assert dnfs[chosen].words == ""
    centos.pool.hide(chosen_modules(centos.base, chosen).hidden)
    assert len(dnfs[chosen].packages) < len(dnfs[None].packages)
    ours = visible(centos.pool, dnfs[None].packages)
    assert (ours - dnfs[chosen].packages, dnfs[chosen].packages - ours) == (set(), set())


@pytest.mark.parametrize("chosen", CHOSEN, ids=" ".join)
def test_what_dnf_can_install_with_modules_we_can_and_nothing_else(
    chosen: Sequence[str], dnfs: Mapping[Sequence[str] | None, Shown], centos: Centos
) -> None:
    centos.pool.hide(chosen_modules(centos.base, chosen).hidden)
    ours = {name: centos.pool.solve(RootRequest((name,))) for name in WANTED}
    possible = {name for name, answer in ours.items() if isinstance(answer, RootSolution)}
    assert possible == {name for name, found in dnfs[chosen].installed.items() if found is not None}
    for name in possible:
        answer = ours[name]
        assert isinstance(answer, RootSolution)
        own = {p.nevra for p in answer.packages}
        assert own <= dnfs[chosen].packages
        asked = {n for n in own if n.rsplit("-", 2)[0] == name}
        theirs = dnfs[chosen].installed[name]
        assert asked
        assert theirs is not None
        assert asked <= theirs


# -- what the real base has not --------------------------------------------------------------------

TOOL = """
---
document: modulemd
version: 2
data:
  name: {name}
  stream: "{stream}"
  version: {version}
  context: {context}
  arch: x86_64
  summary: a tool
  description: a tool
  license: {{module: [MIT]}}
  {more}
  dependencies:
  - requires: {{platform: [el9]{requires}}}
  artifacts:
    rpms: [{artifacts}]
...
"""
DEFAULT = """
---
document: modulemd-defaults
version: 1
data: {{module: {name}, stream: "{stream}"}}
...
"""


def stream(
    name: str,
    stream: str,
    *artifacts: str,
    version: int = 1,
    context: str = "c0ffee00",
    requires: str = "",
    more: str = "xmd: {}",
) -> str:
    return TOOL.format(
        name=name,
        stream=stream,
        version=version,
        context=context,
        requires=f", {requires}" if requires else "",
        artifacts=", ".join(artifacts),
        more=more,
    )


PACKAGES = (
    rpm("bash", "5-1"),
    rpm("tool", "1-1", requires="lib"),
    rpm("tool", "2-1.m", requires="lib"),
    rpm("tool", "3-1.m", requires="lib"),
    rpm("tool", "3-2.m", requires="lib"),
    rpm("tool-compat", "1-1", provides="tool = 1"),
    rpm("tool-plugin", "1-1", requires="tool >= 2"),
    rpm("lib", "9-1"),
    rpm("lib", "2:1-1.m"),
    rpm("lib", "2:2-1.m"),
    rpm("left", "1-1"),
    rpm("left", "1-2.m"),
    rpm("other", "1-1.m", requires="lib >= 2:2"),
)
MODULES = "".join(
    (
        stream("tool", "2", "tool-0:2-1.m.noarch", requires="lib: [1]"),
        stream("tool", "3", "tool-0:3-1.m.noarch", "tool-0:3-1.m.src", requires="lib: []"),
        stream("tool", "3", "tool-0:3-2.m.noarch", requires="lib: []", version=2),
        stream("lib", "1", "lib-2:1-1.m.noarch"),
        stream("lib", "2", "lib-2:2-1.m.noarch"),
        stream(
            "left",
            "1",
            "left-0:1-2.m.noarch",
            more="demodularized: {rpms: [left]}",
        ),
        stream("other", "1", "other-0:1-1.m.noarch", requires="lib: [2]"),
    )
)
SETS = (
    (),
    ("lib:1",),
    ("lib:2",),
    ("tool:2",),
    ("lib:2", "tool:3"),
    ("left:1",),
    ("other:1",),
)


@pytest.mark.parametrize("defaults", [(), ("lib:1",), ("lib:2", "left:1"), ("other:1",)])
@pytest.mark.parametrize("hotfixes", [False, True])
def test_dnf_and_we_see_the_same_of_defaults_requirements_and_exempt_repositories(
    tmp_path: Path, defaults: Sequence[str], hotfixes: bool
) -> None:
    told = "".join(
        DEFAULT.format(name=name, stream=stream)
        for name, stream in (text.split(":") for text in defaults)
    )
    base_at = tmp_path / "base" / "x86_64"
    write_repository(base_at, map(element, PACKAGES), more={"modules": (MODULES + told).encode()})
    further = (rpm("lib", "99-1"), rpm("tool-compat", "7-1", provides="tool = 7"), rpm("zsh"))
    write_repository(tmp_path / "further", map(element, further))
    overlay = f"further={tmp_path / 'further'}{',module_hotfixes' if hotfixes else ''}"
    base = open_base(
        str(tmp_path / "base"),
        arch="x86_64",
        transport=Transport(offline=True, cache=tmp_path / "cache"),
        overlays=[parse_overlay(overlay)],
    )
    at = {
        each.id: (each.content.primary.path.parent.parent, each.module_hotfixes)  # type: ignore[union-attr]
        for each in base.repositories
    }
    everything = frozenset(package.nevra for package in (*PACKAGES, *further))
    shown = shown_by_dnf(tmp_path / "dnf", at, SETS)
    with PackagePool.open(base.repositories, arch="x86_64", cache=tmp_path / "solv") as pool:
        for chosen, dnfs in zip(SETS, shown, strict=True):
            pool.hide(chosen_modules(base, chosen).hidden)
            assert (chosen, dnfs.words) == (chosen, "")
            ours = visible(pool, everything)
            assert (chosen, ours - dnfs.packages, dnfs.packages - ours) == (chosen, set(), set())
