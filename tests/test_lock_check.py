"""The checker: it accepts every lock that is written, and rejects every one that was changed."""

from __future__ import annotations

import ast
import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import solv
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

import streamsolve.lock.checker as checker
from streamsolve.errors import InputError, InputErrors
from streamsolve.lock import check_lock, lock_source, lock_text, read_lock
from streamsolve.lock.canonical import canonical_text, sealed
from streamsolve.model.build import Leak, LeakKind
from streamsolve.model.plan import Plan

from .lockworld import SmallPlan, base_package, large_plan, small_plan, small_settings

Document = dict[str, Any]
Mutated = tuple[str, ...]
"""What a finding must speak of: a part of a path, or a name in its sentence."""


def text_of(plan: Plan) -> str:
    return lock_text(plan, small_settings())


def told(text: str) -> list[str]:
    return [f"{finding.place}: {finding.text}" for finding in check_lock(text)]


def changed(change: Callable[[Document], object], plan: Plan | None = None) -> list[str]:
    """What is told of a lock after a change of its document, its digest made anew."""
    document = json.loads(text_of(plan or small_plan()))
    change(document)
    return told(sealed(canonical_text({k: v for k, v in document.items() if k != "digest"})))


# -- what it is ------------------------------------------------------------------------------------


def test_the_checker_is_short_and_knows_nothing_of_the_rest() -> None:
    source = Path(checker.__file__).read_text(encoding="utf-8")
    assert len(source.splitlines()) < 300
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            imported.add("." * node.level + (node.module or ""))
        elif isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
    ours = {name for name in imported if name.startswith((".", "streamsolve"))}
    assert ours == {"..errors"}
    foreign = {name.partition(".")[0] for name in imported - ours}
    assert foreign <= {
        "__future__", "attrs", "collections", "functools", "hashlib", "itertools", "json",
        "packaging", "re", "typing",
    }  # fmt: skip


@pytest.mark.parametrize("leaves", [0, 1, 2, 7])
@pytest.mark.parametrize("apart", [False, True])
def test_every_lock_that_is_written_is_accepted(leaves: int, apart: bool) -> None:
    assert told(text_of(SmallPlan(leaves=leaves, apart=apart).plan())) == []


def test_a_large_lock_is_accepted() -> None:
    assert told(text_of(large_plan(roots=40, packages=900))) == []


# -- RPM's own words -------------------------------------------------------------------------------


@given(st.text("019.~^ab_+", max_size=10), st.text("019.~^ab_+", max_size=10))
@settings(max_examples=400, deadline=None)
def test_versions_compare_as_libsolv_compares_them(left: str, right: str) -> None:
    pool = solv.Pool()
    pool.setdisttype(solv.Pool.DISTTYPE_RPM)
    repository = pool.add_repo("one")
    one, other = repository.add_solvable(), repository.add_solvable()
    one.evr, other.evr = f"1{left}-1", f"1{right}-1"
    a, b = checker._rank(f"1{left}"), checker._rank(f"1{right}")
    order = one.evrcmp(other)
    assert (a > b) - (a < b) == (order > 0) - (order < 0)


EVR = st.builds(
    lambda epoch, version, release: f"{epoch}{version}{release}",
    st.sampled_from(["", "0:", "1:"]),
    st.sampled_from(["1", "1.0", "1.1", "2~rc1", "2", "2^git1", "10"]),
    st.sampled_from(["", "-1", "-1.fc45", "-2"]),
)
OPS = st.sampled_from(["<", "<=", "=", ">=", ">"])


@given(OPS, EVR, OPS, EVR)
@settings(max_examples=400, deadline=None)
def test_ranges_overlap_as_libsolv_says(op: str, evr: str, other_op: str, other: str) -> None:
    flags = {
        "=": solv.REL_EQ, "<": solv.REL_LT, ">": solv.REL_GT,
        "<=": solv.REL_LT | solv.REL_EQ, ">=": solv.REL_GT | solv.REL_EQ,
    }  # fmt: skip
    pool = solv.Pool()
    pool.setdisttype(solv.Pool.DISTTYPE_RPM)
    pool.setarch("x86_64")
    package = pool.add_repo("one").add_solvable()
    package.name, package.evr, package.arch = "some", "1-1", "x86_64"
    package.add_provides(pool.rel2id(pool.str2id("thing"), pool.str2id(evr), flags[op]))
    pool.createwhatprovides()
    wanted = pool.rel2id(pool.str2id("thing"), pool.str2id(other), flags[other_op])
    found = len(pool.whatprovides(wanted)) > 0
    assert checker._overlap(op, evr, other_op, other) is found


