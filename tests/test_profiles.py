"""Profiles: what is read, and what every fault in one says."""

from __future__ import annotations

import copy
import hashlib
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from packaging.version import Version

from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.inputs.profiles import (
    COMPONENT_SCHEMA,
    PROFILE_SCHEMA,
    list_profiles,
    load_profile,
    parse_profile,
    schema_text,
)
from streamsolve.inputs.shipped import profiles_directory
from streamsolve.model import Component, Kind, Origin, Scope, distribution
from streamsolve.model.profile import Profile

CUDA = Component(Kind.ACCELERATOR, "cuda")

TOP = """\
schema = "streamsolve.profile/1"
name = "app"
version = "1.2"
default-base = "fedora-44"
"""
VARIANTS = """\
[variants.cpu]
requirements = "wheel"
"""
MINIMAL = TOP + VARIANTS
"""Lines 1 to 6; a test appends from line 7 on."""

RULE = """\
[[component]]
component = "accelerator:cuda"
"""

FULL = """\
schema = "streamsolve.profile/1"
name = "app"
version = "1.2.post1"
summary = "An application"
homepage = "https://example.org/app"
distribution = "The_App"
default-variant = "cuda"
default-base = "fedora-44"
interpreters = ["3.9", "3.14", "3.13"]
include = ["../components/more.toml"]

[policy]
proprietary = ["external", "base"]

[costs]
pure = 2
native = 9
[costs.minutes]
Torch = 120
"interpreter:python" = 45

[names]
OpenCV-Python_Headless = "opencv"

[variants.cuda]
summary = "GPUs"
requirements = "wheel"
needs = ["accelerator:cuda ==13.0", "Ninja >=1; python_version > '3'"]
[variants.cpu]
requirements = ["requirements/cpu.txt", "more.txt"]
needs = []
local = { Torch = "cpu" }

[[relax]]
component = "certifi"
requirement = "<2027,>=2026.10.19"
to = ">=2025"
by = "app"
reason = "system trust store"
variants = ["cuda"]

[[omit]]
component = "not_needed"
reason = "never imported"
variants = ["cpu"]

[[external]]
component = "nvidia-cublas"
package = "libcublas-{major}-{minor}"
repository = "cuda"
licence = "LicenseRef-NVIDIA"
follows = "accelerator:cuda"

[[prebuilt]]
component = "amd-quark"
licence = "mit"
reason = "no source"

[[source]]
component = "torch"
purl = "pkg:github/pytorch/pytorch@v{version}"

[[direct]]
component = "triton"
version = "3.8.0+cpu"
purl = "pkg:github/triton-lang/triton-cpu@v3.8.0"
variants = ["cpu"]

[[bundled]]
name = "cutlass"
revision = "v4.7.1"
purl = "pkg:github/NVIDIA/cutlass@v4.7.1"
variants = ["cuda"]

[[native]]
component = "torch"
requires = ["libfoo >= 3"]
variants = ["cpu"]

[[build]]
component = "Torch"
requires = ["cuda-nvcc-{major}-{minor}", "(foo >= 2 or bar)"]
needs = ["accelerator:cuda", "package:glibc <2.42", "Setuptools <81"]
drops = ["wheel"]
follows = "accelerator:cuda"
replaces = true
reason = "no sdist"
variants = ["cuda"]

[[tool]]
distribution = "Ninja"
package = "ninja-build"

[[group]]
name = "CUDA toolkit"
leader = "accelerator:cuda"
members = ["cuda-toolkit", "nvidia-cuda-nvcc"]
exempt = ["nvidia-cudnn"]
[[group.pairing]]
version = "13.0"
constrains = ["torchvision ==0.29.0"]
evidence = "METADATA"

[[component]]
component = "accelerator:cuda"
packages = ["cuda{major}.{minor}"]
[[component.stream]]
version = "13.0"
origin = "external"
package = "cuda-toolkit-13-0"
repository = "cuda"
requires = ["toolchain:gcc <16", "kernel-module:nvidia >=580.65", "numpy >1"]
constrains = ["toolchain:clang <21"]
evidence = "host_config.h"
"""

MORE = """\
schema = "streamsolve.component/1"
[[component]]
component = "toolchain:gcc"
packages = ["gcc", "gcc{major}"]
"""


def no_includes(name: str) -> str:
    raise InputError(Code.BROKEN_PROFILE, "cannot be read: there is none")


def read(text: str, **includes: str) -> Profile:
    """Parse ``vllm/profile.toml``; includes by the stem of their file."""

    def include(name: str) -> str:
        stem = Path(name).stem
        return includes[stem] if stem in includes else no_includes(name)

    return parse_profile(text, file="app/profile.toml", includes=include)


