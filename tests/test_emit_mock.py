"""Emitted configurations as mock reads them: what each says, and what changes it."""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from packaging.version import Version

from streamsolve.emit import MockRepository, MockSettings, emit_mock, write_files
from streamsolve.emit.dnf_conf import included
from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.lock import lock_text, read_lock
from streamsolve.model.build import Root, RootStream
from streamsolve.model.component import PYTHON, Origin
from streamsolve.model.plan import Plan

from .builders import component
from .lockworld import SmallPlan, private_package, small_plan, small_settings
from .mock_reader import configuration

KEYS = "file:///usr/share/distribution-gpg-keys/fedora"
KEY = f"{KEYS}/RPM-GPG-KEY-fedora-45-primary"
BASE = MockRepository(
    "fedora", metalink="https://mirrors.test/metalink?repo=f-$releasever", gpgkeys=(KEY,)
)
THIRD = MockRepository(
    "nvidia", "https://packages.test/cuda/", gpgkeys=(KEY,), priority=50, overlay=True
)
ALONE = MockSettings("45", "fc45", (BASE, THIRD), platform="platform:f45")
ON_TOP = evolve(ALONE, template="fedora-45-x86_64.cfg")

# In the manner of a distribution's template: rendered text, sections that depend on a condition.
TEMPLATE = """\
config_opts['target_arch'] = 'x86_64'
include('templates/small.tpl')
"""
SHARED_TEMPLATE = """\
config_opts['root'] = 'small-{{ releasever }}-{{ target_arch }}'
config_opts['releasever'] = '45'
config_opts['mirrored'] = config_opts['target_arch'] != 'i686'
config_opts['package_manager'] = '{% if releasever|int >= 40 %}dnf5{% else %}dnf{% endif %}'
config_opts['bootstrap_image'] = 'images.test/small:{{ releasever }}'
config_opts['dnf.conf'] = \"\"\"
[main]
keepcache=1
reposdir=/etc/elsewhere
gpgcheck=0
best=0
user_agent={{ user_agent }}

# repos

[local]
name=local
baseurl=https://local.test/$basearch/
enabled={{ not mirrored }}

{% if mirrored %}
[fedora]
name=fedora
metalink=https://mirrors.test/metalink?repo=fedora-$releasever&arch=$basearch
gpgcheck=1
gpgkey=KEY
skip_if_unavailable=True
{% endif %}
\"\"\"
""".replace("KEY", KEY)


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """mock's own directory, with the template."""
    directory = tmp_path / "etc"
    (directory / "templates").mkdir(parents=True)
    (directory / "fedora-45-x86_64.cfg").write_text(TEMPLATE)
    (directory / "templates" / "small.tpl").write_text(SHARED_TEMPLATE)
    return directory


def read(etc: Path, settings: MockSettings, id: str, plan: Plan | None = None) -> dict[str, Any]:
    """A root's options, from its file beside mock's directory."""
    files = emit_mock(plan or small_plan(), settings)
    write_files(etc.parent / "out", files)
    path = etc.parent / "out" / "configs" / f"{id}.cfg"
    return configuration(path, config_directory=etc)


def sections(text: str) -> dict[str, dict[str, str]]:
    """dnf.conf's sections; one that is there twice, or an option, is an error."""
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.read_string(text)
    return {name: dict(parser[name]) for name in parser.sections()}