CASES = {
    "(a and b)": True, "(a and x)": False, "(x or b)": True, "(x or y)": False,
    "(a if b)": True, "(x if b)": False, "(x if y)": True, "(x if y else a)": True,
    "(x if y else z)": False, "(a unless y)": True, "(a unless b)": False,
    "(a unless b else b)": True, "(a >= 2 with a < 4)": True, "(a >= 4 with a < 5)": False,
    "(c() >= 1 with c() < 2)": False, "(a without d)": False, "(b without d)": True,
    "((a or x) and (b if a))": True, "lib.so.6(X_2.3)(64bit)": True, "/bin/sh": True,
    "(/bin/sh and lib.so.6(X_2.3)(64bit))": True, "a = 3": True, "a = 3-1": True, "a = 3-2": False,
    "a < 3": False, "d": True, "d >= 9": True, "a >= 1:0": False,
}  # fmt: skip


@pytest.mark.parametrize(("text", "holds"), CASES.items())
def test_dependencies_hold_as_rpm_says(text: str, holds: bool) -> None:
    """In a root with a 3-1 (and d of no version), b 1-1 and two packages with c() 0 and c() 3."""

    def package(name: str, version: str, *provides: str) -> Document:
        return {
            "name": name, "version": version, "release": "1", "arch": "noarch",
            "repository": "fedora", "provides": list(provides),
        }  # fmt: skip

    packages = {
        "a": package("a", "3", "d", "lib.so.6(X_2.3)(64bit)"),
        "b": package("b", "1", "/bin/sh"),
        "e": package("e", "1", "c() = 0"),
        "f": package("f", "1", "c() = 3"),
    }
    lock = {"packages": packages, "builds": [], "streams": [], "roots": [], "common": []}
    check = checker._Check(lock)
    assert check.holds(checker._parsed(text), set(packages)) is holds


# -- what it finds, one thing at a time ------------------------------------------------------------


def test_a_leak_is_found() -> None:
    plan = small_plan()
    assert plan.isolation is not None
    leak = Leak(LeakKind.UNQUALIFIED_PROVIDE, "python3-torch", "gcc")
    leaking = evolve(plan, isolation=evolve(plan.isolation, leaks=(leak,)))
    assert told(text_of(leaking)) == ["isolation.leaks: something leaks"]


def test_a_base_package_that_conflicts_is_found() -> None:
    bash = base_package("bash", "4.4-1.fc45", provides=("/bin/sh", "/usr/bin/bash"))
    found = told(text_of(SmallPlan(base={"bash": bash}).plan()))
    assert found
    assert all("coreutils.x86_64" in line and "bash < 5" in line for line in found)


def test_a_package_neither_conflicts_with_nor_obsoletes_itself() -> None:
    own = base_package(
        "bash", "5.3.0-2.fc45", provides=("/bin/sh", "/usr/bin/bash", "shell"),
        conflicts=("bash", "shell"), obsoletes=("bash < 6", "shell"),
    )  # fmt: skip
    assert told(text_of(SmallPlan(base={"bash": own}).plan())) == []


def test_an_obsoleted_package_is_found_by_its_name_alone() -> None:
    new = base_package(
        "bash", "5.3.0-2.fc45", provides=("/bin/sh", "/usr/bin/bash"),
        obsoletes=("basesystem <= 11-20.fc45", "libc.so.6(GLIBC_2.34)(64bit)"),
    )  # fmt: skip
    found = told(text_of(SmallPlan(base={"bash": new}).plan()))
    assert found
    assert all("obsoletes basesystem <= 11-20.fc45" in line for line in found)


def test_a_setuptools_too_new_for_a_build_is_found() -> None:
    found = told(text_of(SmallPlan(versions={"setuptools": "83.0"}).plan()))
    assert any("builds[" in line and "setuptools>=77,<81" in line for line in found)


