"""The lock as a file: its bytes, its schema, the way there and back, and what a bad one tells."""

from __future__ import annotations

import difflib
import hashlib
import json
import random
import re
from time import perf_counter

import pytest
from attrs import evolve
from jsonschema import Draft202012Validator

from streamsolve.errors import Code, InputError, InputErrors, Place
from streamsolve.lock import (
    lock_schema,
    lock_source,
    lock_text,
    plan_of,
    read_lock,
    settings_of,
)
from streamsolve.lock.canonical import canonical_text, sealed
from streamsolve.model.plan import Plan

from .builders import big_plan
from .lockworld import GLIBC, SmallPlan, base_package, large_plan, small_plan, small_settings


def text_of(plan: Plan) -> str:
    return lock_text(plan, small_settings())


def resealed(document: object) -> str:
    assert isinstance(document, dict)
    return sealed(canonical_text(document))


def faults(text: str) -> dict[str, str]:
    with pytest.raises(InputErrors) as raised:
        read_lock(text, file="app.lock")
    assert all(error.code is Code.BROKEN_LOCK for error in raised.value.errors)
    assert all(error.place.file == "app.lock" for error in raised.value.errors)
    return {error.place.path: error.message for error in raised.value.errors}


# -- the document ----------------------------------------------------------------------------------


def test_a_lock_follows_its_schema() -> None:
    Draft202012Validator.check_schema(lock_schema())
    document = json.loads(text_of(small_plan()))
    assert list(Draft202012Validator(lock_schema()).iter_errors(document)) == []


def test_the_digest_is_that_of_the_file_without_its_line() -> None:
    text = text_of(small_plan())
    lines = text.splitlines(keepends=True)
    stated = [line for line in lines if line.startswith('  "digest":')]
    rest = "".join(line for line in lines if line not in stated)
    assert json.loads(text)["digest"] == f"sha256:{hashlib.sha256(rest.encode()).hexdigest()}"
    assert len(stated) == 1


def test_the_order_of_the_input_does_not_matter() -> None:
    plan = small_plan()
    assert plan.builds is not None
    shuffle = random.Random(7)

    def mixed(values):
        return tuple(shuffle.sample(values, len(values)))

    roots = mixed([evolve(r, packages=mixed(r.packages)) for r in plan.builds.roots])
    builds = evolve(plan.builds, roots=roots, builds=mixed(plan.builds.builds))
    other = evolve(plan, streams=mixed(plan.streams), builds=builds)
    assert text_of(other) == text_of(plan)


def test_no_path_of_the_machine_gets_in() -> None:
    plan = small_plan()
    one = plan.streams[0]
    asked = evolve(one.requirements[0], place=Place("/home/somebody/secret/app.toml", 3))
    changed = evolve(one, requirements=(asked, *one.requirements[1:]))
    text = text_of(evolve(plan, streams=(changed, *plan.streams[1:])))
    assert "somebody" not in text
    assert '"file": "app.toml", "line": 3' in text


def test_a_plan_without_builds_cannot_be_locked() -> None:
    with pytest.raises(ValueError, match="builds"):
        text_of(big_plan())


def test_an_update_of_one_base_package_changes_its_own_lines_only() -> None:
    new = base_package("bash", "5.3.1-1.fc45", provides=("/bin/sh", "/usr/bin/bash"))
    before = text_of(small_plan()).splitlines()
    after = text_of(SmallPlan(base={"bash": new}).plan()).splitlines()
    added = [line for line in difflib.ndiff(before, after) if line.startswith("+ ")]
    told = {line[2:].split(":")[0].strip() for line in added}
    assert told == {'"digest"', '"version"', '"release"', '"checksum"'}
    assert len(added) == 4


def test_what_all_build_roots_hold_stands_once() -> None:
    document = json.loads(text_of(small_plan()))
    lists = [set(root["packages"]) for root in document["roots"] if root["id"] != "runtime"]
    assert "bash.x86_64" in document["common"]
    assert not any(names & set(document["common"]) for names in lists)
    assert set.intersection(*lists) == set()


