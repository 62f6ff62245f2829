"""What streams vendor, from a profile's list to plans, locks, differences, bills and specs."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from attrs import evolve
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from hypothesis import strategies as st
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from streamsolve.emit.sbom import CYCLONEDX, SPDX, bill_of, emit_sbom
from streamsolve.emit.specs import EmittedSpecs, SpecMaterials, StreamMaterial, emit_specs
from streamsolve.emit.specs.materials import GivenSpec
from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.explain.document import plan_schema
from streamsolve.explain.question_document import question_schema
from streamsolve.inputs.profiles import parse_profile
from streamsolve.inputs.vendored_file import vendored_text
from streamsolve.lock import lock_text, read_lock
from streamsolve.lock.reader import lock_schema
from streamsolve.lock.vendored import vendored_changes
from streamsolve.model.component import Origin
from streamsolve.model.difference import Change
from streamsolve.model.plan import Plan
from streamsolve.model.profile import Policy
from streamsolve.model.vendored import Vendored, VendoredPackage, joined_packages, licence_counts
from streamsolve.planner.vendored import vendored_notices

from .builders import component
from .commandworld import CommandWorld
from .lockworld import small_plan, small_settings
from .specworld import IN_PREFIX, SETTINGS, private, query, spec_plan, written
from .test_emit_specs_hostile import ATTACKS
from .test_vendored_readers import COMMIT, SHA, packages, unique
from .vendoredworld import crate, npm

LIST = (
    crate("serde", "1.0.228", "MIT OR Apache-2.0", checksum=f"sha256:{SHA}"),
    crate("ring", "0.17.8", "LicenseRef-ring-LICENSE"),
    crate("libc", "0.2.1", "MIT OR Apache-2.0", licence_of="0.2.0"),
    crate("zmq", "0.6.0-rc.1", "MIT", source=f"git+https://host.test/zmq#{COMMIT}"),
    npm("@types/node", "20.1.0", "MIT", checksum=f"sha512:{SHA * 2}"),
    npm("left-pad", "1.3.0"),
    npm("vite", "5.0.0", "GPL-3.0-only", development=True),
)
TABLE = '[[vendored]]\nfile = "vendored.jsonl"\nreason = "upstream ships them that way"\n'


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandWorld:
    """An application that vendors, with a private dependency that does as well, and a base's."""
    world = CommandWorld(tmp_path, monkeypatch, capsys)
    world.release("app", "1", "tokens>=1", "six>=1")
    world.release("tokens", "1")
    world.release("six", "1.16")
    world.ships("six", "1.16")
    world.more = TABLE
    (tmp_path / "vendored.jsonl").write_text(vendored_text(LIST))
    return world


def carrying(plan: Plan, *found: VendoredPackage, name: str = "app") -> Plan:
    """A plan whose stream of that name vendors these."""
    return evolve(plan, vendored=(Vendored(component(name), tuple(sorted(found))),))


# -- plans -----------------------------------------------------------------------------------------


def test_a_plan_tells_what_is_vendored_in_one_paragraph(world: CommandWorld) -> None:
    ran = world.run("plan", "app.toml", "--base", "./base")
    assert ran.code == 0
    assert ran.says("Vendored in app: 4 crates and 3 npm packages (1 for development)")
    assert ran.says("MIT (2), MIT OR Apache-2.0 (2)")
    assert ran.says("The licence of one is not known", "streamsolve vendored SOURCE-DIRECTORY")
    whole = world.run("plan", "app.toml", "--base", "./base", "--all")
    assert whole.says("upstream ships them that way", "left-pad 1.3.0", "that of 0.2.0")