def test_a_final_pass_is_not_left_out() -> None:
    def drop(document: Document) -> None:
        document["builds"] = [b for b in document["builds"] if b["stage"] != "final"]

    assert changed(drop) != []


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"schema": "streamsolve.lock/1"}'])
def test_what_is_no_lock_is_told_in_one_sentence(text: str) -> None:
    assert any(line.startswith(": it has not the shape of a lock") for line in told(text))


# -- a thousand changes ----------------------------------------------------------------------------


def lower_version(lock: Document, chance: random.Random) -> Mutated:
    """The version of a stream goes below what another one requires of it."""
    required = {"torch", "packaging", "wheel", "leaf-0", "interpreter:python", "nvidia-cublas"}
    stream = chance.choice([s for s in lock["streams"] if s["component"] in required])
    stream["version"] = "0.1"
    return (stream["component"],)


def break_requirement(lock: Document, chance: random.Random) -> Mutated:
    """A requirement excludes what is chosen."""
    at, number = chance.choice([
        (at, number)
        for at, stream in enumerate(lock["streams"])
        for number, asked in enumerate(stream["requirements"])
        if asked["on"] not in {"tokenspeed"} and "build_only" not in stream
    ])  # fmt: skip
    lock["streams"][at]["requirements"][number]["specifier"] = chance.choice(["<0.01", ">=1000"])
    return (f"streams[{at}].requirements[{number}]",)


def change_package_requirement(lock: Document, chance: random.Random) -> Mutated:
    """A package requires what nothing provides, or a version that is not there."""
    ref = chance.choice([ref for ref, package in lock["packages"].items() if "requires" in package])
    requires = lock["packages"][ref]["requires"]
    number = chance.randrange(len(requires))
    requires[number] = chance.choice(["nobody-has-this", "(bash > 99 or nobody)", "bash > 9:1"])
    return (f'packages["{ref}"]',)


def lower_package(lock: Document, chance: random.Random) -> Mutated:
    """A package's own version goes below what another one requires."""
    ref = chance.choice(["openssl-libs.x86_64", "coreutils.x86_64", "glibc.x86_64",
                         "python3.x86_64", "python3-packaging.noarch"])  # fmt: skip
    package = lock["packages"][ref]
    package["version"] = "0.0.1"
    if ref == "openssl-libs.x86_64":
        del package["epoch"]
    return (package["name"],)


def lower_private_package(lock: Document, chance: random.Random) -> Mutated:
    ref = chance.choice([r for r, p in lock["packages"].items() if p["repository"] == "private"])
    lock["packages"][ref]["version"] += "0"
    return (f'packages["{ref}"]',)


def drop_provide(lock: Document, chance: random.Random) -> Mutated:
    """Something rests on each of these, and nothing else provides it."""
    ref, text = chance.choice([
        ("bash.x86_64", "/bin/sh"), ("bash.x86_64", "/usr/bin/bash"),
        ("coreutils.x86_64", "/usr/bin/env"), ("glibc.x86_64", "libc.so.6(GLIBC_2.34)(64bit)"),
        ("openssl-libs.x86_64", "libcrypto.so.3()(64bit)"),
        ("python3.x86_64", "python(abi) = 3.14"),
        ("python3-packaging.noarch", "python3.14dist(packaging) = 25"),
        ("python3-torch.x86_64", "python3.14dist(torch) = 2.14.0"),
        ("python3-leaf-0.x86_64", "python3.14dist(leaf-0) = 1.2"),
        ("python3-wheel.x86_64", "python3.14dist(wheel) = 0.46.1"),
    ])  # fmt: skip
    lock["packages"][ref]["provides"].remove(text)
    return (text.split(" ")[0],)


def drop_package(lock: Document, chance: random.Random) -> Mutated:
    ref = chance.choice(sorted(lock["packages"]))
    del lock["packages"][ref]
    return (ref, lock_name(ref))


def drop_member(lock: Document, chance: random.Random) -> Mutated:
    """A root loses a package that it asked for or that another one requires."""
    spare = ("cuda-nvcc", "python3-setuptools-wheel")
    at, ref = chance.choice([
        (at, ref)
        for at, root in enumerate(lock["roots"])
        for ref in root["packages"]
        if not ref.startswith(spare)
    ])  # fmt: skip
    lock["roots"][at]["packages"].remove(ref)
    return (f"roots[{at}]",)