def changed(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> set[str]:
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


# --- what a configuration says


@pytest.mark.parametrize("settings", [ALONE, ON_TOP], ids=["alone", "on a template"])
def test_each_root_has_a_configuration_with_a_name_of_its_own(
    etc: Path, settings: MockSettings
) -> None:
    plan = small_plan()
    assert plan.builds is not None
    names = [read(etc, settings, root.id)["root"] for root in plan.builds.roots]
    assert len(set(names)) == len(names) == 6
    assert "app-cuda-fedora-45-build-setuptools-bootstrap" in names
    found = read(etc, settings, "build-torch")
    assert (found["target_arch"], found["releasever"], found["dist"]) == ("x86_64", "45", "fc45")
    assert (found["package_manager"], found["isolation"]) == ("dnf5", "auto")
    assert (found["use_bootstrap"], found["rpmbuild_networking"]) == (True, False)


@pytest.mark.parametrize("settings", [ALONE, ON_TOP], ids=["alone", "on a template"])
def test_a_root_is_installed_by_the_full_names_that_were_locked(
    etc: Path, settings: MockSettings
) -> None:
    command = read(etc, settings, "build-wheel")["chroot_setup_cmd"]
    assert command[0] == "install"
    assert "openssl-libs-1:3.5.4-1.fc45.x86_64" in command
    assert {"python3-setuptools", "python3-flit-core"} <= set(command)
    assert not [word for word in command if "streamsolve" in word]


@pytest.mark.parametrize("settings", [ALONE, ON_TOP], ids=["alone", "on a template"])
def test_private_packages_come_from_the_stream_repository_alone(
    etc: Path, settings: MockSettings
) -> None:
    found = sections(read(etc, settings, "build-wheel")["dnf.conf"])
    streams = found.pop("streamsolve")
    names = ["python3-flit-core", "python3-setuptools"]
    patterns = streams["includepkgs"].split(",")
    by_name = [each for each in patterns if not each.startswith("*")]
    assert {each.rpartition("-")[0].rpartition("-")[0] for each in by_name} == set(names)
    by_release = [each for each in patterns if each.startswith("*")]
    assert by_release == [
        "*-*-0.streamsolve.flit_core_3_12_0.*",
        "*-*-0.streamsolve.setuptools_80_1.*",
    ]
    assert streams["baseurl"] == f"file://{etc.parent / 'out' / 'repo'}"
    assert (streams["gpgcheck"], streams["module_hotfixes"]) == ("0", "1")
    others = [each for name, each in found.items() if name != "main"]
    assert [each["excludepkgs"].split(",") for each in others] == [names] * len(others)
    ranks = [int(each.get("priority", 99)) for each in others]
    assert int(streams["priority"]) < min(ranks)


@pytest.mark.parametrize("settings", [ALONE, ON_TOP], ids=["alone", "on a template"])
def test_what_must_hold_in_main_holds_and_no_repository_may_be_missing(
    etc: Path, settings: MockSettings
) -> None:
    for id in ("build-flit-core", "build-torch", "runtime"):
        found = sections(read(etc, settings, id)["dnf.conf"])
        main = found.pop("main")
        must = {"assumeyes": "1", "best": "1", "gpgcheck": "1", "install_weak_deps": "0"}
        assert main.items() >= {**must, "reposdir": "/dev/null"}.items()
        for name, each in found.items():
            assert each.get("skip_if_unavailable", main["skip_if_unavailable"]) == "0"
            assert name == "streamsolve" or each.get("gpgcheck", main["gpgcheck"]) == "1"


@pytest.mark.parametrize("settings", [ALONE, ON_TOP], ids=["alone", "on a template"])
def test_the_bootstrap_root_sees_nothing_private_and_everything_of_the_base(
    etc: Path, settings: MockSettings
) -> None:
    found = sections(read(etc, settings, "build-wheel")["bootstrap_dnf.conf"])
    assert found["streamsolve"]["enabled"] == "0"
    assert not [name for name, each in found.items() if "excludepkgs" in each]


def test_a_template_keeps_what_it_says_of_everything_else(etc: Path) -> None:
    found = read(etc, ON_TOP, "build-torch")
    conf = sections(found["dnf.conf"])
    assert conf["main"]["keepcache"] == "1"
    assert conf["fedora"]["gpgkey"] == KEY
    assert conf["local"]["enabled"] == "False"
    assert conf["nvidia"]["priority"] == "50"
    assert found["bootstrap_image"] == "images.test/small:45"
    assert list(sections(read(etc, ALONE, "build-torch")["dnf.conf"])) == [
        "main",
        "fedora",
        "nvidia",
        "streamsolve",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[main]", "[other]"),
        ("name=fedora", "name=fedora\nexcludepkgs=bash"),
        ("[local]", "[streamsolve]"),
        ("[local]", "[nvidia]"),
    ],
)
def test_a_template_that_would_be_misread_is_refused_when_it_is_read(
    etc: Path, old: str, new: str
) -> None:
    (etc / "templates" / "small.tpl").write_text(SHARED_TEMPLATE.replace(old, new, 1))
    with pytest.raises(ValueError, match="the template"):
        read(etc, ON_TOP, "build-torch")