def test_packages_of_one_name_are_told_apart() -> None:
    plan = small_plan()
    assert plan.builds is not None
    older = evolve(GLIBC, evr="2.42-1.fc45")
    elsewhere = evolve(older, repository="nvidia")
    patched = evolve(elsewhere, checksum=f"sha256:{'0' * 64}")
    roots = list(plan.builds.roots)
    for number, one in enumerate((older, elsewhere, patched)):
        rest = [package for package in roots[number].packages if package.name != "glibc"]
        roots[number] = evolve(roots[number], packages=tuple(sorted((*rest, one))))
    text = text_of(evolve(plan, builds=evolve(plan.builds, roots=tuple(roots))))
    names = {name for name in json.loads(text)["packages"] if name.startswith("glibc-2")}
    assert names == {
        "glibc-2.43-5.fc45.x86_64",
        "glibc-2.42-1.fc45.x86_64@fedora",
        "glibc-2.42-1.fc45.x86_64@nvidia#1",
        "glibc-2.42-1.fc45.x86_64@nvidia#2",
    }
    assert text_of(plan_of(read_lock(text, file="app.lock"))) == text


def test_only_provides_that_something_rests_on_are_kept() -> None:
    packages = json.loads(text_of(small_plan()))["packages"]
    assert packages["openssl-libs.x86_64"]["provides"] == ["libcrypto.so.3()(64bit)"]
    # Nobody requires ldd, and the C library of no version; ``glibc(x86-64)`` a language pack does.
    assert packages["glibc.x86_64"]["provides"] == [
        "glibc(x86-64) = 2.43-5.fc45",
        "libc.so.6(GLIBC_2.34)(64bit)",
    ]
    assert "python3dist(torch) = 2.14.0" in packages["python3-torch.x86_64"]["provides"]


def test_sub_packages_belong_to_the_stream_of_their_main_package() -> None:
    packages = json.loads(text_of(small_plan()))["packages"]
    owners = {name: package.get("stream") for name, package in packages.items()}
    assert owners["python3-torch+compile.x86_64"] == "torch@2.14.0"
    assert owners["cuda-nvcc-13-0.x86_64"] == "accelerator:cuda@13.0"
    assert owners["libcublas-13-0.x86_64"] == "nvidia-cublas@13.1.1.3"
    assert owners["bash.x86_64"] is None


# -- there and back --------------------------------------------------------------------------------


def test_reading_gives_back_what_was_written() -> None:
    plan, settings = small_plan(), small_settings()
    lock = read_lock(lock_text(plan, settings), file="app.lock")
    again = plan_of(lock)
    assert settings_of(lock) == settings
    assert again.builds is not None
    assert plan.builds is not None
    assert again.streams == plan.streams
    assert again.builds.builds == plan.builds.builds
    assert again.builds.order == plan.builds.order
    for was, now in zip(
        (plan.builds.runtime, *plan.builds.roots),
        (again.builds.runtime, *again.builds.roots),
        strict=True,
    ):
        assert now.streams == was.streams
        assert now.asked == was.asked
        assert [p.nevra for p in now.packages] == [p.nevra for p in was.packages]
    bare = {"streams": (), "builds": None}
    assert evolve(again, **bare) == evolve(plan, **bare)


@pytest.mark.parametrize("leaves", [0, 1, 5])
def test_writing_what_was_read_gives_the_same_bytes(leaves: int) -> None:
    text = text_of(SmallPlan(leaves=leaves, apart=leaves == 5).plan())
    lock = read_lock(text, file="app.lock")
    assert lock_text(plan_of(lock), settings_of(lock)) == text


def test_a_plan_as_large_as_a_real_one_is_some_megabytes_and_quick() -> None:
    plan = large_plan()
    start = perf_counter()
    text = text_of(plan)
    lock = read_lock(text, file="app.lock")
    assert lock.plan.builds is not None
    assert len(lock.plan.builds.roots) == 200
    assert len(text) < 6_000_000
    assert perf_counter() - start < 10  # about 0.5 s where nothing else runs


# -- what is wrong with a lock ---------------------------------------------------------------------


def test_what_is_no_json_is_told_with_its_line() -> None:
    with pytest.raises(InputErrors) as raised:
        read_lock('{\n  "schema": "streamsolve.lock/1",\n  oops\n}\n', file="app.lock")
    (error,) = raised.value.errors
    assert error.place == Place("app.lock", 3)
    assert "not JSON" in error.message


