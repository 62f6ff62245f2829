"""What strangers wrote, in specs: it is read as data or refused, and never run.

RPM runs a macro as soon as it reads a spec, so RPM itself is asked: it must see exactly the text
that went in, and no file may appear that only a macro or a shell could have made.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamsolve.emit import MockSettings
from streamsolve.emit.specs import (
    EmittedSpecs,
    GivenSpec,
    ProjectFacts,
    SpecMaterials,
    StreamMaterial,
    UpstreamFile,
    emit_specs,
)
from streamsolve.emit.specs.data_text import data, plain
from streamsolve.errors import Code, InputErrors
from streamsolve.model.build import Stage, Substitute
from streamsolve.model.component import Component, Kind
from streamsolve.model.plan import Plan, Relaxed

from .builders import relaxed
from .specworld import IN_PREFIX, SETTINGS, digest, need, private, query, spec_plan, written

ATTACKS = (
    "%(touch RAN)",
    "%%(touch RAN)",
    "%{lua: os.execute('touch RAN')}",
    "%{expand:%(touch RAN)}",
    "%{!?x:%(touch RAN)}",
    "%{summary}%{name}",
    "%include /etc/passwd",
    "%{load:/etc/passwd}",
    "\n%prep\ntouch RAN\n",
    "x\n%global a %(touch RAN)",
    "x\r%(touch RAN)",
    "x\u2028%(touch RAN)",
    "\\\n%(touch RAN)",
    "end\\",
    "\\%{",
    "\\\\\\%{x",
    "\\ %{",
    "%if 1\n%endif",
    "%description",
    "%",
    "100% of %s and %d",
    "$(touch RAN)",
    "`touch RAN`",
    "; touch RAN #",
    "' \" | & > RAN",
    "{{7*7}}",
    "{% raw %}",
    "}",
    "%{",
    "../../etc/passwd",
    "-x",
    "*",
    "",
    "x" * 10_240,
    "é – ✓",
    "a\x00b\x1b[31m",
)
PARTS = st.sampled_from(ATTACKS) | st.text(
    st.sampled_from("ab1.-_+:/={}%#$()[]<>|&;'\"`\\ \t\n\r!?@,é"), max_size=12
)
HOSTILE = st.lists(PARTS, min_size=1, max_size=3).map("".join)

FACTS = ProjectFacts("thing", "1.5", "thing-1.5.tar.gz", summary="A thing")
Case = tuple[Plan, SpecMaterials]


def of_project(**change: object) -> Case:
    material = StreamMaterial("thing@1.5", project=evolve(FACTS, **change))
    return spec_plan(private("thing", "1.5")), SpecMaterials((material,))


def of_stream(**change: object) -> Case:
    return spec_plan(private("thing", "1.5", **change)), SpecMaterials()  # type: ignore[arg-type]


SPEC = "Name: thing\nVersion: 1\nRelease: 1\nSummary: A thing\n"


def of_base(text: str = SPEC, dropped: tuple[str, ...] = (), **change: object) -> Case:
    base = evolve(GivenSpec("x.src.rpm", f"{text}License: MIT\n%description\nd\n"), **change)
    material = StreamMaterial("package:thing@1.5", base=base, dropped_patches=dropped)
    return spec_plan(private("package:thing", "1.5")), SpecMaterials((material,))


def of_given(**change: object) -> Case:
    given = evolve(GivenSpec("x.spec", f"{SPEC}License: MIT\n%description\nd\n"), **change)
    material = StreamMaterial("package:thing@1.5", given=given)
    return spec_plan(private("package:thing", "1.5")), SpecMaterials((material,))


def stand_in(text: str) -> Case:
    """A bootstrap pass in which something stands in for a distribution of that name."""
    plan = spec_plan(private("thing", "1.5"), bootstrapped=["thing"])
    assert plan.builds is not None
    one = Substitute(Component(Kind.DISTRIBUTION, text), "its wheel")
    builds = tuple(
        evolve(build, substitutes=(one,)) if build.stage is Stage.BOOTSTRAP else build
        for build in plan.builds.builds
    )
    return evolve(plan, builds=evolve(plan.builds, builds=builds)), SpecMaterials()


def relaxed_one(text: str) -> Relaxed:
    """A relaxed bound on a distribution of that name."""
    found = relaxed("thing", "numpy<2", "numpy", "why")
    about = Component(Kind.DISTRIBUTION, text)
    return evolve(found, stated=evolve(found.stated, component=about))


PLACES: dict[str, Callable[[str], Case]] = {
    "summary": lambda text: of_project(summary=text),
    "licence expression": lambda text: of_project(license_expression=text),
    "licence": lambda text: of_project(licence=text),
    "classifier": lambda text: of_project(classifiers=(f"License :: OSI Approved :: {text}",)),
    "url": lambda text: of_project(url=text),
    "module": lambda text: of_project(modules=("thing", text)),
    "script": lambda text: of_project(modules=("thing",), scripts=(text,)),
    "name": lambda text: of_project(name=text),
    "archive": lambda text: of_project(archive=text),
    "directory": lambda text: of_project(directory=text),
    "planned licence": lambda text: of_stream(licence=text),
    "purl": lambda text: of_stream(purl=text),
    "revision": lambda text: of_stream(purl=f"pkg:github/a/b@{text}", filename=""),
    "file name": lambda text: of_stream(filename=text),
    "package": lambda text: of_stream(package=text),
    "need": lambda text: (
        spec_plan(private("thing", "1.5"), needs={"thing": [need(text)]}),
        SpecMaterials(),
    ),
    "requirement": lambda text: (
        spec_plan(private("thing", "1.5"), requires={"thing": [text]}),
        SpecMaterials(),
    ),
    "reason": lambda text: (
        spec_plan(private("thing", "1.5"), relaxed=[relaxed("thing", "numpy<2", "numpy", text)]),
        SpecMaterials(),
    ),
    "origin of a base's spec": lambda text: of_base(origin=text),
    "file beside it": lambda text: of_base(files=((text, b"x"),)),
    "upstream file": lambda text: (
        spec_plan(private("thing", "1.5")),
        SpecMaterials((StreamMaterial("thing@1.5", upstream=(UpstreamFile(text, digest("x")),)),)),
    ),
    "application": lambda text: (
        spec_plan(private("thing", "1.5"), application=text),
        SpecMaterials(),
    ),
    "version of the metadata": lambda text: of_project(version=text),
    "extra": lambda text: (
        spec_plan(private("thing", "1.5"), extras={"thing": [text]}),
        SpecMaterials(),
    ),
    "dropped patch": lambda text: of_base(
        "Name: thing\nVersion: 1\nRelease: 1\nSummary: A thing\nPatch0: a.patch\n",
        dropped=(text, "a.patch"),
    ),
    "origin of a given spec": lambda text: of_given(origin=text),
    "file beside a given spec": lambda text: of_given(files=((text, b"x"),)),
    "upstream file of a given spec": lambda text: of_given(
        upstream=(UpstreamFile(text, digest("x"), "pkg:generic/x"),)
    ),
    "digest": lambda text: of_given(upstream=(UpstreamFile("x.tar.gz", text),)),
    "stand-in of a bootstrap pass": stand_in,
    "relaxed distribution": lambda text: (
        spec_plan(private("thing", "1.5"), relaxed=[relaxed_one(text)]),
        SpecMaterials(),
    ),
    "series": lambda text: (spec_plan(private("thing", "1.5"), python=text), SpecMaterials()),
    "private package of a root": lambda text: (
        spec_plan(
            private("thing", "1.5"),
            private("zzz", "1", package=text),
            in_roots={"thing": ["zzz"]},
        ),
        SpecMaterials(),
    ),
}


def made_or_refused(case: Case, chosen: MockSettings) -> EmittedSpecs | None:
    try:
        return emit_specs(case[0], chosen, case[1])
    except InputErrors as error:
        if error.code is not Code.NOT_EMITTED:
            raise
        return None


def read_by_rpm(directory: Path, made: EmittedSpecs) -> list[str]:
    """The summaries of the first spec's packages, as RPM reads them. Nothing may have been run."""
    for path in made.files:
        assert ".." not in path.split("/")
        assert path.startswith("specs/")
    spec = written(directory, made, made.specs[0].stream)
    found = query(directory, spec, "%{summary}\x01")
    ran = [path for path in (directory, spec.parent, Path.cwd()) if (path / "RAN").exists()]
    assert not ran, f"RAN is in {ran}"
    return found.split("\x01")[:-1]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("prefix", [False, True], ids=["container", "prefix"])
