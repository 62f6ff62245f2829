"""A lock as the lists of other tools: each against its schema, its own reader, or the base."""

from __future__ import annotations

import base64
import gzip
import json
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
import zstandard
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from packaging.pylock import Pylock
from packaging.requirements import Requirement
from packaging.version import Version

from streamsolve.cli import main
from streamsolve.emit.lists import (
    bazeldnf_lock,
    constraints,
    dnf_manifest,
    fromager_settings,
    konflux_files,
    module_document,
    pylock,
)
from streamsolve.errors import Code, InputErrors
from streamsolve.inputs.module_documents import parse_modules
from streamsolve.model.build import Root, Stage
from streamsolve.model.component import Kind, Origin
from streamsolve.model.package_files import PackageFile, RepositoryAddress
from streamsolve.model.plan import Plan

from .commandworld import Ran
from .lockworld import small_plan

Document = dict[str, Any]
Run = Callable[..., Ran]

BASEURL = "https://mirror.example/fedora"
ADDRESSES = ("--baseurl", f"x86_64={BASEURL}/x86_64", "--baseurl", f"source={BASEURL}/source")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command; standard output and standard error apart."""

    def ran(*arguments: str | Path) -> Ran:
        capsys.readouterr()
        code = main([str(each) for each in arguments])
        return Ran(code, *capsys.readouterr())

    return ran


@pytest.fixture(scope="module")
def base(shared: Path) -> Path:
    return shared / "data" / "fedora-45"


@pytest.fixture(scope="module")
def lock(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lock of vllm for CUDA on Fedora 45."""
    path = tmp_path_factory.mktemp("lists") / "vllm.lock.json"
    assert main(["lock", "vllm", "--base", str(base), "--offline", "-o", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def locked(lock: Path) -> Document:
    document: Document = json.loads(lock.read_text())
    return document


def schema(shared: Path, name: str) -> Document:
    document: Document = json.loads((shared / "schemas" / name).read_text())
    return document


def opened(path: Path) -> bytes:
    if path.suffix == ".zst":
        return zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read()
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def listed(repository: Path) -> dict[str, tuple[str, int, str]]:
    """Location, size and source package by checksum, read from primary.xml as it stands."""
    (primary,) = (repository / "repodata").glob("*primary.xml*")
    common = "{http://linux.duke.edu/metadata/common}"
    rpm = "{http://linux.duke.edu/metadata/rpm}"
    found = {}
    for package in ElementTree.fromstring(opened(primary)).iter(f"{common}package"):
        checksum = package.find(f"{common}checksum")
        assert checksum is not None
        source = package.findtext(f"{common}format/{rpm}sourcerpm") or ""
        found[f"{checksum.get('type')}:{checksum.text}"] = (
            package.find(f"{common}location").get("href"),
            int(package.find(f"{common}size").get("package")),
            source,
        )
    return found


@pytest.fixture(scope="module")
def in_base(base: Path) -> dict[str, tuple[str, int, str]]:
    return listed(base / "x86_64")


def of_the_base(locked: Document, root_id: str) -> set[str]:
    """The checksums of a root's packages that have one."""
    (root,) = [each for each in locked["roots"] if each["id"] == root_id]
    names = {*root.get("packages", ()), *root.get("added", ())}
    if root_id != "runtime":
        names |= set(locked["common"])
    return {
        locked["packages"][name]["checksum"]
        for name in names
        if "checksum" in locked["packages"][name]
    }


def a_build_root(locked: Document) -> str:
    return min(each["id"] for each in locked["roots"] if each["id"] != "runtime")


# -- lists of RPM files ----------------------------------------------------------------------------


def test_a_manifest_of_dnf_has_the_packages_of_the_lock_as_the_base_lists_them(
    run: Run,
    lock: Path,
    locked: Document,
    base: Path,
    shared: Path,
    in_base: Mapping[str, tuple[str, int, str]],
    tmp_path: Path,
) -> None:
    root = a_build_root(locked)
    place = ("--base", base, "--offline", "--root", root, "--without-missing")
    done = run("emit", "dnf-manifest", lock, *place, *ADDRESSES, "-o", tmp_path)
    assert done.code == 0, done.err
    asked = yaml.safe_load((tmp_path / "rpms.in.yaml").read_text())
    manifest = yaml.safe_load((tmp_path / "packages.manifest.yaml").read_text())
    jsonschema.validate(asked, schema(shared, "libpkgmanifest-input.schema.json"))
    jsonschema.validate(manifest, schema(shared, "libpkgmanifest-manifest.schema.json"))
    packages = [each for of in manifest["data"]["packages"].values() for each in of]
    assert {each["checksum"] for each in packages} == of_the_base(locked, root)
    for each in packages:
        location, size, source = in_base[each["checksum"]]
        assert (each["location"], each["size"]) == (location, size)
        assert each.get("srpm") == (source.removesuffix(".rpm") if source[0].islower() else None)
    noarch = manifest["data"]["packages"]["noarch"]
    assert all(each["parent_archs"] == ["x86_64"] for each in noarch)


def test_konflux_gets_an_address_for_each_package_and_each_source(
    run: Run,
    lock: Path,
    locked: Document,
    base: Path,
    shared: Path,
    in_base: Mapping[str, tuple[str, int, str]],
    tmp_path: Path,
) -> None:
    root = a_build_root(locked)
    place = ("--base", base, "--offline", "--root", root, "--without-missing")
    done = run("emit", "konflux", lock, *place, *ADDRESSES, "-o", tmp_path)
    assert done.code == 0, done.err
    asked = yaml.safe_load((tmp_path / "rpms.in.yaml").read_text())
    made = yaml.safe_load((tmp_path / "rpms.lock.yaml").read_text())
    jsonschema.validate(asked, schema(shared, "konflux-rpms.in.schema.json"))
    jsonschema.validate(made, schema(shared, "konflux-rpms.lock.schema.json"))
    (arch,) = made["arches"]
    assert {each["checksum"] for each in arch["packages"]} == of_the_base(locked, root)
    assert all(
        each["url"] == f"{BASEURL}/x86_64/{in_base[each['checksum']][0]}"
        for each in arch["packages"]
    )
    sources = listed(base / "source")
    wanted = {each["sourcerpm"] for each in arch["packages"]}
    there = {where.rpartition("/")[2]: where for where, _, _ in sources.values()}
    assert {each["url"] for each in arch["source"]} == {
        f"{BASEURL}/source/{there[name]}" for name in wanted & there.keys()
    }
    assert asked["packages"] == sorted({each["name"] for each in arch["packages"]})


def test_bazel_gets_integrity_and_addresses_below_the_repository(
    run: Run,
    lock: Path,
    locked: Document,
    base: Path,
    shared: Path,
    in_base: Mapping[str, tuple[str, int, str]],
    tmp_path: Path,
) -> None:
    root = a_build_root(locked)
    place = ("--base", base, "--offline", "--root", root, "--without-missing")
    # It lists no source packages, so nobody has to say where those are.
    address = ("--baseurl", f"x86_64={BASEURL}/x86_64")
    done = run("emit", "bazeldnf", lock, *place, *address, "-o", tmp_path)
    assert done.code == 0, done.err
    made = json.loads((tmp_path / "bazeldnf-lock.json").read_text())
    jsonschema.validate(made, schema(shared, "bazeldnf-lock.schema.json"))
    assert made["repositories"] == {"x86_64": [f"{BASEURL}/x86_64"]}
    digests = {
        f"sha256:{base64.b64decode(each['integrity'].removeprefix('sha256-')).hex()}": each["urls"]
        for each in made["rpms"]
    }
    assert digests == {each: [in_base[each][0]] for each in of_the_base(locked, root)}


@pytest.mark.parametrize("kind", ["dnf-manifest", "konflux", "bazeldnf"])
def test_a_list_that_would_not_be_whole_is_refused_and_nothing_is_written(
    run: Run, lock: Path, base: Path, tmp_path: Path, kind: str
) -> None:
    out = tmp_path / "out"
    done = run("emit", kind, lock, "--base", base, "--offline", *ADDRESSES, "-o", out)
    assert done.code == 2
    assert done.says("not built yet", "--rpms DIR")
    assert not out.exists()


def test_every_repository_without_an_address_is_named(
    run: Run, lock: Path, locked: Document, base: Path, tmp_path: Path
) -> None:
    place = ("--base", base, "--offline", "--without-missing", "--root", a_build_root(locked))
    done = run("emit", "konflux", lock, *place, "-o", tmp_path / "out")
    assert done.code == 2
    assert done.says("--baseurl source=URL")
    assert done.says("--baseurl x86_64=URL")


def test_an_unknown_root_names_the_nearest(run: Run, lock: Path, tmp_path: Path) -> None:
    done = run("emit", "bazeldnf", lock, "--root", "build-torhc", "-o", tmp_path / "out")
    assert done.code == 2
    assert done.says("build-torch")


def test_fromager_is_told_of_the_system_and_of_python_apart(
    run: Run, lock: Path, locked: Document, tmp_path: Path
) -> None:
    assert run("emit", "fromager", lock, "-o", tmp_path).code == 0
    settings = yaml.safe_load((tmp_path / "overrides/settings/torch.yaml").read_text())
    override = settings["project_override"]
    (torch,) = (one for one in locked["builds"] if one["id"] == "torch@2.14.0")
    stated = [one for one in torch["needs"] if one["origin"] == "profile"]
    of_python = [one["text"] for one in stated if one.get("component", ":").count(":") == 0]
    assert sorted(override["update_build_requires"]) == sorted(of_python)
    assert {str(Requirement(text)) for text in override["update_build_requires"]} == set(of_python)
    assert len(override["requires_external"]) == len(stated) - len(of_python)


# -- Python ----------------------------------------------------------------------------------------


def test_a_python_lock_is_read_by_packaging_with_every_file_of_the_lock(
    run: Run, lock: Path, locked: Document, tmp_path: Path
) -> None:
    done = run("emit", "constraints", lock, "-o", tmp_path)
    assert done.code == 0
    text = (tmp_path / "pylock.toml").read_text()
    made = Pylock.from_dict(tomllib.loads(text))
    files = {
        (package.name, str(package.version), Path(file.path or "").name, file.hashes["sha256"])
        for package in made.packages
        for file in (*filter(None, [package.sdist]), *(package.wheels or ()))
    }
    expected = {
        (one["component"], one["version"], one["source"]["filename"], one["source"]["sha256"])
        for one in locked["streams"]
        if one["origin"] == "private"
        and not one.get("build_only")
        and one["source"].get("sha256")
        and ":" not in one["component"]
    }
    assert files == expected
    assert tomllib.loads(text) == made.to_dict()
    (marker,) = made.environments or ()
    here = {"sys_platform": "linux", "platform_machine": "x86_64", "python_version": "3.14"}
    assert marker.evaluate(here)
    for name, other in (("python_version", "3.15"), ("platform_machine", "aarch64")):
        assert not marker.evaluate({**here, name: other})


def test_distributions_without_a_file_are_told(
    run: Run, lock: Path, locked: Document, tmp_path: Path
) -> None:
    done = run("emit", "constraints", lock, "-o", tmp_path)
    without = [
        one["component"]
        for one in locked["streams"]
        if one["origin"] == "private"
        and not one["source"].get("sha256")
        and ":" not in one["component"]
        and not one.get("build_only")
    ]
    assert without
    assert all(done.says(f"{name} ") for name in without)


def test_constraints_hold_every_distribution_to_its_version() -> None:
    plan = small_plan()
    lines = [Requirement(line) for line in constraints(plan).decode().splitlines()]
    expected = {
        stream.component.name: str(stream.version)
        for stream in plan.streams
        if stream.component.kind is Kind.DISTRIBUTION and stream.version and not stream.build_only
    }
    assert {line.name: str(line.specifier) for line in lines} == {
        name: f"=={version}" for name, version in expected.items()
    }


def test_fromager_uses_wheels_of_what_is_not_built() -> None:
    plan = small_plan()
    files = fromager_settings(plan)
    assert files["requirements.txt"].decode() == f"{plan.application}=={plan.version}\n"
    prebuilt = {
        path.removeprefix("overrides/settings/").removesuffix(".yaml")
        for path, content in files.items()
        if path.endswith(".yaml")
        and yaml.safe_load(content).get("variants", {}).get(plan.variant) == {"pre_built": True}
    }
    assert prebuilt == {
        stream.component.name.replace("-", "_")
        for stream in plan.streams
        if stream.component.kind is Kind.DISTRIBUTION
        and stream.version
        and not stream.build_only
        and (stream.prebuilt or stream.origin is not Origin.PRIVATE)
    }


# -- a module --------------------------------------------------------------------------------------


def test_a_module_builds_its_components_in_the_order_of_the_plan() -> None:
    plan = small_plan()
    (content,) = module_document(plan, stream="1", platform="f45").values()
    (module,) = parse_modules(content.decode()).streams
    document = yaml.safe_load(content)["data"]["components"]["rpms"]
    assert (module.name, module.stream) == (plan.application, "1")
    builds = plan.builds
    assert builds is not None
    final = {each.stream: each for each in builds.builds if each.stage is not Stage.BOOTSTRAP}
    order = {(each["name"], each["buildorder"]) for each in document.values()}
    assert len(document) == len(final)
    assert {name for name, _ in order} == {each.component.name for each in final.values()}
    at = dict(order)
    for build in final.values():
        for id in build.after:
            before = builds.build(id)
            if before is not None and before.stage is Stage.ONLY:
                assert at[before.component.name] < at[build.component.name]


# -- laws ------------------------------------------------------------------------------------------

ROOT = Root("runtime", (), (), ("app",))
ODD = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)
HOSTILE = st.one_of(ODD, st.sampled_from(["{{7*7}}", "$(id)", "%(id)", "yes", "1.10", "~", "- a"]))


@given(name=HOSTILE, evr=HOSTILE, location=HOSTILE, source=HOSTILE)
def test_what_is_listed_is_read_back_as_it_was(
    name: str, evr: str, location: str, source: str
) -> None:
    file = PackageFile(name, evr, "x86_64", "r", location, "sha256:" + "0" * 64, 1, source)
    address = RepositoryAddress("r", baseurl=BASEURL)
    manifest = dnf_manifest(ROOT, "x86_64", [file], [address])["packages.manifest.yaml"]
    (package,) = yaml.safe_load(manifest)["data"]["packages"]["x86_64"]
    assert (package["name"], package["evr"], package["location"]) == (name, evr, location)
    lock = yaml.safe_load(konflux_files("x86_64", [file], [], [address])["rpms.lock.yaml"])
    (item,) = lock["arches"][0]["packages"]
    assert (item["name"], item["sourcerpm"]) == (name, source)
    assert item["url"] == f"{BASEURL}/{location}"
    (rpm,) = json.loads(bazeldnf_lock("x", ROOT, [file], [address])["bazeldnf-lock.json"])["rpms"]
    assert (rpm["name"], rpm["urls"]) == (name, [location])


def test_a_checksum_that_bazel_cannot_check_is_refused() -> None:
    file = PackageFile("a", "1-1", "noarch", "r", "a.rpm", "md5:" + "0" * 32, 1)
    with pytest.raises(InputErrors) as caught:
        bazeldnf_lock("x", ROOT, [file], [RepositoryAddress("r", baseurl=BASEURL)])
    assert caught.value.code is Code.NOT_EMITTED


def test_the_order_of_streams_and_files_changes_no_byte() -> None:
    plan = small_plan()
    turned = evolve(plan, streams=tuple(reversed(plan.streams)))

    def everything(of: Plan) -> list[object]:
        return [constraints(of), pylock(of), fromager_settings(of)]

    assert everything(plan) == everything(turned)


def test_a_new_version_of_one_stream_changes_only_its_lines() -> None:
    plan = small_plan()
    private = next(
        stream
        for stream in plan.of_origin(Origin.PRIVATE)
        if stream.component.kind is Kind.DISTRIBUTION and not stream.build_only
    )
    newer = evolve(private, version=Version("99"))
    streams = tuple(newer if each is private else each for each in plan.streams)
    old = constraints(plan).decode().splitlines()
    new = constraints(evolve(plan, streams=streams)).decode().splitlines()
    changed = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    name = private.component.name
    assert changed == [(f"{name}=={private.version}", f"{name}==99")]
