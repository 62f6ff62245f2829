"""Roots: what libsolv answers, judged by rules written in plain Python."""

from __future__ import annotations

import hashlib
import random
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamsolve.errors import InputError
from streamsolve.model import MetadataFile, Package, Repository, RpmMd
from streamsolve.model.root import RootConflict, RootRequest, RootSolution, RuleKind
from streamsolve.solving import PackagePool, _convert

from .rpmmd import COMPRESS, compare_evr, embedded, faults, on_disk, rpm

SHARED = Path(__file__).parents[1].parent / "shared" / "data"


def opened(cache: Path, *repositories: Repository) -> PackagePool:
    return PackagePool.open(repositories, arch="x86_64", cache=cache)


def solved(pool: PackagePool, *install: str, **request: object) -> list[str]:
    """The full names of a root's packages."""
    answer = pool.solve(RootRequest(install, **request))
    assert isinstance(answer, RootSolution), answer
    assert faults(answer.packages) == []
    return [package.nevra for package in answer.packages]


def conflict(pool: PackagePool, *install: str, **request: object) -> RootConflict:
    answer = pool.solve(RootRequest(install, **request))
    assert isinstance(answer, RootConflict), answer
    return answer


def kinds(answer: RootConflict) -> set[RuleKind]:
    return {rule.kind for problem in answer.problems for rule in problem.rules}


# --- opening and closing


def test_a_pool_that_is_closed_leaves_no_descriptor_open(tmp_path):
    repository = on_disk(tmp_path, "base", rpm("a", "1-1"))
    for _ in ("cold", "warm"):
        before = descriptors()
        with opened(tmp_path / "cache", repository) as pool:
            assert pool.named("a")
        assert descriptors() == before


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


# --- looking packages up


def test_providers_come_from_the_better_repository_first_and_then_newest_first(tmp_path):
    base = embedded("base", rpm("a", "9-1", provides="cap"), rpm("a", "1:1-1", provides="cap"))
    overlay = embedded("overlay", rpm("a", "2-1", provides="cap"), priority=10)
    with opened(tmp_path, base, overlay) as pool:
        found = [(each.repository, each.evr) for each in pool.providers("cap")]
        assert found == [("overlay", "2-1"), ("base", "1:1-1"), ("base", "9-1")]
        assert pool.named("a") == pool.providers("cap")
        assert pool.providers("a >= 1:0") == pool.providers("a = 1:1-1")
        assert [each.evr for each in pool.providers("(cap with a < 3)")] == ["2-1"]


def test_what_nobody_provides_has_no_providers(tmp_path):
    with opened(tmp_path, embedded("base", rpm("a"))) as pool:
        assert pool.providers("nonesuch > 1") == ()
        assert pool.providers("/usr/bin/nonesuch") == ()
        assert pool.providers("rpmlib(Anything) <= 4") == ()
        assert pool.named("nonesuch") == ()


def test_a_text_that_is_no_dependency_is_bad_input(tmp_path):
    with opened(tmp_path, embedded("base", rpm("a"))) as pool:
        with pytest.raises(InputError, match="is not an RPM dependency"):
            pool.providers("(a or")
        with pytest.raises(InputError, match="is not an RPM dependency"):
            pool.solve(RootRequest(("a b",)))
        with pytest.raises(InputError, match="is not an RPM dependency"):
            pool.solve(RootRequest(("a",), (rpm("b", requires="(a or"),)))
        assert solved(pool, "a") == ["a-1-1.noarch"]


def test_source_packages_are_found_by_name_and_never_installed(tmp_path):
    source = rpm("a", arch="src", requires="make")
    base = embedded("base", rpm("make"), rpm("b", source="a"))
    sources = embedded("sources", source, sources=True)
    with opened(tmp_path, base, sources) as pool:
        assert pool.sources("a") == (evolve(source, repository="sources"),)
        assert pool.named("a") == pool.providers("a") == ()
        assert kinds(conflict(pool, "a")) == {RuleKind.REQUESTED_NOTHING_PROVIDES}


def test_names_are_matched_whole(tmp_path):
    names = ("gcc", "gcc15", "gcc14", "gcc15-c++", "libgcc", "gc")
    sources = embedded("sources", rpm("gcc13", arch="src"), sources=True)
    with opened(tmp_path, embedded("base", *map(rpm, names)), sources) as pool:
        assert pool.names_matching(re.compile(r"gcc(\d+)")) == ("gcc14", "gcc15")
        assert pool.names_matching(re.compile(r"gcc*")) == ("gc", "gcc")
        assert pool.names_matching(re.compile(r"gcc\d+|gc")) == ("gc", "gcc14", "gcc15")
        assert pool.names_matching(re.compile(r"(lib)?gcc")) == ("gcc", "libgcc")
        assert pool.names_matching(re.compile(r"GCC15", re.IGNORECASE)) == ("gcc15",)
        assert pool.names_matching(re.compile(r"gcc15-c\+\+")) == ("gcc15-c++",)


