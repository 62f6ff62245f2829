"""mock's buildroot_lock.json, from real RPM files and from what their headers say."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from attrs import evolve

from streamsolve.emit import BootstrapImage, MockRepository, MockSettings, buildroot_locks
from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.inputs.rpm_headers import read_rpm_headers
from streamsolve.model.package import Package
from streamsolve.model.plan import Plan
from streamsolve.model.rpm_header import RpmHeader

from .lockworld import base_package, private_package, small_plan

needs_rpm = pytest.mark.skipif(
    shutil.which("rpmbuild") is None, reason="rpmbuild is not installed (apt-get install rpm)"
)

KEY = "file:///usr/share/distribution-gpg-keys/small/KEY"
SETTINGS = MockSettings(
    "45", "fc45", (MockRepository("base", "https://base.test/", gpgkeys=(KEY,)),)
)
SPEC = """\
Name: {name}
{epoch}
Version: {version}
Release: 1
Summary: A package
License: MIT AND "quoted $(text)"
BuildArch: noarch
%description
A package.
%files
"""


def build(directory: Path, name: str, version: str, epoch: str = "") -> Path:
    """A real package without files."""
    spec = directory / f"{name}.spec"
    line = f"Epoch: {epoch}" if epoch else ""
    spec.write_text(SPEC.format(name=name, version=version, epoch=line))
    command = ["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {directory}/{name}", str(spec)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    (found,) = directory.glob(f"{name}/RPMS/noarch/*.rpm")
    return found


@pytest.fixture(scope="module")
def rpms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of three packages: with an epoch, without, and a private one."""
    directory = tmp_path_factory.mktemp("rpms")
    (directory / "all").mkdir()
    built = [
        build(directory, "bash", "5.3"),
        build(directory, "openssl-libs", "3.5", "1"),
        build(directory, "python3-torch", "2.14.0"),
    ]
    for path in built:
        path.rename(directory / "all" / path.name)
    return directory / "all"


def header(package: Package, **change: Any) -> RpmHeader:
    """What a file of a package would say."""
    made = RpmHeader(
        package.name,
        package.version,
        package.release,
        package.arch,
        f"{package.name}.rpm",
        package.checksum.removeprefix("sha256:") or "0" * 64,
        "0123456789abcdef" * 2,
        "MIT",
        None if package.epoch == "0" else package.epoch,
        "4bf0c9db",
    )
    return evolve(made, **change)


def plan_of(*packages: Package) -> Plan:
    """The small plan, of which one build root holds just these."""
    plan = small_plan()
    assert plan.builds is not None
    roots = tuple(
        evolve(root, packages=tuple(sorted(packages))) if root.id == "build-flit-core" else root
        for root in plan.builds.roots
    )
    return evolve(plan, builds=evolve(plan.builds, roots=roots))


PACKAGES = (
    base_package("bash", "5.3-1", arch="noarch"),
    base_package("openssl-libs", "1:3.5-1", arch="noarch"),
    private_package("torch", "2.14.0"),
)
PATH = "locks/build-flit-core/buildroot_lock.json"


def documents(files: dict[str, bytes]) -> dict[str, Any]:
    return {path: json.loads(content) for path, content in files.items()}


@needs_rpm
def test_the_lock_of_real_files_says_what_their_headers_say(rpms: Path, shared: Path) -> None:
    headers = read_rpm_headers(rpms)
    digests = {each.name: each.sha256 for each in headers}
    packages = [
        evolve(p, checksum=f"sha256:{digests[p.name]}") if p.checksum else p for p in PACKAGES
    ]
    found = buildroot_locks(plan_of(*packages), SETTINGS, headers)
    assert list(found.files) == [PATH]
    document = json.loads(found.files[PATH])
    schema = json.loads((shared / "schemas" / "buildroot-lock-schema-1.1.0.json").read_text())
    jsonschema.validate(document, schema)
    rows = {row["name"]: row for row in document["buildroot"]["rpms"]}
    assert {name: row["epoch"] for name, row in rows.items()} == {
        "bash": None,
        "openssl-libs": "1",
        "python3-torch": None,
    }
    for name, row in rows.items():
        command = ["rpm", "-qp", "--qf", "%{SIGMD5} %{VERSION}", str(rpms / row["url"])]
        told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
        assert [row["sigmd5"], row["version"]] == told.stdout.split(), name
        assert row["signature"] is None
        assert row["license"] == 'MIT AND "quoted $(text)"'
    assert document["config"]["target_arch"] == "x86_64"
    assert document["config"]["macros"]["%source_date_epoch_from_changelog"] == "1"
    assert "bootstrap" not in document
    assert str(rpms) not in json.dumps(document)


