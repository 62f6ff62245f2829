"""Built packages and wheels against a lock: what holds, what does not, and who says so."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path

import pytest
from attrs import evolve
from jsonschema import Draft202012Validator

from streamsolve.artifacts import check_artifacts, take_inventory
from streamsolve.cli import main
from streamsolve.emit.namespace import Namespace, all_private_packages, private_names
from streamsolve.explain.artifacts_document import artifacts_document, artifacts_schema
from streamsolve.explain.artifacts_text import artifact_blocks, finding_sentence
from streamsolve.explain.markup import lay_out, plain
from streamsolve.lock import lock_text, read_lock
from streamsolve.model.artifacts import (
    ArtifactCheck,
    ArtifactKind,
    BuiltArtifact,
    Finding,
    FindingKind,
    GpuMatrix,
    Inventory,
)
from streamsolve.model.gpu import CodeKind, GpuCode, GpuFile
from streamsolve.model.package import Package

from .gpubinaries import amd_object, bundle, cubin, fatbin, library, ptx, run, sass, wheel_file
from .lockworld import small_plan, small_settings

PLAN = small_plan()
NAMES = ("app", "torch", "wheel", "leaf-0", "leaf-1", "setuptools", "flit-core")


def planned(name: str) -> Package:
    """A private package of the plan, by its name or its stream's."""
    assert PLAN.builds
    roots = (PLAN.builds.runtime, *PLAN.builds.roots)
    found = {package.name: package for root in roots for package in root.packages}
    return found.get(name) or found[f"python3-{name}"]


def built(name: str, **change: object) -> BuiltArtifact:
    """A package exactly as planned, at a release of its own."""
    package = planned(name)
    evr = f"{package.version}-1.fc45"

    def released(texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(text.replace(package.evr, evr) for text in texts))

    artifact = BuiltArtifact(
        path=f"{package.name}.rpm",
        kind=ArtifactKind.PACKAGE,
        name=package.name,
        version=package.version,
        arch=package.arch,
        evr=evr,
        source=f"{name.partition('+')[0]}-{evr}.src.rpm",
        provides=released(package.provides),
        requires=released(package.requires),
    )
    return evolve(artifact, **change)


def all_built(**changed: dict[str, object]) -> dict[str, BuiltArtifact]:
    """Everything that the plan has, with changes by stream."""
    made = {name: built(name) for name in NAMES}
    made["compile"] = built("python3-torch+compile", source=made["torch"].source)
    for name, change in changed.items():
        key = name.replace("_", "-")
        made[key] = evolve(made[key], **change)
    return made


def check(
    artifacts: Iterable[BuiltArtifact], matrix: GpuMatrix | None = None, **more: object
) -> ArtifactCheck:
    inventory = evolve(Inventory(tuple(artifacts)), **more)
    return check_artifacts(PLAN, matrix or GpuMatrix(), inventory)


def faults(found: ArtifactCheck) -> list[tuple[FindingKind, str, str]]:
    return [(each.kind, each.stream, each.subject) for each in found.faults]


def told(found: ArtifactCheck, kind: FindingKind) -> list[Finding]:
    return [each for each in found.findings if each.kind is kind]


# -- packages --------------------------------------------------------------------------------------


def test_what_was_built_as_planned_holds():
    found = check(all_built().values())
    assert (found.holds, found.findings, found.packages) == (True, (), 8)
    assert [each.stream for each in found.streams] == [
        "app@1.0", "flit-core@3.12.0", "leaf-0@1.2", "leaf-1@1.2",
        "setuptools@80.1", "torch@2.14.0", "wheel@0.46.1",
    ]  # fmt: skip


def test_what_was_not_built_is_named():
    made = all_built()
    del made["torch"], made["compile"], made["leaf-0"]
    assert faults(check(made.values())) == [
        (FindingKind.NOT_BUILT, "leaf-0@1.2", "leaf-0@1.2"),
        (FindingKind.NOT_BUILT, "torch@2.14.0", "torch@2.14.0"),
    ]