def faults(text: str, **includes: str) -> tuple[InputError, ...]:
    with pytest.raises(InputError) as caught:
        read(text, **includes)
    error = caught.value
    return error.errors if isinstance(error, InputErrors) else (error,)


def the_fault(text: str, **includes: str) -> InputError:
    found = faults(text, **includes)
    assert len(found) == 1, "\n".join(str(fault) for fault in found)
    return found[0]


# ---- what is read ----------------------------------------------------------------------------


def test_a_minimal_profile_has_the_documented_defaults() -> None:
    profile = read(MINIMAL)
    assert profile.component == distribution("app")
    assert profile.version == Version("1.2")
    assert profile.default_variant == "cpu"
    assert profile.variants[0].wheel
    assert profile.interpreters == ("3.14", "3.13", "3.12", "3.11")
    assert profile.policy.proprietary == (Origin.EXTERNAL,)
    assert (profile.pure_cost, profile.native_cost) == (1, 4)


def test_names_are_normalised_and_interpreters_are_newest_first() -> None:
    profile = read(FULL, more=MORE)
    assert profile.component.name == "the-app"
    assert profile.names == {"opencv-python-headless": "opencv"}
    assert profile.costs == {"torch": 120, "python": 45}
    assert profile.omissions[0].component.name == "not-needed"
    assert profile.variant("cpu").local == {"torch": "cpu"}  # type: ignore[union-attr]
    assert profile.interpreters == ("3.14", "3.13", "3.9")
    assert profile.prebuilt[0].licence == "MIT"
    assert profile.externals[0].follows == "accelerator:cuda"


def test_requirement_files_stand_for_the_wheel() -> None:
    cpu = read(FULL, more=MORE).variant("cpu")
    assert cpu is not None
    assert not cpu.wheel
    assert cpu.files == ("requirements/cpu.txt", "more.txt")


def test_requirements_have_their_scope_and_their_place() -> None:
    stream = read(FULL, more=MORE).rule(CUDA).streams[0]  # type: ignore[union-attr]
    scopes = [requirement.scope for requirement in stream.requires]
    assert scopes == [Scope.BUILD, Scope.HOST, Scope.RUN]
    lines = FULL.splitlines()
    for requirement, path in zip(stream.requires, "012", strict=True):
        assert requirement.place.path == f"component[0].stream[0].requires[{path}]"
        assert "toolchain:gcc <16" in lines[requirement.place.line - 1]
    assert stream.requires[1].component == Component(Kind.KERNEL_MODULE, "nvidia")
    assert not stream.requires[0].allows(Version("16.1"))


def test_a_pep_508_requirement_keeps_its_marker() -> None:
    ninja = read(FULL, more=MORE).variants[0].needs[1]
    assert ninja.component == distribution("ninja")
    assert str(ninja.marker) == 'python_version > "3"'


def test_a_relaxed_specifier_is_in_the_order_in_which_requirements_show_theirs() -> None:
    assert read(FULL, more=MORE).relaxations[0].specifier == "<2027,>=2026.10.19"
    reordered = FULL.replace("<2027,>=2026.10.19", " >= 2026.10.19, <2027")
    assert read(reordered, more=MORE).relaxations[0].specifier == "<2027,>=2026.10.19"


def test_a_build_rule_is_read_with_needs_that_hold_in_the_build_root() -> None:
    [rule] = read(FULL, more=MORE).build_rules
    assert rule.component == distribution("torch")
    assert rule.requires == ("cuda-nvcc-{major}-{minor}", "(foo >= 2 or bar)")
    assert [need.component for need in rule.needs] == [
        CUDA,
        Component(Kind.PACKAGE, "glibc"),
        distribution("setuptools"),
    ]
    assert {need.scope for need in rule.needs} == {Scope.BUILD}
    assert str(rule.needs[2]) == "setuptools<81"
    assert (rule.drops, rule.follows, rule.replaces) == (("wheel",), "accelerator:cuda", True)
    assert (rule.variants, rule.reason) == (("cuda",), "no sdist")
    assert rule.place.path == "build[0]"
    assert FULL.splitlines()[rule.place.line - 1] == "[[build]]"


def test_a_build_rule_may_say_one_thing_only() -> None:
    profile = read(MINIMAL + '[[build]]\ncomponent = "a"\nrequires = ["make"]\n')
    [rule] = profile.build_rules
    assert (rule.needs, rule.drops, rule.follows, rule.reason) == ((), (), "", "")
    assert not rule.replaces


def test_a_tool_names_its_distribution_and_its_package() -> None:
    [tool] = read(FULL, more=MORE).build_tools
    assert (tool.component, tool.package) == (distribution("ninja"), "ninja-build")