@given(text=HOSTILE)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_strangers_wrote_is_never_run(place: str, prefix: bool, text: str) -> None:
    made = made_or_refused(PLACES[place](text), IN_PREFIX if prefix else SETTINGS)
    if made is None:
        return
    with tempfile.TemporaryDirectory() as directory:
        summaries = read_by_rpm(Path(directory), made)
    expected = "A thing"
    if place == "summary":
        expected = plain(text).rstrip("\\ ") or "The Python distribution thing"
    if place in ("summary", "module", "url", "licence", "directory"):
        assert set(summaries) == {expected}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_summary_is_read_as_it_was_written(tmp_path: Path, attack: str) -> None:
    text = f"It is {attack} after all"
    made = emit_specs(*of_project(summary=text)[:1], SETTINGS, of_project(summary=text)[1])
    assert set(read_by_rpm(tmp_path, made)) == {plain(text)}


@given(text=HOSTILE)
def test_data_in_a_spec_is_one_line_without_macros(text: str) -> None:
    found = data(text)
    assert len(found.splitlines()) <= 1
    assert "%" not in found.replace("%%", "")
    assert "\\%" not in found
    assert not found.endswith("\\")
    assert found == found.strip()


def test_what_is_not_escaped_would_be_run(tmp_path: Path) -> None:
    """The canary of the tests above is alive."""
    made = emit_specs(
        *of_base("Name: thing\nVersion: 1\nRelease: 1\nSummary: %(touch RAN)x\n")[:1],
        SETTINGS,
        of_base("Name: thing\nVersion: 1\nRelease: 1\nSummary: %(touch RAN)x\n")[1],
    )
    with pytest.raises(AssertionError, match="RAN"):
        read_by_rpm(tmp_path, made)


def test_each_place_takes_something_harmless() -> None:
    harmless = {
        "archive": "thing-1.5.zip",
        "licence expression": "MIT",
        "purl": "pkg:pypi/thing@1.5",
        "requirement": "other >= 1",
        "digest": "0" * 64,
        "series": "3.14",
        "reason": "why",
    }
    for place, make in PLACES.items():
        assert made_or_refused(make(harmless.get(place, "harmless")), SETTINGS) is not None, place
