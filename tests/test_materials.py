"""What specs are made from: source packages, sdists and wheels, honest ones and others."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.building.base_specs import base_source_packages
from streamsolve.building.materials import Materials, read_materials
from streamsolve.emit.specs import StreamMaterial, UpstreamFile
from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.inputs import source_rpms
from streamsolve.inputs.index import PackageIndex
from streamsolve.inputs.project_files import read_project_file
from streamsolve.inputs.source_rpms import find_source_rpms, read_source_rpm
from streamsolve.inputs.transport import Transport
from streamsolve.lock import Lock, lock_text, read_lock
from streamsolve.model.build import BuildNeed, NeedOrigin
from streamsolve.model.lock import LockSpec
from streamsolve.model.stream import Source

from .localindex import File, LocalIndex, sdist, wheel
from .localserver import without_proxies
from .lockworld import small_plan, small_settings

SPEC = """\
%global kind settings
Name: python-torch
Version: 2.14.0
Release: 1
Summary: S
License: MIT
BuildArch: noarch
Source0: %{name}-%{version}.tar.gz
Source1: %{kind}.json
Patch0: fix.patch
%description
D
%files
"""
FILES = {
    "python-torch-2.14.0.tar.gz": b"upstream's archive",
    "settings.json": b"{}",
    "fix.patch": b"a patch",
}


def source_package(directory: Path, spec: str = SPEC, files: Mapping[str, bytes] = FILES) -> Path:
    """A real source package."""
    made = directory / "made"
    made.mkdir(parents=True)
    for name, content in files.items():
        (made / name).write_bytes(content)
    (made / "a.spec").write_text(spec)
    command = ["rpmbuild", "-bs", "--quiet", "--nodeps", "--define", "_source_payload w.ufdio"]
    command += ["--define", f"_sourcedir {made}", "--define", f"_srcrpmdir {directory}"]
    done = subprocess.run(
        [*command, str(made / "a.spec")], check=False, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    shutil.rmtree(made)
    (found,) = directory.glob("*.src.rpm")
    return found


def changed(path: Path, old: bytes, new: bytes) -> Path:
    """A source package with other bytes in header and payload, and all digests made right again."""
    assert len(old) == len(new)
    content = path.read_bytes()
    signature = content.index(b"\x8e\xad\xe8\x01")
    header = content.index(b"\x8e\xad\xe8\x01", signature + 1)
    count, size = (int.from_bytes(content[header + n : header + n + 4], "big") for n in (8, 12))
    payload = header + 16 + 16 * count + size
    head, body = content[header:payload], content[payload:]
    before = content[:header]
    other_body = body.replace(old, new)
    assert other_body != body
    other_head = head.replace(old, new)
    for one, other in ((body, other_body),):
        hexadecimal = [hashlib.sha256(each).hexdigest().encode() for each in (one, other)]
        other_head = other_head.replace(*hexadecimal)
    for algorithm in ("sha1", "sha256"):
        digests = [hashlib.new(algorithm, each).hexdigest().encode() for each in (head, other_head)]
        before = before.replace(*digests)
    sums = [hashlib.md5(each).digest() for each in (head + body, other_head + other_body)]
    path.write_bytes(before.replace(*sums) + other_head + other_body)
    return path


# -- source packages -------------------------------------------------------------------------------


def test_a_source_package_is_its_spec_its_small_files_and_what_upstream_published(
    tmp_path: Path,
) -> None:
    found = read_source_rpm(source_package(tmp_path))
    assert (found.nevra, found.version, found.spec) == ("python-torch-2.14.0-1.src", "2.14.0", SPEC)
    assert found.files == (("fix.patch", b"a patch"), ("settings.json", b"{}"))
    (archive,) = found.upstream
    assert archive.filename == "python-torch-2.14.0.tar.gz"
    assert archive.sha256 == hashlib.sha256(b"upstream's archive").hexdigest()


def test_what_is_large_is_not_carried_along_but_a_patch_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_rpms, "LARGEST_SMALL_FILE", 1)
    found = read_source_rpm(source_package(tmp_path))
    assert found.files == (("fix.patch", b"a patch"),)
    assert [each.filename for each in found.upstream] == [
        "python-torch-2.14.0.tar.gz",
        "settings.json",
    ]


def test_the_changer_of_these_tests_makes_packages_that_rpm_takes(tmp_path: Path) -> None:
    path = changed(source_package(tmp_path), b"settings.json", b"sittings.json")
    done = subprocess.run(
        ["rpmkeys", "--checksig", "--nosignature", str(path)], check=False, capture_output=True
    )
    assert done.returncode == 0, done.stdout
    assert [name for name, _ in read_source_rpm(path).files] == ["fix.patch", "sittings.json"]


@pytest.mark.parametrize(
    "name",
    [
        "../../../x.sh",
        "/etc/passwd..",
        "a\nb\x1b[31m.json",
        "$(touch RAN)x",
        "{{7*7}}.json.",
        "-rf settings.",
        "a'b;c`d`.json",
        "settings\0json",
    ],
)
def test_a_member_whose_name_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    path = changed(source_package(tmp_path), b"settings.json", name.encode())
    with pytest.raises(InputError) as raised:
        read_source_rpm(path)
    assert raised.value.code in (Code.NO_SOURCE_PACKAGE, Code.BAD_PACKAGE_FILE)
    assert "digest" not in raised.value.message
    assert "\x1b" not in str(raised.value)


def test_more_than_anybody_writes_beside_a_spec_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source_package(tmp_path)
    monkeypatch.setattr(source_rpms, "_MOST_CARRIED", 8)
    with pytest.raises(InputError, match="more beside its spec than can be carried"):
        read_source_rpm(path)
    monkeypatch.setattr(source_rpms, "_LARGEST_SPEC", 8)
    with pytest.raises(InputError, match="too many"):
        read_source_rpm(path)


def test_a_size_that_is_only_claimed_is_refused(tmp_path: Path) -> None:
    path = source_package(tmp_path)
    content = path.read_bytes()
    # The size of settings.json in the archive: a gigabyte is claimed for two bytes.
    at = content.index(b"settings.json\0", content.index(b"070701")) - 110 + 54
    assert content[at : at + 8] == b"00000002"
    path.write_bytes(content[:at] + b"40000000" + content[at + 8 :])
    with pytest.raises(InputError) as raised:
        read_source_rpm(path)
    assert raised.value.code is Code.BAD_PACKAGE_FILE


def test_a_binary_package_in_the_place_of_a_source_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.spec").write_text(SPEC.replace("Source", "#").replace("Patch", "#"))
    command = ["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {tmp_path}"]
    subprocess.run([*command, str(tmp_path / "a.spec")], check=True, capture_output=True)
    (binary,) = tmp_path.glob("RPMS/noarch/*.rpm")
    binary.rename(tmp_path / "a.src.rpm")
    (tmp_path / "b.src.rpm").write_text("nothing")
    with pytest.raises(InputErrors) as raised:
        find_source_rpms([tmp_path])
    assert [Path(error.place.file).name for error in raised.value.errors] == [
        "a.src.rpm",
        "b.src.rpm",
    ]


# -- sdists and wheels -----------------------------------------------------------------------------

INFO = """\
Metadata-Version: 2.4
Name: Demo.Thing
Version: 1.0
Summary: Shows {{7*7}}
License-Expression: MIT
License-File: LICENSE
Project-URL: Source, https://demo.test/
Classifier: Topic :: Test
Provides-Extra: more