def test_rules_for_building_one_thing_add_up() -> None:
    two = (
        '[[build]]\ncomponent = "a"\nrequires = ["make"]\n'
        '[[build]]\ncomponent = "a"\nrequires = ["cmake"]\nvariants = ["cpu"]\n'
    )
    more = 'schema = "streamsolve.component/1"\n[[build]]\ncomponent = "A"\nneeds = ["numpy"]\n'
    profile = read(f'{TOP}include = ["more.toml"]\n{VARIANTS}{two}', more=more)
    assert [rule.requires for rule in profile.build_rules] == [("make",), ("cmake",), ()]


def test_rules_of_different_variants_may_say_the_same() -> None:
    variants = '[variants.b]\nrequirements = "wheel"\n'
    rule = '[[build]]\ncomponent = "a"\nrequires = ["make"]\nvariants = ["{}"]\n'
    text = f'{TOP}default-variant = "b"\n{VARIANTS}{variants}'
    profile = read(text + rule.format("cpu") + rule.format("b"))
    assert [one.variants for one in profile.build_rules] == [("cpu",), ("b",)]


def test_included_rows_come_after_the_profile_s_own() -> None:
    rules = read(FULL, more=MORE).rules
    assert [rule.component.name for rule in rules] == ["cuda", "gcc"]


def test_a_stream_without_a_package_is_of_the_base() -> None:
    profile = read(MINIMAL + RULE + '[[component.stream]]\nversion = "13"\n')
    assert profile.rules[0].streams[0].origin is Origin.BASE


def test_the_digest_covers_the_profile_and_its_includes() -> None:
    parts = b"".join(hashlib.sha256(text.encode()).digest() for text in (FULL, MORE))
    assert read(FULL, more=MORE).digest == hashlib.sha256(parts).hexdigest()
    assert read(FULL, more=MORE + "\n").digest != read(FULL, more=MORE).digest


# ---- what faults say -------------------------------------------------------------------------