def test_the_document_holds_all_of_it_and_counts_as_the_list_does(world: CommandWorld) -> None:
    document = world.run("plan", "app.toml", "--base", "./base", "--json").document
    jsonschema.validate(document, plan_schema())
    (found,) = document["vendored"]
    lines = [json.loads(line) for line in Path("vendored.jsonl").read_text().splitlines()[1:]]
    assert found["counts"] == {
        **Counter(line["ecosystem"] for line in lines),
        "development": sum("development" in line for line in lines),
        "unknown": sum("licence" not in line for line in lines),
    }
    assert {(one["licence"], one["packages"]) for one in found["licences"]} == set(
        Counter(line["licence"] for line in lines if "licence" in line).items()
    )
    purls = [one["purl"] for one in found["packages"]]
    assert "pkg:npm/%40types/node@20.1.0" in purls
    assert "pkg:cargo/serde@1.0.228" in purls


def test_a_plan_without_lists_says_nothing_of_them(world: CommandWorld) -> None:
    world.more = ""
    assert "vendored" not in world.run("plan", "app.toml", "--base", "./base", "--json").document
    assert "endored" not in world.run("plan", "app.toml", "--base", "./base").out
    assert '"vendored"' not in world.lock().read_text()


def test_only_private_streams_of_the_variant_carry_anything(world: CommandWorld) -> None:
    world.more = "".join(
        f'[[vendored]]\nfile = "{name}.jsonl"\ncomponent = "{name}"\n' for name in ("tokens", "six")
    )
    world.more += '[variants.other]\nrequirements = "wheel"\n'
    world.more += '[[vendored]]\nfile = "other.jsonl"\nvariants = ["other"]\n'
    for number, name in enumerate(("tokens", "six", "other")):
        Path(f"{name}.jsonl").write_text(vendored_text([crate(f"c{number}", licence="MIT")]))
    document = world.run("plan", "app.toml", "--base", "./base", "--json").document
    assert [one["component"]["name"] for one in document["vendored"]] == ["tokens"]
    words = ("plan", "app.toml", "--variant", "other", "--base", "./base", "--json")
    both = world.run(*words).document["vendored"]
    assert [(one["component"]["name"], one["counts"]["cargo"]) for one in both] == [
        ("app", 1),
        ("tokens", 1),
    ]


def test_lists_of_one_component_are_joined_and_may_not_contradict(world: CommandWorld) -> None:
    world.more += '[[vendored]]\nfile = "more.jsonl"\n'
    same = crate("serde", "1.0.228", checksum=f"sha256:{SHA}", development=True)
    Path("more.jsonl").write_text(vendored_text([same, crate("more", licence="MIT")]))
    (found,) = world.run("plan", "app.toml", "--base", "./base", "--json").document["vendored"]
    assert found["counts"]["cargo"] == 5
    (serde,) = (one for one in found["packages"] if one["name"] == "serde")
    assert (serde["licence"], serde["development"]) == ("MIT OR Apache-2.0", False)
    other = evolve(same, checksum=f"sha256:{'cd' * 32}")
    Path("more.jsonl").write_text(vendored_text([other]))
    ran = world.run("plan", "app.toml", "--base", "./base")
    assert ran.code == 2
    assert ran.says("SS118", "serde 1.0.228 has two checksums", "more.jsonl")


def test_why_says_in_which_stream_something_is_vendored(world: CommandWorld) -> None:
    ran = world.run("why", "app.toml", "libc", "--base", "./base")
    assert ran.says("The crate libc 0.2.1 is no stream: app carries it in its own source")
    assert ran.says("under MIT OR Apache-2.0 (so says 0.2.0)", "Why: upstream ships them that way.")
    document = world.run("why", "app.toml", "vite", "--base", "./base", "--json").document
    jsonschema.validate(document, question_schema())
    assert document["stream"] is None
    assert [one["package"]["development"] for one in document["vendored"]] == [True]
    unknown = world.run("why", "app.toml", "serd", "--base", "./base")
    assert (unknown.code, unknown.says("did you mean serde")) == (2, True)
    Path("vendored.jsonl").write_text(vendored_text([crate("tokens", licence="MIT")]))
    both = world.run("why", "app.toml", "tokens", "--base", "./base")
    assert both.says("tokens 1 is a private stream", "The crate tokens 1.0.0 is no stream")