def test_a_part_that_a_root_needs_is_named():
    made = all_built()
    del made["compile"]
    (fault,) = check(made.values()).faults
    assert (fault.kind, fault.subject, fault.root) == (
        FindingKind.NO_PACKAGE, "python3-torch+compile", "runtime",
    )  # fmt: skip


def test_what_is_of_no_stream_is_named_and_what_is_a_part_of_one_is_told():
    made = all_built()
    part = evolve(built("torch"), path="devel.rpm", name="torch-devel", provides=(), requires=())
    stranger = evolve(part, path="other.rpm", name="other", source="other-1-1.src.rpm")
    found = check([*made.values(), part, stranger])
    assert faults(found) == [(FindingKind.UNPLANNED, "", "other")]
    assert [each.artifact for each in told(found, FindingKind.ADDED_PACKAGE)] == ["devel.rpm"]


def test_another_version_of_what_was_planned_is_named():
    found = check(all_built(torch={"version": "2.13.1", "evr": "2.13.1-1.fc45"}).values())
    kinds = {each.kind for each in found.faults}
    assert FindingKind.OTHER_VERSION in kinds
    (fault,) = told(found, FindingKind.OTHER_VERSION)
    assert finding_sentence(fault) == (
        "python3-torch has version 2.13.1-1.fc45.x86_64, the plan has 2.14.0.x86_64"
    )


def test_zeros_that_the_generator_leaves_out_make_no_difference():
    provides = tuple(text.replace("2.14.0", "2.14") for text in built("torch").provides)
    change = {"provides": provides, "version": "2.14", "evr": "2.14-1.fc45"}
    part = {"version": "2.14", "requires": ("python3-torch = 2.14-1.fc45",)}
    assert check(all_built(torch=change, compile=part).values()).holds


def test_a_planned_provide_that_is_missing_or_changed_is_a_fault():
    provides = [text for text in built("torch").provides if "3.14dist" not in text]
    found = check(all_built(torch={"provides": tuple(provides)}).values())
    assert (FindingKind.MISSING_PROVIDE, "torch@2.14.0", "python3.14dist(torch)") in faults(found)
    provides.append("python3.14dist(torch) = 2.15")
    found = check(all_built(torch={"provides": tuple(provides)}).values())
    (fault,) = told(found, FindingKind.CHANGED_PROVIDE)
    assert finding_sentence(fault) == (
        "provides python3.14dist(torch) = 2.15, the plan has python3.14dist(torch) = 2.14.0"
    )


def test_a_package_without_machine_code_needs_no_name_with_an_architecture():
    provides = tuple(text for text in built("leaf-0").provides if "x86-64" not in text)
    assert check(all_built(leaf_0={"provides": provides, "arch": "noarch"}).values()).holds
    assert not check(all_built(leaf_0={"provides": provides}).values()).holds


def test_what_generators_add_is_told_and_no_fault():
    change = {
        "provides": (*built("torch").provides, "libtorch.so()(64bit)", "bundled(fmt) = 12"),
        "requires": (
            *built("torch").requires,
            "libm.so.6(GLIBC_2.29)(64bit)",
            "rtld(GNU_HASH)",
            "rpmlib(PayloadIsZstd) <= 5.4.18-1",
        ),
    }
    found = check(all_built(torch=change).values())
    assert found.holds
    assert [each.subject for each in told(found, FindingKind.ADDED_PROVIDE)] == [
        "bundled(fmt) = 12", "libtorch.so()(64bit)",
    ]  # fmt: skip
    assert len(told(found, FindingKind.ADDED_REQUIREMENT)) == 2
    assert [(each.what, each.number) for each in found.unseen] == [("requirement", 2)]


