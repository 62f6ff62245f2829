"""The JSON document: its keys, its schema, and that it is the same for the same plan."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from attrs import evolve
from jsonschema import Draft202012Validator

from streamsolve.errors import Code, InputError, InputErrors, Place
from streamsolve.explain import (
    document_text,
    errors_document,
    failure_document,
    plan_document,
    plan_schema,
)
from streamsolve.library import plan as plan_of
from streamsolve.model.build import Isolation, Leak, LeakKind, NeedOrigin, NeedRole, Stage
from streamsolve.model.component import Kind, Origin
from streamsolve.model.conflict import Cause, Repair, RepairKind
from streamsolve.model.plan import Plan, ReasonKind, RepositoryId
from streamsolve.model.stream import Source

from .builders import (
    big_plan,
    conflict,
    demand,
    failure,
    from_base,
    omitted,
    plan,
    private,
    rebuilt,
    relaxed,
    stream,
)

T = TypeVar("T")


def check(document: Any) -> None:
    """Valid after the way through text, as a program would read it."""
    Draft202012Validator(plan_schema()).validate(json.loads(document_text(document)))


def one_failure():
    return failure(
        conflict(
            "numba",
            Cause.NO_SUCH_VERSION,
            (
                demand(
                    "vllm",
                    ["0.33.0"],
                    "numba==0.65.0",
                    at="cuda.txt:4",
                    there=["0.62", "0.63", "0.64"],
                ),
            ),
        ),
        repairs=[Repair(RepairKind.RELAX, "numba==0.65.0", 3, 40, by="vllm")],
    )


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(plan_schema())


def test_the_schema_knows_every_value_of_the_model():
    definitions = plan_schema()["$defs"]
    stream_of = definitions["stream"]["properties"]
    pairs = [
        (definitions["kind"], Kind),
        (stream_of["origin"], Origin),
        (stream_of["reason"]["properties"]["kind"], ReasonKind),
        (definitions["conflict"]["properties"]["cause"], Cause),
        (definitions["repair"]["properties"]["kind"], RepairKind),
        (definitions["leak"]["properties"]["kind"], LeakKind),
        (definitions["build"]["properties"]["stage"], Stage),
        (definitions["need"]["properties"]["origin"], NeedOrigin),
        (definitions["need"]["properties"]["role"], NeedRole),
    ]
    for schema, values in pairs:
        assert schema["enum"] == sorted(value.value for value in values)


def test_a_plan_a_failure_and_errors_follow_the_schema():
    check(plan_document(big_plan()))
    check(failure_document(one_failure()))
    check(errors_document(InputError(Code.UNKNOWN_BASE, "no such base")))


@pytest.mark.parametrize(
    "spoiled", [{"python": None}, {"schema": "streamsolve.plan/2"}, {"streams": [{}]}]
)
def test_the_schema_refuses_what_is_no_plan(spoiled: dict[str, object]):
    document = {**plan_document(big_plan()), **spoiled}
    assert not Draft202012Validator(plan_schema()).is_valid(document)


def test_a_plan_has_the_keys_that_are_promised():
    document = plan_document(plan())
    assert list(document) == [
        "schema",
        "application",
        "base",
        "python",
        "summary",
        "streams",
        "conflicts",
        "repairs",
        "burden",
        "held_back",
        "relaxed",
        "host",
        "warnings",
        "isolation",
        "builds",
    ]
    assert document["schema"] == "streamsolve.plan/1"
    assert document["application"] == {"name": "vllm", "version": "0.33.0", "variant": "cuda"}
    assert document["base"] == {
        "name": "fedora-45",
        "arch": "x86_64",
        "repositories": [{"id": "fedora", "repomd_sha256": "ab" * 32}],
    }


def test_a_stream_says_all_that_is_known_of_it():
    torch = stream(
        "torch",
        "2.14.0",
        Origin.PRIVATE,
        ReasonKind.BASE_CONFLICT,
        base_has="2.13.0",
        demands=[("vllm", "torch==2.14.0")],
        requires=["sympy>=1.13", "filelock"],
        cost=360,
        source=Source("pkg:generic/torch@2.14.0"),
        licence="BSD-3-Clause",
    )
    (document,) = plan_document(plan(torch))["streams"]
    assert document == {
        "component": "torch",
        "kind": "distribution",
        "version": "2.14.0",
        "origin": "private",
        "prebuilt": False,
        "package": "python3-torch",
        "repository": None,
        "source": {"purl": "pkg:generic/torch@2.14.0", "filename": None, "sha256": None},
        "licence": "BSD-3-Clause",
        "extras": [],
        "build_only": False,
        "cost": 360,
        "requirements": ["filelock", "sympy>=1.13"],
        "required_by": [{"component": "vllm", "requirement": "torch==2.14.0"}],
        "reason": {
            "kind": "base-conflict",
            "text": "the base has 2.13.0; vllm needs ==2.14.0",
            "base_version": "2.13.0",
            "demands": [{"component": "vllm", "requirement": "torch==2.14.0"}],
        },
    }


def test_a_stream_of_the_base_names_the_repository_that_its_package_comes_from():
    document = plan_document(plan(evolve(from_base("six"), repository="mine")))
    check(document)
    (six,) = document["streams"]
    assert (six["package"], six["repository"]) == ("python3-six", "mine")


def test_an_omitted_stream_has_no_version_no_package_and_no_source():
    (document,) = plan_document(plan(omitted("tokenspeed", "no source")))["streams"]
    assert (document["version"], document["package"], document["source"]) == (None, None, None)
    assert document["reason"]["text"] == "no source"


def test_a_relaxed_requirement_keeps_its_place():
    one = relaxed("vllm", "certifi>=2026.10.19", "certifi", "the system's", "METADATA:31")
    (document,) = plan_document(plan(relaxed=[one]))["relaxed"]
    assert document == {
        "by": "vllm",
        "stated": "certifi>=2026.10.19",
        "counts": "certifi",
        "reason": "the system's",
        "place": {"file": "METADATA", "line": 31, "path": None},
    }


def test_a_failure_lists_versions_one_by_one_and_as_ranges():
    document = failure_document(one_failure())
    assert document["streams"] == []
    assert document["summary"] is None
    (found,) = document["conflicts"]
    assert (found["cause"], found["text"]) == (
        "no-such-version",
        "No such version of numba exists.",
    )
    ((asked,),) = found["chains"]
    assert asked["requirement"] == {
        "text": "numba==0.65.0",
        "place": {"file": "cuda.txt", "line": 4, "path": None},
    }
    assert asked["available"] == {
        "text": "0.62–0.64 (3 versions)",
        "list": ["0.62", "0.63", "0.64"],
    }
    assert asked["allowed"] == {"text": "none", "list": []}
    assert document["repairs"] == [
        {"kind": "relax", "value": "numba==0.65.0", "by": "vllm", "private": 3, "cost": 40}
    ]


def test_all_faults_of_an_input_are_in_the_document():
    faults = [
        InputError(Code.BROKEN_PROFILE, "bad", place=Place("a.toml", 3, "relax[1]"), hint="do so"),
        InputError(Code.BAD_REQUIREMENT, "worse"),
    ]
    document = errors_document(InputErrors(Code.BROKEN_PROFILE, "a.toml is broken", faults))
    check(document)
    assert document["errors"] == [
        {
            "code": "SS103",
            "message": "bad",
            "place": {"file": "a.toml", "line": 3, "path": "relax[1]"},
            "hint": "do so",
        },
        {"code": "SS106", "message": "worse", "place": None, "hint": None},
    ]


def shuffled(original: Plan, seed: int) -> Plan:
    """The same plan with every tuple whose order says nothing in another order."""
    order = random.Random(seed)

    def mix(values: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(order.sample(values, len(values)))

    streams = tuple(
        evolve(
            one,
            requirements=mix(one.requirements),
            required_by=mix(one.required_by),
            reason=evolve(one.reason, demands=mix(one.reason.demands)),
        )
        for one in original.streams
    )
    return evolve(
        original,
        repositories=mix(original.repositories),
        streams=mix(streams),
        held_back=mix(original.held_back),
        relaxed=mix(original.relaxed),
        warnings=mix(original.warnings),
        burden=evolve(
            original.burden,
            would_add=mix(original.burden.would_add),
            would_conflict=mix(original.burden.would_conflict),
        ),
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_document_does_not_depend_on_order(seed: int):
    original = evolve(
        big_plan(), repositories=(RepositoryId("b", "00" * 32), RepositoryId("a", "11" * 32))
    )
    assert document_text(plan_document(shuffled(original, seed))) == document_text(
        plan_document(original)
    )


def test_the_text_ends_with_one_line_end_and_keeps_its_letters():
    text = document_text({"reason": "größer"})
    assert text == '{\n  "reason": "größer"\n}\n'


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """A real plan with builds."""
    return plan_of(
        "vllm",
        base=str(shared / "data" / "fedora-44"),
        variant="cuda",
        offline=True,
        cache=tmp_path_factory.mktemp("cache"),
        builds=True,
    )


def test_a_real_plan_with_builds_follows_the_schema(real: Plan):
    document = plan_document(real)
    check(document)
    assert document["isolation"]["leaks"] == []
    assert document["summary"]["build_only"] == sum(
        stream["build_only"] and stream["origin"] == "private" for stream in document["streams"]
    )
    assert document["summary"]["build_cost"] == sum(
        one["cost"] for one in document["builds"]["builds"]
    )


def test_the_parts_of_builds_refer_to_each_other(real: Plan):
    builds = plan_document(real)["builds"]
    ids = {one["id"] for one in builds["builds"]}
    roots = {one["id"] for one in builds["roots"]}
    levels = [id for level in builds["order"]["levels"] for id in level["builds"]]
    assert sorted(levels) == sorted(ids)
    assert {one["root"] for one in builds["builds"]} == roots
    assert {id for one in builds["builds"] for id in one["after"]} <= ids
    assert set(builds["order"]["critical_path"]) <= ids
    makers = {s["build"] for root in builds["roots"] for s in root["streams"] if s["build"]}
    assert makers <= ids


def test_every_package_of_a_root_is_told_by_content(real: Plan):
    builds = plan_document(real)["builds"]
    packages = [p for root in (builds["runtime"], *builds["roots"]) for p in root["packages"]]
    own = [p for p in packages if p["repository"] not in ("private", "external")]
    assert len(packages) > len(own) > 0
    assert [p for p in own if not str(p["checksum"]).startswith("sha256:")] == []
    assert [p for p in packages if p["repository"] == "private" and p["checksum"]] == []


@pytest.mark.parametrize("seed", range(3))
def test_the_document_of_builds_does_not_depend_on_order(real: Plan, seed: int):
    order = random.Random(seed)
    builds = real.builds
    assert builds is not None
    mixed = evolve(
        builds,
        roots=tuple(order.sample(builds.roots, len(builds.roots))),
        builds=tuple(order.sample(builds.builds, len(builds.builds))),
    )
    streams = tuple(order.sample(real.streams, len(real.streams)))
    again = plan_document(evolve(real, streams=streams, builds=mixed))
    assert document_text(again) == document_text(plan_document(real))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda builds: builds["order"].pop("minutes"),
        lambda builds: builds["builds"][0].update(stage="last"),
        lambda builds: builds["builds"][0]["needs"][0].update(origin="nobody"),
        lambda builds: builds["roots"][0]["packages"][0].pop("checksum"),
        lambda builds: builds["roots"][0]["streams"][0].update(origin="omitted"),
    ],
)
def test_the_schema_refuses_broken_builds(real: Plan, spoil: Callable[[Any], object]):
    document = json.loads(document_text(plan_document(real)))
    spoil(document["builds"])
    assert not Draft202012Validator(plan_schema()).is_valid(document)


def test_what_was_written_before_builds_still_follows_the_schema():
    document = dict(plan_document(big_plan()))
    del document["isolation"], document["builds"]
    document["summary"] = {
        key: value
        for key, value in document["summary"].items()
        if key not in ("build_only", "build_cost")
    }
    check(document)


def test_a_leak_is_in_the_document():
    leak = Leak(
        LeakKind.TWO_STREAMS, "python3-a-1-1.noarch", "a", "python3-a-2-1.noarch", "build-b"
    )
    document = plan_document(evolve(plan(), isolation=Isolation((leak,), 2, 30, 4)))
    check(document)
    assert document["isolation"] == {
        "leaks": [
            {
                "kind": "two-streams",
                "package": "python3-a-1-1.noarch",
                "capability": "a",
                "other": "python3-a-2-1.noarch",
                "root": "build-b",
            }
        ],
        "roots": 2,
        "packages": 30,
        "provides": 4,
    }


def test_the_burden_names_what_is_only_built_again():
    document = plan_document(plan(rebuilt("six"), rebuilt("attrs"), private("new")))
    assert document["burden"]["would_rebuild"] == ["attrs 1.0", "six 1.0"]