def test_macros_make_builds_reproducible_and_say_prefix_and_interpreter(etc: Path) -> None:
    settings = evolve(
        ALONE,
        prefix="/opt/app",
        source_date_epoch=1735689600,
        macros=(("%vendor", "The makers of app"),),
    )
    plan = small_plan()
    assert plan.builds is not None
    root = next(root for root in plan.builds.roots if root.id == "build-torch")
    other = [
        evolve(each, package="python3.13") if each.package == "python3" else each
        for each in root.streams
    ]
    roots = tuple(
        evolve(each, streams=tuple(other)) if each is root else each for each in plan.builds.roots
    )
    plan = evolve(plan, builds=evolve(plan.builds, roots=roots))
    found = read(etc, settings, "build-torch", plan)
    macros = found["macros"]
    assert macros["%_prefix"] == "/opt/app"
    assert macros["%_sysconfdir"] == "/opt/app/etc"
    assert macros["%vendor"] == "The makers of app"
    assert macros["%python3_pkgversion"] == "3.13"
    assert macros["%use_source_date_epoch_as_buildtime"] == "1"
    assert macros["%_topdir"] == "/builddir/build"
    assert found["environment"]["SOURCE_DATE_EPOCH"] == "1735689600"
    assert "%python3_pkgversion" not in read(etc, ALONE, "build-torch")["macros"]


def test_module_commands_and_the_image_are_those_that_were_asked_for(etc: Path) -> None:
    settings = evolve(
        ALONE, modules=(("enable", "nodejs:20"),), bootstrap_image="images.test/app:1"
    )
    found = read(etc, settings, "build-torch")
    assert found["module_setup_commands"] == [("enable", "nodejs:20")]
    assert (found["use_bootstrap_image"], found["bootstrap_image"]) == (True, "images.test/app:1")
    plain = read(etc, ALONE, "build-torch")
    assert (plain["use_bootstrap_image"], plain["module_setup_commands"]) == (False, [])


def test_a_root_that_holds_private_packages_is_not_kept(etc: Path) -> None:
    assert read(etc, ALONE, "build-wheel")["plugin_conf"]["root_cache_enable"] is False
    assert read(etc, ALONE, "build-flit-core")["plugin_conf"]["root_cache_enable"] is True


@pytest.mark.parametrize(
    ("planned", "upstream", "patterns"),
    [
        ("2.14", "2.14.0", ["2.14", "2.14.0"]),
        ("2.14", "2.14", ["2.14"]),
        ("3", "3.0.0", ["3", "3.0", "3.0.0"]),
        ("0.65~b0", "0.65.0b0", ["0.65.0~b0", "0.65~b0"]),
        ("1:8.5.1", "8.5.1", ["8.5.1"]),
        ("2.14", "2.15.0", ["2.14"]),
    ],
)
def test_a_version_is_let_in_as_planned_and_as_upstream_spells_it(
    planned: str, upstream: str, patterns: list[str]
) -> None:
    package = private_package("torch", planned)
    stream = RootStream(component("torch"), Version(upstream), Origin.PRIVATE, package.name)
    root = Root("build-app", (package,), (stream,), ())
    assert list(included(root)) == [f"python3-torch-{each}-*" for each in patterns]


def test_each_release_of_an_interpreter_s_series_is_let_in() -> None:
    names = ("python3.14", "python3.14-devel", "python3.14-other")
    packages = tuple(
        evolve(private_package("x", version), name=name)
        for name, version in zip(names, ("3.14", "3.14", "2"), strict=True)
    )
    stream = RootStream(PYTHON, Version("3.14"), Origin.PRIVATE, "python3.14")
    assert included(Root("build-app", packages, (stream,), ())) == (
        "python3.14-3.14-*",
        "python3.14-3.14.*-*",
        "python3.14-devel-3.14-*",
        "python3.14-devel-3.14.*-*",
        "python3.14-other-2-*",
    )