@pytest.mark.parametrize(
    ("text", "have"),
    [
        ("python3.14dist(numpy) >= 2", ""),
        ("python3.14dist(packaging) >= 26", "python3.14dist(packaging) = 25"),
        ("python3.14dist(leaf-0) < 1", "python3.14dist(leaf-0) = 1.2"),
        ("openblas", ""),
        ("(python3.14dist(x) or python3.14dist(y))", ""),
        ("python(abi) = 3.15", "python(abi) = 3.14"),
    ],
)
def test_a_requirement_that_nothing_in_the_root_meets_is_a_fault(text, have):
    requires = (*built("app").requires, text)
    found = check(all_built(app={"requires": requires}).values())
    (fault,) = found.faults
    assert (fault.kind, fault.subject, fault.found, fault.root) == (
        FindingKind.UNMET_REQUIREMENT, text, have, "runtime",
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["glibc(x86-64) >= 2.34", "openssl-libs >= 1:3", "(foo if nothing)", "coreutils",
     "python3.14dist(torch[compile])"],
)  # fmt: skip
def test_a_requirement_that_the_root_meets_is_no_fault(text):
    made = all_built(app={"requires": (*built("app").requires, text)})
    compile = made["compile"]
    provides = (*compile.provides, "python3.14dist(torch[compile]) = 2.14")
    made["compile"] = evolve(compile, provides=provides)
    assert check(made.values()).holds


def test_parts_of_one_build_require_each_other_at_their_own_release():
    lib = evolve(
        built("torch"), path="l.rpm", name="torch-libs", requires=(), provides=("torch-libs",)
    )
    change = {"requires": (*built("torch").requires, "torch-libs")}
    assert check([*all_built(torch=change).values(), lib]).holds
    assert not check(all_built(torch=change).values()).holds


def test_other_requirements_than_planned_are_told():
    requires = tuple(
        text.replace(">= 24", ">= 25") for text in built("app").requires if "leaf-1" not in text
    )
    found = check(all_built(app={"requires": requires}).values())
    assert found.holds
    sentences = [finding_sentence(each) for each in found.findings]
    assert sentences == [
        "does not require python3.14dist(leaf-1) >= 1",
        "requires python3.14dist(packaging) >= 25, the plan has python3.14dist(packaging) >= 24",
    ]


@pytest.mark.parametrize("text", ["libcrypto.so.3()(64bit)", "bash = 6", "/usr/bin/env"])
def test_a_provide_that_the_base_would_take_is_a_fault(text):
    found = check(all_built(torch={"provides": (*built("torch").provides, text)}).values())
    (fault,) = found.faults
    assert (fault.kind, fault.subject) == (FindingKind.LEAKING_PROVIDE, text)
    assert ".fc45.x86_64" in fault.found


# -- in the namespace of an application ------------------------------------------------------------


def in_namespace(artifact: BuiltArtifact) -> BuiltArtifact:
    """The package as prefix mode builds it, by the words that Namespace writes."""
    namespace = Namespace(PLAN.application, "/opt/app")
    assert PLAN.builds
    private = private_names(all_private_packages(PLAN.builds))
    provides = []
    for text in artifact.provides:
        own = text.startswith((f"{artifact.name} ", f"{artifact.name}("))
        provides.append(namespace.required(text, private) if own else namespace.provided(text))
    return evolve(
        artifact,
        name=namespace.package_name(artifact.name),
        provides=tuple(sorted(provides)),
        requires=(
            *(namespace.required(text, private) for text in artifact.requires),
            namespace.runtime,
        ),
    )


def test_packages_in_the_namespace_of_the_application_hold_as_well():
    runtime = evolve(
        built("app"),
        path="runtime.rpm",
        name="app-runtime",
        source="app-runtime-1-1.src.rpm",
        provides=("app-runtime = 1-1.fc45",),
        requires=(),
    )
    made = {name: in_namespace(artifact) for name, artifact in all_built().items()}
    assert made["torch"].name == "app-python3-torch"
    assert "app(python3.14dist(torch)) = 2.14.0" in made["torch"].provides
    found = check([*made.values(), runtime])
    assert (faults(found), len(found.streams)) == ([], 7)
    assert {each.kind for each in found.findings} <= {FindingKind.ADDED_REQUIREMENT}
    assert not check(made.values()).holds  # without what they all require


def test_what_a_filter_let_through_of_a_namespace_is_still_a_leak():
    torch = in_namespace(built("torch"))
    leaking = evolve(torch, provides=(*torch.provides, "libcrypto.so.3()(64bit)"))
    made = {**all_built(), "torch": leaking}
    (fault,) = told(check(made.values()), FindingKind.LEAKING_PROVIDE)
    assert fault.subject == "libcrypto.so.3()(64bit)"


