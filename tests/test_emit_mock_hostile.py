"""Hostile values in every field that reaches a configuration, chain.sh or the Makefile.

Each is refused, with nothing written, or inert: read the way mock reads it, the configuration gives
the very value back and nothing ran; and the shell and make see only the words that were meant.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamsolve.emit import MockRepository, MockSettings, Switch, emit_mock, write_files
from streamsolve.emit.mock_config import requested
from streamsolve.emit.namespace import namespace_of
from streamsolve.emit.runtime_package import with_runtime
from streamsolve.errors import Code, InputErrors
from streamsolve.model.artifacts import GpuMatrix
from streamsolve.model.build import BuildPlan, Root
from streamsolve.model.component import Component, Kind
from streamsolve.model.package import Package
from streamsolve.model.plan import Plan

from .lockworld import small_plan
from .mock_reader import configuration

KEY = "file:///usr/share/distribution-gpg-keys/small/KEY"
BASE = MockRepository("fedora", "https://base.test/$basearch/", gpgkeys=(KEY,))
SETTINGS = MockSettings("45", "fc45", (BASE,))
PLAN = small_plan()

ATTACKS = (
    "{{7*7}}",
    "{{ config_opts }}",
    "{% for i in range(9) %}x{% endfor %}",
    "{# nothing #}",
    "{% raw %}{{7*7}}{% endraw %}",
    "{{'{{7*7}}'}}",
    "'",
    '"',
    "'''",
    '"""',
    "\\",
    "\\'",
    "a'); open('RAN', 'w').close(); ('",
    "\n",
    "\r",
    "\0",
    "\x1b[2J",
    "\u2028",
    "a\nexec: $(touch RAN)",
    "a\n[evil]\nbaseurl=file:///",
    "$(touch RAN)",
    "`touch RAN`",
    "$(shell touch RAN)",
    "$${HOME}",
    "; touch RAN",
    "a && touch RAN",
    "| touch RAN",
    "> RAN",
    "%(touch RAN)",
    "%{lua: os.execute('touch RAN')}",
    "%[1+1]",
    "../../etc/passwd",
    "..",
    "/etc/passwd",
    "-r",
    "--enable-network",
    "*",
    "~root",
    "a b",
    "#",
    "x:y=z",
    "",
    "x" * 10_240,
    "[" * 10_240,
    "é",
)
PARTS = st.sampled_from(ATTACKS) | st.text(
    st.sampled_from("ab1.-_+~^:/={}%#$()[]<>|&;'\"`\\ \t\n\r\0*?!@,é"), max_size=12
)
HOSTILE = st.lists(PARTS, min_size=1, max_size=3).map("".join)

Place = Callable[[str], tuple[Plan, MockSettings]]


def roots_changed(change: Callable[[Root], Root]) -> Plan:
    assert PLAN.builds is not None
    builds = PLAN.builds
    changed = evolve(builds, runtime=change(builds.runtime), roots=tuple(map(change, builds.roots)))
    return evolve(PLAN, builds=changed)


def in_packages(change: Callable[[Package], Package], kind: str) -> Plan:
    """A change of one package of that kind of repository, wherever it lies."""
    names = {"fedora": "bash", "private": "python3-wheel", "external": "bash"}

    def one(package: Package) -> Package:
        return change(package) if package.name == names[kind] else package

    return roots_changed(lambda root: evolve(root, packages=tuple(map(one, root.packages))))


def renamed(name: str) -> Plan:
    """A build's component of another name, and its ids everywhere."""
    assert PLAN.builds is not None
    old, new = "flit-core@3.12.0", f"{name}@3.12.0"

    def ids(found: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new if id == old else id for id in found)

    builds = []
    for build in PLAN.builds.builds:
        build = evolve(build, after=ids(build.after))
        if build.id == old:
            build = evolve(build, id=new, component=Component(Kind.DISTRIBUTION, name))
        builds.append(build)
    levels = tuple(evolve(level, builds=ids(level.builds)) for level in PLAN.builds.order.levels)
    order = evolve(PLAN.builds.order, levels=levels)
    return evolve(PLAN, builds=evolve(PLAN.builds, builds=tuple(builds), order=order))


