"""Software Collections: recognised, offered as streams, enabled in the roots that use them."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from attrs import evolve

from streamsolve.cli.root import run
from streamsolve.emit import MockRepository, MockSettings, emit_mock
from streamsolve.errors import InputError
from streamsolve.explain import plan_blocks
from streamsolve.explain.command import Command
from streamsolve.explain.markup import lay_out, plain
from streamsolve.inputs.profiles import load_profile
from streamsolve.library import load_base
from streamsolve.lock import lock_text, read_lock
from streamsolve.model import Package
from streamsolve.model.build import LeakKind
from streamsolve.model.component import Component, Kind, Origin
from streamsolve.model.software_collections import SoftwareCollection, collection_of
from streamsolve.planner import PlanRequest, make_plan
from streamsolve.planner.base_offers import BaseOffers
from streamsolve.solving import PackagePool

from .buildworld import builds_of, interpreter, root_of
from .localrepository import write_repository
from .lockworld import small_plan, small_settings
from .mock_reader import configuration
from .rpmmd import element
from .smallworld import package, profile
from .test_universes_of_builds import APP, compiled, rule
from .test_universes_of_builds import GCC as GCC_RULE

TOOLSET = SoftwareCollection("gcc-toolset-14")
GCC = Component(Kind.TOOLCHAIN, "gcc")


def of_toolset(name: str, *requires: str, provides: tuple[str, ...] = ()) -> Package:
    """A package of gcc-toolset-14."""
    return package(
        f"gcc-toolset-14-{name}",
        "14.2",
        provides=("scl-package(gcc-toolset-14)", *provides),
        requires=requires,
        source="gcc-toolset-14-gcc",
    )


def toolset(*provides: str) -> list[Package]:
    return [
        of_toolset("runtime"),
        of_toolset("gcc", "gcc-toolset-14-runtime", provides=provides),
        of_toolset("gcc-c++", "gcc-toolset-14-gcc = 14.2-1.fc0"),
    ]


# -- recognised by name and prefix -----------------------------------------------------------------


def test_a_collection_says_where_it_is_and_what_its_packages_are_called() -> None:
    assert TOOLSET.prefix == "/opt/rh/gcc-toolset-14"
    assert TOOLSET.enable == "/opt/rh/gcc-toolset-14/enable"
    assert TOOLSET.package("gcc-c++") == "gcc-toolset-14-gcc-c++"
    assert TOOLSET.plain("gcc-toolset-14-gcc-c++") == "gcc-c++"
    assert TOOLSET.plain("gcc-toolset-13-gcc") == TOOLSET.plain("gcc") == ""


def test_only_a_package_that_says_so_and_bears_its_name_is_of_a_collection() -> None:
    assert collection_of(of_toolset("gcc")) == TOOLSET
    assert collection_of(package("gcc-toolset-14", provides=["scl-package(gcc-toolset-14)"]))
    assert collection_of(package("gcc-toolset-14-gcc")) is None
    assert collection_of(package("gcc", provides=["scl-package(gcc-toolset-14)"])) is None
    assert collection_of(package("x-a b", provides=["scl-package(x;rm -rf)"])) is None


def test_the_real_toolsets_of_centos_stream_9_are_streams_of_gcc(
    tmp_path: Path, shared: Path
) -> None:
    base = load_base(str(shared / "data" / "centos-stream-9"), offline=True)
    with PackagePool.open(base.repositories, arch=base.arch, cache=tmp_path) as pool:
        assert [one.name for one in pool.collections()] == [
            f"gcc-toolset-{number}" for number in (12, 13, 14)
        ]
        offers = BaseOffers(pool, base, load_profile("vllm"))
        found = {one.offer.package: one for one in offers.of(GCC)}
        assert {name: one.offer.version.major for name, one in found.items()} == {
            "gcc": 11,
            "gcc-toolset-12-gcc": 12,
            "gcc-toolset-13-gcc": 13,
            "gcc-toolset-14-gcc": 14,
        }
        assert {one.offer.origin for one in found.values()} == {Origin.BASE}
        assert [name for name, one in found.items() if not offers.is_compat(one)] == ["gcc"]


@pytest.mark.parametrize("name", ["fedora-44", "fedora-45"])
def test_a_base_without_collections_has_none(tmp_path: Path, shared: Path, name: str) -> None:
    base = load_base(str(shared / "data" / name), offline=True)
    with PackagePool.open(base.repositories, arch=base.arch, cache=tmp_path) as pool:
        assert pool.collections() == ()


# -- in build roots --------------------------------------------------------------------------------


def test_a_limit_on_the_compiler_chooses_a_collection_with_its_parts(tmp_path: Path) -> None:
    plan = compiled([*interpreter("3.14"), *toolset()]).plan(tmp_path)
    assert builds_of(plan) == [
        APP,
        "1 lib@1: gcc-toolset-14-gcc, gcc-toolset-14-gcc-c++, gcc-toolset-14-runtime",
    ]
    assert root_of(plan, "lib@1").collections == ("gcc-toolset-14",)
    assert root_of(plan, "app@1").collections == ()
    assert plan.isolation is not None
    assert plan.isolation.leaks == ()


def test_a_plan_says_which_collection_is_enabled_where(tmp_path: Path) -> None:
    plan = compiled([*interpreter("3.14"), *toolset()]).plan(tmp_path)
    blocks = plan_blocks(plan, Command(("streamsolve", "plan")))
    text = " ".join(plain(lay_out(blocks, 100)).split())
    assert "gcc-toolset-14 is enabled in the root of lib" in text
    assert "source /opt/rh/gcc-toolset-14/enable" in text


def test_the_usual_compiler_that_fits_is_preferred_to_a_newer_collection(tmp_path: Path) -> None:
    usual = [
        evolve(one, evr="11.5-1.fc0", provides=(f"{one.name} = 11.5-1.fc0",), requires=())
        if one.name in ("gcc", "gcc-c++")
        else one
        for one in interpreter("3.14")
    ]
    plan = compiled([*usual, *toolset()]).plan(tmp_path)
    assert root_of(plan, "lib@1").collections == ()
    assert "gcc-toolset-14-gcc" not in {p.name for p in root_of(plan, "lib@1").packages}


def test_an_overlay_s_collection_that_provides_what_the_base_does_is_a_leak(
    tmp_path: Path,
) -> None:
    world = compiled([*interpreter("3.14"), package("libtool", requires=["gcc"])])
    world.overlays = [("scl", toolset("gcc = 14.2-1.fc0"))]
    plan = world.plan(tmp_path)
    assert plan.isolation is not None
    assert [(leak.kind, leak.package, leak.capability) for leak in plan.isolation.leaks] == [
        (
            LeakKind.UNQUALIFIED_PROVIDE,
            "gcc-toolset-14-gcc-14.2-1.fc0.noarch",
            "gcc = 14.2-1.fc0",
        )
    ]


def test_an_overlay_s_collection_with_names_of_its_own_does_not_leak(tmp_path: Path) -> None:
    world = compiled([*interpreter("3.14"), package("libtool", requires=["gcc"])])
    world.overlays = [("scl", toolset("gcc-toolset-14-gcc(x86-64) = 14.2-1.fc0"))]
    plan = world.plan(tmp_path)
    assert plan.isolation is not None
    assert plan.isolation.leaks == ()


# -- in locks and emitted files --------------------------------------------------------------------


def with_collection(*names: str) -> object:
    plan = small_plan()
    assert plan.builds is not None
    roots = tuple(
        evolve(
            root,
            collections=names,
            streams=tuple(
                evolve(stream, package="gcc-toolset-14-gcc") if stream.component == GCC else stream
                for stream in root.streams
            ),
        )
        if any(stream.component == GCC for stream in root.streams)
        else root
        for root in plan.builds.roots
    )
    return evolve(plan, builds=evolve(plan.builds, roots=roots))


SETTINGS = MockSettings(
    "45",
    repositories=(MockRepository("fedora", "https://a.test/", gpgkeys=("https://k.test/K",)),),
)


def test_a_lock_says_which_collections_are_enabled_and_others_say_nothing() -> None:
    plan = with_collection("gcc-toolset-14")
    text = lock_text(plan, small_settings())  # type: ignore[arg-type]
    lock = read_lock(text, file="app.lock.json")
    assert lock.plan.builds is not None
    enabled = [root.id for root in lock.plan.builds.roots if root.collections]
    assert enabled
    assert text.count('"collections"') == len(enabled)
    assert '"collections"' not in lock_text(small_plan(), small_settings())


def test_mock_finds_the_collection_s_programs_first_and_names_its_compiler(
    tmp_path: Path,
) -> None:
    plan = with_collection("gcc-toolset-14")
    files = emit_mock(plan, settings_of_all(plan))  # type: ignore[arg-type]
    enabled = [
        root.id
        for root in plan.builds.roots  # type: ignore[attr-defined]
        if root.collections
    ]
    for id in enabled:
        (tmp_path / "one.cfg").write_bytes(files[f"configs/{id}.cfg"])
        opened = configuration(tmp_path / "one.cfg", config_directory=tmp_path)
        programs = "/opt/rh/gcc-toolset-14/root/usr/bin"
        assert opened["environment"]["PATH"].split(":")[0] == programs
        assert opened["environment"]["LD_LIBRARY_PATH"] == "/opt/rh/gcc-toolset-14/root/usr/lib64"
        assert opened["environment"]["CC"] == f"{programs}/gcc"
        assert opened["environment"]["CXX"] == f"{programs}/g++"
        assert opened["macros"]["%__cc"] == f"{programs}/gcc"
    for path in files:
        if path.endswith(".cfg") and not any(path.endswith(f"/{id}.cfg") for id in enabled):
            assert b"/opt/rh" not in files[path]


def settings_of_all(plan: object) -> MockSettings:
    """The settings with every repository of the plan."""
    names = {r.id for r in plan.repositories}  # type: ignore[attr-defined]
    found = [
        MockRepository(name, f"https://{name}.test/", gpgkeys=("https://k.test/K",))
        for name in sorted(names - {"fedora"})
    ]
    return evolve(SETTINGS, repositories=(*SETTINGS.repositories, *found))


@pytest.mark.parametrize("name", ["{{7*7}}", "a'b", "$(id)", "../x", "a\nb", "x" * 10_000])
def test_a_collection_whose_name_is_no_name_is_refused(name: str) -> None:
    plan = with_collection(name)
    with pytest.raises(InputError):
        emit_mock(plan, settings_of_all(plan))  # type: ignore[arg-type]


# -- a compiler that is needed to run --------------------------------------------------------------


def test_a_compiler_that_is_needed_to_run_is_the_chosen_collection_s(tmp_path: Path) -> None:
    """The base's own gcc cannot be installed: what compiles at run time gets the collection's."""
    broken = [
        evolve(one, requires=("lost",)) if one.name == "gcc" else one for one in interpreter("3.14")
    ]
    world = compiled([*broken, *toolset()])
    native = '[[native]]\ncomponent = "lib"\nrequires = ["gcc"]\n'
    text = GCC_RULE + native + rule("lib", needs="toolchain:gcc <16")
    world.profile = profile(text, needs='["toolchain:gcc <16"]')
    plan = world.plan(tmp_path)
    assert plan.builds is not None
    assert "gcc-toolset-14-gcc-14.2-1.fc0.noarch" in plan.runtime_packages
    assert plan.builds.runtime.collections == ("gcc-toolset-14",)


# -- vLLM on CentOS Stream 9 -----------------------------------------------------------------------

FFMPEG = tuple(
    f"lib{name}-free"
    for name in ("avcodec", "avdevice", "avfilter", "avformat", "avutil", "swresample", "swscale")
)


def test_the_names_of_ffmpeg_are_those_that_the_profile_states() -> None:
    needs = {text for need in load_profile("vllm").native_needs for text in need.requires}
    assert set(FFMPEG) <= needs
    assert [name for name in sorted(needs) if re.match("lib(av|sw)", name)] == sorted(FFMPEG)


@pytest.fixture(scope="module")
def centos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vllm")


def ask(
    capsys: pytest.CaptureFixture[str], shared: Path, cache: Path, *more: str
) -> tuple[int, str, dict[str, object]]:
    """The plan of vLLM on CentOS Stream 9 with Python 3.12: its code, text and JSON document."""
    base = str(shared / "data" / "centos-stream-9")
    command = ["plan", "vllm", "--base", base, "--python", "3.12", "--offline"]
    command += ["--cache", str(cache), *more]
    code = run(command)
    told = capsys.readouterr()
    assert told.err == "" or code in (0, 3), told.err
    text = " ".join(told.out.split())
    run([*command, "--json"])
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    return code, text, document


def overlay(directory: Path, *packages: Package) -> str:
    write_repository(directory, map(element, packages))
    return f"further={directory}"


def stand_ins() -> list[Package]:
    """What RPM Fusion or EPEL would have of FFmpeg, as far as its names go."""
    return [
        Package(name, "7.1-1.el9", "x86_64", provides=(f"{name} = 7.1-1.el9",)) for name in FFMPEG
    ]


def test_without_ffmpeg_the_reason_is_told_once_with_what_would_help(
    capsys: pytest.CaptureFixture[str], shared: Path, centos: Path
) -> None:
    start = time.process_time()
    code, text, document = ask(capsys, shared, centos)
    # Both questions, the text's and the JSON's, with all repairs solved.
    assert time.process_time() - start < 20
    assert code == 3
    assert (
        "1. torchcodec cannot be installed: nothing in the base provides libavcodec-free and 6 "
        "more packages that it needs."
    ) in text
    assert text.count("which nothing provides") == 1
    assert "python3.12-torchcodec 0.14–0.17 (4 versions) need libavcodec-free," in text
    assert "--repo NAME=URL" in text
    (conflict,) = document["conflicts"]  # type: ignore[misc]
    assert conflict["about"]["name"] == "torchcodec"
    assert conflict["missing"] == sorted(FFMPEG)


def test_with_ffmpeg_from_an_overlay_the_next_true_reason_is_the_compiler(
    capsys: pytest.CaptureFixture[str], shared: Path, centos: Path, tmp_path: Path
) -> None:
    """Triton compiles at run time, and neither gcc nor a toolset fits this base's older half."""
    further = overlay(tmp_path / "further", *stand_ins())
    code, text, document = ask(capsys, shared, centos, "--repo", further)
    assert code == 3
    assert "torchcodec" not in text
    assert "triton cannot be installed: it needs" in text
    assert "which the base cannot install" in text
    # What stands behind it, for each compiler, in a line each.
    assert re.search(r"gcc 11\.5\.0-2\.el9 and 4 older ones need libgcc >= its own version", text)
    assert "(there is libgcc 11.2.1" in text
    (conflict,) = document["conflicts"]  # type: ignore[misc]
    assert "gcc" in conflict["blocked"]