def test_a_package_for_another_processor_is_not_the_planned_one():
    found = check(all_built(leaf_0={"arch": "aarch64"}).values())
    (fault,) = told(found, FindingKind.OTHER_VERSION)
    assert (fault.found, fault.planned) == ("1.2-1.fc45.aarch64", "1.2.x86_64")


# -- GPU architectures -----------------------------------------------------------------------------

CUDA = GpuMatrix(("sm_80", "sm_90", "sm_100"), {"torch": ("sm_80", "sm_90", "sm_100")})
ROCM = GpuMatrix(("gfx90a", "gfx942"))


def gpu(path: str, *names: str) -> GpuFile:
    portable = ("compute", "amdgcnspirv")
    kinds = [CodeKind.PORTABLE if n.startswith(portable) else CodeKind.MACHINE for n in names]
    return GpuFile(path, tuple(map(GpuCode, names, kinds)))


def with_code(*files: GpuFile, matrix: GpuMatrix = CUDA) -> ArtifactCheck:
    return check(all_built(torch={"files": files}).values(), matrix)


def test_code_for_every_architecture_holds():
    found = with_code(gpu("a.so", "sm_80", "sm_90a", "sm_100f"))
    assert (found.holds, found.findings, found.files) == (True, (), 1)


@pytest.mark.parametrize(
    ("names", "missing", "kind", "words"),
    [
        (("sm_80", "sm_100"), "sm_90", FindingKind.GPU_MISSING,
         "no code for sm_90, only for sm_80, sm_100"),
        (("sm_80", "compute_80", "sm_100"), "sm_90", FindingKind.GPU_COMPILED,
         "no machine code for sm_90; the driver compiles compute_80"),
    ],
)  # fmt: skip
def test_an_architecture_that_was_left_out_is_named_with_the_file(names, missing, kind, words):
    found = with_code(gpu("lib/libtorch_cuda.so", *names))
    (fault,) = found.faults
    assert (fault.kind, fault.subject, fault.files) == (kind, missing, ("lib/libtorch_cuda.so",))
    assert words in finding_sentence(fault)
    assert finding_sentence(fault).endswith(" in lib/libtorch_cuda.so")


def test_left_out_processors_of_amd_are_named():
    (fault,) = with_code(gpu("libtorch_hip.so", "gfx90a"), matrix=ROCM).faults
    assert (fault.kind, fault.subject) == (FindingKind.GPU_MISSING, "gfx942")


def test_older_code_that_runs_is_said_to_run():
    matrix = GpuMatrix(("sm_80", "sm_86"))
    (fault,) = with_code(gpu("a.so", "sm_80"), matrix=matrix).faults
    assert (fault.kind, fault.found) == (FindingKind.GPU_COMPATIBLE, "sm_80")


def test_kernels_in_a_file_of_their_own_are_told_and_no_fault():
    found = with_code(gpu("a.so", "sm_80", "sm_90", "sm_100"), gpu("hopper.so", "sm_90a"))
    assert found.holds
    partial = [(each.subject, each.files) for each in told(found, FindingKind.GPU_PARTIAL)]
    assert partial == [("sm_100", ("hopper.so",)), ("sm_80", ("hopper.so",))]


def test_more_than_was_asked_for_is_told():
    found = with_code(gpu("a.so", "sm_75", "sm_80", "sm_90", "sm_100", "compute_100"))
    assert found.holds
    added = [each.subject for each in told(found, FindingKind.GPU_ADDED)]
    assert added == ["compute_100", "sm_75"]


def test_a_stream_that_must_have_gpu_code_and_has_none_is_named():
    assert faults(check(all_built().values(), CUDA)) == [
        (FindingKind.NO_GPU_CODE, "torch@2.14.0", "torch")
    ]


def test_a_stream_without_gpu_code_is_held_to_nothing_else():
    assert check(all_built().values(), GpuMatrix(("sm_80",))).holds
    own = GpuMatrix(("sm_80",), {"torch": ()})
    assert check(all_built(torch={"files": (gpu("a.so", "sm_90a"),)}).values(), own).holds