def test_the_python_of_a_base_is_what_the_package_python3_says(tmp_path):
    other = rpm("python3.14", provides="python(abi) = 3.14")
    with opened(
        tmp_path, embedded("base", rpm("python3", provides="python(abi) = 3.15"), other)
    ) as pool:
        assert pool.python_abi() == "3.15"
    with opened(tmp_path, embedded("base", other)) as pool, pytest.raises(InputError):
        pool.python_abi()


def test_the_distributions_of_a_python_are_listed_without_extras(tmp_path):
    provided = "python3.15dist(x) = 1, python3.15dist(x[y]) = 1, python3.14dist(z) = 1"
    with opened(tmp_path, embedded("base", rpm("python3-x", provides=provided))) as pool:
        assert pool.distribution_names("3.15") == ("x",)


# --- rpm-md, its caches, and file lists


def with_file(package: Package) -> Package:
    """With the checksum and the size of an RPM file."""
    digest = hashlib.sha256(package.name.encode()).hexdigest()
    return evolve(package, checksum=f"sha256:{digest}", size=1000 + len(package.name))


PACKAGES = tuple(
    with_file(each)
    for each in (
        rpm("app", "1:2-3", "x86_64", requires="lib >= 1.5, /usr/bin/tool", source="app"),
        rpm(
            "lib", "1.6-1", "x86_64", provides="old-lib = 1", obsoletes="old-lib < 1", source="lib"
        ),
        rpm("old-lib", "0.5-1", "x86_64", source="old"),
        rpm(
            "rich", requires="(lib if tool), (app or old-lib)", conflicts="clash > 1", source="rich"
        ),
        rpm("tool", provides="/usr/bin/tool", source="tool"),
        rpm("clash", "2-1", source="clash"),
    )
)


def everything(pool: PackagePool) -> list[Package]:
    return [evolve(each, repository="") for p in PACKAGES for each in pool.named(p.name)]


@pytest.mark.parametrize("suffix", sorted(COMPRESS))
def test_a_repository_on_disk_equals_the_embedded_one_cold_and_warm(tmp_path, suffix):
    with opened(tmp_path, embedded("values", *PACKAGES)) as pool:
        wanted, root = everything(pool), solved(pool, "rich")
    stored = on_disk(tmp_path, "files", *PACKAGES, suffix=suffix)
    for _ in ("cold", "warm"):
        with opened(tmp_path / "cache", stored) as pool:
            found = everything(pool)
            assert [strip_own(each) for each in found] == [strip_own(each) for each in wanted]
            assert solved(pool, "rich") == root


def strip_own(package: Package) -> Package:
    """Without the provide of its own name, which rpm-md writes out."""
    own = f"{package.name} = {package.evr}"
    return evolve(package, provides=tuple(each for each in package.provides if each != own))


def damaged(content: bytes, how: str) -> bytes:
    middle = len(content) // 2
    return {
        "truncated": content[:middle],
        "empty": b"",
        "longer": content + b"\0",
        "one byte": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "header": b"\0" * 16 + content[16:],
    }[how]


@pytest.mark.parametrize("how", ["truncated", "empty", "longer", "one byte", "header"])
def test_a_damaged_cache_is_as_good_as_none_and_is_mended(tmp_path, how):
    stored = on_disk(tmp_path, "files", *PACKAGES)
    with opened(tmp_path / "cache", stored) as pool:
        wanted = everything(pool)
    (cached,) = (tmp_path / "cache").rglob("*.solv")
    good = cached.read_bytes()
    cached.write_bytes(damaged(good, how))
    with opened(tmp_path / "cache", stored) as pool:
        assert everything(pool) == wanted
    assert cached.read_bytes() == good


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path):
    (tmp_path / "cache").write_text("a file where the directory should be")
    with opened(tmp_path / "cache", on_disk(tmp_path, "files", *PACKAGES)) as pool:
        assert solved(pool, "tool") == ["tool-1-1.noarch"]