BROKEN = {
    "not TOML": ("name = \n", 7, "not TOML", "^"),
    "unknown key": ("zzz = 1\n", 7, "unknown key 'zzz'", "known: "),
    "misspelt key": ("need = []\n", 7, "unknown key 'need'", "did you mean needs"),
    "wrong type": ("needs = 4\n", 7, "expected an array, not an integer", ""),
    "wrong type of element": (
        "needs = [\n 'a',\n true]\n",
        9,
        "expected a string, not true or false",
        "",
    ),
    "table for an array of tables": ("[omit]\n", 7, "expected an array, not a table", ""),
    "no reason": ('[[omit]]\ncomponent = "x"\n', 7, "the key 'reason' is missing", ""),
    "empty reason": ('[[omit]]\ncomponent = "x"\nreason = " "\n', 9, "must not be empty", ""),
    "unknown variant": (
        '[[omit]]\ncomponent = "x"\nreason = "y"\nvariants = ["cpo"]\n',
        10,
        "there is no variant 'cpo'",
        "did you mean cpu?",
    ),
    "omitted twice": (
        '[[omit]]\ncomponent = "a-b"\nreason = "y"\n'
        '[[omit]]\ncomponent = "A_b"\nreason = "y"\nvariants = ["cpu"]\n',
        10,
        "a-b is omitted twice",
        "first at app/profile.toml:7",
    ),
    "relaxed twice": (
        '[[relax]]\ncomponent = "a"\nrequirement = ">1"\nreason = "y"\nby = "b"\n'
        '[[relax]]\ncomponent = "a"\nrequirement = ">1"\nreason = "y"\n',
        12,
        "a is relaxed twice",
        "first at",
    ),
    "relaxed to itself": (
        '[[relax]]\ncomponent = "a"\nrequirement = ">1"\nto = ">1"\nreason = "y"\n',
        10,
        "relaxes nothing",
        "",
    ),
    "external twice": (
        2 * '[[external]]\ncomponent = "a"\npackage = "p"\nrepository = "r"\n',
        11,
        "a is external twice",
        "first at",
    ),
    "prebuilt twice": (
        2 * '[[prebuilt]]\ncomponent = "a"\nlicence = "MIT"\nreason = "r"\n',
        11,
        "a is prebuilt twice",
        "first at",
    ),
    "prebuilt and external": (
        '[[prebuilt]]\ncomponent = "a"\nlicence = "MIT"\nreason = "r"\n'
        '[[external]]\ncomponent = "a"\npackage = "p"\nrepository = "r"\n',
        7,
        "a cannot be both [[prebuilt]] and [[external]]",
        "see app/profile.toml:11",
    ),
    "bad licence": (
        '[[prebuilt]]\ncomponent = "a"\nlicence = "whatever"\nreason = "r"\n',
        9,
        "'whatever' is no SPDX licence expression",
        "LicenseRef-NAME",
    ),
    "unknown kind": (
        'needs = ["acelerator:cuda"]\n',
        7,
        "unknown kind 'acelerator'",
        "did you mean accelerator",
    ),
    "kind of a distribution": (
        'needs = ["distribution:torch"]\n',
        7,
        "written without a kind",
        "leave out",
    ),
    "bad requirement": (
        'needs = ["torch >= "]\n',
        7,
        "'torch >= ' is not a requirement",
        "^",
    ),
    "bad specifier on a kind": (
        'needs = ["interpreter:python >=3.13, 3.14"]\n',
        7,
        "'3.14' is no version specifier",
        "interpreter:python >=3.13, 3.14\n" + " " * 29 + "^",
    ),
    "undescribed accelerator": (
        'needs = ["accelerator:cuda"]\n',
        7,
        "no [[component]] describes accelerator:cuda",
        "",
    ),
    "misspelt accelerator": (
        f'needs = ["accelerator:cude"]\n{RULE}',
        7,
        "no [[component]] describes accelerator:cude",
        "did you mean accelerator:cuda?",
    ),
    "bad relaxed specifier": (
        '[[relax]]\ncomponent = "a"\nrequirement = ">1,=2"\nreason = "y"\n',
        9,
        "'=2' is no version specifier",
        ">1,=2\n     ^",
    ),
    "kind where a distribution is meant": (
        '[[omit]]\ncomponent = "toolchain:gcc"\nreason = "y"\n',
        8,
        "only a Python distribution is meant here",
        "",
    ),
    "rule for a distribution": (
        '[[component]]\ncomponent = "torch"\n',
        8,
        "needs no [[component]] table",
        "kind:name",
    ),
    "two rules": (RULE + RULE, 9, "cuda has two [[component]] tables", "first at"),
    "bad version": (
        RULE + '[[component.stream]]\nversion = "thirteen"\n',
        10,
        "'thirteen' is no version as PEP 440 defines it",
        "",
    ),
    "stream twice": (
        RULE + 2 * '[[component.stream]]\nversion = "13.0"\n',
        11,
        "the base stream 13.0 is stated twice",
        "first at",
    ),
    "external stream without repository": (
        RULE + '[[component.stream]]\nversion = "1"\norigin = "external"\npackage = "p"\n',
        9,
        "the repository of an external stream is missing",
        "",
    ),
    "package without origin": (
        RULE + '[[component.stream]]\nversion = "1"\npackage = "p"\n',
        9,
        "the key 'origin' is missing",
        "",
    ),
    "omitted is no origin": (
        '[policy]\nproprietary = ["omitted"]\n',
        8,
        "unknown origin 'omitted'",
        "known: base, external, private",
    ),
    "free cost": ("[costs]\npure = 0\n", 8, "must be at least 1, not 0", ""),
    "cost that is no number": (
        "[costs.minutes]\ntorch = '1h'\n",
        8,
        "expected an integer, not a string",
        "",
    ),
    "cost in two spellings": (
        "[costs.minutes]\na-b = 1\nA_b = 1\n",
        9,
        "a-b is named twice",
        "",
    ),
    "name in two spellings": (
        '[names]\na-b = "x"\nA_b = "y"\n',
        9,
        "a-b is named twice, in two spellings",
        "",
    ),
    "bad purl": (
        '[[source]]\ncomponent = "a"\npurl = "github.com/a/b"\n',
        9,
        "is no package URL",
        "pkg:github",
    ),
    "unknown placeholder": (
        '[[source]]\ncomponent = "a"\npurl = "pkg:github/a/b@v{versoin}"\n',
        9,
        "'{versoin}' stands for nothing",
        "known here: {version}",
    ),
    "numbers of nothing": (
        '[[external]]\ncomponent = "a"\npackage = "p-{major}"\nrepository = "r"\n',
        9,
        "whose numbers are meant by 'p-{major}'?",
        "follows",
    ),
    "bad direct version": (
        '[[direct]]\ncomponent = "a"\nversion = "x"\npurl = "pkg:github/a/b"\n',
        9,
        "'x' is no version",
        "",
    ),
    "interpreter as a member": (
        '[[group]]\nname = "g"\nleader = "torch"\nmembers = ["interpreter:python"]\n',
        10,
        "cannot belong to a group",
        "",
    ),
    "leader as a member": (
        '[[group]]\nname = "g"\nleader = "torch"\nmembers = ["Torch"]\n',
        10,
        "torch is the group's leader",
        "",
    ),
    "group of one": ('[[group]]\nname = "g"\nleader = "torch"\n', 7, "a group needs", ""),
    "bad pairing version": (
        '[[group]]\nname = "g"\nleader = "torch"\n[[group.pairing]]\n'
        'version = "two"\nconstrains = ["triton ==3"]\n',
        11,
        "'two' is no version",
        "",
    ),
    "pairing twice": (
        '[[group]]\nname = "g"\nleader = "torch"\n'
        + 2 * '[[group.pairing]]\nversion = "2.0"\nconstrains = ["triton ==3"]\n',
        13,
        "the pairing of 2.0 is stated twice",
        "first at app/profile.toml:10",
    ),
    "pairing of the leader": (
        '[[group]]\nname = "g"\nleader = "torch"\n[[group.pairing]]\n'
        'version = "2.0"\nconstrains = ["torch ==2.0"]\n',
        12,
        "a pairing constrains the leader itself",
        "",
    ),
    "requires nothing": (
        '[[native]]\ncomponent = "a"\nrequires = []\n',
        9,
        "must not be empty",
        "",
    ),
    "bad native dependency": (
        '[[native]]\ncomponent = "a"\nrequires = ["libfoo => "]\n',
        9,
        "'libfoo => ' is not an RPM dependency",
        "",
    ),
    "bad build dependency": (
        '[[build]]\ncomponent = "a"\nrequires = [\n"make",\n"(b or"]\n',
        11,
        "'(b or' is not an RPM dependency",
        "",
    ),
    "unknown number": (
        f'{RULE}[[build]]\ncomponent = "a"\nrequires = ["b-{{micro}}"]\n',
        11,
        "'{micro}' stands for nothing",
        "known here: {major}, {minor}",
    ),
    "build numbers of nothing": (
        '[[build]]\ncomponent = "a"\nrequires = ["make", "b-{major}"]\n',
        9,
        "whose numbers are meant by 'b-{major}'?",
        "follows",
    ),
    "follows for nothing": (
        f'{RULE}[[build]]\ncomponent = "a"\nrequires = ["b"]\n'
        'needs = ["accelerator:cuda"]\nfollows = "accelerator:cuda"\n',
        13,
        "no requirement of this rule holds {major} or {minor}",
        "",
    ),
    "follows what is not needed": (
        f'{RULE}[[build]]\ncomponent = "a"\nrequires = ["b-{{major}}"]\n'
        'follows = "accelerator:cuda"\n',
        12,
        "accelerator:cuda is not among the needs of this rule",
        'needs = ["accelerator:cuda"]',
    ),
    "kernel module in a build root": (
        '[[build]]\ncomponent = "a"\nneeds = ["kernel-module:nvidia"]\n',
        9,
        "never in a build root",
        "[[component.stream]]",
    ),
    "build need that nothing describes": (
        f'{RULE}[[build]]\ncomponent = "a"\nneeds = ["accelerator:cud"]\n',
        11,
        "no [[component]] describes accelerator:cud",
        "did you mean accelerator:cuda?",
    ),
    "build rule that says nothing": (
        '[[build]]\ncomponent = "a"\n',
        7,
        "a rule needs one of 'requires', 'needs', 'drops', 'replaces'",
        "",
    ),
    "dropped without a reason": (
        '[[build]]\ncomponent = "a"\ndrops = ["wheel"]\n',
        7,
        "the key 'reason' is missing",
        "",
    ),
    "replaced without a reason": (
        '[[build]]\ncomponent = "a"\nreplaces = true\nreason = ""\n',
        10,
        "must not be empty",
        "",
    ),
    "misspelt key of a build rule": (
        '[[build]]\ncomponent = "a"\nneeds = ["b"]\nrequire = ["c"]\n',
        10,
        "unknown key 'require'",
        "did you mean requires",
    ),
    "unknown variant of a build rule": (
        '[[build]]\ncomponent = "a"\nneeds = ["b"]\nvariants = ["cpo"]\n',
        10,
        "there is no variant 'cpo'",
        "did you mean cpu?",
    ),
    "built twice alike": (
        '[[build]]\ncomponent = "a"\nrequires = ["b", "c"]\n'
        '[[build]]\ncomponent = "A"\nrequires = ["c"]\nvariants = ["cpu"]\n',
        10,
        "what building a needs is stated twice",
        "first at app/profile.toml:7",
    ),
    "external and built": (
        '[[external]]\ncomponent = "a"\npackage = "p"\nrepository = "r"\n'
        '[[build]]\ncomponent = "a"\nrequires = ["b"]\n',
        11,
        "a is [[external]], so nothing builds it",
        "see app/profile.toml:7",
    ),
    "tool twice": (
        2 * '[[tool]]\ndistribution = "a"\npackage = "p"\n',
        10,
        "the program a is in two packages",
        "first at app/profile.toml:7",
    ),
    "tool without a package": (
        '[[tool]]\ndistribution = "a"\n',
        7,
        "the key 'package' is missing",
        "",
    ),
    "tool with a dependency": (
        '[[tool]]\ndistribution = "a"\npackage = "p >= 1"\n',
        9,
        "'p >= 1' is no name of a package",
        "ninja-build",
    ),
    "bad local label": ('local = { torch = "CPU!" }\n', 7, "is no local version label", ""),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_fault_names_its_line_what_is_wrong_and_a_way_out(name: str) -> None:
    addition, line, message, hint = BROKEN[name]
    fault = the_fault(MINIMAL + addition)
    assert (fault.place.file, fault.place.line) == ("app/profile.toml", line)
    assert message in fault.message
    assert hint in fault.hint
    assert fault.code in (Code.BROKEN_PROFILE, Code.BAD_REQUIREMENT, Code.UNKNOWN_VARIANT)


TOP_FAULTS = {
    "no version": ('version = "1.2"', "", 1, "the key 'version' is missing"),
    "bad version": ('"1.2"', '"one"', 3, "'one' is no version as PEP 440 defines it"),
    "bad name": ('"app"', '"an app"', 2, "'an app' is no name"),
    "newer schema": ("profile/1", "profile/2", 1, "unknown schema 'streamsolve.profile/2'"),
    "no schema": ('schema = "streamsolve.profile/1"', "", 1, "the key 'schema' is missing"),
    "no variants": (VARIANTS, "", 1, "the key 'variants' is missing"),
    "empty variants": (VARIANTS, "[variants]\n", 5, "a profile needs at least one variant"),
    "variant no table": (VARIANTS, "[variants]\ncpu = 1\n", 6, "expected a table, not an integer"),
    "no requirements": ('requirements = "wheel"', "", 5, "the key 'requirements' is missing"),
    "other word": ('"wheel"', '"sdist"', 6, 'the only string that "requirements" can be'),
    "bad files": ('"wheel"', '["../x.txt"]', 6, "is no file in the source distribution"),
    "no list": ('"wheel"', "true", 6, "an array of requirement files, not true or false"),
}


@pytest.mark.parametrize("name", TOP_FAULTS)
def test_a_fault_at_the_top_names_its_line(name: str) -> None:
    old, new, line, message = TOP_FAULTS[name]
    fault = the_fault(MINIMAL.replace(old, new))
    assert fault.place.line == line
    assert message in fault.message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('default-variant = "cup"', "there is no variant 'cup'"),
        ('interpreters = ["3.14", "py3"]', "'py3' is no interpreter version"),
        ('interpreters = ["3.14", "3.14"]', "3.14 is named twice"),
        ('homepage = "example.org"', "is no web address"),
        ('include = ["/etc/x.toml"]', "is no path relative to this file"),
        ('include = ["none.toml"]', "the included file 'none.toml' cannot be read"),
        ('include = ["more.toml", "./more.toml"]', "'./more.toml' is included twice"),
        ('defualt-variant = "cpu"', "unknown key 'defualt-variant'"),
    ],
)
def test_a_fault_among_the_first_keys_names_its_line(line: str, message: str) -> None:
    fault = the_fault(f"{TOP}{line}\n{VARIANTS}", more=MORE)
    assert fault.place.line == 5
    assert message in fault.message