# --- the same bytes, and nothing too much


@pytest.mark.parametrize("settings", [ALONE, ON_TOP], ids=["alone", "on a template"])
def test_the_same_lock_gives_the_same_files_read_again_or_not(settings: MockSettings) -> None:
    plan = small_plan()
    files = emit_mock(plan, settings)
    assert emit_mock(small_plan(), settings) == files
    again = read_lock(lock_text(plan, small_settings()), file="app.lock.json").plan
    assert emit_mock(again, settings) == files
    assert list(files) == sorted(files)
    text = b"".join(files.values())
    assert text.isascii()
    assert str(Path.cwd()).encode() not in text


def test_another_version_of_one_stream_changes_the_roots_that_hold_it_and_the_order() -> None:
    before = emit_mock(SmallPlan().plan(), ALONE)
    after = emit_mock(SmallPlan(versions={"torch": "2.15"}).plan(), ALONE)
    assert changed(before, after) == {"configs/runtime.cfg", "chain.sh", "Makefile"}


def test_a_repository_that_moves_changes_no_order() -> None:
    moved = evolve(ALONE, repositories=(evolve(BASE, metalink="https://other.test/"), THIRD))
    paths = changed(emit_mock(small_plan(), ALONE), emit_mock(small_plan(), moved))
    assert paths == {path for path in emit_mock(small_plan(), ALONE) if path.endswith(".cfg")}


# --- what is refused


def test_a_plan_without_builds_cannot_be_emitted() -> None:
    with pytest.raises(InputError) as raised:
        emit_mock(evolve(small_plan(), builds=None), ALONE)
    assert raised.value.code is Code.NOT_EMITTED


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"repositories": ()}, "settings.repositories"),
        ({"repositories": (BASE, BASE)}, "settings.repositories[1].id"),
        ({"repositories": (evolve(BASE, gpgkeys=()),)}, "settings.repositories[0].gpgkeys"),
        ({"repositories": (evolve(BASE, id="main"),)}, "settings.repositories[0].id"),
        ({"repositories": (evolve(BASE, unsigned=True),)}, "settings.repositories[0].unsigned"),
        ({"repositories": (evolve(BASE, metalink=""),)}, "settings.repositories[0].baseurl"),
        ({"stream_repository": "https://streams.test/"}, "settings.stream_gpgkeys"),
        ({"isolation": "none"}, "settings.isolation"),
        ({"package_manager": "yum"}, "settings.package_manager"),
        ({"source_date_epoch": -1}, "settings.source_date_epoch"),
        ({"macros": (("%a", "1"), ("%a", "2"))}, "settings.macros[1]"),
        ({"releasever": ""}, "settings.releasever"),
    ],
)
def test_what_mock_or_dnf_would_take_for_something_else_is_refused_with_its_place(
    change: dict[str, Any], path: str
) -> None:
    with pytest.raises(InputErrors) as raised:
        emit_mock(small_plan(), evolve(ALONE, **change))
    assert [error.place.path for error in raised.value.errors] == [path]


def test_all_faults_are_told_at_once() -> None:
    settings = evolve(ALONE, isolation="none", prefix="opt", releasever="{{7*7}}")
    with pytest.raises(InputErrors) as raised:
        emit_mock(evolve(small_plan(), arch="x86 64"), settings, file="app.lock.json")
    places = [(error.place.file, error.place.path) for error in raised.value.errors]
    assert places == [
        ("", "settings.isolation"),
        ("", "settings.prefix"),
        ("", "settings.releasever"),
        ("app.lock.json", "arch"),
    ]


def test_an_order_that_builds_something_too_early_is_refused() -> None:
    plan = small_plan()
    assert plan.builds is not None
    turned = evolve(plan.builds.order, levels=tuple(reversed(plan.builds.order.levels)))
    with pytest.raises(InputErrors) as raised:
        emit_mock(evolve(plan, builds=evolve(plan.builds, order=turned)), ALONE)
    assert all("is not built before it" in error.message for error in raised.value.errors)