# -- policy ----------------------------------------------------------------------------------------


def test_licences_that_spdx_does_not_list_are_told_as_warnings(world: CommandWorld) -> None:
    document = world.run("plan", "app.toml", "--base", "./base", "--json").document
    told = [one for one in document["warnings"] if one["code"].startswith("vendored")]
    assert [one["code"] for one in told] == ["vendored-licence"]
    assert "ring 0.17.8 (LicenseRef-ring-LICENSE)" in told[0]["text"]


@pytest.mark.parametrize(
    ("licence", "origins", "codes"),
    [
        ("LicenseRef-Proprietary", (), ["vendored-proprietary"]),
        ("LicenseRef-Proprietary", (Origin.EXTERNAL,), ["vendored-proprietary"]),
        ("LicenseRef-Proprietary", (Origin.PRIVATE,), []),
        ("MIT OR LicenseRef-Proprietary", (), []),
        ("MIT AND LicenseRef-X", (), ["vendored-licence"]),
        ("LicenseRef-Fedora-Public-Domain", (), []),
        ("", (), []),
    ],
)
def test_what_the_policy_allows_is_no_warning(
    licence: str, origins: tuple[Origin, ...], codes: list[str]
) -> None:
    vendored = Vendored(component("app"), (crate("a", licence=licence),))
    found = list(vendored_notices([vendored], Policy(origins)))
    assert [one.code for one in found] == codes
    tools = Vendored(component("app"), (crate("a", licence=licence, development=True),))
    assert list(vendored_notices([tools], Policy(origins))) == []


# -- profiles --------------------------------------------------------------------------------------

HEAD = """\
schema = "streamsolve.profile/1"
name = "app"
version = "1"
default-base = "b"
[variants.only]
requirements = "wheel"
"""


def profile_faults(text: str, files: dict[str, str]) -> list[str]:
    def included(name: str) -> str:
        if name not in files:
            raise InputError(Code.BROKEN_PROFILE, "cannot be read: no such file")
        return files[name]

    with pytest.raises(InputErrors) as caught:
        parse_profile(HEAD + text, file="mine/app.toml", includes=included)
    return [str(one) for one in caught.value.errors]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('file = "v.jsonl"', "mine/app.toml:8: vendored[0].file: the list 'v.jsonl' cannot be"),
        ("", "mine/app.toml:7: vendored[0].file: the key 'file' is missing"),
        ('file = "/etc/v"', "mine/app.toml:8: vendored[0].file: '/etc/v' is no file beside"),
        ('file = "../v"', "mine/app.toml:8: vendored[0].file: '../v' is no file beside"),
        ('file = "ok"\nvariants = ["x"]', "vendored[0].variants[0]: there is no variant 'x'"),
        ('file = "ok"\ncomponent = "a:b"', "vendored[0].component: unknown kind 'a'"),
        ('file = "ok"\nwhy = ""', "vendored[0].why: unknown key 'why'"),
        ('file = "ok"\n[[vendored]]\nfile = "ok"', "vendored[1].file: ok is named twice"),
        ('file = "bad"', "mine/bad:2: it is no JSON"),
    ],
)
def test_faults_of_the_table_and_of_its_list_have_their_places(text: str, message: str) -> None:
    files = {"ok": vendored_text([]), "bad": vendored_text([]) + "{"}
    found = profile_faults(f"[[vendored]]\n{text}\n", files)
    assert len(found) == 1
    assert message in found[0]


def test_a_list_is_a_part_of_the_profiles_content() -> None:
    digests = {
        parse_profile(HEAD + TABLE, file="f", includes=lambda _, text=text: text).digest
        for text in (vendored_text(LIST), vendored_text(LIST[1:]))
    }
    assert len(digests) == 2
    assert parse_profile(HEAD, file="f", includes=str).digest not in digests


# -- locks and differences -------------------------------------------------------------------------