@pytest.mark.parametrize("suffix", sorted(COMPRESS))
def test_a_truncated_file_is_bad_input(tmp_path, suffix):
    stored = on_disk(tmp_path, "files", *PACKAGES, suffix=suffix)
    path = stored.content.primary.path
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError) as caught:
        opened(tmp_path / "cache", stored)
    assert caught.value.code.label in {"SS204", "SS207"}
    assert str(path) in str(caught.value)
    assert not list((tmp_path / "cache").rglob("*.solv"))


def test_what_is_not_xml_is_bad_input(tmp_path):
    path = tmp_path / "primary.xml"
    path.write_text("<metadata><package></metadata>")
    repository = Repository("broken", "0" * 64, RpmMd(MetadataFile(path, "")))
    with pytest.raises(InputError) as caught:
        opened(tmp_path / "cache", repository)
    assert caught.value.code.label == "SS207"


SOURCES = (
    with_file(rpm("app", arch="src", requires="make")),
    with_file(rpm("lib", "2-1", arch="src")),
)


@pytest.mark.parametrize("processors", [1, 2])
def test_source_repositories_are_the_same_wherever_they_are_parsed(
    tmp_path, monkeypatch, processors
):
    monkeypatch.setattr(_convert, "_WORTH_IT", 0)
    monkeypatch.setattr(_convert, "_processors", lambda: processors)
    sources = on_disk(tmp_path, "sources", *SOURCES, sources=True)
    binary = on_disk(tmp_path, "files", *PACKAGES)
    for _ in ("cold", "warm"):
        with opened(tmp_path / "cache", sources, binary) as pool:
            found = [each for name in ("app", "lib") for each in pool.sources(name)]
            wanted = [evolve(each, repository="sources") for each in SOURCES]
            assert [strip_own(each) for each in found] == wanted


def test_a_helper_writes_a_cache_that_is_used(tmp_path, monkeypatch):
    monkeypatch.setattr(_convert, "_WORTH_IT", 0)
    monkeypatch.setattr(_convert, "_processors", lambda: 2)
    sources = on_disk(tmp_path, "sources", *SOURCES, sources=True)
    with _convert.converting([sources], tmp_path / "cache" / "solv") as helper:
        helper.finish()
    sources.content.primary.path.unlink()
    with opened(tmp_path / "cache", sources) as pool:
        assert [each.requires for each in pool.sources("app")] == [("make",)]


def test_a_fault_that_a_helper_met_is_told_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(_convert, "_WORTH_IT", 0)
    monkeypatch.setattr(_convert, "_processors", lambda: 2)
    sources = on_disk(tmp_path, "sources", *SOURCES, sources=True)
    path = sources.content.primary.path
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"sources-primary\.xml"):
        opened(tmp_path / "cache", sources)


FILES = {"tool": ("/usr/bin/tool", "/usr/share/tool/data"), "lib": ("/usr/share/lib/x",)}
FILED = (
    rpm("tool"),
    rpm("lib"),
    rpm("user", requires="/usr/bin/tool"),
    rpm("reader", requires="/usr/share/tool/data"),
    rpm("rich-reader", requires="(/usr/share/lib/x and tool)"),
)


def test_a_file_that_primary_names_is_a_dependency_like_any_other(tmp_path):
    with opened(tmp_path, on_disk(tmp_path, "files", *FILED, files=FILES)) as pool:
        assert solved(pool, "user") == ["tool-1-1.noarch", "user-1-1.noarch"]
        assert solved(pool, "/usr/bin/tool") == ["tool-1-1.noarch"]
        assert not list(tmp_path.rglob("*filelists*.solv"))


def test_every_owner_of_a_path_counts_but_the_hidden_ones(tmp_path):
    stored = on_disk(tmp_path, "files", *FILED, files={**FILES, "lib": ("/usr/bin/free",)})
    other = embedded("other", rpm("also", provides="/usr/bin/free"))
    with opened(tmp_path, stored, other) as pool:
        assert [each.name for each in pool.providers("/usr/bin/free")] == ["also", "lib"]
        assert solved(pool, "/usr/bin/free", hidden=("also",)) == ["lib-1-1.noarch"]
        assert solved(pool, "/usr/bin/free", hidden=("lib",)) == ["also-1-1.noarch"]
        answer = conflict(pool, "/usr/bin/free", hidden=("lib", "also"))
        assert kinds(answer) == {RuleKind.REQUESTED_NOTHING_PROVIDES}