def drop_common(lock: Document, chance: random.Random) -> Mutated:
    ref = chance.choice(lock["common"])
    lock["common"].remove(ref)
    return ("roots[",)


def smuggle_private(lock: Document, chance: random.Random) -> Mutated:
    """A private package lies in a root that does not name its stream."""
    at = chance.choice([n for n, root in enumerate(lock["roots"]) if root["id"] != "runtime"])
    root = lock["roots"][at]
    ref = chance.choice(["python3-torch.x86_64", "python3-leaf-0.x86_64", "python3-app.x86_64"])
    root["packages"].append(ref)
    return (f"roots[{at}]",)


def drop_edge(lock: Document, chance: random.Random) -> Mutated:
    at = chance.choice([n for n, build in enumerate(lock["builds"]) if build["after"]])
    after = lock["builds"][at]["after"]
    after.remove(chance.choice(after))
    return (f"builds[{at}]",)


def add_edge(lock: Document, chance: random.Random) -> Mutated:
    at = chance.randrange(len(lock["builds"]))
    build = lock["builds"][at]
    others = [b["id"] for b in lock["builds"] if b["id"] not in build["after"]]
    build["after"].append(chance.choice(others))
    return (f"builds[{at}]",)


def swap_across_edge(lock: Document, chance: random.Random) -> Mutated:
    """Two builds of which one comes after the other change places."""
    level_of = {id: level for level in lock["order"]["levels"] for id in level["builds"]}
    later, earlier = chance.choice([(b["id"], o) for b in lock["builds"] for o in b["after"]])
    for id, other in ((later, earlier), (earlier, later)):
        builds = level_of[id]["builds"]
        builds[builds.index(id)] = f"={other}"
    for level in lock["order"]["levels"]:
        level["builds"] = [id.removeprefix("=") for id in level["builds"]]
    return ("order.levels[",)


def move_level(lock: Document, chance: random.Random) -> Mutated:
    levels = lock["order"]["levels"]
    start, end = chance.sample(range(len(levels)), 2)
    id = chance.choice(levels[start]["builds"])
    levels[start]["builds"].remove(id)
    levels[end]["builds"].append(id)
    return ("order.levels", "shape")


def drop_from_order(lock: Document, chance: random.Random) -> Mutated:
    level = chance.choice(lock["order"]["levels"])
    level["builds"].remove(chance.choice(level["builds"]))
    return ("order.levels", "shape")


def change_minutes(lock: Document, chance: random.Random) -> Mutated:
    order = lock["order"]
    what = chance.choice(["minutes", "longest", "total", "schedule", "cost"])
    if what == "minutes":
        order["minutes"] += 1
        return ("order.critical_path",)
    if what == "schedule":
        order["schedule"][0]["minutes"] += chance.choice([-1, 1])
        return ("order.schedule[0]",)
    if what == "cost":
        build = chance.choice(lock["builds"])
        build["cost"] += 1
        return ("order.",)
    at = chance.randrange(len(order["levels"]))
    order["levels"][at][what] += 1
    return (f"order.levels[{at}]",)


def change_critical_path(lock: Document, chance: random.Random) -> Mutated:
    path = lock["order"]["critical_path"]
    if chance.random() < 0.5:
        path.remove(chance.choice(path))
    else:
        path.reverse()
    return ("order.critical_path",)


def break_checksum(lock: Document, chance: random.Random) -> Mutated:
    ref = chance.choice([r for r, p in lock["packages"].items() if p["repository"] == "fedora"])
    package = lock["packages"][ref]
    package["checksum"] = chance.choice(
        ["", "sha256:", package["checksum"][:-1], package["checksum"].replace("sha256", "md5"),
         package["checksum"][:-1] + "g"]
    )  # fmt: skip
    return (f'packages["{ref}"].checksum',)


def drop_size(lock: Document, chance: random.Random) -> Mutated:
    ref = chance.choice([r for r, p in lock["packages"].items() if p["repository"] == "fedora"])
    lock["packages"][ref].pop(chance.choice(["size", "checksum"]))
    return (f'packages["{ref}"].checksum',)


