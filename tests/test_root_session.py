"""Many roots over the same planned packages: as if each had been solved alone."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamsolve.errors import InputError
from streamsolve.model import Package, Repository
from streamsolve.model.root import RootConflict, RootRequest, RootSolution, RuleKind
from streamsolve.solving import PackagePool, RootSession

from .rpmmd import embedded, on_disk, rpm, satisfies


def opened(cache: Path, *repositories: Repository) -> PackagePool:
    return PackagePool.open(repositories, arch="x86_64", cache=cache)


def solved(session: RootSession, *install: str, **request: object) -> list[str]:
    answer = session.solve(RootRequest(install, **request))
    assert isinstance(answer, RootSolution), answer
    return [package.nevra for package in answer.packages]


def rules(session: RootSession, *install: str, **request: object) -> set[tuple[RuleKind, str]]:
    answer = session.solve(RootRequest(install, **request))
    assert isinstance(answer, RootConflict), answer
    return {(rule.kind, rule.dependency) for problem in answer.problems for rule in problem.rules}


BASE = embedded(
    "base",
    rpm("app", requires="cap"),
    rpm("lib", "1-1", provides="cap = 1"),
    rpm("other", provides="cap = 0"),
    rpm("needs-lib", requires="lib"),
)
OLD, NEW = rpm("lib", "8-1", provides="cap = 8"), rpm("lib", "9-1", provides="cap = 9")


def test_a_root_holds_only_the_planned_packages_of_its_request(tmp_path):
    with opened(tmp_path, BASE) as pool, pool.session([NEW, OLD]) as session:
        assert solved(session, "lib", planned=(OLD,)) == ["lib-8-1.noarch"]
        assert solved(session, "lib", planned=(NEW,)) == ["lib-9-1.noarch"]
        assert solved(session, "lib") == ["lib-1-1.noarch"]
        assert solved(session, "lib", planned=(OLD, NEW)) == ["lib-9-1.noarch"]
        assert solved(session, "app", hidden=("lib",)) == ["app-1-1.noarch", "other-1-1.noarch"]


def test_what_is_left_out_is_as_absent_as_if_it_were_not_planned(tmp_path):
    with opened(tmp_path, BASE) as pool, pool.session([OLD, NEW]) as session:
        wanted = {(RuleKind.REQUESTED_NOTHING_PROVIDES, "cap = 9")}
        assert rules(session, "cap = 9", planned=(OLD,)) == wanted
        missing = rules(session, "needs-lib", hidden=("lib",))
        assert missing == {
            (RuleKind.NOTHING_PROVIDES, "lib"),
            (RuleKind.REQUESTED, "needs-lib"),
        }


def test_more_can_be_planned_while_roots_are_solved(tmp_path):
    extra = rpm("extra", requires="cap > 7")
    with opened(tmp_path, BASE) as pool, pool.session([NEW]) as session:
        with pytest.raises(ValueError, match=r"extra-1-1\.noarch is not planned"):
            session.solve(RootRequest(("extra",), (extra,)))
        session.extend([extra, NEW])
        session.extend([OLD])
        expected = ["extra-1-1.noarch", "lib-8-1.noarch"]
        assert solved(session, "extra", planned=(OLD, extra)) == expected
        assert solved(session, "extra", planned=(extra, evolve(OLD))) == expected


def test_the_pool_does_not_tell_of_what_a_session_plans(tmp_path):
    planned = rpm(
        "python3-new", "9-1", provides="python3.15dist(new) = 9, python3.15dist(old) = 9, cap = 9"
    )
    base = embedded("base", rpm("python3-old", provides="python3.15dist(old) = 1, cap = 1"))
    request = RootRequest(("cap",))
    with opened(tmp_path, base) as pool:
        before = pool.providers("cap")
        alone = pool.solve(request)
        with pool.session([planned]) as session:
            for _ in range(2):
                assert pool.providers("cap") == before
                assert pool.providers("cap = 9") == pool.named("python3-new") == ()
                assert pool.distribution_names("3.15") == ("old",)
                assert pool.solve(request) == session.solve(request) == alone
                assert pool.solve(evolve(request, planned=(planned,))) == session.solve(
                    evolve(request, planned=(planned,))
                )
            assert pool.requirers(["cap"]) == {"cap": ()}
        assert pool.providers("cap") == before


def test_one_session_is_open_at_a_time_and_a_closed_one_says_so(tmp_path):
    with opened(tmp_path, BASE) as pool:
        with pool.session([OLD]) as session, pytest.raises(ValueError, match="another session"):
            pool.session([NEW])
        for call in (lambda: session.solve(RootRequest(("lib",))), lambda: session.extend([NEW])):
            with pytest.raises(ValueError, match="closed"):
                call()
        last = pool.session([NEW])
    with pytest.raises(ValueError, match="closed"):
        last.solve(RootRequest(("lib",)))
    last.close()


def test_a_planned_text_that_is_no_dependency_is_bad_input_and_leaves_the_pool_usable(tmp_path):
    bad = rpm("bad", requires="(a or")
    with opened(tmp_path, BASE) as pool:
        with pytest.raises(InputError, match="is not an RPM dependency"):
            pool.session([OLD, bad])
        with pool.session([OLD]) as session:
            with pytest.raises(InputError, match="is not an RPM dependency"):
                session.solve(RootRequest(("a b",)))
            assert solved(session, "lib", planned=(OLD,)) == ["lib-8-1.noarch"]


def test_file_lists_are_loaded_inside_a_session(tmp_path):
    path = "/usr/share/deep/file"
    base = on_disk(
        tmp_path,
        "base",
        rpm("owner"),
        rpm("lib"),
        rpm("user", requires=path),
        files={"owner": [path]},
    )
    for _ in ("cold", "warm"):
        with opened(tmp_path / "cache", base) as pool, pool.session([OLD, NEW]) as session:
            assert solved(session, "lib", planned=(OLD,)) == ["lib-8-1.noarch"]
            assert solved(session, "user", "lib", planned=(NEW,)) == [
                "lib-9-1.noarch",
                "owner-1-1.noarch",
                "user-1-1.noarch",
            ]
            assert solved(session, path, planned=(OLD,)) == ["owner-1-1.noarch"]
            assert solved(session, "lib") == ["lib-1-1.noarch"]
        with opened(tmp_path / "cache", base) as pool, pool.session([OLD]) as session:
            assert [each.name for each in pool.providers(path)] == ["owner"]
            assert solved(session, "user", "lib", planned=(OLD,))[0] == "lib-8-1.noarch"


# --- as if each root had been solved alone

NAMES = tuple("abcdef")
CAPABILITIES = (*NAMES, "x", "y", "z")
plain = st.sampled_from(CAPABILITIES)
bounds = st.builds(
    "{} {} {}".format, plain, st.sampled_from(["<", ">=", "="]), st.sampled_from("123")
)
boolean = st.builds("({} {} {})".format, plain, st.sampled_from(["or", "if", "and"]), plain)
demands = st.one_of(plain, plain, bounds, boolean)
provides = st.builds("{} = {}".format, st.sampled_from("xyz"), st.sampled_from("123"))


def texts(of: st.SearchStrategy[str], most: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(of, max_size=most, unique=True).map(sorted).map(tuple)


packages = st.builds(
    lambda name, evr, given, needs, clashes: Package(
        name, evr, "noarch", provides=given, requires=needs, conflicts=clashes
    ),
    st.sampled_from(NAMES),
    st.sampled_from(["1-1", "2-1", "3-1"]),
    texts(provides, 2),
    texts(demands, 2),
    texts(bounds, 1),
)


def worlds(most: int) -> st.SearchStrategy[list[Package]]:
    return st.lists(
        packages, min_size=1, max_size=most, unique_by=lambda each: (each.name, each.evr)
    )


@st.composite
def requests(draw: st.DrawFn, planned: Sequence[Package]) -> RootRequest:
    return RootRequest(
        tuple(draw(st.lists(demands, min_size=1, max_size=3))),
        tuple(draw(st.lists(st.sampled_from(planned), max_size=4, unique=True))),
        draw(texts(st.sampled_from(NAMES), 2)),
        draw(st.sampled_from([False, False, False, True])),
    )


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(worlds(9), worlds(5), st.data())
def test_a_session_answers_as_the_pool_does_alone(tmp_path, world, planned, data):
    asked = data.draw(st.lists(requests(planned), min_size=1, max_size=4))
    late = data.draw(st.integers(0, len(planned)))
    with opened(tmp_path, embedded("base", *world)) as pool:
        alone = [pool.solve(request) for request in asked]
        with pool.session(planned[late:]) as session:
            session.extend(planned[:late])
            assert [session.solve(request) for request in asked] == alone
        assert [pool.solve(request) for request in asked] == alone


def test_a_real_base_answers_as_it_does_without_a_session(tmp_path, shared):
    from .test_solving import real

    draw = random.Random(3)
    with opened(tmp_path, *real("fedora-45", "x86_64")) as pool:
        names = draw.sample(pool.distribution_names("3.15"), 80)
        planned = [
            rpm(
                f"python3-{name}",
                f"{version}-1",
                provides=f"python3.15dist({name}) = {version}",
                requires=f"python(abi) = 3.15, python3.15dist({draw.choice(names)})",
            )
            for name in names
            for version in (98, 99)
        ]
        asked = [
            RootRequest(
                ("gcc-c++", *(f"python3.15dist({name})" for name in draw.sample(names, 6))),
                tuple(draw.sample(planned, 6)),
            )
            for _ in range(12)
        ]
        alone = [pool.solve(request) for request in asked]
        assert sum(isinstance(answer, RootSolution) for answer in alone) > 6
        with pool.session(planned) as session:
            assert [session.solve(request) for request in asked] == alone
            assert session.solver_seconds > 0


# --- who requires what


def test_requirers_are_those_whose_requirement_is_met(tmp_path):
    base = embedded(
        "base",
        rpm("any", requires="cap"),
        rpm("newer", requires="cap >= 2, cap < 3"),
        rpm("exact", "2:1-1", "x86_64", requires="cap = 1:2"),
        rpm("boolean", requires="(other or (cap < 1 if thing))"),
        rpm("with", requires="(cap >= 2 with cap < 3)"),
        rpm("path", requires="/usr/bin/cap"),
        rpm("none", requires="cap-devel"),
    )
    source = embedded("sources", rpm("any", arch="src", requires="cap"), sources=True)
    with opened(tmp_path, base, source) as pool:
        assert pool.requirers(["cap = 2", "cap", "cap = 0", "thing", "/usr/bin/cap", "no"]) == {
            "cap = 2": ("any-1-1.noarch", "newer-1-1.noarch", "with-1-1.noarch"),
            "cap": (
                "any-1-1.noarch",
                "boolean-1-1.noarch",
                "exact-2:1-1.x86_64",
                "newer-1-1.noarch",
                "with-1-1.noarch",
            ),
            "cap = 0": (
                "any-1-1.noarch",
                "boolean-1-1.noarch",
                "newer-1-1.noarch",
                "with-1-1.noarch",
            ),
            "thing": ("boolean-1-1.noarch",),
            "/usr/bin/cap": ("path-1-1.noarch",),
            "no": (),
        }
        with pytest.raises(InputError, match="is not an RPM dependency"):
            pool.requirers(["(a or b)"])


leaves = st.one_of(st.sampled_from("xyz"), bounds)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(texts(leaves, 3), min_size=1, max_size=6), texts(provides, 4))
def test_requirers_agree_with_the_overlap_of_ranges(tmp_path, required, capabilities):
    world = [Package(f"p{at}", "1-1", "noarch", requires=each) for at, each in enumerate(required)]
    with opened(tmp_path, embedded("base", *world)) as pool:
        assert pool.requirers(capabilities) == {
            text: tuple(
                each.nevra for each in world if any(satisfies(text, one) for one in each.requires)
            )
            for text in capabilities
        }


LIVES = {
    "pool closed first": "pool.close(); session.close()",
    "left open at exit": "",
    "dropped in a cycle": "session.me = pool; pool.me = session; del pool, session; gc.collect()",
    "an error keeps its frames": (
        "import streamsolve.solving._libsolv as m\n"
        "def fail(*_): raise RuntimeError\n"
        "m._installed = fail\n"
        "try: session.solve(RootRequest(('a',)))\n"
        "except RuntimeError as error: kept = error\n"
        "pool.close(); print(kept.__traceback__.tb_frame.f_lineno); del kept"
    ),
    "many sessions": (
        "session.close()\n"
        "for _ in range(30):\n"
        "    with pool.session([c, d]) as more: more.solve(RootRequest(('c',), (c,)))"
    ),
}


@pytest.mark.parametrize("life", sorted(LIVES))
def test_nothing_of_a_session_outlives_its_pool(tmp_path, life):
    script = (
        "import gc\n"
        "from pathlib import Path\n"
        "from streamsolve.model import Package, Repository\n"
        "from streamsolve.model.root import RootRequest\n"
        "from streamsolve.solving import PackagePool\n"
        f"cache = Path({str(tmp_path)!r})\n"
        "a, b, c, d = (Package(name, '1-1', 'noarch') for name in 'abcd')\n"
        "pool = PackagePool.open([Repository('base', '0' * 64, (a, b))],\n"
        "    arch='x86_64', cache=cache)\n"
        "session = pool.session([c])\n"
        "session.extend([d])\n"
        "answer = session.solve(RootRequest(('a', 'c'), (c,)))\n"
        "conflict = session.solve(RootRequest(('d',)))\n"
        "found = pool.requirers(['a', 'b'])\n"
        f"{LIVES[life]}\n"
        "print('end', len(answer.packages), len(conflict.problems), len(found))\n"
    )
    root = Path(__file__).parents[1]
    child = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False
    )
    assert (child.returncode, child.stdout.splitlines()[-1:]) == (0, ["end 2 1 2"]), child.stderr