@settings(max_examples=20)
@given(found=st.lists(packages(), max_size=8).map(unique))
def test_a_lock_keeps_what_is_vendored(found: list[VendoredPackage]) -> None:
    plan = carrying(small_plan(), *found)
    text = lock_text(plan, small_settings())
    jsonschema.validate(json.loads(text), lock_schema())
    assert read_lock(text, file="f").plan.vendored == plan.vendored
    assert lock_text(read_lock(text, file="f").plan, small_settings()) == text


def test_a_lock_from_before_there_were_lists_reads_as_one_without(world: CommandWorld) -> None:
    text = lock_text(small_plan(), small_settings())
    assert '"vendored"' not in text
    assert read_lock(text, file="f").plan.vendored == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"name": "serde"', '"name": "serdes"', "vendored[0].digest: it is not that of"),
        (
            '"component": "app",\n      "digest"',
            '"component": "apps",\n      "digest"',
            "no stream",
        ),
        ('"name": "serde"', '"name": "../x"', "vendored[0].packages[2].name"),
        ('"ecosystem": "npm"', '"ecosystem": "gem"', "vendored[0].packages[4].ecosystem"),
    ],
)
def test_a_list_that_was_changed_by_hand_is_refused(old: str, new: str, message: str) -> None:
    found = sorted((*LIST[:4], LIST[4]))
    text = lock_text(carrying(small_plan(), *found), small_settings())
    assert old in text
    with pytest.raises(InputErrors) as caught:
        read_lock(text.replace(old, new, 1), file="f")
    assert any(message in str(one) for one in caught.value.errors), str(caught.value)


def changes(old: tuple[VendoredPackage, ...], new: tuple[VendoredPackage, ...]) -> list[Any]:
    about = component("app")
    (found,) = vendored_changes([Vendored(about, old)], [Vendored(about, new)])
    return [(one.change, one.name, one.old_version, one.new_version) for one in found.changes]


def test_versions_of_a_package_are_compared_one_with_one() -> None:
    old = (crate("a", "1.0.0"), crate("a", "2.0.0"), crate("b"), crate("c", licence="MIT"))
    new = (crate("a", "1.0.0"), crate("a", "3.0.0"), crate("c", licence="ISC"), npm("b"))
    assert changes(old, new) == [
        (Change.CHANGED, "a", "2.0.0", "3.0.0"),
        (Change.CHANGED, "c", "1.0.0", "1.0.0"),
        (Change.IN, "b", "", "1.0.0"),
        (Change.OUT, "b", "1.0.0", ""),
    ]


@given(
    old=st.lists(packages(), max_size=6).map(unique),
    new=st.lists(packages(), max_size=6).map(unique),
)
def test_what_changed_accounts_for_every_package(
    old: list[VendoredPackage], new: list[VendoredPackage]
) -> None:
    before, after = tuple(sorted(old)), tuple(sorted(new))
    about = component("app")
    found = vendored_changes([Vendored(about, before)], [Vendored(about, after)])
    assert bool(found) is (before != after)
    kinds = [one.change for each in found for one in each.changes]
    assert len(after) - len(before) == kinds.count(Change.IN) - kinds.count(Change.OUT)
    touched = {one.name for each in found for one in each.changes}
    assert touched == {one.name for one in set(before) ^ set(after)}


def test_a_difference_tells_licences_first_and_by_name(world: CommandWorld) -> None:
    world.lock(file="old.json")
    plain = ("--base", "./base", "--json")
    Path("old-plan.json").write_text(world.run("plan", "app.toml", *plain).out)
    changed = [
        evolve(LIST[0], licence="AGPL-3.0-only"),
        crate("ring", "0.18.0", "ISC"),
        *LIST[2:5],
        npm("left-pad", "2.0.0"),
        crate("new", licence="MIT"),
    ]
    Path("vendored.jsonl").write_text(vendored_text(changed))
    world.lock(file="new.json")
    Path("new-plan.json").write_text(world.run("plan", "app.toml", *plain).out)
    for old, new in (("old.json", "new.json"), ("old-plan.json", "new-plan.json")):
        ran = world.run("diff", old, new)
        assert ran.says("Vendored in app: 7 packages; 1 in, 1 out, 3 changed")
        assert ran.says("licence serde 1.0.228 MIT OR Apache-2.0 → AGPL-3.0-only")
        assert ran.says("licence ring 0.17.8 → 0.18.0 LicenseRef-ring-LICENSE → ISC")
        assert ran.says("changed left-pad 1.3.0 → 2.0.0 licence not known")
        assert ran.says("in new 1.0.0 MIT", "out vite 5.0.0 GPL-3.0-only")
    assert world.run("diff", "old.json", "old.json").says("Nothing changed")