@pytest.mark.parametrize("asked", ["reader", "rich-reader", "/usr/share/lib/x"])
def test_file_lists_are_loaded_when_a_solve_needs_them(tmp_path, asked):
    stored = on_disk(tmp_path, "files", *FILED, files=FILES)
    with opened(tmp_path, stored) as pool:
        cold = solved(pool, asked)
    assert list(tmp_path.rglob("*filelists*.solv"))
    with opened(tmp_path, stored) as pool:
        assert solved(pool, asked) == cold
        assert solved(pool, "user") == ["tool-1-1.noarch", "user-1-1.noarch"]


def test_file_lists_are_loaded_when_a_path_is_asked_for(tmp_path):
    stored = on_disk(tmp_path, "files", *FILED, files=FILES)
    for _ in ("cold", "warm"):
        with opened(tmp_path, stored) as pool:
            assert [each.name for each in pool.providers("/usr/share/lib/x")] == ["lib"]
            assert pool.providers("/usr/share/none") == ()
    (cached,) = tmp_path.rglob("*filelists*.solv")
    cached.write_bytes(cached.read_bytes()[:100])
    with opened(tmp_path, stored) as pool:
        assert [each.name for each in pool.providers("/usr/share/lib/x")] == ["lib"]


def test_a_planned_package_may_require_a_file(tmp_path):
    with opened(tmp_path, on_disk(tmp_path, "files", *FILED, files=FILES)) as pool:
        planned = rpm("mine", requires="(/usr/share/lib/x and lib), /usr/bin/tool")
        wanted = ["lib-1-1.noarch", "mine-1-1.noarch", "tool-1-1.noarch"]
        assert solved(pool, "mine", planned=(planned,)) == wanted


# --- solving


def test_a_planned_package_hides_the_base_package_of_its_name(tmp_path):
    base = embedded("base", rpm("x", "9-1", provides="cap = 9"), rpm("app", requires="cap"))
    with opened(tmp_path, base) as pool:
        planned = rpm("x", "2-1", provides="cap = 2", repository="private")
        answer = pool.solve(RootRequest(("app",), (planned,)))
        assert answer.package("x") == planned
        assert kinds(conflict(pool, "cap > 5", planned=(planned,))) == {
            RuleKind.REQUESTED_NOTHING_PROVIDES
        }
        assert solved(pool, "app") == ["app-1-1.noarch", "x-9-1.noarch"]
        assert [each.evr for each in pool.named("x")] == ["9-1"]


def test_a_planned_package_is_preferred_under_any_name(tmp_path):
    with opened(tmp_path, embedded("base", rpm("a-base", "9-1", provides="cap = 9"))) as pool:
        planned = rpm("z-mine", provides="cap = 1")
        assert solved(pool, "cap", planned=(planned,)) == ["z-mine-1-1.noarch"]


def test_a_hidden_name_is_used_neither_for_a_demand_nor_for_a_dependency(tmp_path):
    base = embedded(
        "base", rpm("x", provides="cap"), rpm("y", provides="cap"), rpm("z", requires="x")
    )
    with opened(tmp_path, base) as pool:
        assert solved(pool, "cap", hidden=("x",)) == ["y-1-1.noarch"]
        answer = conflict(pool, "z", hidden=("x", "nonesuch"))
        missing = [rule for p in answer.problems for rule in p.rules if rule.dependency == "x"]
        assert [(rule.kind, rule.package) for rule in missing] == [
            (RuleKind.NOTHING_PROVIDES, "z-1-1.noarch")
        ]
        assert solved(pool, "z") == ["x-1-1.noarch", "z-1-1.noarch"]


def test_the_better_repository_wins_over_the_newer_version(tmp_path):
    base = embedded("base", rpm("x", "9-1"), priority=99)
    overlay = embedded("overlay", rpm("x", "1-1"), priority=50)
    with opened(tmp_path, base, overlay) as pool:
        assert solved(pool, "x") == ["x-1-1.noarch"]
        assert solved(pool, "x > 5") == ["x-9-1.noarch"]


def test_an_epoch_outweighs_the_version(tmp_path):
    with opened(tmp_path, embedded("base", rpm("x", "1:1-1"), rpm("x", "9-1"))) as pool:
        assert solved(pool, "x") == ["x-1:1-1.noarch"]
        assert solved(pool, "x < 1:0") == ["x-9-1.noarch"]


def test_an_obsoleted_package_never_stands_beside_what_obsoletes_it(tmp_path):
    base = embedded("base", rpm("new", obsoletes="old < 2"), rpm("old", "1-1"), rpm("old", "3-1"))
    with opened(tmp_path, base) as pool:
        answer = conflict(pool, "new", "old < 2")
        assert RuleKind.OBSOLETES in kinds(answer)
        assert solved(pool, "new", "old") == ["new-1-1.noarch", "old-3-1.noarch"]