def change_repository(lock: Document, chance: random.Random) -> Mutated:
    ref = chance.choice(sorted(lock["packages"]))
    lock["packages"][ref]["repository"] = "elsewhere"
    return (f'packages["{ref}"].repository',)


def drop_stream(lock: Document, chance: random.Random) -> Mutated:
    streams = [(at, s) for at, s in enumerate(lock["streams"]) if s["origin"] != "omitted"]
    at, _ = chance.choice([(at, s) for at, s in streams if s["component"] != "toolchain:gcc"])
    name = lock["streams"].pop(at)["component"]
    return (name, "builds[")


def drop_root_stream(lock: Document, chance: random.Random) -> Mutated:
    at, number = chance.choice([
        (at, number)
        for at, root in enumerate(lock["roots"])
        for number, stream in enumerate(root["streams"])
        if root["id"] == "runtime" or stream["origin"] == "private"
    ])  # fmt: skip
    lock["roots"][at]["streams"].pop(number)
    return (f"roots[{at}]",)


def second_stream(lock: Document, chance: random.Random) -> Mutated:
    at = chance.randrange(len(lock["roots"]))
    streams = lock["roots"][at]["streams"]
    streams.append({**chance.choice(streams), "version": "99.9"})
    return (f"roots[{at}]",)


def wrong_maker(lock: Document, chance: random.Random) -> Mutated:
    at, number = chance.choice([
        (at, number)
        for at, root in enumerate(lock["roots"])
        for number, stream in enumerate(root["streams"])
        if stream["origin"] == "private"
    ])  # fmt: skip
    lock["roots"][at]["streams"][number]["build"] = chance.choice(["", "nobody@1", "app@0.9"])
    return (f"roots[{at}].streams[{number}]",)


def ask_for_more(lock: Document, chance: random.Random) -> Mutated:
    at = chance.randrange(len(lock["roots"]))
    asked = lock["roots"][at]["asked"]
    asked[chance.randrange(len(asked))] = chance.choice(["emacs", "bash > 9", "(bash and emacs)"])
    return (f"roots[{at}].asked",)


def add_conflict(lock: Document, chance: random.Random) -> Mutated:
    ref = chance.choice(["coreutils.x86_64", "glibc.x86_64", "rpm-build.x86_64"])
    key = chance.choice(["conflicts", "obsoletes"])
    lock["packages"][ref].setdefault(key, []).append("bash < 6")
    return (f'packages["{ref}"].{key}',)


def drop_build(lock: Document, chance: random.Random) -> Mutated:
    at = chance.randrange(len(lock["builds"]))
    build = lock["builds"].pop(at)
    return (build["id"], build["component"], "shape")


def unpin_source(lock: Document, chance: random.Random) -> Mutated:
    at = chance.choice([n for n, s in enumerate(lock["streams"]) if s["origin"] == "private"])
    lock["streams"][at]["source"].pop(chance.choice(["purl", "sha256"]))
    return (f"streams[{at}].source",)


def narrow_need(lock: Document, chance: random.Random) -> Mutated:
    at, number = chance.choice([
        (at, number)
        for at, build in enumerate(lock["builds"])
        for number, need in enumerate(build["needs"])
        if need.get("component") == "setuptools"
    ])  # fmt: skip
    lock["builds"][at]["needs"][number]["text"] = "setuptools>=81"
    return (f"builds[{at}].needs[{number}]",)


def plain_needs(lock: Document) -> list[tuple[int, int]]:
    """The needs on packages, as the numbers of their builds and their own."""
    return [
        (at, number)
        for at, build in enumerate(lock["builds"])
        for number, need in enumerate(build["needs"])
        if "component" not in need
    ]


def unmet_need(lock: Document, chance: random.Random) -> Mutated:
    """A need on packages asks for what its root does not hold."""
    at, number = chance.choice(plain_needs(lock))
    need = lock["builds"][at]["needs"][number]
    key = "applied" if "applied" in need else "text"
    need[key] = chance.choice(["emacs", "bash > 9", "rpm-build < 6", "(bash and emacs)"])
    return (f"builds[{at}].needs[{number}]",)