@needs_rpm
def test_a_damaged_file_is_refused_and_named(rpms: Path, tmp_path: Path) -> None:
    for path in rpms.iterdir():
        shutil.copy(path, tmp_path)
    (victim,) = tmp_path.glob("bash-*.rpm")
    content = bytearray(victim.read_bytes())
    content[-8] ^= 0xFF
    victim.write_bytes(content)
    with pytest.raises(InputErrors) as raised:
        read_rpm_headers(tmp_path)
    assert [Path(error.place.file).name for error in raised.value.errors] == [victim.name]


def test_a_text_is_not_given_to_rpm_which_would_read_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "list.rpm").write_text("https://packages.test/evil.rpm\n")
    with pytest.raises(InputErrors, match="it is no RPM file"):
        read_rpm_headers(tmp_path)


def test_without_rpm_the_missing_tool_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.rpm").write_bytes(b"\xed\xab\xee\xdb")
    monkeypatch.setattr("streamsolve.inputs.rpm_headers._RPMKEYS", str(tmp_path / "nothing"))
    with pytest.raises(InputError) as raised:
        read_rpm_headers(tmp_path)
    assert raised.value.code is Code.MISSING_TOOL


def test_a_directory_without_packages_has_no_headers(tmp_path: Path) -> None:
    (tmp_path / "a.src.rpm").touch()
    assert read_rpm_headers(tmp_path) == ()


def test_a_root_of_which_a_file_is_missing_has_no_lock() -> None:
    found = buildroot_locks(plan_of(*PACKAGES), SETTINGS, [header(p) for p in PACKAGES[:2]])
    assert PATH not in found.files
    assert found.missing["build-flit-core"] == (PACKAGES[2].nevra,)
    assert len(found.missing) == 6


def test_an_image_is_in_the_lock_only_if_it_was_given(shared: Path) -> None:
    image = BootstrapImage(
        "images.test/small:45", "1" * 64, f"sha256:{'2' * 64}", "amd64", "3" * 64
    )
    headers = [header(package) for package in PACKAGES]
    plan = plan_of(*PACKAGES)
    document = json.loads(buildroot_locks(plan, SETTINGS, headers, image=image).files[PATH])
    schema = json.loads((shared / "schemas" / "buildroot-lock-schema-1.1.0.json").read_text())
    jsonschema.validate(document, schema)
    assert document["bootstrap"]["pull_digest"] == f"sha256:{'2' * 64}"
    assert document["config"]["bootstrap_image"] == "images.test/small:45"
    plain = json.loads(buildroot_locks(plan, SETTINGS, headers).files[PATH])
    assert "bootstrap" not in plain
    assert "bootstrap_image" not in plain["config"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sha256": "f" * 64}, "not the file that was locked"),
        ({"sigmd5": ""}, "is no sigmd5"),
        ({"sigmd5": "(none)"}, "is no sigmd5"),
        ({"signature": "(none)"}, "is no end of a key's id"),
    ],
)
def test_a_file_that_is_another_or_says_too_little_is_refused(
    change: dict[str, Any], words: str
) -> None:
    headers = [header(PACKAGES[0], **change), *map(header, PACKAGES[1:])]
    with pytest.raises(InputErrors) as raised:
        buildroot_locks(plan_of(*PACKAGES), SETTINGS, headers)
    assert [words in error.message for error in raised.value.errors] == [True]


def test_a_file_that_cannot_be_checked_is_refused() -> None:
    odd = evolve(PACKAGES[0], checksum=f"sha512:{'0' * 128}")
    plan = plan_of(odd, *PACKAGES[1:])
    with pytest.raises(InputErrors, match="the lock has no sha256 of bash"):
        buildroot_locks(plan, SETTINGS, [header(package) for package in PACKAGES])


def test_two_files_of_one_private_package_are_refused() -> None:
    headers = [*map(header, PACKAGES), header(PACKAGES[2], release="2", sha256="1" * 64)]
    with pytest.raises(InputErrors, match="has several files"):
        buildroot_locks(plan_of(*PACKAGES), SETTINGS, headers)


def test_the_order_of_the_headers_does_not_matter() -> None:
    headers = [header(package) for package in PACKAGES]
    forwards = buildroot_locks(plan_of(*PACKAGES), SETTINGS, headers)
    backwards = buildroot_locks(plan_of(*PACKAGES), SETTINGS, headers[::-1])
    assert forwards.files == backwards.files
    assert forwards.files