def test_without_a_matrix_gpu_code_is_not_judged():
    found = with_code(gpu("a.so", "sm_80"), matrix=GpuMatrix())
    assert found.holds
    assert [(each.what, each.number) for each in found.unseen] == [("file with GPU code", 1)]


def test_the_answer_does_not_depend_on_the_order_of_anything():
    files = (gpu("a.so", "sm_80"), gpu("b.so", "sm_100"))
    made = list(all_built(torch={"files": files}).values())
    expected = check(made, CUDA)
    for seed in range(10):
        random.Random(seed).shuffle(made)
        assert check(made, CUDA).findings == expected.findings


# -- wheels ----------------------------------------------------------------------------------------


def wheel(name: str, version: str, *requires: str) -> BuiltArtifact:
    path = f"{name}.whl"
    return BuiltArtifact(path, ArtifactKind.WHEEL, name, version, "any", requires=requires)


WHEELS = (
    wheel("torch", "2.14.0", "packaging", "nvidia-cublas==13.1.1.3"),
    wheel("wheel", "0.46.1", "packaging>=24.0"),
    wheel("leaf-0", "1.2"),
    wheel("leaf-1", "1.2"),
    wheel("setuptools", "80.1"),
    wheel("flit-core", "3.12.0"),
)
APP = ("torch>=2.13,<3", "packaging>=24", "wheel~=0.46.0", "tokenspeed", "leaf-0>=1.0")


def test_wheels_as_planned_hold():
    found = check([*WHEELS, wheel("app", "1.0", *APP, "leaf-1>=1.0", "ruff; extra == 'lint'")])
    assert (found.holds, found.wheels, found.findings) == (True, 7, ())


def test_a_wheel_that_requires_what_no_stream_meets_is_named():
    found = check([*WHEELS, wheel("app", "1.0", *APP, "leaf-1>=2", "numpy")])
    assert [(kind, subject) for kind, _, subject in faults(found)] == [
        (FindingKind.UNMET_REQUIREMENT, "leaf-1>=2"),
        (FindingKind.UNMET_REQUIREMENT, "numpy"),
    ]
    assert [each.subject for each in told(found, FindingKind.ADDED_REQUIREMENT)] == ["numpy"]
    assert [each.subject for each in told(found, FindingKind.CHANGED_REQUIREMENT)] == ["leaf-1"]


def test_a_wheel_of_another_version_is_named():
    found = check([*WHEELS, wheel("app", "1.1", *APP)])
    assert (FindingKind.OTHER_VERSION, "app", "app") in faults(found)
    assert (FindingKind.NOT_BUILT, "app@1.0", "app@1.0") in faults(found)


# -- real files, and the command -------------------------------------------------------------------