def forget_what_counts(lock: Document, chance: random.Random) -> Mutated:
    """A need counts as it was stated again, which is no name of a package."""
    at, number = chance.choice([
        (at, number)
        for at, number in plain_needs(lock)
        if "applied" in lock["builds"][at]["needs"][number]
    ])  # fmt: skip
    del lock["builds"][at]["needs"][number]["applied"]
    return (f"builds[{at}].needs[{number}]",)


def forget_to_ask(lock: Document, chance: random.Random) -> Mutated:
    """Nothing holds, asks for, or requires the headers any more, but builds need them."""
    gone = {"python3-devel.x86_64", "python-rpm-macros.noarch"}
    for root in lock["roots"]:
        root["asked"] = [text for text in root["asked"] if text != "python3-devel"]
        root["packages"] = [ref for ref in root["packages"] if ref not in gone]
    lock["common"] = [ref for ref in lock["common"] if ref not in gone]
    at = chance.randrange(len(lock["builds"]))
    number = [need["text"] for need in lock["builds"][at]["needs"]].index("python3-devel")
    return (f"builds[{at}].needs[{number}]",)


def need_of_another_component(lock: Document, chance: random.Random) -> Mutated:
    """A need is about a component of which the root has no stream."""
    at, number = chance.choice([
        (at, number)
        for at, build in enumerate(lock["builds"])
        for number, need in enumerate(build["needs"])
        if "component" in need
    ])  # fmt: skip
    need = lock["builds"][at]["needs"][number]
    need["component"], need["origin"] = "leaf-0", chance.choice(["base-spec", "profile"])
    return (f"builds[{at}].needs[{number}]",)


def base_instead_of_private(lock: Document, chance: random.Random) -> Mutated:
    """A root's stream has the version that it had, from somewhere else."""
    at, number = chance.choice([
        (at, number)
        for at, root in enumerate(lock["roots"])
        for number, stream in enumerate(root["streams"])
        if stream["origin"] == "private"
    ])  # fmt: skip
    lock["roots"][at]["streams"][number]["origin"] = "base"
    return (f"roots[{at}]",)


def rename_schema(lock: Document, chance: random.Random) -> Mutated:
    lock["schema"] = "streamsolve.lock/2"
    return ("schema",)


def lock_name(ref: str) -> str:
    return ref.rpartition(".")[0]


OPERATORS = [
    lower_version, break_requirement, change_package_requirement, lower_package,
    lower_private_package, drop_provide, drop_package, drop_member, drop_common, smuggle_private,
    drop_edge, add_edge, swap_across_edge, move_level, drop_from_order, change_minutes,
    change_critical_path, break_checksum, drop_size, change_repository, drop_stream,
    drop_root_stream, second_stream, wrong_maker, ask_for_more, add_conflict, drop_build,
    unpin_source, narrow_need, unmet_need, forget_what_counts, forget_to_ask,
    need_of_another_component, base_instead_of_private, rename_schema,
]  # fmt: skip


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.__name__)
def test_a_changed_lock_is_rejected_near_the_change(
    operator: Callable[[Document, random.Random], Mutated],
) -> None:
    """All operators with forty seeds each: every changed lock is rejected, and a finding
    speaks of what was changed. The digest is made anew, so that it is not what tells."""
    original = json.loads(text_of(small_plan()))
    del original["digest"]
    for seed in range(40):
        document = copy.deepcopy(original)
        near = operator(document, random.Random(seed))
        found = told(sealed(canonical_text(document)))
        assert found, f"{operator.__name__} {seed}"
        assert any(part in line for part in near for line in found), (seed, near, found)


def test_a_byte_that_changes_anywhere_is_noticed() -> None:
    data = text_of(small_plan()).encode()
    chance = random.Random(5)
    for _ in range(400):
        at = chance.randrange(len(data))
        other = chance.choice([byte for byte in range(256) if byte != data[at]])
        damaged = data[:at] + bytes([other]) + data[at + 1 :]
        try:
            text = lock_source(damaged, file="app.lock")
        except InputError:
            continue
        assert check_lock(text), (at, other)
        with pytest.raises(InputErrors, match="no lock that can be used"):
            read_lock(text, file="app.lock")