@pytest.mark.parametrize(
    ("requires", "beside", "wanted"),
    [
        ("(a if b)", (), ["app"]),
        ("(a if b)", ("b",), ["a", "app", "b"]),
        ("(a if none else c)", (), ["app", "c"]),
        ("(a and c)", (), ["a", "app", "c"]),
        ("(x >= 1 with x < 3)", (), ["app", "x2"]),
        ("(x without x = 4)", (), ["app", "x2"]),
        ("(missing or a)", (), ["a", "app"]),
        ("(a unless none)", (), ["a", "app"]),
    ],
)
def test_boolean_dependencies_are_understood(tmp_path, requires, beside, wanted):
    others = [rpm(name) for name in "abc"]
    versions = [rpm("x2", provides="x = 2"), rpm("x4", provides="x = 4")]
    base = embedded("base", rpm("app", requires=requires), *others, *versions)
    with opened(tmp_path, base) as pool:
        root = solved(pool, "app", *beside)
    assert [nevra.split("-")[0] for nevra in root] == wanted


def test_a_demand_may_be_boolean(tmp_path):
    with opened(tmp_path, embedded("base", rpm("a", "1-1"), rpm("a", "2-1"))) as pool:
        assert solved(pool, "(a >= 1 with a < 2)") == ["a-1-1.noarch"]


def test_all_problems_are_told_with_their_kinds(tmp_path):
    base = embedded(
        "base",
        rpm("app", requires="lib > 2"),
        rpm("lib", "1-1"),
        rpm("one", conflicts="two"),
        rpm("two"),
        rpm("alien", arch="ppc64le"),
    )
    with opened(tmp_path, base) as pool:
        answer = conflict(pool, "app", "one", "two", "nonesuch", "alien")
    assert len(answer.problems) >= 4
    facts = {(r.kind, r.package, r.dependency, r.other) for p in answer.problems for r in p.rules}
    assert (RuleKind.NOTHING_PROVIDES, "app-1-1.noarch", "lib > 2", "") in facts
    assert (RuleKind.CONFLICTS, "one-1-1.noarch", "two", "two-1-1.noarch") in facts
    assert (RuleKind.REQUESTED_NOTHING_PROVIDES, "", "nonesuch", "") in facts
    assert (RuleKind.REQUESTED, "", "app", "") in facts


def test_a_chain_is_told_from_the_demand_to_what_is_missing(tmp_path):
    base = embedded("base", rpm("a", requires="b"), rpm("b", requires="c"), rpm("c", requires="d"))
    with opened(tmp_path, base) as pool:
        (problem,) = conflict(pool, "a").problems
    assert {(rule.kind, rule.package, rule.dependency) for rule in problem.rules} >= {
        (RuleKind.REQUESTED, "", "a"),
        (RuleKind.REQUIRES, "a-1-1.noarch", "b"),
        (RuleKind.REQUIRES, "b-1-1.noarch", "c"),
        (RuleKind.NOTHING_PROVIDES, "c-1-1.noarch", "d"),
    }


# --- laws

NAMES = ("a", "b", "c", "d", "e")
demands = st.builds(
    "{}{}".format, st.sampled_from(NAMES), st.sampled_from(["", " >= 2", " < 2", " = 1:1"])
)
bounds = st.builds("{}{}".format, st.sampled_from(NAMES), st.sampled_from([" < 2", " = 3"]))
packages = st.builds(
    lambda name, evr, requires, conflicts, obsoletes: Package(
        name, evr, "noarch", "", (), requires, conflicts, obsoletes
    ),
    st.sampled_from(NAMES),
    st.sampled_from(["1-1", "2-1", "3-1", "1:1-1"]),
    st.lists(demands, max_size=2, unique=True).map(sorted).map(tuple),
    st.lists(bounds, max_size=1).map(tuple),
    st.lists(bounds, max_size=1).map(tuple),
)
worlds = st.lists(packages, min_size=1, max_size=9, unique_by=lambda each: (each.name, each.evr))
quick = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def answers(cache: Path, repositories: list[Repository], request: RootRequest) -> object:
    with opened(cache, *repositories) as pool:
        return pool.solve(request)