def root_renamed(id: str) -> Plan:
    assert PLAN.builds is not None
    builds = PLAN.builds
    roots = tuple(evolve(r, id=id) if r.id == "build-flit-core" else r for r in builds.roots)
    made = tuple(evolve(b, root=id) if b.root == "build-flit-core" else b for b in builds.builds)
    return evolve(PLAN, builds=evolve(builds, roots=roots, builds=made))


def setting(**change: Any) -> tuple[Plan, MockSettings]:
    return PLAN, evolve(SETTINGS, **change)


def repository(**change: Any) -> tuple[Plan, MockSettings]:
    return setting(repositories=(evolve(BASE, **change),))


PLACES: dict[str, Place] = {
    "application": lambda text: (evolve(PLAN, application=text), SETTINGS),
    "variant": lambda text: (evolve(PLAN, variant=text), SETTINGS),
    "base": lambda text: (evolve(PLAN, base=text), SETTINGS),
    "arch": lambda text: (evolve(PLAN, arch=text), SETTINGS),
    "root": lambda text: (root_renamed(text), SETTINGS),
    "component": lambda text: (renamed(text), SETTINGS),
    "base package": lambda text: (in_packages(lambda p: evolve(p, name=text), "fedora"), SETTINGS),
    "base evr": lambda text: (in_packages(lambda p: evolve(p, evr=text), "fedora"), SETTINGS),
    "base version": lambda text: (
        in_packages(lambda p: evolve(p, evr=f"{text}-1"), "fedora"),
        SETTINGS,
    ),
    "base arch": lambda text: (in_packages(lambda p: evolve(p, arch=text), "fedora"), SETTINGS),
    "private package": lambda text: (
        in_packages(lambda p: evolve(p, name=text), "private"),
        SETTINGS,
    ),
    "private version": lambda text: (
        in_packages(lambda p: evolve(p, evr=f"{text}-1"), "private"),
        SETTINGS,
    ),
    "external package": lambda text: (
        in_packages(lambda p: evolve(p, name=text, repository="external"), "external"),
        SETTINGS,
    ),
    "releasever": lambda text: setting(releasever=text),
    "dist": lambda text: setting(dist=text),
    "template": lambda text: setting(template=text),
    "platform": lambda text: setting(platform=text),
    "package manager": lambda text: setting(package_manager=text),
    "isolation": lambda text: setting(isolation=text),
    "prefix": lambda text: setting(prefix=text),
    "image": lambda text: setting(bootstrap_image=text),
    "stream repository": lambda text: setting(stream_repository=text, stream_gpgkeys=(KEY,)),
    "local stream repository": lambda text: setting(stream_repository=f"file:///{text}"),
    "stream key": lambda text: setting(
        stream_repository="https://streams.test/", stream_gpgkeys=(text,)
    ),
    "repository id": lambda text: repository(id=text),
    "baseurl": lambda text: repository(baseurl=text),
    "path of baseurl": lambda text: repository(baseurl=f"https://base.test/{text}"),
    "metalink": lambda text: repository(baseurl="", metalink=f"https://base.test/?{text}"),
    "key": lambda text: repository(gpgkeys=(f"file:///{text}",)),
    "module action": lambda text: setting(modules=((text, "nodejs:20"),)),
    "module": lambda text: setting(modules=(("enable", text),)),
    "macro name": lambda text: setting(macros=((f"%{text}", "1"),)),
    "macro value": lambda text: setting(macros=(("%vendor", text),)),
    "switch": lambda text: setting(switches=(Switch("torch", text),)),
    "gpu architecture": lambda text: setting(gpu=GpuMatrix((text,))),
    "gpu architecture of one": lambda text: setting(gpu=GpuMatrix(of={"flit-core": (text,)})),
    "component of a switch": lambda text: setting(switches=(Switch(text, "tests"),)),
}