def test_all_faults_of_build_tables_are_told_at_once() -> None:
    found = faults(
        MINIMAL
        + '[[build]]\ncomponent = "a:b"\nrequires = ["c {"]\nneeds = ["d >"]\ndrops = [1]\n'
        + '[[tool]]\npackage = "-"\n'
    )
    assert {fault.place.path for fault in found} == {
        "build[0].component",
        "build[0].requires[0]",
        "build[0].needs[0]",
        "build[0].drops[0]",
        "build[0].reason",
        "tool[0].distribution",
        "tool[0].package",
    }


def test_a_fault_in_a_need_is_not_told_again_of_what_follows_it() -> None:
    fault = the_fault(
        f'{MINIMAL}{RULE}[[build]]\ncomponent = "a"\nrequires = ["b-{{major}}"]\n'
        'needs = ["acelerator:cuda"]\nfollows = "accelerator:cuda"\n'
    )
    assert "unknown kind 'acelerator'" in fault.message


def test_two_variants_need_a_default() -> None:
    fault = the_fault(MINIMAL + '[variants.cuda]\nrequirements = "wheel"\n')
    assert fault.message == "the key 'default-variant' is missing"


def test_faults_in_an_included_file_name_that_file() -> None:
    broken = MORE + 'pakages = []\n[[omit]]\ncomponent = "x"\nreason = "y"\nvariants = ["rocm"]\n'
    text = TOP + 'include = ["../components/more.toml"]\n' + VARIANTS
    places = [(str(fault.place), fault.message) for fault in faults(text, more=broken)]
    assert places == [
        ("components/more.toml:5: component[0].pakages", "unknown key 'pakages'"),
        ("components/more.toml:9: omit[0].variants[0]", "there is no variant 'rocm'"),
    ]