# -- bills of materials ----------------------------------------------------------------------------


def test_bills_hold_what_is_vendored_inside_its_package() -> None:
    plan = carrying(small_plan(), *LIST)
    files = emit_sbom(bill_of(plan, "sha256:" + "cd" * 32))
    spdx, cyclonedx = json.loads(files[SPDX]), json.loads(files[CYCLONEDX])
    assert validate_full_spdx_document(JsonLikeDictParser().parse(spdx)) == []
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(cyclonedx)) is None
    # What is for development alone is in no package.
    expected = {one.purl: one for one in LIST if not one.development}
    (holder,) = (one for one in cyclonedx["components"] if one.get("components"))
    assert holder["name"] == "python3-app"
    inside = {one["purl"]: one for one in holder["components"]}
    assert inside.keys() == expected.keys()
    for purl, one in inside.items():
        licences = [each["expression"] for each in one.get("licenses", ())]
        assert licences == ([expected[purl].licence] if expected[purl].licence else [])
        digests = [
            f"{h['alg'].replace('-', '').lower()}:{h['content']}" for h in one.get("hashes", ())
        ]
        assert digests == ([expected[purl].checksum] if expected[purl].checksum else [])
    by_id = {one["SPDXID"]: one for one in spdx["packages"]}
    contained = [
        by_id[one["relatedSpdxElement"]]
        for one in spdx["relationships"]
        if one["relationshipType"] == "CONTAINS"
        and by_id[one["spdxElementId"]]["name"] == "python3-app"
    ]
    found = {one["externalRefs"][0]["referenceLocator"]: one for one in contained}
    assert found.keys() == expected.keys()
    assert {one["licenseDeclared"] for one in contained} == {
        each.licence or "NOASSERTION" for each in expected.values()
    }
    assert found["pkg:npm/%40types/node@20.1.0"]["checksums"] == [
        {"algorithm": "SHA512", "checksumValue": SHA * 2}
    ]


def test_a_bill_without_anything_vendored_has_no_trace_of_it() -> None:
    files = emit_sbom(bill_of(small_plan(), "sha256:" + "cd" * 32))
    assert b"vendored" not in files[SPDX] + files[CYCLONEDX]


# -- specs -----------------------------------------------------------------------------------------


def test_rpm_reads_what_a_spec_says_is_bundled_and_under_which_licences(tmp_path: Path) -> None:
    for stream in (private("thing", "1.5"), private("package:thing", "1.5", filename="")):
        name = stream.component.spelled
        plan = carrying(spec_plan(stream, application="thing"), *LIST, name=name)
        made = emit_specs(plan, SETTINGS)
        (spec,) = made.specs
        path = written(tmp_path, made, spec.stream)
        provided = query(tmp_path, path, "[%{providename} = %{provideversion}\n]").splitlines()
        assert {one for one in provided if one.startswith("bundled(")} == {
            "bundled(crate(libc)) = 0.2.1",
            "bundled(crate(ring)) = 0.17.8",
            "bundled(crate(serde)) = 1.0.228",
            "bundled(crate(zmq)) = 0.6.0~rc.1",
            "bundled(nodejs-@types/node) = 20.1.0",
            "bundled(nodejs-left-pad) = 1.3.0",
        }
        (licence,) = set(query(tmp_path, path, "%{license}\n").splitlines())
        assert set(licence.split(" AND ")) - {"LicenseRef-Not-Known"} == {
            "MIT",
            "(MIT OR Apache-2.0)",
            "LicenseRef-ring-LICENSE",
        }
        assert "LicenseRef-Not-Known" in licence
        text = made.files[spec.path].decode()
        told = [each for each in spec.incomplete if "vendored" in each]
        assert [each.partition(":")[0] for each in told] == [
            "the archive of the vendored crates",
            "the archive of the vendored npm packages",
            "the licences of 1 of what is vendored (`streamsolve vendored`)",
        ]
        assert all(f"# To be finished by a packager: {each}" in text for each in told)
        assert "# MIT OR Apache-2.0: libc 0.2.1 (says 0.2.0), serde 1.0.228" in text
        assert "# not known: left-pad 1.3.0" in text