@quick
@given(worlds, st.lists(demands, min_size=1, max_size=3, unique=True))
def test_an_answer_is_closed_and_holds_what_was_asked_for(tmp_path, world, install):
    answer = answers(tmp_path, [embedded("base", *world)], RootRequest(tuple(install)))
    if isinstance(answer, RootSolution):
        wish = rpm("wish", requires=", ".join(install))
        assert faults((wish, *answer.packages)) == []
    else:
        assert brute_force(world, install) is False


def brute_force(world: list[Package], install: list[str]) -> bool:
    """Whether any set of packages is a root; a set is a number whose bits say what is in it."""
    wish = rpm("wish", requires=", ".join(install))
    for bits in range(1 << len(world)):
        chosen = [each for index, each in enumerate(world) if bits >> index & 1]
        if not faults((wish, *chosen)):
            return True
    return False


@quick
@given(
    worlds,
    st.lists(packages, max_size=2, unique_by=lambda each: each.name),
    st.lists(demands, min_size=1, max_size=3, unique=True),
    st.randoms(use_true_random=False),
)
def test_the_order_of_what_is_given_makes_no_difference(
    tmp_path, world, planned, install, shuffler
):
    half = len(world) // 2
    parts = [("one", world[:half]), ("two", world[half:])]
    first = answers(
        tmp_path,
        [embedded(name, *part) for name, part in parts],
        RootRequest(tuple(install), tuple(planned), ("e",)),
    )
    for items in (parts, planned, install, *(part for _, part in parts)):
        shuffler.shuffle(items)
    digests = {name: embedded(name).digest for name, _ in parts}
    again = answers(
        tmp_path,
        [evolve(embedded(name, *part), digest=digests[name]) for name, part in parts],
        RootRequest((*install, *install), tuple(planned), ("e",)),
    )
    assert first == again


@given(st.lists(st.sampled_from(["1", "2", "1:1", "2~rc1", "2^post1", "2.0", "10"]), min_size=2))
def test_named_is_newest_first(versions):
    packages = [rpm("a", f"{version}-1") for version in sorted(set(versions))]
    with opened(Path(), embedded("base", *packages)) as pool:
        found = [each.evr for each in pool.named("a")]
    assert len(found) == len(packages)
    assert all(compare_evr(one, two) > 0 for one, two in pairwise(found))


# --- the pool's life


def test_a_pool_answers_many_times_and_stays_as_it_was(tmp_path):
    with opened(tmp_path, embedded("base", *PACKAGES)) as pool:
        before, root = everything(pool), solved(pool, "rich")
        for number in range(30):
            planned = (rpm("lib", f"{number}.9-1", provides=f"cap = {number}"),)
            solved(pool, f"cap = {number}", planned=planned, hidden=("tool",))
            conflict(pool, f"cap = {number + 1}", planned=planned)
        assert everything(pool) == before
        assert solved(pool, "rich") == root


def test_a_closed_pool_says_so(tmp_path):
    pool = opened(tmp_path, embedded("base", rpm("a", requires="b"), rpm("b")))
    kept = pool.named("a")
    pool.close()
    pool.close()
    for call in (
        lambda: pool.named("a"),
        lambda: pool.providers("a"),
        lambda: pool.sources("a"),
        lambda: pool.names_matching(re.compile("a")),
        lambda: pool.distribution_names("3.15"),
        lambda: pool.python_abi(),
        lambda: pool.solve(RootRequest(("a",))),
    ):
        with pytest.raises(ValueError, match="closed"):
            call()
    assert kept[0].requires == ("b",)


LIVES = {
    "closed": "pool.close()",
    "left open at exit": "",
    "dropped in a cycle": "pool.me = pool; del pool; import gc; gc.collect()",
    "an error keeps its frames": (
        "import streamsolve.solving._libsolv as m\n"
        "def fail(*_): raise RuntimeError\n"
        "m._problem = fail\n"
        "try: pool.solve(RootRequest(('none',)))\n"
        "except RuntimeError as error: kept = error\n"
        "pool.close(); print(kept.__traceback__.tb_frame.f_lineno); del kept"
    ),
    "many pools": "more = [PackagePool.open([base], arch='i686', cache=cache) for _ in range(9)]",
}