def test_an_included_file_includes_no_others() -> None:
    text = TOP + 'include = ["more.toml"]\n' + VARIANTS
    more = MORE.replace("[[component]]", 'include = ["x.toml"]\n[[component]]')
    fault = the_fault(text, more=more)
    assert str(fault.place) == "app/more.toml:2: include"
    assert fault.message == "an included file cannot include others"


def test_an_included_file_that_is_no_toml_does_not_hide_the_other_faults() -> None:
    text = TOP + 'include = ["more.toml"]\nx = 1\n' + VARIANTS
    assert [fault.place.file for fault in faults(text, more="a =")] == [
        "app/more.toml",
        "app/profile.toml",
    ]


def test_all_faults_are_reported_at_once_in_the_order_of_their_lines() -> None:
    text = (
        MINIMAL.replace('"1.2"', '"one"')
        + 'needs = ["torch ==", "tolchain:gcc"]\n[[omit]]\nreason = 4\nwhy = "x"\n'
        + 2 * '[[prebuilt]]\ncomponent = "a"\nlicence = "MIT"\nreason = "r"\n'
    )
    assert [(fault.place.line, fault.place.path) for fault in faults(text)] == [
        (3, "version"),
        (7, "variants.cpu.needs[0]"),
        (7, "variants.cpu.needs[1]"),
        (8, "omit[0].component"),
        (9, "omit[0].reason"),
        (10, "omit[0].why"),
        (15, "prebuilt[1]"),
    ]