RECORDER = """\
#!/bin/sh
for word in "$@"; do printf '%s\\0' "$word"; done >> "$LOG"
printf '\\n' >> "$LOG"
"""


def check_refusal(error: InputErrors) -> None:
    """Short, printable, and with something to act on."""
    assert error.code is Code.NOT_EMITTED
    assert error.errors
    assert all(len(str(each)) < 1000 for each in error.errors)
    assert all(each.message.isprintable() for each in error.errors)


def written(plan: Plan, chosen: MockSettings, directory: Path) -> dict[str, bytes] | None:
    """The files on disk; None if the values were refused, with every fault of that kind."""
    try:
        files = emit_mock(plan, chosen)
    except InputErrors as error:
        check_refusal(error)
        return None
    write_files(directory, files, replace=True)
    return dict(files)


def check_configurations(plan: Plan, chosen: MockSettings, directory: Path) -> None:
    """Read as mock reads them, they give back what went in."""
    assert plan.builds is not None
    etc = directory / "etc"
    etc.mkdir(exist_ok=True)
    if chosen.template:
        small = "config_opts['dnf.conf'] = '''[main]\nbest=0\n\n[base]\nbaseurl=file:///x\n'''\n"
        (etc / chosen.template).write_text(small)
    builds = with_runtime(plan, plan.builds, namespace_of(plan, chosen))
    for root in (builds.runtime, builds.roots[0], builds.roots[-1]):
        path = directory / "configs" / f"{root.id}.cfg"
        assert path.parent == directory / "configs"
        found = configuration(path, config_directory=etc)
        parts = (plan.application, plan.variant, plan.base, root.id)
        assert found["root"] == "-".join(filter(None, parts))
        assert found["target_arch"] == plan.arch
        asked = requested(root, namespace_of(plan, chosen))
        assert found["chroot_setup_cmd"] == ("install", *asked)
        assert found["releasever"] == chosen.releasever
        assert found.get("dist", "") == chosen.dist
        assert found["macros"].items() >= dict(chosen.macros).items()
        assert found["macros"].get("%_prefix", "") == chosen.prefix
        assert found["module_setup_commands"] == list(chosen.modules)
        check_conf(found["dnf.conf"].splitlines(), chosen, root)


def check_conf(lines: list[str], chosen: MockSettings, root: Root) -> None:
    private = sorted({p.name for p in root.packages if p.repository == "private"})
    ids = [each.id for each in chosen.added] + ["streamsolve"] * bool(private)
    names = ["base"] if chosen.template else []
    heads = [line for line in lines if line.startswith("[")]
    assert heads == ["[main]", *(f"[{id}]" for id in (*names, *ids))]
    for each in chosen.added:
        for key, value in each.addresses:
            assert f"{key}={value}" in lines
    if private:
        # Under a prefix no repository of the base has any of their names.
        hidden = [f"excludepkgs={','.join(private)}"] * (not chosen.prefix)
        assert [line for line in lines if line.startswith("excludepkgs=")] == hidden
        assert [line for line in lines if line.startswith("includepkgs=")]