Words.
"""


def written(directory: Path, file: File) -> Path:
    path = directory / file.filename
    path.write_bytes(file.body)
    return path


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.bz2", ".zip"])
def test_an_sdist_says_what_it_is(tmp_path: Path, suffix: str) -> None:
    members = {
        "PKG-INFO": INFO,
        "pyproject.toml": "[project.scripts]\ndemo = 'a:b'\n[project.gui-scripts]\nd = ''",
        "src/Demo_Thing/__init__.py": "",
        "src/Demo_Thing/fast.pyx": "",
        "tests/__init__.py": "",
    }
    found = read_project_file(written(tmp_path, sdist("Demo.Thing", "1.0", members, suffix=suffix)))
    assert (found.name, found.version, found.directory) == ("Demo.Thing", "1.0", "Demo.Thing-1.0")
    assert (found.summary, found.license_expression) == ("Shows {{7*7}}", "MIT")
    assert (found.url, found.extras) == ("https://demo.test/", ("more",))
    assert (found.modules, found.scripts) == (("Demo_Thing",), ("d", "demo"))
    assert found.archful
    assert found.license_files


def test_sources_of_tests_make_no_sdist_archful_and_what_setuptools_wrote_counts(
    tmp_path: Path,
) -> None:
    members = {
        "PKG-INFO": INFO,
        "tests/ext.c": "",
        "docs/example.rs": "",
        "demo.egg-info/top_level.txt": "one\ntests\n_two\n../three\n",
        "demo.egg-info/entry_points.txt": "[console_scripts]\nRun-It = a:b\n[other]\nx = y\n",
    }
    found = read_project_file(written(tmp_path, sdist("demo", "1.0", members)))
    assert (found.modules, found.scripts) == (("_two", "one"), ("Run-It",))
    assert not found.archful


def test_a_wheel_says_what_it_is(tmp_path: Path) -> None:
    found = read_project_file(written(tmp_path, wheel("demo", "1.0", fields=("Summary: S",))))
    assert (found.name, found.summary, found.modules) == ("demo", "S", ("demo",))
    assert not found.archful
    tagged = wheel("demo", "1.0", tag="cp314-cp314-manylinux_2_28_x86_64")
    assert read_project_file(written(tmp_path, tagged)).archful


def test_a_link_in_the_place_of_the_metadata_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(INFO)
    file = sdist("demo", "1.0", {"a": ""}, links={"PKG-INFO": str(tmp_path / "secret")})
    with pytest.raises(InputError, match="it has no PKG-INFO"):
        read_project_file(written(tmp_path, file))


def test_metadata_outside_of_the_one_directory_does_not_count(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in ("../PKG-INFO", "/PKG-INFO", "demo-1/../PKG-INFO", "PKG-INFO"):
            archive.writestr(name, INFO)
    path = tmp_path / "demo-1.zip"
    path.write_bytes(content.getvalue())
    with pytest.raises(InputError, match="it has no PKG-INFO"):
        read_project_file(path)


def test_an_archive_that_claims_ten_gigabytes_is_refused_at_once(tmp_path: Path) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        info = tarfile.TarInfo("demo-1/PKG-INFO")
        info.size = 10 << 30
        archive.addfile(info)
    path = tmp_path / "demo-1.tar.gz"
    path.write_bytes(content.getvalue())
    with pytest.raises(InputError, match="unpacks to more than an sdist should"):
        read_project_file(path)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as wheels:
        wheels.writestr("demo-1.dist-info/METADATA", bytes(20 << 20))
    path = tmp_path / "demo-1-py3-none-any.whl"
    path.write_bytes(packed.getvalue())
    with pytest.raises(InputError, match="is larger than"):
        read_project_file(path)


@given(st.binary(max_size=300), st.sampled_from(["a-1.tar.gz", "a-1.zip", "a-1-py3-none-any.whl"]))
def test_any_bytes_are_an_archive_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(content)
    with pytest.raises(InputError) as raised:
        read_project_file(path)
    assert raised.value.code is Code.INDEX_BAD_METADATA


# -- all of a lock ---------------------------------------------------------------------------------


def lock_of(
    sources: Mapping[str, Source], *, spec_of: str = "", specs: tuple[LockSpec, ...] = ()
) -> Lock:
    """The small lock with these sources; ``spec_of`` is a stream whose spec the base has."""
    plan = small_plan()
    assert plan.builds is not None
    need = BuildNeed("gcc", NeedOrigin.BASE_SPEC, place="python-torch-2.14.0-1.src")
    builds = tuple(
        evolve(build, needs=tuple(sorted((*build.needs, need))))
        if build.stream == spec_of
        else build
        for build in plan.builds.builds
    )
    streams = tuple(
        evolve(each, source=sources.get(each.component.name, each.source)) for each in plan.streams
    )
    plan = evolve(plan, streams=streams, builds=evolve(plan.builds, builds=builds))
    settings = evolve(small_settings(), specs=specs)
    return read_lock(lock_text(plan, settings), file="app.lock.json")


def material(found: Materials, stream: str) -> StreamMaterial:
    return found.specs.of(stream)


TORCH = sdist("torch", "2.14.0", {"PKG-INFO": INFO.replace("Demo.Thing", "torch")}, suffix=".zip")
SOURCE = Source("pkg:pypi/torch@2.14.0", TORCH.filename, TORCH.sha256)


def test_the_sdist_of_a_stream_is_read_where_it_lies_and_checked(tmp_path: Path) -> None:
    lock = lock_of({"torch": SOURCE})
    written(tmp_path, TORCH)
    found = material(read_materials(lock, sources=tmp_path), "torch@2.14.0")
    assert found.project is not None
    assert (found.project.name, found.project.archive) == ("torch", TORCH.filename)
    (tmp_path / TORCH.filename).write_bytes(b"evil")
    with pytest.raises(InputErrors, match="it is not the file that was locked"):
        read_materials(lock, sources=tmp_path)


def test_what_is_not_at_hand_is_asked_of_the_index_if_there_is_one(
    make: Callable[..., Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_proxies(monkeypatch)
    nothing = {stream.component.name: Source("") for stream in small_plan().streams}
    lock = lock_of({**nothing, "torch": SOURCE})
    with LocalIndex(TORCH) as index:
        found = read_materials(lock, index=PackageIndex(make(), endpoint=index.endpoint))
        assert index.asked_for_files() == [TORCH.filename]
    assert material(found, "torch@2.14.0").project is not None
    assert material(read_materials(lock), "torch@2.14.0").project is None


def test_an_sdist_that_cannot_be_read_is_told_and_stops_nothing(tmp_path: Path) -> None:
    odd = sdist("torch", "2.14.0", {"no-metadata": ""}, suffix=".zip")
    written(tmp_path, odd)
    lock = lock_of({"torch": evolve(SOURCE, sha256=odd.sha256)})
    found = read_materials(lock, sources=tmp_path)
    assert found.unread == (("torch@2.14.0", "it has no PKG-INFO"),)
    assert material(found, "torch@2.14.0").project is None


def test_the_base_s_spec_comes_with_its_upstream_files_where_it_is_of_the_version(
    tmp_path: Path,
) -> None:
    lock = lock_of({"torch": Source("pkg:github/pytorch/pytorch@v2.14.0")}, spec_of="torch@2.14.0")
    assert lock.plan.builds is not None
    assert base_source_packages(lock.plan.builds)["torch@2.14.0"] == "python-torch-2.14.0-1.src"
    assert read_materials(lock).lacking["torch@2.14.0"] == "python-torch-2.14.0-1.src"
    source_package(tmp_path)
    found = read_materials(lock, srpms=find_source_rpms([tmp_path]))
    assert "torch@2.14.0" not in found.lacking
    torch = material(found, "torch@2.14.0")
    assert torch.base is not None
    assert torch.base.text == SPEC
    digest = hashlib.sha256(b"upstream's archive").hexdigest()
    assert torch.upstream == (UpstreamFile("python-torch-2.14.0.tar.gz", digest),)


def test_what_the_packager_puts_there_for_a_revision_is_a_source(tmp_path: Path) -> None:
    purl = "pkg:github/pytorch/pytorch@torch-release-3"
    lock = lock_of({"torch": Source(purl)})
    for name in (
        "pytorch-torch-release-3.tar.gz",
        "pytorch-v2.14.0.tar.gz",
        "torch-2.14.0-checkout.tar.xz",
        "torch-2.14.tar.gz",
        "x",
    ):
        (tmp_path / name).write_text(name)
    found = material(read_materials(lock, sources=tmp_path), "torch@2.14.0")
    assert [each.filename for each in found.upstream] == [
        "pytorch-torch-release-3.tar.gz",
        "pytorch-v2.14.0.tar.gz",
        "torch-2.14.0-checkout.tar.xz",
    ]
    assert {each.purl for each in found.upstream} == {purl}


# -- specs that were given -------------------------------------------------------------------------


def test_a_spec_that_was_given_is_the_locked_one_and_brings_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "python-torch.spec"
    path.write_text(SPEC)
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "notes.txt").write_text("nobody names these")
    digest = hashlib.sha256(SPEC.encode()).hexdigest()
    lock = lock_of({}, specs=(LockSpec("torch", path.name, digest),))
    found = material(read_materials(lock, given=[("torch", str(path))]), "torch@2.14.0")
    assert found.given is not None
    assert (found.given.origin, found.given.text) == ("python-torch.spec", SPEC)
    assert found.given.files == (("fix.patch", b"a patch"), ("settings.json", b"{}"))
    assert [each.filename for each in found.given.upstream] == ["python-torch-2.14.0.tar.gz"]
    path.write_text(SPEC + "# changed\n")
    with pytest.raises(InputErrors, match="it is not the spec that was locked"):
        read_materials(lock, given=[("torch", str(path))])


def test_a_source_package_can_be_given_as_well(tmp_path: Path) -> None:
    path = source_package(tmp_path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    lock = lock_of({}, specs=(LockSpec("torch", path.name, digest),))
    found = material(read_materials(lock, given=[("torch", str(path))]), "torch@2.14.0")
    assert found.given is not None
    assert found.given.text == SPEC


def test_specs_that_are_not_those_of_the_lock_are_all_named(tmp_path: Path) -> None:
    path = tmp_path / "a.spec"
    path.write_text(SPEC)
    lock = lock_of({}, specs=(LockSpec("torch", "python-torch.spec", "0" * 64),))
    with pytest.raises(InputErrors) as raised:
        read_materials(lock, given=[("flit-core", str(path)), ("six-hundred", str(path))])
    words = "\n".join(error.message for error in raised.value.errors)
    assert "the lock was made without a spec for flit-core" in words
    assert "nothing builds 'six-hundred'" in words
    assert "the lock was made with a spec for torch, python-torch.spec" in words