def test_a_base_that_is_whole_has_a_plan_with_gcc_and_one_with_the_toolset(
    capsys: pytest.CaptureFixture[str], shared: Path, centos: Path, tmp_path: Path
) -> None:
    """The halves of the base are three years apart: with what its older half lacks, made up from
    its own packages under the versions that the newer half needs, vLLM has a plan."""
    semanage = Package("semanage", "1-1", "noarch", provides=("/usr/sbin/semanage", "semanage = 1"))
    whole = overlay(tmp_path / "whole", *stand_ins(), *newer_half(shared, centos), semanage)
    base = str(shared / "data" / "centos-stream-9")
    request = PlanRequest(
        "vllm", base=base, python="3.12", overlays=(whole,), offline=True, cache=centos
    )
    compilers = {}
    for demands in ((), ("toolchain:gcc>=14",)):
        plan = make_plan(evolve(request, demands=demands)).plan
        (gcc,) = [stream for stream in plan.streams if stream.component == GCC]
        assert plan.python == "3.12"
        packages = {nevra.rsplit("-", 2)[0] for nevra in plan.runtime_packages}
        compilers[demands] = (gcc.package, str(gcc.version)[:2], {"gcc", TOOLSET_GCC} & packages)
    assert compilers == {
        (): ("gcc", "11", {"gcc"}),
        ("toolchain:gcc>=14",): (TOOLSET_GCC, "14", {TOOLSET_GCC}),
    }


TOOLSET_GCC = "gcc-toolset-14-gcc"


def newer_half(shared: Path, cache: Path) -> list[Package]:
    """What compilers and toolsets of the newer half need of the older one."""
    base = load_base(str(shared / "data" / "centos-stream-9"), offline=True)
    with PackagePool.open(base.repositories, arch=base.arch, cache=cache) as pool:
        return [
            as_version(
                next(one for one in pool.named(name) if one.arch != "i686"),
                pool.named(needs)[0].evr,
            )
            for needs, names in NEEDED.items()
            for name in names
        ]


NEEDED = {
    "gcc": ("libgcc", "libgomp"),
    "glibc-devel": ("glibc", "glibc-common", "glibc-minimal-langpack"),
}


def as_version(one: Package, evr: str) -> Package:
    """A package of another version, with what it says of its own version changed as well."""
    provides, requires = (
        tuple(text.replace(one.evr, evr) for text in texts)
        for texts in (one.provides, one.requires)
    )
    return evolve(one, evr=evr, provides=provides, requires=requires, checksum="", source="")