def check_order(plan: Plan, chosen: MockSettings, directory: Path) -> None:
    """chain.sh and make run mock with the words that are meant, and nothing else."""
    assert plan.builds is not None
    (directory / "srpms").mkdir(exist_ok=True)
    for line in (directory / "chain.sh").read_text().split():
        if line.startswith('"$srpms"/'):
            (directory / "srpms" / line.removeprefix('"$srpms"/')).touch()
    log, recorder = directory / "log", directory / "recorder"
    recorder.write_text(RECORDER)
    recorder.chmod(0o755)
    env = {
        "PATH": "/usr/bin:/bin",
        "LOG": str(log),
        "MOCK": str(recorder),
        "CREATEREPO": "true",
    }
    for root in plan.builds.roots:
        (directory / "work" / "results" / root.id).mkdir(parents=True, exist_ok=True)
    for command in (["bash", "-n", "chain.sh"], ["sh", "chain.sh"], ["make", "-n"]):
        done = subprocess.run(
            command, cwd=directory, env=env, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
    calls = [line.split("\0")[:-1] for line in log.read_text().splitlines()]
    sources = [word for call in calls for word in call if word.endswith(".src.rpm")]
    # With a prefix, also the package that enables the application.
    assert len(sources) == len(plan.builds.builds) + bool(chosen.prefix)
    known = {f"{directory}/configs/{root.id}.cfg" for root in plan.builds.roots}
    switches = {switch.name for switch in chosen.switches}
    for call in calls:
        assert call[:4] == ["--chain", "--localrepo", f"{directory}/work", "-r"]
        assert call[4] in known
        rest = [word for word in call[5:] if not word.endswith(".src.rpm")]
        allowed = {"--with", "--without", "--nocheck", "bootstrap", "check", "tests", *switches}
        assert set(rest) <= allowed
    log.unlink()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("harmless", [True, False])
def test_every_field_takes_something_harmless_or_nothing_at_all(
    tmp_path: Path, place: str, harmless: bool
) -> None:
    """So that the law below is about fields that really reach a file."""
    good = {
        "arch": "aarch64",
        "base evr": "1:5.3~rc1^2-1.fc45",
        "base version": "3.19}",
        "baseurl": "https://mirror.test/$releasever/%7Ex/",
        "stream key": KEY,
        "stream repository": "https://streams.test/a?b=c&d",
        "template": "small-45.cfg",
        "package manager": "dnf4",
        "isolation": "simple",
        "prefix": "/opt/some.app",
        "image": "images.test/small:45@sha256:" + "0" * 64,
        "module": "nodejs:20/common, ruby:3.3",
        "module action": "disable",
        "macro value": "%{_prefix}/lib ~x",
        "key": "%7Ex/KEY",
        "gpu architecture": "gfx90a:xnack-",
        "gpu architecture of one": "sm_100f",
    }
    plan, chosen = PLACES[place](good.get(place, "x1") if harmless else "{{7*7}}")
    files = written(plan, chosen, tmp_path)
    assert (files is not None) is harmless
    if harmless:
        check_configurations(plan, chosen, tmp_path)


@settings(
    max_examples=1000,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(place=st.sampled_from(sorted(PLACES)), text=HOSTILE)
def test_a_hostile_value_is_refused_or_given_back_as_it_was(
    tmp_path: Path, place: str, text: str
) -> None:
    plan, chosen = PLACES[place](text)
    if written(plan, chosen, tmp_path) is not None:
        check_configurations(plan, chosen, tmp_path)
    assert not list(tmp_path.rglob("RAN"))
    assert not Path("RAN").exists()


@pytest.mark.parametrize("place", ["component", "root", "switch", "application", "prefix"])
def test_no_attack_reaches_the_shell_or_make(tmp_path: Path, place: str) -> None:
    taken = 0
    for attack in (*ATTACKS, "A-b_c.d", "x" * 100):
        plan, chosen = PLACES[place](attack)
        if written(plan, chosen, tmp_path) is None:
            continue
        taken += 1
        if taken <= 3:
            check_order(plan, chosen, tmp_path)
        assert not list(tmp_path.rglob("RAN"))


def test_the_order_that_the_shell_runs_is_that_of_the_plan(tmp_path: Path) -> None:
    assert isinstance(PLAN.builds, BuildPlan)
    assert written(PLAN, SETTINGS, tmp_path) is not None
    check_order(PLAN, SETTINGS, tmp_path)