@pytest.mark.parametrize("life", sorted(LIVES))
def test_nothing_of_the_solver_outlives_its_pool(tmp_path, life):
    script = (
        "from pathlib import Path\n"
        "from streamsolve.model import Package, Repository\n"
        "from streamsolve.model.root import RootRequest\n"
        "from streamsolve.solving import PackagePool\n"
        f"cache = Path({str(tmp_path)!r})\n"
        "a, b = Package('a', '1-1', 'noarch', requires=('b',)), Package('b', '1-1', 'noarch')\n"
        "base = Repository('base', '0' * 64, (a, b))\n"
        "pool = PackagePool.open([base], arch='x86_64', cache=cache)\n"
        "answer = pool.solve(RootRequest(('a', '(a or b)')))\n"
        "conflict = pool.solve(RootRequest(('none',)))\n"
        "found = pool.providers('a')\n"
        f"{LIVES[life]}\n"
        "print('end', len(answer.packages), len(conflict.problems))\n"
    )
    root = Path(__file__).parents[1]
    child = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False
    )
    assert (child.returncode, child.stdout.splitlines()[-1:]) == (0, ["end 2 1"]), child.stderr


def test_progress_is_told_for_every_repository(tmp_path):
    told = []
    repositories = [embedded("one", rpm("a")), embedded("two", rpm("b"))]
    PackagePool.open(
        repositories,
        arch="x86_64",
        cache=tmp_path,
        progress=lambda what, done, total: told.append((what, done, total)),
    ).close()
    assert told[0] == ("loading one", 0, 2)
    assert told[-1][1:] == (2, 2)


# --- real bases


def real(base: str, *parts: str) -> list[Repository]:
    """The repositories of a base that lies beside the project."""
    found = []
    for part in parts:
        root = SHARED / base / part
        if not root.is_dir():
            pytest.skip(f"no {base}/{part} beside the project")
        text = (root / "repodata" / "repomd.xml").read_text()
        files = {}
        for kind, body in re.findall(r'<data type="(\w+)">(.*?)</data>', text, re.DOTALL):
            size = re.search(r"<open-size>(\d+)", body)
            path = root / re.search(r'href="([^"]+)"', body)[1]
            files[kind] = MetadataFile(path, "", int(size[1]) if size else 0)
        content = RpmMd(files["primary"], files.get("filelists"))
        digest = hashlib.sha256(text.encode()).hexdigest()
        found.append(Repository(part, digest, content, sources=part == "source"))
    return found


@pytest.fixture(scope="module")
def caches(tmp_path_factory):
    """One cache for all tests on real bases, so that each is parsed once."""
    return tmp_path_factory.mktemp("real")


def test_a_real_base_gives_closed_roots(caches):
    with opened(caches, *real("fedora-45", "x86_64", "source")) as pool:
        assert pool.python_abi() == "3.15"
        root = solved(pool, "python3-aiohttp")
        assert any(nevra.startswith("python3-yarl-") for nevra in root)
        assert [each.arch for each in pool.sources("python-aiohttp")] == ["src"]
        assert "gcc15" in pool.names_matching(re.compile(r"gcc(\d+)"))


def test_a_real_base_answers_the_same_warm_shuffled_and_again(caches):
    repositories = real("fedora-45", "x86_64", "source")
    with opened(caches, *repositories) as pool:
        names = pool.distribution_names("3.15")
        install = [f"python3.15dist({name})" for name in names[::40]]
        planned = [rpm("python3-yarl", "99-1", provides="python3.15dist(yarl) = 99")]
        first = pool.solve(RootRequest(tuple(install), tuple(planned)))
        random.Random(7).shuffle(install)
        assert pool.solve(RootRequest(tuple(install), tuple(planned))) == first
    with opened(caches, *reversed(repositories)) as pool:
        assert pool.solve(RootRequest(tuple(install), tuple(planned))) == first


def test_a_base_whose_halves_do_not_fit_says_what_is_missing(caches):
    with opened(caches, *real("centos-stream-9", "appstream", "baseos")) as pool:
        rules = [rule for p in conflict(pool, "gcc-c++").problems for rule in p.rules]
        missing = {r.dependency for r in rules if r.kind is RuleKind.NOTHING_PROVIDES}
        assert missing
        assert all(text.startswith("libstdc++ = ") for text in missing)
        assert pool.providers(next(iter(missing))) == ()


def test_the_file_lists_of_a_real_base_answer_for_any_path(caches):
    with opened(caches, *real("centos-stream-9", "appstream", "baseos")) as pool:
        before = solved(pool, "bash")
        assert {each.name for each in pool.providers("/usr/share/man/man1/bash.1.gz")} == {"bash"}
        assert solved(pool, "/usr/share/man/man1/bash.1.gz") == before


# --- what libsolv overlooks