def test_statements_for_different_variants_do_not_clash() -> None:
    text = (
        MINIMAL.replace("default-base", 'default-variant = "cpu"\ndefault-base')
        + '[variants.cuda]\nrequirements = "wheel"\n'
        + '[[omit]]\ncomponent = "a"\nreason = "r"\nvariants = ["cpu"]\n'
        + '[[omit]]\ncomponent = "a"\nreason = "r"\nvariants = ["cuda"]\n'
        + '[[relax]]\ncomponent = "b"\nreason = "r"\nby = "x"\n'
        + '[[relax]]\ncomponent = "b"\nreason = "r"\nby = "y"\n'
    )
    profile = read(text)
    assert (len(profile.omissions), len(profile.relaxations)) == (2, 2)


# ---- files -----------------------------------------------------------------------------------


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_profile_is_read_from_a_file_or_from_its_directory(tmp_path: Path) -> None:
    path = write(tmp_path, "app/profile.toml", FULL)
    write(tmp_path, "components/more.toml", MORE)
    from_file = load_profile(str(path))
    assert from_file.file == str(path)
    assert load_profile(str(path.parent)) == from_file


def test_places_name_a_file_as_the_user_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "app/profile.toml", MINIMAL + "x = 1\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputErrors) as caught:
        load_profile("app/profile.toml")
    assert caught.value.errors[0].place.file == "app/profile.toml"
    assert str(tmp_path) not in str(caught.value)


def test_a_missing_include_is_a_fault_at_the_include(tmp_path: Path) -> None:
    path = write(tmp_path, "app/profile.toml", FULL)
    with pytest.raises(InputErrors) as caught:
        load_profile(str(path))
    [fault] = caught.value.errors
    assert fault.place.path == "include[0]"
    assert "No such file" in fault.message


def test_a_name_that_is_no_profile_is_told_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamsolve.inputs.profiles.list_profiles", lambda: ("alpha", "beta"))
    with pytest.raises(InputError, match="unknown application 'alpa'") as caught:
        load_profile("alpa")
    assert caught.value.code is Code.UNKNOWN_APPLICATION
    assert caught.value.hint == "did you mean alpha?"


@pytest.mark.parametrize("name", ["nowhere/app.toml", "app.toml", "/", ""])
def test_a_path_that_is_no_profile_is_an_unknown_application(name: str) -> None:
    with pytest.raises(InputError) as caught:
        load_profile(name)
    assert caught.value.code is Code.UNKNOWN_APPLICATION


def test_a_profile_that_is_no_utf_8_says_where(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"# one\nname = '\xff'\n")
    with pytest.raises(InputError, match="UTF-8") as caught:
        load_profile(str(path))
    assert caught.value.place.line == 2