@pytest.mark.parametrize(("licence", "unknown"), [("MIT", False), ("", True)])
def test_a_spec_is_only_told_to_lack_a_licence_where_its_own_is_not_known(
    licence: str, unknown: bool
) -> None:
    plan = carrying(spec_plan(private("thing", "1.5", licence=licence)), crate("a"), name="thing")
    (spec,) = emit_specs(plan, SETTINGS).specs
    assert spec.unknown_licence is unknown


def test_the_specs_own_licence_is_not_said_twice(tmp_path: Path) -> None:
    base = GivenSpec(
        "thing-1.src.rpm",
        "Name: thing\nVersion: 1\nRelease: 1\nSummary: A thing\n"
        "License: (MIT OR Apache-2.0) AND Zlib AND ISC\n%description\nx\n",
    )
    stream = private("package:thing", "1.5", filename="thing-1.5.tar.gz")
    plan = carrying(
        spec_plan(stream, application="thing"),
        crate("a", licence="Zlib"),
        crate("b", licence="MIT OR Apache-2.0"),
        crate("c", licence="Unicode-3.0 AND ISC"),
        name="package:thing",
    )
    material = StreamMaterial("package:thing@1.5", base=base)
    made = emit_specs(plan, SETTINGS, SpecMaterials((material,)))
    path = written(tmp_path, made, made.specs[0].stream)
    licence = query(tmp_path, path, "%{license}\n").strip()
    assert licence == "(MIT OR Apache-2.0) AND Zlib AND ISC AND Unicode-3.0"


def test_a_packagers_own_spec_stays_as_it_is() -> None:
    text = "Name: thing\nVersion: 1.5\nRelease: 1\nSummary: x\nLicense: MIT\n%description\nx\n"
    given_spec = GivenSpec("thing.spec", text)
    plan = carrying(spec_plan(private("thing", "1.5")), *LIST, name="thing")
    material = StreamMaterial("thing@1.5", given=given_spec)
    made = emit_specs(plan, SETTINGS, SpecMaterials((material,)))
    assert made.files[made.specs[0].path].decode() == text


def with_attack(text: str, part: str) -> VendoredPackage:
    return evolve(LIST[0], **{part: text})


def made_or_refused(plan: Plan) -> EmittedSpecs | None:
    """The specs, or None where each fault is one of what is vendored."""
    faults: tuple[InputError, ...] = ()
    try:
        return emit_specs(plan, SETTINGS)
    except InputErrors as error:
        faults = error.errors
    assert {one.code for one in faults} == {Code.NOT_EMITTED}
    assert all("vendored[thing]" in str(one.place) for one in faults)
    return None


HOSTILE = st.sampled_from(ATTACKS) | st.text(max_size=30)
HOSTILE |= HOSTILE.map(lambda text: f"sha256:{text}")


@given(text=HOSTILE, part=st.sampled_from(("name", "version", "licence", "licence_of")))
def test_what_strangers_wrote_is_refused_or_is_data(text: str, part: str) -> None:
    plan = carrying(spec_plan(private("thing", "1.5")), with_attack(text, part), name="thing")
    made = made_or_refused(plan)
    if made is None:
        return
    spec = made.files[made.specs[0].path].decode()
    for line in spec.split("\n"):
        if line.startswith("Provides:"):
            assert "%" not in line
        # A comment is all that such a text may be in.
        if "touch RAN" in line or "7*7" in line:
            assert line.startswith("# ")
            assert "%(" not in line.replace("%%", "")


