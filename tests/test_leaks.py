"""Nothing private reaches the base: leaks made on purpose are caught, and clean plans have none."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable, Mapping

import pytest
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from streamsolve.explain import lay_out, plain
from streamsolve.explain.isolation_text import isolation_blocks
from streamsolve.model.build import Isolation, Leak, LeakKind, Root, RootStream
from streamsolve.model.component import PYTHON, Component, Kind, Origin, distribution
from streamsolve.model.isolation import check_isolation
from streamsolve.model.package import Base, Package
from streamsolve.planner.leaks import find_leaks
from streamsolve.solving import PackagePool

from .rpmmd import embedded, rpm, satisfies
from .test_solving import real

GCC = Component(Kind.TOOLCHAIN, "gcc")
TOOLSET = re.compile(r"gcc-toolset-14-.*")


# --- a base, streams and roots in a few words ----------------------------------------------------


@frozen
class FakeBase:
    """A base of a few packages that answers as a pool does, for plain dependencies."""

    packages: tuple[Package, ...]

    def provides(self, text: str) -> bool:
        assert not text.startswith("("), "these tests ask the fake for plain dependencies only"
        return any(satisfies(have, text) for package in self.packages for have in _all(package))

    def requirers(self, capabilities: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        return {
            text: tuple(
                sorted(
                    package.nevra
                    for package in self.packages
                    if any(satisfies(text, need) for need in package.requires if need[0] != "(")
                )
            )
            for text in capabilities
        }


def _all(package: Package) -> tuple[str, ...]:
    return (*package.provides, f"{package.name} = {package.evr}")


def stream(
    name: str | Component,
    version: str = "2",
    *,
    package: str = "",
    origin: Origin = Origin.PRIVATE,
    build: str = "",
) -> RootStream:
    component = distribution(name) if isinstance(name, str) else name
    return RootStream(
        component, Version(version), origin, package or f"python3-{component.name}", build
    )


def made(of: RootStream, provides: str = "", requires: str = "", name: str = "") -> Package:
    """The planned package of a stream, which provides its distribution besides."""
    name, evr = name or of.package, f"{of.version}-0.streamsolve"
    own = [f"{name} = {evr}", f"{name}(x86-64) = {evr}"]
    if of.component.kind is Kind.DISTRIBUTION:
        own.append(f"python3.15dist({of.component.name}) = {of.version}")
    further = ", ".join([*own, *filter(None, [provides])])
    texts = {"provides": further, "repository": of.origin.value}
    if requires:
        texts["requires"] = requires
    return rpm(name, evr, "x86_64", **texts)


def base_package(name: str, evr: str = "1-1", **texts: str) -> Package:
    return rpm(name, evr, "noarch", repository="base", source=name, **texts)


def root(
    *packages: Package, streams: Iterable[RootStream] = (), id: str = "runtime", tool: str = ""
) -> Root:
    tools = (f"python {tool}",) if tool else ()
    return Root(id, tuple(sorted(packages)), tuple(sorted(streams)), (), tools)


def check(
    roots: Iterable[Root],
    owners: Mapping[Package, RootStream],
    base: Iterable[Package] = (),
    *,
    overlays: Iterable[str] = (),
    repositories: Iterable[str] = (),
) -> Isolation:
    fake = FakeBase(tuple(base))
    return check_isolation(
        tuple(roots),
        {package.nevra: owner for package, owner in owners.items()},
        fake.provides,
        fake.requirers,
        frozenset(overlays),
        frozenset(repositories),
    )


TORCH = stream("torch")
TORCH_RPM = made(TORCH)
BASH = base_package("bash")


# --- clean plans ---------------------------------------------------------------------------------


def test_a_clean_plan_gives_no_leak_and_says_what_was_looked_at():
    needing = base_package("python3-vision", requires="python3.15dist(torch) >= 1")
    older = base_package("python3-torch", provides="python3.15dist(torch) = 1")
    found = check(
        [
            root(TORCH_RPM, BASH, streams=[TORCH]),
            root(BASH, streams=[], id="build-torch"),
        ],
        {TORCH_RPM: TORCH},
        base=[BASH, needing, older],
    )
    assert found == Isolation((), roots=2, packages=2, provides=3)


def test_own_names_are_no_leak_though_the_base_has_and_requires_them():
    extra = rpm(
        "python3-torch+opt",
        "2-0.streamsolve",
        "x86_64",
        repository="private",
        provides="python3.15dist(torch[opt]) = 2, python3dist(torch[opt]) = 2",
    )
    torch = made(TORCH, provides="python3dist(torch) = 2, config(python3-torch) = 2, python-torch")
    users = base_package(
        "user",
        requires="python3.15dist(torch), python3dist(torch[opt]), python3-torch, python-torch",
    )
    found = check(
        [root(torch, extra, streams=[TORCH])],
        {torch: TORCH, extra: TORCH},
        base=[users, base_package("python3-torch", provides="python-torch")],
    )
    assert found.leaks == ()


def test_both_passes_of_a_stream_give_the_package_that_roots_name():
    later = [evolve(TORCH, build="torch@2/bootstrap"), evolve(TORCH, build="torch@2/final")]
    roots = [root(TORCH_RPM, streams=[one], id=f"build-{n}") for n, one in enumerate(later)]
    assert check(roots, {TORCH_RPM: TORCH}).leaks == ()


def test_a_plan_without_anything_private_is_clean():
    assert check([root(BASH)], {}, base=[BASH]) == Isolation((), 1, 1, 0)


# --- a private package where it does not belong --------------------------------------------------


def test_a_private_package_in_a_root_that_did_not_choose_it_is_foreign():
    roots = [
        root(TORCH_RPM, streams=[TORCH]),
        root(TORCH_RPM, streams=[stream("numpy")], id="build-numpy"),
    ]
    assert check(roots, {TORCH_RPM: TORCH}).leaks == (
        Leak(LeakKind.FOREIGN_PACKAGE, TORCH_RPM.nevra, "", "torch@2", "build-numpy"),
    )


def test_another_version_of_the_chosen_stream_is_foreign_too():
    newer = stream("torch", "3")
    (leak,) = check([root(made(newer), streams=[TORCH])], {made(newer): newer}).leaks
    assert (leak.kind, leak.other) == (LeakKind.FOREIGN_PACKAGE, "torch@3")


@pytest.mark.parametrize("origin", [Origin.PRIVATE, Origin.EXTERNAL])
def test_a_planned_package_of_no_stream_is_foreign(origin):
    lost = made(stream("torch", origin=origin))
    assert check([root(lost, streams=[TORCH])], {}).leaks == (
        Leak(LeakKind.FOREIGN_PACKAGE, lost.nevra, root="runtime"),
    )


def test_sub_packages_count_as_their_stream():
    python = stream(PYTHON, "3.14.2", package="python3.14")
    headers = made(python, name="python3.14-devel")
    found = check(
        [root(made(python), headers, streams=[python])], {made(python): python, headers: python}
    )
    assert found.leaks == ()


def test_what_an_overlay_brings_along_needs_no_stream():
    library = rpm("libcublas", "13-1", "x86_64", repository="nvidia")
    assert check([root(library)], {}, overlays=["nvidia"]).leaks == ()


# --- two streams in one root ---------------------------------------------------------------------


def test_two_streams_of_one_component_in_one_root_are_caught():
    newer = stream("torch", "3", package="python3-torch3")
    found = check(
        [root(TORCH_RPM, made(newer), streams=[TORCH, newer])],
        {TORCH_RPM: TORCH, made(newer): newer},
    )
    first, second = sorted([TORCH_RPM.nevra, made(newer).nevra])
    assert found.leaks == (
        Leak(LeakKind.TWO_STREAMS, first, "python3.15dist(torch)", second, "runtime"),
        Leak(LeakKind.TWO_STREAMS, first, "torch", second, "runtime"),
    )


def test_two_roots_may_choose_differently():
    newer = stream("torch", "3")
    roots = [root(TORCH_RPM, streams=[TORCH]), root(made(newer), streams=[newer], id="build-x")]
    assert check(roots, {TORCH_RPM: TORCH, made(newer): newer}).leaks == ()


def test_the_bases_package_of_the_same_distribution_is_a_second_stream():
    theirs = base_package("pytorch", provides="python3.15dist(torch) = 1")
    (leak,) = check([root(TORCH_RPM, theirs, streams=[TORCH])], {TORCH_RPM: TORCH}).leaks
    assert leak == Leak(
        LeakKind.TWO_STREAMS, TORCH_RPM.nevra, "python3.15dist(torch)", theirs.nevra, "runtime"
    )


def test_packages_of_one_source_or_with_extras_alone_are_no_second_stream():
    one = rpm("a", repository="base", source="s", provides="python3.15dist(x)")
    two = rpm("b", repository="base", source="s", provides="python3.15dist(x)")
    extra = base_package("c", provides="python3.15dist(x[more])")
    other_python = base_package("d", provides="python3.14dist(x)")
    assert check([root(one, two, extra, other_python)], {}).leaks == ()


def test_a_base_that_has_a_distribution_twice_leaks_only_where_the_versions_differ():
    one = base_package("a", provides="python3.15dist(x) = 1, python(abi) = 3.15")
    same = base_package("b", provides="python3.15dist(x) = 1, python(abi) = 3.15, python(abi)")
    other = base_package("c", provides="python3.15dist(x) = 2, python(abi) = 3.14")
    assert check([root(one, same)], {}).leaks == ()
    assert check([root(one, same, other)], {}).leaks == (
        Leak(LeakKind.TWO_STREAMS, one.nevra, "python(abi)", other.nevra, "runtime"),
        Leak(LeakKind.TWO_STREAMS, one.nevra, "python3.15dist(x)", other.nevra, "runtime"),
    )


PRIVATE_PYTHON = stream(PYTHON, "3.14.2", package="python3.14")
PRIVATE_PYTHON_RPM = made(
    PRIVATE_PYTHON, provides="python(abi) = 3.14, /usr/bin/python3.14, /usr/lib64/python3.14/os.py"
)
BASE_PYTHON = base_package("python3", "3.15.0-1", provides="python(abi) = 3.15")


def test_the_bases_interpreter_may_lie_beside_a_private_one_as_a_tool():
    packages, owners = (PRIVATE_PYTHON_RPM, BASE_PYTHON), {PRIVATE_PYTHON_RPM: PRIVATE_PYTHON}
    allowed = root(*packages, streams=[PRIVATE_PYTHON], tool="3.15")
    unsaid = root(*packages, streams=[PRIVATE_PYTHON], id="build-x")
    other = root(*packages, streams=[PRIVATE_PYTHON], id="build-y", tool="3.13")
    assert check([allowed, unsaid, other], owners, base=[BASE_PYTHON]).leaks == tuple(
        Leak(LeakKind.TWO_STREAMS, PRIVATE_PYTHON_RPM.nevra, "python(abi)", BASE_PYTHON.nevra, id)
        for id in ("build-x", "build-y")
    )


def test_what_carries_the_private_interpreters_version_is_its_own():
    theirs = base_package(
        "python3.14", provides="/usr/bin/python3.14, /usr/lib64/python3.14/os.py", requires="x"
    )
    user = base_package("user", requires="/usr/bin/python3.14, python(abi) = 3.14")
    found = check(
        [root(PRIVATE_PYTHON_RPM, streams=[PRIVATE_PYTHON])],
        {PRIVATE_PYTHON_RPM: PRIVATE_PYTHON},
        base=[theirs, user],
    )
    assert found.leaks == ()


# --- provides that are not a stream's own --------------------------------------------------------


def toolset(provides: str) -> tuple[RootStream, Package]:
    of = stream(GCC, "14", package="gcc-toolset-14-gcc")
    return of, made(of, provides=provides)


def test_a_toolset_that_provides_gcc_leaks_to_what_requires_gcc():
    of, package = toolset("gcc = 14.2")
    users = [
        base_package("rpm-build", requires="gcc >= 11"),
        base_package("old", requires="gcc < 9"),
    ]
    found = check([root(package, streams=[of], id="build-x")], {package: of}, base=users)
    assert found.leaks == (
        Leak(LeakKind.UNQUALIFIED_PROVIDE, package.nevra, "gcc = 14.2", users[0].nevra, "build-x"),
    )


def test_what_the_base_provides_as_well_leaks_even_if_nobody_requires_it():
    of, package = toolset("libctf.so.0()(64bit), libnew.so.1()(64bit)")
    binutils = base_package("binutils", provides="libctf.so.0()(64bit)")
    found = check([root(package, streams=[of])], {package: of}, base=[binutils])
    assert found.leaks == (
        Leak(
            LeakKind.UNQUALIFIED_PROVIDE,
            package.nevra,
            "libctf.so.0()(64bit)",
            "",
            "runtime",
        ),
    )


@pytest.mark.parametrize(
    "provided",
    [
        "bundled(libiberty)",
        "gcc-toolset-14-gcc(x86-64) = 14",
        "config(gcc-toolset-14-gcc)",
        "/opt/rh/gcc-toolset-14/root/usr/bin/gcc",
        "nobody-asks-for-this",
    ],
)
def test_statements_own_names_own_paths_and_what_nobody_knows_are_no_leak(provided):
    of, package = toolset(provided)
    twin = base_package("twin", provides=provided, requires=provided)
    known = [] if provided.startswith("nobody") else [twin]
    assert check([root(package, streams=[of])], {package: of}, base=known).leaks == ()


@pytest.mark.parametrize(
    ("package_name", "provided"),
    [
        ("python3.14-torch", "python3dist(torch) = 2"),
        ("python3.14-torch", "python3.15dist(torch) = 2"),
        ("python3.14-torch", "python3-torch"),
        ("python3.14-torch", "/usr/bin/torchrun"),
        ("python3-torch", "python3dist(numpy) = 2"),
        ("python3-torch", "python3-numpy"),
        ("python3-torch", "python(abi) = 3.15"),
        ("python3-torch", "numpy(x86-64) = 2"),
        ("python3-torch", "config(numpy) = 2"),
    ],
)
def test_the_names_of_others_are_not_a_streams_own(package_name, provided):
    of = stream("torch", package=package_name)
    package = rpm(
        package_name, "2-0", "x86_64", repository="private", provides=f"{package_name}, {provided}"
    )
    user = base_package("user", requires=provided.partition(" ")[0])
    (leak,) = check([root(package, streams=[of])], {package: of}, base=[user]).leaks
    assert (leak.kind, leak.capability, leak.other) == (
        LeakKind.UNQUALIFIED_PROVIDE,
        provided,
        user.nevra,
    )


def test_an_interpreter_may_not_claim_another_series():
    package = made(PRIVATE_PYTHON, provides="python(abi) = 3.15")
    (leak,) = check(
        [root(package, streams=[PRIVATE_PYTHON])], {package: PRIVATE_PYTHON}, base=[BASE_PYTHON]
    ).leaks
    assert (leak.kind, leak.capability) == (LeakKind.UNQUALIFIED_PROVIDE, "python(abi) = 3.15")


def test_an_overlays_package_is_looked_at_where_it_is_a_stream():
    of = stream(GCC, "14", package="gcc-toolset-14-gcc", origin=Origin.EXTERNAL)
    package = rpm("gcc-toolset-14-gcc", "14-1", "x86_64", repository="copr", provides="gcc = 14")
    user = base_package("user", requires="gcc")
    theirs = root(package, streams=[of])
    assert check([theirs], {}, base=[user], overlays=["copr"]).leaks == ()
    (leak,) = check([theirs], {package: of}, base=[user], overlays=["copr"]).leaks
    assert leak.kind is LeakKind.UNQUALIFIED_PROVIDE


# --- a base that needs what is private -----------------------------------------------------------


@pytest.mark.parametrize(
    "needs",
    [
        "python3.15dist(torch) >= 2",
        "(python3.15dist(torch) >= 2 or nothing-has-this)",
        "(python3.15dist(torch) and bash)",
        "(python3.15dist(torch) if bash)",
        "(nothing-has-this if zsh else python3.15dist(torch))",
        "(python3.15dist(torch) unless zsh)",
    ],
)
def test_a_base_that_leaks_by_construction_is_caught(needs):
    leaking = base_package("vision", requires=needs)
    older = base_package("python3-torch", provides="python3.15dist(torch) = 1")
    base = [leaking, BASH] if needs.startswith("(") else [leaking, BASH, older]
    found = check([root(TORCH_RPM, leaking, BASH, streams=[TORCH])], {TORCH_RPM: TORCH}, base=base)
    assert (
        Leak(LeakKind.BASE_NEEDS_PRIVATE, TORCH_RPM.nevra, needs, leaking.nevra, "runtime")
        in found.leaks
    )
    assert {leak.kind for leak in found.leaks} == {LeakKind.BASE_NEEDS_PRIVATE}


@pytest.mark.parametrize(
    "needs",
    [
        "python3.15dist(torch)",
        "(python3.15dist(torch) or bash)",
        "(python3.15dist(torch) if zsh)",
        "(python3.15dist(torch) if bash)",
        "bash",
        "/usr/bin/of-no-list",
    ],
)
def test_a_requirement_that_the_base_could_meet_is_no_leak(needs):
    user = base_package("vision", requires=needs)
    theirs = base_package("pytorch", provides="python3.15dist(torch) = 1")
    found = check(
        [root(TORCH_RPM, user, BASH, streams=[TORCH])],
        {TORCH_RPM: TORCH},
        base=[user, BASH, theirs],
    )
    assert found.leaks == ()


def test_a_base_package_that_only_an_overlay_completes_is_caught():
    leaking = base_package("tool", requires="libmissing")
    library = rpm("libmissing", "1-1", "x86_64", repository="copr")
    (leak,) = check([root(leaking, library)], {}, base=[leaking], overlays=["copr"]).leaks
    assert leak == Leak(
        LeakKind.BASE_NEEDS_PRIVATE, library.nevra, "libmissing", leaking.nevra, "runtime"
    )


def test_a_private_package_may_need_what_is_private():
    vision = stream("vision")
    package = made(vision, requires="python3.15dist(torch), libonly")
    torch = made(TORCH, provides="libonly")
    found = check([root(package, torch, streams=[vision, TORCH])], {package: vision, torch: TORCH})
    assert found.leaks == ()


# --- the base as it is ---------------------------------------------------------------------------


def test_a_private_package_in_the_place_of_a_chosen_base_package_is_caught():
    chosen = stream("torch", "1", origin=Origin.BASE)
    other = stream("other", package="python3-torch")
    package = made(other)
    (leak,) = check([root(package, streams=[chosen, other])], {package: other}).leaks
    assert leak == Leak(LeakKind.BASE_CHANGED, package.nevra, "python3-torch", "", "runtime")


def test_a_private_package_beside_the_bases_of_its_name_is_caught():
    theirs = base_package("python3-torch")
    (leak,) = check([root(TORCH_RPM, theirs, streams=[TORCH])], {TORCH_RPM: TORCH}).leaks
    assert leak == Leak(
        LeakKind.BASE_CHANGED, TORCH_RPM.nevra, "python3-torch", theirs.nevra, "runtime"
    )


def test_the_bases_package_may_be_used_in_another_root():
    theirs = base_package("python3-torch", provides="python3.15dist(torch) = 1")
    chosen = stream("torch", "1", origin=Origin.BASE)
    roots = [root(TORCH_RPM, streams=[TORCH]), root(theirs, streams=[chosen], id="build-x")]
    assert check(roots, {TORCH_RPM: TORCH}, base=[theirs]).leaks == ()


def test_a_base_package_with_two_checksums_is_caught():
    one, two = (evolve(BASH, checksum=f"sha256:{digit * 64}") for digit in "ab")
    (leak,) = check([root(one), root(two, id="build-x")], {}).leaks
    assert leak == Leak(LeakKind.BASE_CHANGED, BASH.nevra, "", "base", "build-x")


def test_a_repository_that_nobody_named_is_caught_and_so_is_a_base_that_is_written_to():
    stray = rpm("stray", "1-1", repository="elsewhere")
    found = check([root(stray, BASH)], {}, repositories=["base", "private"])
    assert found.leaks == (
        Leak(LeakKind.BASE_CHANGED, "", "", "private"),
        Leak(LeakKind.BASE_CHANGED, stray.nevra, "", "elsewhere", "runtime"),
    )


# --- laws ----------------------------------------------------------------------------------------


def test_shuffled_input_gives_the_same_answer():
    newer = stream("torch", "3", package="python3-torch3")
    of, package = toolset("gcc = 14.2, libctf.so.0()(64bit)")
    users = [base_package(f"user{n}", requires="gcc, python3.15dist(odd)") for n in range(4)]
    odd = stream("odd")
    packages = [TORCH_RPM, made(newer), package, made(odd), BASH, *users]
    streams = [TORCH, newer, of, odd]
    owners = {TORCH_RPM: TORCH, made(newer): newer, package: of, made(odd): odd}
    theirs = [*users, base_package("binutils", provides="libctf.so.0()(64bit)")]
    roots = [root(*packages, streams=streams[n:], id=f"build-{n}") for n in range(3)]
    expected = check(roots, owners, theirs)
    assert {leak.kind for leak in expected.leaks} == {
        LeakKind.UNQUALIFIED_PROVIDE,
        LeakKind.BASE_NEEDS_PRIVATE,
        LeakKind.FOREIGN_PACKAGE,
        LeakKind.TWO_STREAMS,
    }
    for seed in range(8):
        mix = random.Random(seed)

        def shuffled(things: Iterable[object], mix: random.Random = mix) -> list:
            return mix.sample(listed := list(things), len(listed))

        again = [
            evolve(
                one, packages=tuple(shuffled(one.packages)), streams=tuple(shuffled(one.streams))
            )
            for one in shuffled(roots)
        ]
        assert check(again, dict(shuffled(owners.items())), shuffled(theirs)) == expected


NAMES = st.sampled_from(["a", "b", "c", "d"])
PROVIDES = st.sets(
    st.builds("{}{}".format, NAMES, st.sampled_from(["", " = 1", " = 2"])), max_size=3
)
REQUIRES = st.sets(
    st.builds("{}{}".format, NAMES, st.sampled_from(["", " >= 2", " < 2"])), max_size=3
)


@settings(deadline=None)
@given(
    theirs=st.lists(st.tuples(PROVIDES, REQUIRES), min_size=1, max_size=5),
    ours=st.lists(PROVIDES, min_size=1, max_size=3),
    held=st.lists(st.sets(st.integers(0, 7)), min_size=1, max_size=3),
)
def test_what_leaks_is_what_a_look_at_every_pair_of_packages_finds(theirs, ours, held):
    base = [
        evolve(base_package(f"base{n}"), provides=tuple(provides), requires=tuple(requires))
        for n, (provides, requires) in enumerate(theirs)
    ]
    streams = [stream(f"s{n}") for n in range(len(ours))]
    private = [
        rpm(one.package, "2-0", repository="private", provides=",".join(provides) or "own")
        for one, provides in zip(streams, ours, strict=True)
    ]
    everything = [*base, *private]
    roots = [
        root(*(everything[n % len(everything)] for n in numbers), streams=streams, id=f"build-{at}")
        for at, numbers in enumerate(held)
    ]
    found = check(roots, dict(zip(private, streams, strict=True)), base)

    def meets(package: Package, text: str) -> bool:
        return any(satisfies(have, text) for have in _all(package))

    assert {
        (leak.root, leak.other, leak.capability)
        for leak in found.leaks
        if leak.kind is LeakKind.BASE_NEEDS_PRIVATE
    } == {
        (one.id, user.nevra, text)
        for one in roots
        for user in one.packages
        if user.repository == "base"
        for text in user.requires
        if not any(meets(package, text) for package in base)
        and any(meets(package, text) for package in one.packages)
    }
    assert {
        (leak.package, leak.capability)
        for leak in found.leaks
        if leak.kind is LeakKind.UNQUALIFIED_PROVIDE
    } == {
        (package.nevra, text)
        for package in private
        if any(package in one.packages for one in roots)
        for text in package.provides
        for name in (text.partition(" ")[0],)
        if any(meets(other, name) for other in base)
        or any(satisfies(text, need) for other in base for need in other.requires)
    }


def test_two_hundred_roots_are_looked_at_in_little_more_time_than_their_packages():
    packages = [
        base_package(
            f"p{n}",
            provides=", ".join(f"p{n}-part{part}" for part in range(25)),
            requires=", ".join(f"p{(n + part) % 3000}-part{part}" for part in range(1, 15)),
        )
        for n in range(3000)
    ]
    streams = [stream(f"s{n}") for n in range(60)]
    owners = {made(one): one for one in streams}
    planned = list(owners)
    mix = random.Random(1)
    roots = [
        Root(f"build-{n}", (*mix.sample(packages, 270), *planned[:30]), tuple(streams[:30]), ())
        for n in range(200)
    ]

    def seconds(some: list[Root]) -> float:
        names = {package.nevra: one for package, one in owners.items()}
        start = time.process_time()
        found = check_isolation(some, names, lambda text: True, lambda texts: {})
        assert found.leaks == ()
        return time.process_time() - start

    assert min(seconds(roots) for _ in range(3)) < 1.5


# --- what it rests on in real bases --------------------------------------------------------------


@pytest.fixture(scope="module")
def centos(tmp_path_factory):
    """CentOS Stream 9 with its toolsets."""
    repositories = real("centos-stream-9", "appstream", "baseos")
    cache = tmp_path_factory.mktemp("centos")
    with PackagePool.open(repositories, arch="x86_64", cache=cache) as pool:
        yield pool


def test_the_real_gcc_toolset_leaks_by_what_its_packages_provide_beside_their_names(centos):
    """Each leak that is told is one: a package of the base provides or requires the very thing."""
    packages = [newest_64_bit(centos, name) for name in centos.names_matching(TOOLSET)]
    packages = [evolve(package, repository="external") for package in packages if package]
    of = stream(GCC, "14.2", package="gcc-toolset-14-gcc", origin=Origin.EXTERNAL)
    roots = [root(*packages, streams=[of], id="build-x")]
    found = check_isolation(
        roots,
        {package.nevra: of for package in packages},
        lambda text: bool(beside_the_toolset(centos, text)),
        lambda texts: without_the_toolset(centos.requirers(sorted(texts))),
    )
    leaking = {leak.capability for leak in found.leaks}
    # The compiler's plugin and binutils' libraries have the names of the base's own.
    assert {"liblto_plugin.so()(64bit)", "libctf.so.0()(64bit)", "gcc(major) = 14"} <= leaking
    assert {leak.kind for leak in found.leaks} == {LeakKind.UNQUALIFIED_PROVIDE}
    assert not [text for text in leaking if text.startswith(("gcc-toolset-14", "bundled("))]
    for leak in found.leaks:
        assert leak.other or beside_the_toolset(centos, leak.capability.partition(" ")[0])
        assert not TOOLSET.fullmatch(leak.other)


def newest_64_bit(pool: PackagePool, name: str) -> Package | None:
    return next((p for p in pool.named(name) if p.arch in {"x86_64", "noarch"}), None)


def beside_the_toolset(pool: PackagePool, text: str) -> list[Package]:
    return [p for p in pool.providers(text) if not p.name.startswith("gcc-toolset-")]


def without_the_toolset(found: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {
        text: tuple(one for one in nevras if not one.startswith("gcc-toolset-"))
        for text, nevras in found.items()
    }


# --- over a pool ---------------------------------------------------------------------------------


@frozen
class FakeSolved:
    """What a root was solved from, as far as the check looks at it."""

    owners: Mapping[str, RootStream]

    def package_name(self, offer: RootStream) -> str:
        return offer.package


@pytest.mark.parametrize("asked_in", ["base", "copr"])
def test_over_a_pool_only_the_bases_own_repositories_count_as_the_base(cache, asked_in):
    user = rpm("user", "1-1", "noarch", requires="gcc")
    of, package = toolset("gcc = 14.2")
    repositories = {"base": [rpm("bash")], "copr": [rpm("zsh")]}
    repositories[asked_in].append(user)
    listed = tuple(embedded(name, *packages) for name, packages in repositories.items())
    base = Base("small", "x86_64", "3.15", listed)
    with PackagePool.open(listed, arch="x86_64", cache=cache) as pool:
        found = find_leaks(
            (root(package, streams=[of]),),
            (FakeSolved({package.nevra: of}),),  # type: ignore[arg-type]
            base,
            pool,
            frozenset({"copr"}),
        )
    leak = Leak(LeakKind.UNQUALIFIED_PROVIDE, package.nevra, "gcc = 14.2", user.nevra, "runtime")
    assert found.leaks == ((leak,) if asked_in == "base" else ())


# --- how it reads --------------------------------------------------------------------------------


def told(isolation: Isolation, *, everything: bool = False) -> str:
    return plain(lay_out(isolation_blocks(isolation, everything=everything), 100))


def test_a_clean_plan_is_told_in_one_line():
    assert told(Isolation((), 1, 249, 559)) == (
        "✓ Nothing leaks: 1 root, 249 packages and 559 private provides looked at.\n"
    )


def test_a_leak_is_told_as_a_sentence_with_what_to_do_and_all_its_roots():
    leaks = [
        Leak(LeakKind.FOREIGN_PACKAGE, "python3-torch-2-1.x86_64", "", "torch@2", f"build-{name}")
        for name in "abcde"
    ]
    assert told(Isolation(tuple(leaks), 6, 10, 4)) == (
        "✗ 1 leak in 6 roots, 10 packages and 4 private provides:\n"
        "\n"
        "  python3-torch-2-1.x86_64 lies in build-a, build-b, build-c and 2 more roots, which did"
        " not choose\n"
        "    its stream, torch@2.\n"
        "    → Require the stream where the root needs it, or keep the package out of that root.\n"
    )


@pytest.mark.parametrize(
    ("leak", "words"),
    [
        (
            Leak(LeakKind.UNQUALIFIED_PROVIDE, "ts-1", "gcc = 14", "rpm-build-4", "build-x"),
            "ts-1 provides gcc = 14, which rpm-build-4 of the base requires.",
        ),
        (
            Leak(LeakKind.UNQUALIFIED_PROVIDE, "ts-1", "libctf.so.0"),
            "ts-1 provides libctf.so.0, which the base provides as well.",
        ),
        (
            Leak(LeakKind.BASE_NEEDS_PRIVATE, "torch-2", "libtorch", "vision-1", "runtime"),
            "vision-1 of the base requires libtorch, and nothing in the base provides it: only "
            "torch-2 does in the runtime root.",
        ),
        (
            Leak(LeakKind.FOREIGN_PACKAGE, "torch-2", root="build-x"),
            "torch-2 lies in build-x and is of no stream of this plan.",
        ),
        (
            Leak(LeakKind.TWO_STREAMS, "torch-2", "torch", "torch-3", "runtime"),
            "torch-2 and torch-3 are two streams of torch in the runtime root.",
        ),
        (
            Leak(LeakKind.BASE_CHANGED, "six-2", "six", "six-1", "build-x"),
            "six-2 takes the place of the base's package in build-x, six-1.",
        ),
        (
            Leak(LeakKind.BASE_CHANGED, "six-2", "six", "", "build-x"),
            "six-2 takes the place of the base's package in build-x.",
        ),
        (
            Leak(LeakKind.BASE_CHANGED, "six-2", "", "updates", "build-x"),
            "six-2 from updates is not the same as in the base in build-x.",
        ),
        (
            Leak(LeakKind.BASE_CHANGED, "", "", "private"),
            "The base has a repository private, the name that planned packages go by.",
        ),
    ],
)
def test_each_kind_of_leak_says_what_reaches_whom(leak, words):
    text = " ".join(told(Isolation((leak,), 1, 2, 3)).split())
    assert words in text
    assert re.search(r"→ [A-Z][^→]*\.$", text)


def test_many_leaks_are_counted_and_told_in_full_when_asked():
    leaks = tuple(Leak(LeakKind.UNQUALIFIED_PROVIDE, f"p{n:02}", "gcc") for n in range(20))
    assert "and 14 more leaks (--all)" in told(Isolation(leaks, 1, 20, 20))
    assert told(Isolation(leaks, 1, 20, 20), everything=True).count("provides gcc") == 20
