"""The namespace of an application, and the configurations that ask for what is in it."""

from __future__ import annotations

import configparser
import re
import subprocess
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from streamsolve.emit import MockSettings, emit_mock, write_files
from streamsolve.emit.dnf_conf import included
from streamsolve.emit.mock_config import compilers_of, macros_of, requested
from streamsolve.emit.namespace import Namespace, PrivateNames, namespace_of, private_names
from streamsolve.emit.specs.dependency_script import dependency_script
from streamsolve.model.build import Root, RootStream
from streamsolve.model.component import PYTHON, Origin
from streamsolve.model.package import Package
from streamsolve.model.plan import Plan
from streamsolve.model.rpm_dependency import parse_dependency

from .builders import component
from .localrepository import rpm, write_repository
from .lockworld import small_plan
from .mock_reader import configuration
from .specworld import IN_PREFIX, SETTINGS, private, spec_plan

APP = Namespace("app", "/opt/app")
PRIVATE = PrivateNames(
    frozenset({"libfoo", "python3-x"}), frozenset({"python3.15dist(x)", "pkgconfig(foo)"})
)


# --- names


def test_each_private_package_is_called_by_the_application() -> None:
    assert APP.package_name("libfoo") == "app-libfoo"
    # A package of the base may be called like the application.
    assert APP.package_name("app-tools") == "app-app-tools"
    assert APP.capability("python3.14dist(torch)") == "app(python3.14dist(torch))"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("libfoo", "app-libfoo"),
        ("libfoo >= 1", "app-libfoo >= 1"),
        ("libfoo(x86-64) = 1-2", "app-libfoo(x86-64) = 1-2"),
        ("libfoo-devel", "libfoo-devel"),
        ("glibc >= 2.40", "glibc >= 2.40"),
        ("libc.so.6(GLIBC_2.34)(64bit)", "libc.so.6(GLIBC_2.34)(64bit)"),
        ("pkgconfig(foo) > 1", "app(pkgconfig(foo)) > 1"),
        (
            "(python3.15dist(x) >= 1 with python3.15dist(x) < 2)",
            "(app(python3.15dist(x)) >= 1 with app(python3.15dist(x)) < 2)",
        ),
        ("(libfoo if glibc else bash)", "(app-libfoo if glibc else bash)"),
        ("no dependency at all (", "no dependency at all ("),
    ],
)
def test_a_requirement_names_what_is_private_and_nothing_else(written: str, expected: str) -> None:
    assert APP.required(written, PRIVATE) == expected


def test_what_a_private_package_provides_is_in_the_namespace() -> None:
    assert APP.provided("python(abi) = 3.14") == "app(python(abi)) = 3.14"
    assert APP.provided("bundled(zlib) = 1.3") == "bundled(zlib) = 1.3"


@given(
    application=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,8}", fullmatch=True),
    text=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20),
    inside=st.booleans(),
)
def test_the_filter_drops_all_that_is_not_in_the_namespace(
    application: str, text: str, inside: bool
) -> None:
    """RPM's filters are extended regular expressions; so is grep's -E, which Python's come near."""
    namespace = Namespace(application, "/opt/app")
    name = namespace.capability(text) if inside else text
    dropped = re.match(namespace.outside, name) is not None
    assert dropped == (not name.startswith(f"{application}("))


def test_names_are_gathered_from_planned_packages() -> None:
    own = Package(
        "libfoo", "1-0", "x86_64", "private", ("libfoo = 1-0", "libfoo(x86-64) = 1-0", "x(y) = 1")
    )
    base = Package("bash", "5-1", "x86_64", "fedora", ("bash = 5-1", "/bin/sh"))
    found = private_names([own, base])
    assert found == PrivateNames(frozenset({"libfoo"}), frozenset({"x(y)"}))


# --- the script beside a spec


