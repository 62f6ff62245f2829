"""Architectures by name: their order, and which code runs where."""

from __future__ import annotations

import json
import random
import re
import tomllib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from streamsolve.errors import InputErrors
from streamsolve.inputs.profiles import parse_profile, schema_text
from streamsolve.model.gpu import Cover, architecture_order, coverage, is_architecture, vendor_of
from streamsolve.model.profile import Profile

from .commandworld import CommandWorld

SCHEMA = json.loads(schema_text())
NATIVE, COMPATIBLE, COMPILED, NONE = Cover.NATIVE, Cover.COMPATIBLE, Cover.COMPILED, Cover.NONE


@pytest.mark.parametrize(
    ("wanted", "have", "cover"),
    [
        # NVIDIA: machine code runs on its own number and newer ones of its generation.
        ("sm_90", "sm_90", NATIVE),
        ("sm_86", "sm_80", COMPATIBLE),
        ("sm_80", "sm_86", NONE),
        ("sm_90", "sm_80", NONE),
        ("sm_103", "sm_100", COMPATIBLE),
        ("sm_120", "sm_100", NONE),
        ("sm_110", "sm_100", NONE),
        # Embedded systems and the others do not mix.
        ("sm_87", "sm_80", NONE),
        ("sm_87", "sm_87", NATIVE),
        # What is bound to its capability runs there alone, what is bound to a family in it.
        ("sm_90", "sm_90a", NATIVE),
        ("sm_90a", "sm_90", NONE),
        ("sm_103", "sm_100a", NONE),
        ("sm_103", "sm_100f", COMPATIBLE),
        ("sm_100", "sm_103f", NONE),
        ("sm_100f", "sm_100f", NATIVE),
        ("sm_103f", "sm_100f", COMPATIBLE),
        ("sm_100f", "sm_100", NONE),
        ("sm_100f", "sm_100a", NONE),
        # PTX is compiled for all that are newer, unless it is bound as well.
        ("sm_90", "compute_80", COMPILED),
        ("sm_80", "compute_90", NONE),
        ("sm_100", "compute_90a", NONE),
        ("sm_90a", "compute_90a", COMPILED),
        ("sm_103", "compute_100f", COMPILED),
        ("sm_120", "compute_100f", NONE),
        ("compute_90", "compute_90", NATIVE),
        ("compute_90", "compute_80", NONE),
        ("compute_90", "sm_90", NONE),
        # AMD
        ("gfx942", "gfx942", NATIVE),
        ("gfx942", "gfx90a", NONE),
        ("gfx90a", "gfx90a:xnack-", NATIVE),
        ("gfx90a:xnack+", "gfx90a", NATIVE),
        ("gfx90a:xnack+", "gfx90a:xnack-", NONE),
        ("gfx942", "gfx9-4-generic", COMPATIBLE),
        ("gfx90a", "gfx9-4-generic", NONE),
        ("gfx1103", "gfx11-generic", COMPATIBLE),
        ("gfx942", "amdgcnspirv", COMPILED),
        ("gfx942", "sm_90", NONE),
        ("sm_90", "amdgcnspirv", NONE),
    ],
)
def test_code_runs_where_its_vendor_says(wanted, have, cover):
    assert coverage(wanted, [have]).cover is cover


def test_the_best_code_counts_and_all_of_its_kind_are_named():
    found = coverage("sm_90", ["compute_80", "sm_90a", "compute_75", "sm_80"])
    assert (found.cover, found.by) == (NATIVE, ("sm_90a",))
    found = coverage("sm_90", ["compute_80", "sm_80", "compute_75"])
    assert (found.cover, found.by) == (COMPILED, ("compute_75", "compute_80"))
    assert coverage("gfx942", []).cover is NONE


def test_architectures_are_in_the_order_of_their_numbers():
    names = "sm_75 sm_80 sm_90 sm_90a sm_100 sm_100f compute_75 compute_120 "
    names += "gfx908 gfx90a gfx90a:xnack- gfx942 gfx1030 gfx1201 gfx9-4-generic amdgcnspirv"
    shuffled = random.Random(3).sample(names.split(), len(names.split()))
    assert sorted(shuffled, key=architecture_order) == names.split()


