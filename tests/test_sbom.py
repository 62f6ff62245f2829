"""Bills of materials: everything of a lock is in them, and the formats' validators take them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from attrs import evolve
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from hypothesis import strategies as st
from packageurl import PackageURL
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from streamsolve.cli import main
from streamsolve.emit.locked_files import LockedFile
from streamsolve.emit.sbom import CYCLONEDX, SPDX, RelationKind, bill_of, emit_sbom
from streamsolve.emit.sbom.licences import expression
from streamsolve.errors import Code, InputErrors
from streamsolve.lock import lock_text, read_lock
from streamsolve.model.build import Root
from streamsolve.model.package import Package
from streamsolve.model.plan import Plan, PlannedStream
from streamsolve.model.profile import BundledSource
from streamsolve.model.rpm_header import RpmHeader
from streamsolve.model.stream import Source

from .lockworld import small_plan, small_settings

DIGEST = "sha256:" + "cd" * 32
Document = dict[str, Any]


def documents(plan: Plan, **more: Any) -> tuple[Document, Document]:
    """The SPDX and the CycloneDX document."""
    files = emit_sbom(bill_of(plan, DIGEST, **more))
    return json.loads(files[SPDX]), json.loads(files[CYCLONEDX])


def check_valid(spdx: Document, cyclonedx: Document) -> None:
    """By the validators of those who make the formats."""
    assert validate_full_spdx_document(JsonLikeDictParser().parse(spdx)) == []
    strict = JsonStrictValidator(SchemaVersion.V1_6)
    assert strict.validate_str(json.dumps(cyclonedx)) is None


def purls(spdx: Document) -> list[str]:
    return sorted(
        reference["referenceLocator"]
        for package in spdx["packages"]
        for reference in package.get("externalRefs", ())
    )


# -- what must be in them --------------------------------------------------------------------------


def expected_packages(lock: Document) -> list[tuple[str, str, str]]:
    """Name, version and checksum of every package, read from a lock without our code."""
    return sorted(
        (
            one["name"],
            (f"{one['epoch']}:" if "epoch" in one else "") + f"{one['version']}-{one['release']}",
            one.get("checksum", "").removeprefix("sha256:"),
        )
        for one in lock["packages"].values()
    )


def expected_sources(lock: Document) -> list[tuple[str, str, str, str]]:
    """Name, version, file and checksum of every source that a stream names."""
    found = {
        (
            stream["component"].rpartition(":")[2],
            stream["version"],
            stream["source"].get("filename", ""),
            stream["source"].get("sha256", ""),
        )
        for stream in lock["streams"]
        if "source" in stream
    }
    return sorted(found)


def check_complete(lock: Document, spdx: Document, cyclonedx: Document) -> None:
    by_purpose: dict[str, list[Document]] = {}
    for package in spdx["packages"]:
        by_purpose.setdefault(package["primaryPackagePurpose"], []).append(package)
    assert [p["name"] for p in by_purpose["APPLICATION"]] == [lock["application"]["name"]]

    def sum_of(package: Document) -> str:
        return next((c["checksumValue"] for c in package.get("checksums", ())), "")

    packages = [(p["name"], p["versionInfo"], sum_of(p)) for p in by_purpose["LIBRARY"]]
    assert sorted(packages) == expected_packages(lock)
    sources = [
        (p["name"], p["versionInfo"], p.get("packageFileName", ""), sum_of(p))
        for p in by_purpose.get("SOURCE", ())
    ]
    assert sorted(sources) == expected_sources(lock)

    kinds: dict[str, list[tuple[str, str, str]]] = {}
    for component in cyclonedx["components"]:
        said = {each["name"]: each["value"] for each in component["properties"]}
        hashes = [each["content"] for each in component.get("hashes", ())]
        row = (component["name"], component["version"], "".join(hashes))
        kinds.setdefault(said["streamsolve:kind"], []).append(row)
    assert sorted(kinds["package"]) == expected_packages(lock)
    assert sorted(kinds["source"]) == sorted((n, v, s) for n, v, _, s in expected_sources(lock))


def test_a_small_lock_is_listed_whole_and_the_formats_take_it() -> None:
    lock = json.loads(lock_text(small_plan(), small_settings()))
    spdx, cyclonedx = documents(small_plan())
    check_complete(lock, spdx, cyclonedx)
    check_valid(spdx, cyclonedx)


@pytest.mark.parametrize("variant", ["cuda", "rocm"])
def test_vllm_is_listed_whole_within_seconds(
    variant: str, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STREAMSOLVE_CACHE", str(tmp_path / "cache"))
    base = str(shared / "data" / "fedora-45")
    words = ["lock", "vllm", "--variant", variant, "--base", base, "--offline", "-o", "x.json"]
    assert main(words) == 0
    begun = time.monotonic()
    text = Path("x.json").read_text()
    read = read_lock(text, file="x.json")
    files = emit_sbom(bill_of(read.plan, read.digest))
    assert time.monotonic() - begun < 20
    lock, spdx, cyclonedx = (json.loads(each) for each in (text, files[SPDX], files[CYCLONEDX]))
    check_complete(lock, spdx, cyclonedx)
    if variant == "cuda":  # validating takes longer than everything else
        check_valid(spdx, cyclonedx)
    [runtime] = [root for root in lock["roots"] if root["id"] == "runtime"]
    contains = [r for r in spdx["relationships"] if r["relationshipType"] == "CONTAINS"]
    assert len(contains) == len(runtime["packages"])
    required = [c for c in cyclonedx["components"] if c["scope"] == "required"]
    assert len(required) == len(runtime["packages"])


# -- details ---------------------------------------------------------------------------------------


def test_package_urls_say_where_a_package_is_from() -> None:
    spdx, _ = documents(small_plan())
    found = purls(spdx)
    checksum = next(
        package.checksum
        for package in runtime_of(small_plan()).packages
        if package.name == "openssl-libs"
    )
    [openssl] = [PackageURL.from_string(each) for each in found if "openssl-libs" in each]
    assert (openssl.type, openssl.namespace) == ("rpm", "fedora")
    assert (openssl.name, openssl.version) == ("openssl-libs", "3.5.4-1.fc45")
    assert openssl.qualifiers == {
        "arch": "x86_64",
        "checksum": checksum,
        "distro": "fedora-45",
        "epoch": "1",
    }
    [torch] = [each for each in found if each.startswith("pkg:rpm/python3-torch@")]
    assert torch == "pkg:rpm/python3-torch@2.14.0-0.streamsolve?arch=x86_64"
    assert "pkg:pypi/torch@2.14.0" in found
    third, _ = documents(small_plan(), overlays=("nvidia",))
    [cublas] = [PackageURL.from_string(each) for each in purls(third) if "libcublas" in each]
    assert (cublas.namespace, "distro" in cublas.qualifiers) == (None, False)
    assert "pkg:generic/app@1.0" in found


def runtime_of(plan: Plan) -> Root:
    assert plan.builds is not None
    return plan.builds.runtime


def test_relations_say_what_needs_was_made_from_and_was_built_with_what() -> None:
    bill = bill_of(small_plan(), DIGEST)
    found = {(r.this, r.kind, r.other) for r in bill.relations}
    app, torch = "package:python3-app.x86_64", "package:python3-torch.x86_64"
    assert (app, RelationKind.DEPENDS_ON, torch) in found
    assert (torch, RelationKind.DEPENDS_ON, "package:libcublas-13-0.x86_64") in found
    assert (torch, RelationKind.GENERATED_FROM, "source:torch@2.14.0") in found
    assert (torch, RelationKind.BUILT_WITH, "package:python3-setuptools.x86_64") in found
    assert ("application:app", RelationKind.CONTAINS, app) in found
    assert ("application:app", RelationKind.BUILT_WITH, "package:gcc.x86_64") in found
    assert ("application:app", RelationKind.CONTAINS, "package:gcc.x86_64") not in found
    refs = {part.ref for part in bill.parts} | {"application:app"}
    assert {r.this for r in bill.relations} | {r.other for r in bill.relations} <= refs


def test_what_only_builds_use_is_not_said_to_run() -> None:
    _, cyclonedx = documents(small_plan())
    scopes = {c["name"]: c["scope"] for c in cyclonedx["components"] if "rpm" in c["purl"]}
    assert (scopes["gcc"], scopes["rpm-build"]) == ("excluded", "excluded")
    assert (scopes["bash"], scopes["python3-app"]) == ("required", "required")


def test_files_at_hand_say_what_was_really_built() -> None:
    header = RpmHeader(
        "python3-torch", "2.14.0", "1.fc45", "x86_64", "t.rpm", "12" * 32, "0" * 32, "BSD-3-Clause"
    )
    file = LockedFile(header, PurePosixPath("x/t.rpm"))
    spdx, cyclonedx = documents(small_plan(), files=(file,))
    [torch] = [p for p in spdx["packages"] if p["name"] == "python3-torch"]
    assert torch["versionInfo"] == "2.14.0-1.fc45"
    assert torch["licenseDeclared"] == "BSD-3-Clause"
    assert torch["checksums"] == [{"algorithm": "SHA256", "checksumValue": "12" * 32}]
    assert "comment" not in torch
    [wheel] = [p for p in spdx["packages"] if p["name"] == "python3-wheel"]
    assert "planned" in wheel["comment"]
    check_valid(spdx, cyclonedx)
    wrong = evolve(file, header=evolve(header, name="bash", version="5.3.0", release="2.fc45"))
    with pytest.raises(InputErrors, match="not the file that was locked"):
        bill_of(small_plan(), DIGEST, files=(wrong,))


def test_sources_that_the_application_s_build_takes_in_are_listed() -> None:
    bundled = (
        BundledSource("cutlass", "v4.7.1", purl="pkg:github/nvidia/cutlass@v4.7.1"),
        BundledSource("composable", "1", variants=("rocm",)),
        BundledSource("kernels", "abc", variants=("cuda",)),
    )
    spdx, cyclonedx = documents(small_plan(), bundled=bundled)
    assert "pkg:github/nvidia/cutlass@v4.7.1" in purls(spdx)
    assert "pkg:generic/kernels@abc" in purls(spdx)
    assert not any("composable" in each for each in purls(spdx))
    check_valid(spdx, cyclonedx)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("MIT", ("MIT", "")),
        ("apache-2.0 and mit", ("Apache-2.0 AND MIT", "")),
        ("LicenseRef-NVIDIA-Proprietary", ("LicenseRef-NVIDIA-Proprietary", "")),
        ("MIT License", ("", "MIT License")),
        ("Copyright\n  somebody", ("", "Copyright somebody")),
        ("unknown", ("", "")),
        ("", ("", "")),
    ],
)
def test_a_licence_is_an_expression_or_a_text_or_not_known(
    said: str, expected: tuple[str, str]
) -> None:
    assert expression(said) == expected
    streams = tuple(
        evolve(s, licence=said) if s.component.name == "torch" else s for s in small_plan().streams
    )
    spdx, cyclonedx = documents(evolve(small_plan(), streams=streams))
    check_valid(spdx, cyclonedx)
    [torch] = [p for p in spdx["packages"] if p["name"] == "python3-torch"]
    assert torch["licenseDeclared"] == (expected[0] or "NOASSERTION")
    assert expected[1] in torch.get("licenseComments", "")


def test_a_bill_follows_from_the_lock_alone(tmp_path: Path) -> None:
    lock = tmp_path / "app.lock.json"
    lock.write_text(lock_text(small_plan(), small_settings()))
    program = (
        "import sys, hashlib\n"
        "from pathlib import Path\n"
        "from streamsolve.emit.sbom import bill_of, emit_sbom\n"
        "from streamsolve.planner.locking import load_lock\n"
        "lock = load_lock(Path(sys.argv[1]))\n"
        "files = emit_sbom(bill_of(lock.plan, lock.digest))\n"
        "print(hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest())\n"
    )
    told = set()
    for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo")):
        done = subprocess.run(
            [sys.executable, "-c", program, str(lock)],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        told.add(done.stdout)
    assert len(told) == 1


ROOT = Path(__file__).parents[1]


def test_the_time_and_the_identity_are_those_that_were_given() -> None:
    one, other = documents(small_plan())
    assert one["creationInfo"]["created"] == "1970-01-01T00:00:00Z"
    later, cyclonedx = documents(small_plan(), epoch=1_700_000_000)
    assert later["creationInfo"]["created"] == "2023-11-14T22:13:20Z"
    assert cyclonedx["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    assert one["documentNamespace"] != later["documentNamespace"]
    assert other["serialNumber"] != cyclonedx["serialNumber"]
    again = json.loads(emit_sbom(bill_of(small_plan(), "sha256:" + "ef" * 32))[SPDX])
    assert again["documentNamespace"] != one["documentNamespace"]


# -- hostile values --------------------------------------------------------------------------------

TEXTS = st.one_of(
    st.sampled_from(
        [
            '"',
            "\\",
            "\n",
            "\0",
            "\x1b",
            "\ud800",
            "{{7*7}}",
            "$(x)",
            "../..",
            "<script>",
            "x" * 9999,
        ]
    ),
    st.text(max_size=8),
)


def with_package(**change: str) -> Plan:
    def one(package: Package) -> Package:
        return evolve(package, **change) if package.name == "python3-wheel" else package

    plan = small_plan()
    assert plan.builds is not None
    runtime = runtime_of(plan)
    changed = evolve(runtime, packages=tuple(map(one, runtime.packages)))
    return evolve(plan, builds=evolve(plan.builds, runtime=changed))


def with_stream(change: Any) -> Plan:
    def one(stream: PlannedStream) -> PlannedStream:
        return change(stream) if stream.component.name == "torch" else stream

    return evolve(small_plan(), streams=tuple(map(one, small_plan().streams)))


PLACES = {
    "name": lambda text: with_package(name=f"p{text}"),
    "version": lambda text: with_package(evr=f"1{text}-1"),
    "architecture": lambda text: with_package(arch=f"a{text}"),
    "licence": lambda text: with_stream(lambda s: evolve(s, licence=text)),
    "purl": lambda text: with_stream(lambda s: evolve(s, source=Source(f"pkg:{text}", "f"))),
    "file": lambda text: with_stream(lambda s: evolve(s, source=Source("", f"f{text}"))),
    "variant": lambda text: evolve(small_plan(), variant=text),
    "base": lambda text: evolve(small_plan(), base=text),
}


@settings(max_examples=60, deadline=None)
@given(place=st.sampled_from(sorted(PLACES)), text=TEXTS)
def test_a_hostile_value_is_refused_or_the_formats_take_it(place: str, text: str) -> None:
    try:
        spdx, cyclonedx = documents(PLACES[place](text))
    except InputErrors as error:
        code, told = error.code, str(error)
    else:
        check_valid(spdx, cyclonedx)
        return
    assert code is Code.NOT_EMITTED
    assert told


# -- the command -----------------------------------------------------------------------------------


def test_the_command_counts_what_it_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    Path("app.toml").write_text(
        'schema = "streamsolve.profile/1"\nname = "app"\nversion = "1.0"\n'
        'default-base = "fedora-45"\n[variants.cuda]\nrequirements = "wheel"\n'
    )
    text = lock_text(small_plan(), small_settings())
    Path("app.lock.json").write_text(text)
    words = ["emit", "sbom", "app.lock.json", "-o", "out", "--profile", "app.toml"]
    assert main(words) == 0
    lock = json.loads(text)
    out = capsys.readouterr().out
    counted = f"{len(expected_packages(lock))} packages and {len(expected_sources(lock))} sources"
    assert counted in out
    check_complete(lock, *(json.loads(Path("out", name).read_text()) for name in (SPDX, CYCLONEDX)))
    assert main(words) == 0
    assert "2 unchanged" in capsys.readouterr().out
    assert main([*words, "--attach", "oci:nowhere:1"]) == 2
    assert "no OCI layout" in capsys.readouterr().err