@pytest.mark.parametrize(
    ("demand", "wanted"),
    [
        ("(fits if cond else nobody)", ["cond-1-1.noarch", "fits-1-1.noarch"]),
        ("(nobody unless cond else fits)", ["cond-1-1.noarch", "fits-1-1.noarch"]),
        ("(nobody if (fits if cond))", ["cond-1-1.noarch"]),
        ("((fits if cond else nobody) and cond >= 1)", ["cond-1-1.noarch", "fits-1-1.noarch"]),
        ("(fits if cond)", []),
    ],
)
def test_what_meets_a_demand_by_its_condition_comes_with_what_it_needs(tmp_path, demand, wanted):
    """cond 2 is newer, and broken: libsolv by itself takes it, for it has no rules for it."""
    base = embedded("base", rpm("cond"), rpm("cond", "2-1", requires="lost"), rpm("fits"))
    with opened(tmp_path, base) as pool:
        assert solved(pool, demand) == wanted
        with pool.session([rpm("planned")]) as session:
            answer = session.solve(RootRequest((demand,)))
            assert isinstance(answer, RootSolution)
            assert [package.nevra for package in answer.packages] == wanted


def test_a_condition_that_only_a_broken_package_meets_is_not_met(tmp_path):
    base = embedded("base", rpm("cond", requires="lost"), rpm("fits"))
    with opened(tmp_path, base) as pool:
        conflict(pool, "(fits if cond else nobody)")


OWNED = {"owner": ("/usr/share/owner/x",)}
PATH = OWNED["owner"][0]
HANGING_ON_PATHS = {
    "a conflict with a path": (
        [rpm("cap-a", "2-1", provides="cap", conflicts=PATH), rpm("cap-b", provides="cap")],
        ("owner", "(cap-b or cap)"),
        ["cap-b-1-1.noarch", "owner-1-1.noarch"],
    ),
    "a condition that is a path": (
        [rpm("app", requires=f"(more if {PATH})"), rpm("more")],
        ("app", "owner"),
        ["app-1-1.noarch", "more-1-1.noarch", "owner-1-1.noarch"],
    ),
    "an alternative that is a path": (
        [rpm("app", requires=f"({PATH} or lost)")],
        ("app",),
        ["app-1-1.noarch", "owner-1-1.noarch"],
    ),
    "a newer package that requires a path": (
        [rpm("app", "2-1", requires=PATH), rpm("app", "1-1")],
        ("app",),
        ["app-2-1.noarch", "owner-1-1.noarch"],
    ),
    "a preferred provider that requires a path": (
        [rpm("app", requires="lib"), rpm("lib", "2-1", requires=PATH), rpm("lib", "1-1")],
        ("app",),
        ["app-1-1.noarch", "lib-2-1.noarch", "owner-1-1.noarch"],
    ),
}


@pytest.mark.parametrize("case", HANGING_ON_PATHS)
def test_an_answer_that_hangs_on_a_path_is_found_with_the_file_lists(tmp_path, case):
    packages, install, wanted = HANGING_ON_PATHS[case]
    stored = on_disk(tmp_path, "files", *packages, rpm("owner"), files=OWNED)
    with opened(tmp_path, stored) as pool:
        assert solved(pool, *install) == wanted
    with opened(tmp_path, stored) as pool, pool.session([rpm("planned")]) as session:
        answer = session.solve(RootRequest(install))
        assert isinstance(answer, RootSolution)
        assert [package.nevra for package in answer.packages] == wanted


def test_a_conflict_with_a_path_keeps_its_owner_out(tmp_path):
    stored = on_disk(
        tmp_path, "files", rpm("foe", conflicts=PATH), rpm("owner"), rpm("other"), files=OWNED
    )
    with opened(tmp_path, stored) as pool:
        conflict(pool, "foe", "owner")
        assert solved(pool, "foe", "other") == ["foe-1-1.noarch", "other-1-1.noarch"]


def test_what_provides_a_path_does_not_hide_who_owns_it(tmp_path):
    stored = on_disk(tmp_path, "files", rpm("claims", provides=PATH), rpm("owner"), files=OWNED)
    with opened(tmp_path, stored) as pool:
        assert [each.name for each in pool.providers(PATH)] == ["claims", "owner"]


def test_file_lists_are_left_alone_where_no_answer_hangs_on_them(tmp_path):
    packages = [rpm("app", requires="tool"), rpm("far", requires=PATH), rpm("owner")]
    stored = on_disk(tmp_path, "files", *packages, *FILED, files={**FILES, **OWNED})
    with opened(tmp_path, stored) as pool:
        solved(pool, "user")
        solved(pool, "app")
    assert not list(tmp_path.rglob("*filelists*.solv"))