@pytest.mark.parametrize("text", ["[]", "{}", '"text"', '{"schema": "streamsolve.plan/1"}'])
def test_another_document_is_no_lock(text: str) -> None:
    assert "no lock" in faults(text)["schema"]


def test_a_newer_version_names_the_one_that_is_read() -> None:
    told = faults('{"schema": "streamsolve.lock/2"}')["schema"]
    assert "streamsolve.lock/2" in told
    assert "reads streamsolve.lock/1" in told


def test_bytes_that_are_no_text_are_told_with_their_line() -> None:
    with pytest.raises(InputError) as raised:
        lock_source(b"{\n\xff}", file="app.lock")
    assert raised.value.place == Place("app.lock", 2)


def test_a_key_that_is_there_twice_is_told() -> None:
    text = text_of(small_plan()).replace('  "python":', '  "tool": "9",\n  "python":', 1)
    assert "'tool'" in faults(text)[""]


def test_line_ends_count() -> None:
    data = text_of(small_plan()).encode().replace(b"\n", b"\r\n", 1)
    assert "changed by hand" in faults(lock_source(data, file="app.lock"))["digest"]


def test_every_fault_is_told_at_once() -> None:
    document = json.loads(text_of(small_plan()))
    del document["digest"]
    document["tool"] = 3
    document["streams"][1]["origin"] = "privat"
    del document["roots"][0]["id"]
    document["packages"]["bash.x86_64"]["size"] = "much"
    document["order"]["levels"][0]["longest"] = -1
    document["builds"][0]["afterwards"] = []
    assert set(faults(resealed(document))) == {
        "tool",
        "streams[1].origin",
        "roots[0]",
        'packages["bash.x86_64"].size',
        "order.levels[0].longest",
        "builds[0].afterwards",
    }


def test_references_that_lead_nowhere_are_told() -> None:
    document = json.loads(text_of(small_plan()))
    document["common"].append("nothing.noarch")
    document["roots"][1]["packages"].append("nobody.noarch")
    document["builds"][0]["root"] = "build-nowhere"
    document["builds"][1]["after"].append("nobody@1")
    document["order"]["levels"][0]["builds"].append("nobody@2")
    document["streams"][0]["version"] = "one"
    first = document["streams"][0]["requirements"][0]
    first["specifier"] = "~~1"
    document.pop("digest")
    told = faults(resealed(document))
    assert set(told) == {
        f"common[{len(document['common']) - 1}]",
        f"roots[1].packages[{len(document['roots'][1]['packages']) - 1}]",
        "builds[0].root",
        f"builds[1].after[{len(document['builds'][1]['after']) - 1}]",
        f"order.levels[0].builds[{len(document['order']['levels'][0]['builds']) - 1}]",
        "streams[0].version",
        "streams[0].requirements[0].specifier",
    }


def test_what_the_reader_refuses_the_schema_refuses() -> None:
    """After random damage to the shape: the reader reads its schema as a library does."""
    chance = random.Random(3)
    text = text_of(small_plan())
    validator = Draft202012Validator(lock_schema())
    refused = 0
    for _ in range(150):
        document = json.loads(text)
        target, key = chance.choice(list(places(document)))
        if chance.random() < 0.5 and isinstance(target, dict):
            del target[key]
        else:
            target[key] = chance.choice([None, "", -1, 1.5, True, [], {}, "x y", ["a"], [1]])
        document.pop("digest", None)
        whole = resealed({"schema": "streamsolve.lock/1", **document})
        valid = validator.is_valid(json.loads(whole))
        if not valid:
            refused += 1
            with pytest.raises(InputErrors):
                read_lock(whole, file="app.lock")
        else:
            told = ""
            try:
                read_lock(whole, file="app.lock")
            except InputErrors as error:
                told = str(error)
            assert not re.search(r"missing|expected|no such key|is empty|none of the words", told)
    assert refused > 50


def places(value):
    """Every member and element of a document with what holds it, the schema's own left out."""
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in entries:
        if key != "schema":
            yield value, key
        if isinstance(inner, (dict, list)):
            yield from places(inner)