def package_file(directory: Path, artifact: BuiltArtifact, content: Path | None = None) -> None:
    """A real package of RPM's, with just these provides and requires."""
    lines = [
        f"Name: {artifact.name}", f"Version: {artifact.version}", "Release: 1.fc45",
        "Summary: x", "License: MIT", "AutoReqProv: no",
        *(f"Provides: {text}" for text in artifact.provides if not text.startswith(artifact.name)),
        *(f"Requires: {text}" for text in artifact.requires if not text.startswith("rpmlib(")),
        "%define debug_package %{nil}", "%define _build_id_links none",
        "%define __os_install_post %{nil}", "%description", "x", "%install",
    ]  # fmt: skip
    if content is not None:
        lines.append(f"install -D {content} %{{buildroot}}/usr/lib64/libtorch_cuda.so")
    lines += ["%files", *(["/usr/lib64/libtorch_cuda.so"] if content else [])]
    spec = directory / f"{artifact.name}.spec"
    spec.write_text("\n".join(lines) + "\n")
    run("rpmbuild", "-bb", "--target", "x86_64", "--define", f"_topdir {directory}/top",
        "--define", f"_rpmdir {directory}/repo", spec)  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lock, and a directory of what was built: packages, one of them with CUDA code without
    sm_90, and wheels for the other streams."""
    directory = tmp_path_factory.mktemp("built")
    matrix = GpuMatrix(CUDA.architectures, dict(CUDA.of))
    settings = evolve(small_settings(), gpu=matrix)
    (directory / "app.lock.json").write_text(lock_text(PLAN, settings))
    made = library(directory, {".nv_fatbin": fatbin(sass(80), ptx(80), sass(100))})
    for name in ("torch", "python3-torch+compile"):
        package_file(directory, built(name), made if name == "torch" else None)
    repo = directory / "repo"
    for each in (*WHEELS[1:], wheel("app", "1.0", *APP, "leaf-1>=1.0")):
        wheel_file(repo, each.name.replace("-", "_"), each.version, {}, each.requires)
    return directory


def answer(world: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    code = main(
        ["verify", str(world / "app.lock.json"), "--artifacts", str(world / "repo"), *options]
    )
    return code, capsys.readouterr().out


def test_real_packages_and_wheels_are_read_as_they_were_made(world):
    found = take_inventory(world / "repo")
    (torch,) = [each for each in found.artifacts if each.name == "python3-torch"]
    expected = built("torch")
    assert (torch.version, torch.evr, torch.arch) == ("2.14.0", "2.14.0-1.fc45", "x86_64")
    assert set(torch.provides) == set(expected.provides)
    assert set(expected.requires) <= set(torch.requires)
    assert [each.architectures for each in torch.files] == [("sm_80", "sm_100", "compute_80")]
    wheels = {each.name for each in found.artifacts if each.kind is ArtifactKind.WHEEL}
    assert wheels == {"app", "wheel", "leaf-0", "leaf-1", "setuptools", "flit-core"}
    assert found.unreadable == ()


def test_the_command_names_what_was_left_out_and_ends_with_4(world, capsys):
    code, text = answer(world, capsys)
    words = " ".join(text.split())
    assert code == 4
    assert "1 fault in 2 packages and 6 wheels of 7 streams" in words
    assert "torch@2.14.0 has no machine code for sm_90; the driver compiles compute_80" in words
    assert "/usr/lib64/libtorch_cuda.so" in words


def test_the_command_s_document_follows_its_schema(world, capsys):
    code, text = answer(world, capsys, "--json")
    document = json.loads(text)
    Draft202012Validator.check_schema(artifacts_schema())
    assert list(Draft202012Validator(artifacts_schema()).iter_errors(document)) == []
    assert (code, document["holds"], document["schema"]) == (4, False, "streamsolve.artifacts/1")
    (fault,) = document["faults"]
    assert (fault["kind"], fault["subject"], fault["planned"]) == ("gpu-compiled", "sm_90", "sm_90")
    assert document["wanted"] == list(CUDA.architectures)
    kinds = artifacts_schema()["$defs"]["finding"]["properties"]["kind"]["enum"]
    assert kinds == [kind.value for kind in FindingKind]


def test_the_command_ends_well_where_everything_holds(world, capsys, tmp_path):
    repo = tmp_path / "repo"
    repo.mkdir()
    made = library(tmp_path, {".nv_fatbin": fatbin(sass(80), sass(90, suffix="a"), sass(100))})
    content = {"torch/lib/libtorch_cuda.so": made.read_bytes()}
    wheel_file(repo, "torch", "2.14.0", content, WHEELS[0].requires)
    for path in (world / "repo").glob("*.whl"):
        (repo / path.name).hardlink_to(path)
    assert main(["verify", str(world / "app.lock.json"), "--artifacts", str(repo)]) == 0
    assert "is what was planned" in " ".join(capsys.readouterr().out.split())


def test_a_damaged_artifact_is_a_fault_and_the_others_are_looked_at(world, tmp_path, capsys):
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "bad.rpm").write_bytes(b"\xed\xab\xee\xdb and no more")
    wheel_file(repo, "torch", "2.14.0", {"torch/k.fatbin": fatbin(sass(80))[:-4]})
    wheel_file(repo, "app", "1.0", {}, (*APP, "leaf-1>=1.0"))
    code = main(["verify", str(world / "app.lock.json"), "--artifacts", str(repo), "--json"])
    document = json.loads(capsys.readouterr().out)
    unread = {each["artifact"]: each["subject"] for each in document["faults"][:2]}
    assert (code, document["wheels"]) == (4, 1)
    assert unread["bad.rpm"] == "it ends early"
    (why,) = [text for path, text in unread.items() if path.startswith("torch")]
    assert why == "torch/k.fatbin: a CUDA fat binary is cut off"


def test_hostile_names_in_artifacts_are_shown_and_do_nothing(tmp_path):
    evil = "x/\x1b[2Jgone\nroot@2 {{7*7}} $(reboot).cubin"
    wheel_file(tmp_path, "evil", "1", {evil: cubin(80)}, ("torch\t>=2",))
    (tmp_path / "b\x1b[2J.rpm").write_bytes(b"no package")
    found = take_inventory(tmp_path)
    (artifact,) = found.artifacts
    assert [file.path for file in artifact.files] == [
        r"x/\x1b[2Jgone\nroot@2 {{7*7}} $(reboot).cubin"
    ]
    assert [each.path for each in found.unreadable] == [r"b\x1b[2J.rpm"]
    blocks = artifact_blocks(check(found.artifacts, unreadable=found.unreadable), "l", "d")
    assert all(character.isprintable() or character == "\n"
               for character in plain(lay_out(blocks, 80)))  # fmt: skip


def test_options_of_the_other_question_are_refused(world, capsys):
    code, _ = answer(world, capsys, "--offline")
    assert code == 2


def test_the_command_for_files_names_their_architectures(tmp_path, capsys):
    (tmp_path / "Kernels.hsaco").write_bytes(amd_object(0x4C))
    content = {"x/k.co": bundle([("gfx90a", b"x")]), "x/k.ptx": b".target sm_80\n"}
    wheel_file(tmp_path, "x", "1", content)
    (tmp_path / "README").write_text("no code")
    assert main(["artifacts", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "Kernels.hsaco  gfx942" in text
    assert "x/k.ptx  compute_80 (compiled when it is loaded)" in text
    assert "README" not in text
    assert main(["artifacts", str(tmp_path / "README"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(Draft202012Validator(artifacts_schema()).iter_errors(document)) == []
    assert document["files"] == [{"file": str(tmp_path / "README"), "members": []}]
    assert main(["artifacts", str(tmp_path / "nothing")]) == 2


# -- the lock carries the matrix -------------------------------------------------------------------


def test_a_lock_carries_its_matrix_and_one_without_has_none():
    text = lock_text(PLAN, evolve(small_settings(), gpu=CUDA))
    assert read_lock(text, file="").settings.gpu == CUDA
    assert json.loads(text)["settings"]["gpu"]["architectures"] == list(CUDA.architectures)
    bare = lock_text(PLAN, small_settings())
    assert "gpu" not in json.loads(bare)["settings"]
    assert read_lock(bare, file="").settings.gpu == GpuMatrix()
    assert read_lock(text, file="").plan == read_lock(bare, file="").plan


def test_every_finding_has_a_sentence_and_long_lists_are_cut():
    findings = tuple(
        Finding(kind, "torch@2.14.0", "torch.rpm", "sm_90", "sm_90", "sm_80", "runtime", ("a.so",))
        for kind in FindingKind
    )
    sentences = [finding_sentence(each) for each in findings]
    assert len(set(sentences)) == len(sentences)
    many = tuple(evolve(findings[0], artifact=f"{number}.rpm") for number in range(60))
    found = ArtifactCheck(findings=tuple(sorted((*findings, *many))))
    short = plain(lay_out(artifact_blocks(found, "app.lock", "repo"), 100))
    long = plain(lay_out(artifact_blocks(found, "app.lock", "repo", everything=True), 100))
    hidden = len(found.faults) - 20
    assert f"and {hidden} more (--all)" in short
    assert long.count("cannot be read") == 61
    document = artifacts_document(found, "app.lock", "repo")
    assert list(Draft202012Validator(artifacts_schema()).iter_errors(document)) == []