@pytest.mark.parametrize(
    "text",
    ["", "sm_9", "sm90", "sm_90x", "sm_090", "90", "gfx", "gfx9", "gfx94z", "gfx942:xnack",
     "gfx942:fast+", "gfx942\n", "compute_", "9.0", "sm_90 ", "GFX942", "gfx-generic"],
)  # fmt: skip
def test_other_names_are_refused(text):
    assert not is_architecture(text)


ARCHITECTURES = st.one_of(
    st.from_regex(re.compile(r"(sm|compute)_[1-9][0-9]{1,2}[af]?", re.ASCII), fullmatch=True),
    st.from_regex(re.compile(r"gfx[1-9][0-9]?[0-9a-f]{2}(:xnack[+-])?", re.ASCII), fullmatch=True),
    st.sampled_from(["amdgcnspirv", "gfx9-4-generic", "gfx11-generic:xnack-"]),
)


@given(ARCHITECTURES, st.lists(ARCHITECTURES, max_size=5))
def test_more_code_never_covers_less(wanted, have):
    assert is_architecture(wanted)
    order = list(Cover)
    alone = [coverage(wanted, [name]).cover for name in have]
    together = coverage(wanted, have)
    assert together.cover is min([*alone, NONE], key=order.index)
    assert coverage(wanted, [*have, wanted]).cover is NATIVE
    assert all(vendor_of(name) == vendor_of(wanted) for name in together.by)


# -- in a profile, and from there in the lock ------------------------------------------------------

PROFILE = """\
schema = "streamsolve.profile/1"
name = "app"
version = "1"
default-base = "fedora-45"
[variants.cuda]
requirements = "wheel"
[variants.cuda.gpu]
architectures = ["sm_100f", "sm_80", "gfx942"]
[variants.cuda.gpu.of]
Torch_Vision = ["sm_90"]
deep-gemm = []
"""


def read(text: str) -> Profile:
    return parse_profile(text, file="app.toml", includes=lambda name: "")


def schema_faults(text: str) -> list[str]:
    validator = Draft202012Validator(SCHEMA)
    return [error.message for error in validator.iter_errors(tomllib.loads(text))]


def test_a_variant_says_for_which_architectures_it_is_built():
    (variant,) = read(PROFILE).variants
    assert variant.gpu.architectures == ("sm_80", "sm_100f", "gfx942")
    assert dict(variant.gpu.of) == {"torch-vision": ("sm_90",), "deep-gemm": ()}
    assert schema_faults(PROFILE) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ('"sm_80"', '"9.0"', 8, "'9.0' is no GPU architecture"),
        ('"sm_80"', '"sm_100f"', 8, "sm_100f is named twice"),
        ('["sm_90"]', '"sm_90"', 10, "expected an array"),
        ("deep-gemm = []", "torch-vision = []", 11, "torch-vision is named twice"),
        ("architectures =", "architecture =", 8, "unknown key 'architecture'"),
    ],
)
def test_faults_in_a_table_of_architectures_have_their_line(old, new, line, message):
    with pytest.raises(InputErrors) as raised:
        read(PROFILE.replace(old, new))
    (fault,) = raised.value.errors
    assert (fault.place.line, message in fault.message) == (line, True)


def test_the_schema_refuses_what_is_no_architecture():
    assert schema_faults(PROFILE.replace("gfx942", "gfx94z")) != []
    assert schema_faults(PROFILE.replace("architectures =", "architecture =")) != []


@given(ARCHITECTURES)
def test_reader_and_schema_know_the_same_names(name):
    assume(name not in PROFILE)  # no list has a name twice
    assert schema_faults(PROFILE.replace("gfx942", name)) == []


def test_a_lock_that_is_made_has_the_matrix_of_its_variant(tmp_path, monkeypatch, capsys):
    more = '[variants.only.gpu]\narchitectures = ["sm_90"]\n'
    world = CommandWorld(tmp_path, monkeypatch, capsys, more=more)
    world.release("app", "1")
    assert world.run("lock", "app.toml", "-o", "app.lock.json").code == 0
    document = json.loads((tmp_path / "app.lock.json").read_text())
    assert document["settings"]["gpu"] == {"architectures": ["sm_90"]}
    assert world.run("check", "app.lock.json").code == 0
    ran = world.run("verify", "app.lock.json", "--artifacts", str(tmp_path))
    assert (ran.code, ran.says("app@1", "nothing of it was built")) == (4, True)