def test_shipped_profiles_name_themselves_from_the_profiles_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "app/profile.toml", FULL)
    write(tmp_path, "bases/fedora-44.toml", "")
    write(tmp_path, "components/more.toml", MORE + "x = 1\n")
    monkeypatch.setattr("streamsolve.inputs.profiles.profiles_directory", lambda: tmp_path)
    assert list_profiles() == ("app",)
    with pytest.raises(InputErrors) as caught:
        load_profile("app")
    assert str(caught.value.errors[0].place) == "components/more.toml:5: component[0].x"


# ---- the JSON Schema and the reader ----------------------------------------------------------


def validator(schema: str) -> Draft202012Validator:
    document = json.loads(schema_text(schema))
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


def toml_value(value: Any) -> str:
    """A value as TOML on one line."""
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)} = {toml_value(item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    return json.dumps(value)


def toml_text(data: dict[str, Any]) -> str:
    return "".join(f"{json.dumps(key)} = {toml_value(value)}\n" for key, value in data.items())


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a document below its top."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (*path, key)
        if isinstance(item, dict | list):
            yield from paths(item, (*path, key))


def changed(data: dict[str, Any], path: tuple[str | int, ...], how: str) -> dict[str, Any]:
    copied = copy.deepcopy(data)
    inside: Any = copied
    for part in path[:-1]:
        inside = inside[part]
    if how == "deleted":
        del inside[path[-1]]
    elif how == "misspelt":
        inside[f"{path[-1]}x"] = inside.pop(path[-1])
    elif how == "emptied":
        inside[path[-1]] = type(inside[path[-1]])()
    else:
        inside[path[-1]] = {"flag": True, "array": [[]], "table": {"?": 1}, "word": "?"}[how]
    return copied


CHANGES = ("deleted", "misspelt", "emptied", "flag", "array", "table", "word")
REFERRED = ("default-variant", "variants", "component")
"""Where the reader sees more than a schema can: what one place says of another."""


def refusals(text: str) -> list[str]:
    """The messages of all faults; none for a sound profile."""
    try:
        read(text, more=MORE)
    except InputErrors as error:
        return [fault.message for fault in error.errors]
    return []


FORMAL = ("unknown key", "the key", "expected ")


def test_the_schema_and_the_reader_agree_on_every_change_of_form() -> None:
    """Whatever the schema refuses, the reader refuses; and a key that is unknown, missing or of
    the wrong type is refused by both."""
    check = validator(PROFILE_SCHEMA)
    full = tomllib.loads(FULL)
    assert check.is_valid(full)
    for path in paths(full):
        for how in CHANGES:
            if how == "misspelt" and not isinstance(path[-1], str):
                continue
            data = changed(full, path, how)
            messages = refusals(toml_text(data))
            if not check.is_valid(data):
                assert messages, (path, how)
            elif not (how in ("deleted", "misspelt") and path[0] in REFERRED):
                formal = [text for text in messages if text.startswith(FORMAL)]
                assert not formal, (path, how)


def test_both_schemas_define_the_shared_tables_alike() -> None:
    profile = json.loads(schema_text(PROFILE_SCHEMA))
    component = json.loads(schema_text(COMPONENT_SCHEMA))
    assert component["$defs"].items() <= profile["$defs"].items()
    shared = {key: value for key, value in component["properties"].items() if key != "schema"}
    assert shared.items() <= profile["properties"].items()


def test_the_component_schema_takes_a_component_file_and_nothing_else() -> None:
    check = validator(COMPONENT_SCHEMA)
    assert check.is_valid(tomllib.loads(MORE))
    assert not check.is_valid(tomllib.loads(MORE.replace("packages", "package")))
    assert not check.is_valid(tomllib.loads(MINIMAL))


@pytest.mark.parametrize("name", list_profiles())
def test_a_shipped_profile_is_sound_and_follows_the_schema(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    path = profiles_directory() / name / "profile.toml"
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    assert not list(validator(PROFILE_SCHEMA).iter_errors(data))
    for include in data.get("include", ()):
        text = (path.parent / include).read_text(encoding="utf-8")
        assert not list(validator(COMPONENT_SCHEMA).iter_errors(tomllib.loads(text)))


# ---- the documentation -----------------------------------------------------------------------


def test_the_examples_of_the_documentation_make_one_sound_profile() -> None:
    page = Path(__file__).parents[1] / "docs" / "profile-format.md"
    blocks = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    component = [block for block in blocks if COMPONENT_SCHEMA in block]
    text = "\n".join(block for block in blocks if block not in component)
    assert read(text, compilers="\n".join(component)).name == "example"
    data = tomllib.loads(text)
    assert validator(PROFILE_SCHEMA).is_valid(data)
    # A key that excludes another has its example in a whole profile of its own.
    others = re.findall(r"```toml [a-z-]+\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    named = {key for whole in (text, *others) for key in tomllib.loads(whole)}
    assert named == json.loads(schema_text())["properties"].keys(), "a table has no example"