@pytest.mark.parametrize("part", ["name", "version", "licence", "licence_of"])
@pytest.mark.parametrize("text", ATTACKS)
def test_rpm_runs_nothing_of_what_is_vendored(text: str, part: str, tmp_path: Path) -> None:
    plan = carrying(spec_plan(private("thing", "1.5")), with_attack(text, part), name="thing")
    made = made_or_refused(plan)
    if made is None:
        return
    path = written(tmp_path, made, "thing@1.5")
    names = query(tmp_path, path, "%{name}\n").splitlines()
    assert "python3-thing" in names
    assert not list(tmp_path.rglob("RAN"))


# -- laws of the values ----------------------------------------------------------------------------


@given(one=st.lists(packages(), max_size=6), other=st.lists(packages(), max_size=6))
def test_joining_does_not_depend_on_order_and_is_done_once(
    one: list[VendoredPackage], other: list[VendoredPackage]
) -> None:
    stated: dict[object, set[str]] = {}
    for each in (*one, *other):
        algorithm = each.checksum.partition(":")[0]
        stated.setdefault((each.identity, algorithm), set()).add(each.checksum)
    assert all(len(checksums) == 1 for checksums in stated.values())
    found = joined_packages([*one, *other])
    assert joined_packages([*other, *one]) == found
    assert joined_packages(found) == found
    assert {each.identity for each in found} == {each.identity for each in (*one, *other)}
    assert sum(number for _, number in licence_counts(found)) == sum(bool(p.licence) for p in found)


def test_what_a_profile_vendors_is_shown_with_the_profile(world: CommandWorld) -> None:
    world.run("plan", "app.toml", "--base", "./base")
    ran = world.run("profile", "show", "app.toml")
    assert ran.says("app 4 crates and 3 npm packages (1 for development) upstream ships them")


def test_another_version_may_carry_something_else(world: CommandWorld) -> None:
    world.release("app", "2", "six>=1")
    words = ("plan", "app.toml", "--base", "./base", "--json")
    codes = {
        version: [
            one["code"]
            for one in world.run(*words, "--app-version", version).document["warnings"]
            if one["code"] == "vendored-version"
        ]
        for version in ("1", "2")
    }
    assert codes == {"1": [], "2": ["vendored-version"]}


def test_in_a_namespace_what_is_bundled_is_still_called_as_everywhere(tmp_path: Path) -> None:
    plan = carrying(spec_plan(private("thing", "1.5"), application="thing"), *LIST, name="thing")
    made = emit_specs(plan, IN_PREFIX)
    path = written(tmp_path, made, "thing@1.5")
    provided = query(tmp_path, path, "[%{providename} = %{provideversion}\n]").splitlines()
    assert "bundled(crate(serde)) = 1.0.228" in provided
    assert "bundled(nodejs-@types/node) = 20.1.0" in provided


@settings(max_examples=60)
@given(
    text=HOSTILE,
    part=st.sampled_from(("name", "version", "licence", "licence_of", "source", "checksum")),
)
def test_a_bill_with_what_strangers_wrote_is_valid_or_refused(text: str, part: str) -> None:
    plan = carrying(small_plan(), with_attack(text, part))
    faults: tuple[InputError, ...] = ()
    try:
        files = emit_sbom(bill_of(plan, "sha256:" + "cd" * 32))
    except InputErrors as error:
        faults = error.errors
    assert {one.code for one in faults} <= {Code.NOT_EMITTED}
    if not faults:
        cyclonedx = json.loads(files[CYCLONEDX])
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(cyclonedx)) is None
        document = JsonLikeDictParser().parse(json.loads(files[SPDX]))
        assert validate_full_spdx_document(document) == []