def called(directory: Path, mode: str, text: str, *command: str) -> list[str]:
    script = directory / "script.sh"
    script.write_bytes(dependency_script(Namespace("app", f"{directory}/opt"), PRIVATE))
    done = subprocess.run(
        ["/bin/sh", str(script), mode, *command],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.splitlines()


DEPENDENCIES = st.recursive(
    st.sampled_from(
        ["libfoo >= 1", "glibc", "python3.15dist(x) < 2~~", "pkgconfig(foo)", "libc.so.6()(64bit)"]
    ),
    lambda inner: st.tuples(inner, st.sampled_from([" with ", " or ", " if "]), inner).map(
        lambda parts: f"({''.join(parts)})"
    ),
    max_leaves=4,
)


@settings(deadline=None, max_examples=30)
@given(texts=st.lists(DEPENDENCIES, max_size=5))
def test_the_script_calls_capabilities_as_the_library_does(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    directory = tmp_path_factory.mktemp("script")
    found = called(directory, "build", "".join(f"{text}\n" for text in texts))
    only = PrivateNames(frozenset(), PRIVATE.capabilities)
    assert found == [APP.required(text, only) for text in texts]


def test_the_script_finds_private_libraries_where_they_lie(tmp_path: Path) -> None:
    library = tmp_path / "opt" / "lib64" / "libfoo.so.1"
    library.parent.mkdir(parents=True)
    library.touch()
    (library.parent / "pkgconfig").mkdir()
    (library.parent / "pkgconfig" / "bar.pc").touch()
    built = tmp_path / "BUILDROOT" / str(tmp_path / "opt" / "lib64")[1:] / "libown.so.2"
    built.parent.mkdir(parents=True)
    built.touch()
    answer = "libfoo.so.1()(64bit)\\nlibown.so.2(A)(64bit)\\nlibc.so.6()(64bit)\\npkgconfig(bar)\\n"
    found = called(tmp_path, "requires", f"{built}\n", "printf", answer)
    assert found == [
        "app(libfoo.so.1()(64bit))",
        "app(libown.so.2(A)(64bit))",
        "libc.so.6()(64bit)",
        "app(pkgconfig(bar))",
    ]
    assert called(tmp_path, "provides", f"{built}\n", "printf", "a = 1\\n;file\\n") == [
        "app(a) = 1",
        ";file",
    ]


# --- configurations


def conf(
    directory: Path, settings: MockSettings, root: str, plan: Plan
) -> configparser.ConfigParser:
    write_files(directory / "out", emit_mock(plan, settings))
    path = directory / "out" / "configs" / f"{root}.cfg"
    found = configuration(path, config_directory=directory)
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(found["dnf.conf"])
    return parser


def test_in_a_prefix_a_root_asks_for_names_of_the_namespace_and_hides_nothing(
    tmp_path: Path,
) -> None:
    plan = small_plan()
    assert plan.builds is not None
    root = plan.builds.root("build-wheel")
    assert root is not None
    asked = requested(root, namespace_of(plan, IN_PREFIX))
    assert {"app-python3-setuptools", "app-python3-flit-core"} <= set(asked)
    assert not [name for name in asked if name.startswith("python3-flit")]
    found = conf(tmp_path, IN_PREFIX, "build-wheel", plan)
    assert "excludepkgs" not in found["fedora"]
    patterns = found["streamsolve"]["includepkgs"].split(",")
    assert "app-python3-flit-core-3.12-*" in patterns or any(
        each.startswith("app-python3-flit-core-3.12") for each in patterns
    )
    assert all(each.startswith(("app-", "*-*-0.streamsolve.")) for each in patterns)


def test_in_a_container_nothing_is_named_otherwise(tmp_path: Path) -> None:
    plan = small_plan()
    found = conf(tmp_path, SETTINGS, "build-wheel", plan)
    hidden = found["fedora"]["excludepkgs"].split(",")
    assert hidden == ["python3-flit-core", "python3-setuptools"]


def test_a_private_interpreter_under_a_prefix_is_found_there(tmp_path: Path) -> None:
    python = private("interpreter:python", "3.14", package="python3.14", filename="")
    plan = spec_plan(
        python,
        private("six", "1", package="python3.14-six"),
        python="3.14",
        in_roots={"six": ["interpreter:python"]},
    )
    assert plan.builds is not None
    root = plan.builds.root("build-six")
    assert root is not None
    macros = dict(macros_of(root, IN_PREFIX))
    assert macros["%__python3"] == "/opt/app/bin/python3.14"
    assert macros["%python3_pkgversion"] == "3.14"
    assert macros["%_prefix"] == "/opt/app"
    assert "%__python3" not in dict(macros_of(root, SETTINGS))
    write_files(tmp_path / "out", emit_mock(plan, IN_PREFIX))
    path = tmp_path / "out" / "configs" / "build-six.cfg"
    found = configuration(path, config_directory=tmp_path)
    assert found["environment"]["PATH"].split(":")[0] == "/opt/app/bin"


@pytest.mark.parametrize(
    ("package", "cc", "cxx"),
    [("gcc15", "gcc-15", "g++-15"), ("clang20", "clang-20", "clang++-20")],
)
def test_a_compat_compiler_is_the_one_that_builds(package: str, cc: str, cxx: str) -> None:
    name = re.sub(r"\d", "", package)
    stream = RootStream(component(f"toolchain:{name}"), Version("15"), Origin.BASE, package)
    root = Root("build-x", (Package("bash", "5-1", "x86_64", "fedora"),), (stream,), ())
    assert dict(compilers_of(root))["CC"] == cc
    assert dict(compilers_of(root))["CXX"] == cxx
    macros = dict(macros_of(root, SETTINGS))
    assert (macros["%__cc"], macros["%__cxx"]) == (cc, cxx)
    usual = evolve(stream, package=name)
    assert compilers_of(evolve(root, streams=(usual,))) == ()
    assert "%__cc" not in dict(macros_of(evolve(root, streams=(usual,)), SETTINGS))


def test_dnf_sees_all_packages_of_a_stream_and_none_of_another(tmp_path: Path) -> None:
    """Sub-packages that nobody planned come in, whatever they are called, by their release."""
    release = "0.streamsolve.interpreter_python_3_14"
    seen = ["python3.14", "python3.14-libs", "libpython-oddly-named", "python3.14-devel"]
    unseen = [
        rpm("python3.14-six", "1.17.0-0.streamsolve.six_1_17_0.fc45"),
        rpm("python3.14-libs", "3.14.3-0.streamsolve.interpreter_python_3_140.fc45"),
        rpm("other", "3.14.2-1.fc45"),
    ]
    wanted = [rpm(name, f"3.14.2-{release}.fc45") for name in seen]
    write_repository(tmp_path / "repo", [*wanted, *unseen])
    stream = RootStream(
        PYTHON, Version("3.14"), Origin.PRIVATE, "python3.14", "interpreter:python@3.14"
    )
    planned = Package("python3.14", "3.14-0.streamsolve", "x86_64", "private")
    patterns = included(Root("r", (planned,), (stream,), ()))
    (tmp_path / "dnf.conf").write_text(
        "[main]\nreposdir=/dev/null\n[s]\nname=s\ngpgcheck=0\n"
        f"baseurl=file://{tmp_path}/repo\nincludepkgs={','.join(patterns)}\n"
    )
    found = subprocess.run(
        [
            *("dnf", "--disableplugin=local", "-q", "-c", f"{tmp_path}/dnf.conf"),
            *("--releasever=45", f"--installroot={tmp_path}/root"),
            *(f"--setopt=cachedir={tmp_path}/cache", "repoquery", "--qf=%{name}|%{release}"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert not found.returncode, found.stderr
    lines = found.stdout.split()
    assert sorted(line.partition("|")[0] for line in lines) == sorted(seen)
    assert {line.partition("|")[2] for line in lines} == {f"{release}.fc45"}


def test_every_text_that_is_called_by_another_name_is_still_a_dependency() -> None:
    for text in ("app(libfoo.so.1()(64bit))", "app(python3.14dist(x[y])) >= 1"):
        assert str(parse_dependency(text)) == text
