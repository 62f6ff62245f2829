"""What ``emit containerfile`` writes: the packages of the runtime root, in layers, and no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from packaging.version import Version

from streamsolve.cli import main
from streamsolve.emit import MockRepository
from streamsolve.emit.containers import ImageSettings, emit_containerfile, without_repository
from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.lock import lock_text
from streamsolve.model.layer_groups import LayerKind, layer_groups
from streamsolve.model.plan import Plan
from streamsolve.model.profile import Image

from .containerfile_reader import Read, read
from .lockworld import SmallPlan, base_package, small_plan, small_settings

DIGEST = "sha256:" + "ab" * 32
BASE_IMAGE = f"registry.test:5000/small/base:45@{DIGEST}"
KEY = "file:///etc/pki/rpm-gpg/KEY"
REPOSITORIES = (
    MockRepository("fedora", "https://base.test/$basearch/", gpgkeys=(KEY,)),
    MockRepository("nvidia", "https://cuda.test/", gpgkeys=(KEY,), overlay=True, priority=50),
)
IMAGE = Image(
    entrypoint=("app", "serve"),
    command=("--port", "8000"),
    environment={"APP_HOME": "/srv/app data"},
    ports=(8000,),
    source="https://source.test/app",
    revision="v{version}",
)
SETTINGS = ImageSettings(
    BASE_IMAGE,
    "sha256:" + "cd" * 32,
    image=IMAGE,
    title="It infers",
    releasever="45",
    repositories=REPOSITORIES,
)


def containerfile(plan: Plan, settings: ImageSettings = SETTINGS) -> Read:
    return read(emit_containerfile(plan, settings)["Containerfile"].decode())


def changed_lines(before: bytes, after: bytes) -> set[str]:
    return set(after.decode().splitlines()) - set(before.decode().splitlines())


# -- the small plan --------------------------------------------------------------------------------


def test_each_group_is_a_step_and_each_package_is_in_one() -> None:
    found = containerfile(small_plan())
    assert found.installed == [
        [
            "basesystem-11-20.fc45.noarch",
            "bash-5.3.0-2.fc45.x86_64",
            "coreutils-9.7-6.fc45.x86_64",
            "glibc-2.43-5.fc45.x86_64",
            "glibc-minimal-langpack-2.43-5.fc45.x86_64",
            "openssl-libs-1:3.5.4-1.fc45.x86_64",
            "python3-3.14.2-1.fc45.x86_64",
            "python3-packaging-25.0-7.fc45.noarch",
        ],
        ["cuda-toolkit-13-0", "libcublas-13-0-13.1.1.3-1.x86_64"],
        [
            "python3-leaf-0-1.2*-*.x86_64",
            "python3-leaf-1-1.2*-*.x86_64",
            "python3-torch+compile-2.14.0*-*.x86_64",
            "python3-torch-2.14.0*-*.x86_64",
            "python3-wheel-0.46.1*-*.x86_64",
        ],
        ["python3-app-1.0*-*.x86_64"],
    ]


def test_the_image_says_what_it_is_and_runs_as_the_profile_says() -> None:
    found = containerfile(small_plan())
    assert found.base == f"registry.test:5000/small/base@{DIGEST}"
    assert found.user == "1001:1001"
    assert "app:x:1001:1001::/home/app:/sbin/nologin" in found.steps[-1]
    assert (found.entrypoint, found.command) == (["app", "serve"], ["--port", "8000"])
    assert found.ports == [8000]
    assert found.environment == {
        "APP_HOME": "/srv/app data",
        "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
        "NVIDIA_REQUIRE_CUDA": "cuda>=13.0",
        "NVIDIA_VISIBLE_DEVICES": "all",
    }
    oci = "org.opencontainers.image"
    assert found.labels == {
        f"{oci}.base.digest": DIGEST,
        f"{oci}.base.name": "registry.test:5000/small/base:45",
        f"{oci}.description": "It infers",
        f"{oci}.licenses": "MIT",
        f"{oci}.revision": "v1.0",
        f"{oci}.source": "https://source.test/app",
        f"{oci}.title": "app",
        f"{oci}.version": "1.0",
        "streamsolve.base": "fedora-45",
        "streamsolve.host": "driver >=580",
        "streamsolve.lock.digest": "sha256:" + "cd" * 32,
        "streamsolve.run": "--device nvidia.com/gpu=all",
        "streamsolve.variant": "cuda",
    }


def test_an_image_says_when_it_was_made_if_that_is_known() -> None:
    found = containerfile(small_plan(), evolve(SETTINGS, source_date_epoch=1_700_000_000))
    assert found.labels["org.opencontainers.image.created"] == "2023-11-14T22:13:20Z"


def test_an_accelerator_of_the_base_needs_devices_and_no_variables() -> None:
    plan = small_plan()
    streams = tuple(
        evolve(s, component=evolve(s.component, name="rocm"), version=Version("7.2"))
        if s.component.name == "cuda"
        else s
        for s in plan.streams
    )
    found = containerfile(evolve(plan, streams=streams))
    assert found.environment == {"APP_HOME": "/srv/app data"}
    devices = "--device /dev/kfd --device /dev/dri --group-add keep-groups"
    assert found.labels["streamsolve.run"] == devices


def test_what_is_mounted_is_all_that_a_step_sees() -> None:
    for mounts in containerfile(small_plan()).mounts:
        assert [mount.partition(",")[0] for mount in mounts] == [
            "--mount=type=bind",
            "--mount=type=bind",
            "--mount=type=tmpfs",
        ]


def test_each_repository_shows_what_is_locked_and_no_more() -> None:
    text = emit_containerfile(small_plan(), SETTINGS)["repos/dnf.conf"].decode()
    sections = dict(part.split("]\n", 1) for part in text.split("\n[")[1:])
    shown = {name: body.partition("includepkgs=")[2].split() for name, body in sections.items()}
    base = shown["fedora"][:9]
    assert "python3-3.14.2-1.fc45.x86_64" in base
    assert not any("torch" in name for name in base)
    own = [name for name in shown["streamsolve"] if name.startswith("python3")]
    assert own == [
        "python3-app-1.0-*",
        "python3-leaf-0-1.2-*",
        "python3-leaf-1-1.2-*",
        "python3-torch+compile-2.14.0-*",
        "python3-torch-2.14.0-*",
        "python3-wheel-0.46.1-*",
    ]
    assert "cuda-toolkit-13-0" in shown["nvidia"]
    assert "cuda-toolkit-13-0" not in shown["fedora"]


def test_a_change_of_one_stream_changes_its_lines() -> None:
    before = emit_containerfile(small_plan(), SETTINGS)
    after = emit_containerfile(SmallPlan(versions={"torch": "2.14.1"}).plan(), SETTINGS)
    assert before.keys() == after.keys()
    assert before["build.sh"] == after["build.sh"]
    assert changed_lines(before["Containerfile"], after["Containerfile"]) == {
        "      'python3-torch+compile-2.14.1*-*.x86_64' \\",
        "      'python3-torch-2.14.1*-*.x86_64' \\",
    }
    assert changed_lines(before["repos/dnf.conf"], after["repos/dnf.conf"]) == {
        "  python3-torch+compile-2.14.1-*",
        "  python3-torch-2.14.1-*",
        "  *-*-0.streamsolve.torch_2_14_1.*",
    }


def test_the_same_plan_gives_the_same_bytes_whatever_the_process(tmp_path: Path) -> None:
    lock = tmp_path / "app.lock.json"
    lock.write_text(lock_text(small_plan(), small_settings()))
    program = (
        "import sys, hashlib\n"
        "from pathlib import Path\n"
        "from streamsolve.emit.containers import emit_containerfile, emit_bootc\n"
        "from streamsolve.planner.locking import load_lock\n"
        "from attrs import evolve\n"
        "from tests.test_emit_containerfile import SETTINGS\n"
        "plan = load_lock(Path(sys.argv[1])).plan\n"
        "files = {**emit_bootc(plan, evolve(SETTINGS, prefix='/opt/app')),\n"
        "         **emit_containerfile(plan, SETTINGS)}\n"
        "print(hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest())\n"
    )
    told = set()
    for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo")):
        done = subprocess.run(
            [sys.executable, "-c", program, str(lock)],
            cwd=Path(__file__).parents[1],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        told.add(done.stdout)
    assert len(told) == 1


def test_an_image_without_a_digest_is_refused_with_the_way_to_get_one() -> None:
    with pytest.raises(InputErrors) as caught:
        emit_containerfile(small_plan(), evolve(SETTINGS, base_image="registry.test/fedora:45"))
    [fault] = caught.value.errors
    assert fault.code is Code.NOT_EMITTED
    assert "no digest" in fault.message
    assert fault.hint == (
        "skopeo inspect --format '{{.Name}}@{{.Digest}}' docker://registry.test/fedora:45"
    )


def test_packages_that_nobody_signed_or_that_are_nowhere_are_refused() -> None:
    keyless = evolve(SETTINGS, repositories=(evolve(REPOSITORIES[0], gpgkeys=()),))
    with pytest.raises(InputErrors, match="no key is named"):
        emit_containerfile(small_plan(), keyless)
    with pytest.raises(InputErrors, match="where the base's packages come from"):
        emit_containerfile(small_plan(), evolve(SETTINGS, repositories=()))


def test_third_parties_packages_that_no_repository_can_have_are_named() -> None:
    plan = small_plan()
    own = tuple(each for each in SETTINGS.repositories if not each.overlay)
    alone = evolve(SETTINGS, repositories=own)
    names = {each.name for each in plan.builds.runtime.packages if each.repository == "external"}
    assert names
    assert without_repository(plan, alone) == tuple(sorted(names))
    third = evolve(own[0], id="third", overlay=True)
    assert without_repository(plan, evolve(alone, repositories=(*own, third))) == ()
    assert without_repository(plan, evolve(alone, files=())) == ()


def test_a_plan_without_builds_is_refused() -> None:
    with pytest.raises(InputError, match="which packages run it"):
        emit_containerfile(evolve(small_plan(), builds=None), SETTINGS)


def test_a_package_whose_file_is_not_at_hand_is_named() -> None:
    with pytest.raises(InputErrors) as caught:
        emit_containerfile(small_plan(), evolve(SETTINGS, files=(), repositories=()))
    assert len(caught.value.errors) == 16
    assert "bash-5.3.0-2.fc45.x86_64" in str(caught.value)


# -- groups ----------------------------------------------------------------------------------------


def test_a_package_goes_to_the_group_of_what_it_requires() -> None:
    """A package of the base that needs the accelerator cannot be installed before it."""
    needing = base_package("coreutils", "9.7-6.fc45", requires=("libcublas-13-0",))
    plan = SmallPlan(base={"coreutils": needing}).plan()
    groups = {group.kind: [p.name for p in group.packages] for group in layer_groups(plan)}
    assert "coreutils" in groups[LayerKind.ACCELERATOR]
    assert "bash" in groups[LayerKind.BASE]


def test_groups_that_would_be_empty_are_not_there() -> None:
    plan = small_plan()
    assert plan.builds is not None
    runtime = plan.builds.runtime
    own = tuple(p for p in runtime.packages if p.name == "bash")
    bare = evolve(plan, builds=evolve(plan.builds, runtime=evolve(runtime, packages=own)))
    assert [group.kind for group in layer_groups(bare)] == [LayerKind.BASE]
    assert len(containerfile(bare).steps) == 1


# -- vLLM on a whole base --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def vllm(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Locks of both variants; each takes some seconds."""
    directory, found = tmp_path_factory.mktemp("vllm"), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STREAMSOLVE_CACHE", str(directory / "cache"))
        for variant in ("cuda", "rocm"):
            found[variant] = directory / f"{variant}.lock.json"
            words = ["lock", "vllm", "--variant", variant, "--offline"]
            words += ["--base", str(shared / "data" / "fedora-45"), "-o", str(found[variant])]
            assert main(words) == 0
    return found


def names_of(asked: str, document: dict[str, Any]) -> str:
    """The short name in the lock of what dnf is asked for."""
    for name, one in document["packages"].items():
        epoch = f"{one['epoch']}:" if "epoch" in one else ""
        full = f"{one['name']}-{epoch}{one['version']}"
        if one["repository"] == "private" and asked == f"{full}*-*.{one['arch']}":
            return str(name)
        if one["repository"] == "external" and asked == one["name"]:
            return str(one["name"])
        if asked == f"{full}-{one['release']}.{one['arch']}":
            return str(name)
    raise AssertionError(f"{asked} is not in the lock")


@pytest.mark.parametrize("variant", ["cuda", "rocm"])
def test_every_package_that_vllm_runs_with_is_in_one_layer_and_no_other_is(
    vllm: dict[str, Path], variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["emit", "containerfile", str(vllm[variant]), "-o", "out", "--base-image", BASE_IMAGE]
    cuda = ["--repo", "cuda=https://cuda.test/", "--gpg-key", "cuda=https://cuda.test/KEY"]
    assert main([*words, *cuda]) == 0
    found = read(Path("out/Containerfile").read_text())
    document = json.loads(vllm[variant].read_text())
    [runtime] = [root for root in document["roots"] if root["id"] == "runtime"]
    table = document["packages"]
    expected = sorted(
        table[name]["name"] if table[name]["repository"] == "external" else name
        for name in runtime["packages"]
    )
    asked = [text for step in found.installed for text in step]
    assert sorted(names_of(text, document) for text in asked) == expected
    assert len(found.installed) == 4
    assert found.installed[-1] == [next(text for text in asked if "-vllm-" in text)]
    assert (found.entrypoint, found.user) == (["vllm", "serve"], "1001:1001")
    assert found.labels["streamsolve.lock.digest"] == document["digest"]
    assert ("NVIDIA_REQUIRE_CUDA" in found.environment) == (variant == "cuda")
    stack = " ".join(found.installed[1])
    assert ("libcublas-13-0" in stack, "rocblas-" in stack) == (
        variant == "cuda",
        variant == "rocm",
    )
    for other in ("torch-", "python3.1"):
        assert other not in stack


@pytest.mark.parametrize("variant", ["cuda", "rocm"])
def test_no_layer_of_vllm_requires_a_later_one(vllm: dict[str, Path], variant: str) -> None:
    """By names alone, read from the lock: who provides what is required lies no later."""
    from streamsolve.planner.locking import load_lock

    groups = layer_groups(load_lock(vllm[variant]).plan)
    rank = {p.name: group.kind for group in groups for p in group.packages}
    assert sum(len(group.packages) for group in groups) == len(rank)
    [runtime] = [
        root for root in json.loads(vllm[variant].read_text())["roots"] if root["id"] == "runtime"
    ]
    table = json.loads(vllm[variant].read_text())["packages"]
    held = [table[name] for name in runtime["packages"]]
    assert {one["name"] for one in held} == rank.keys()
    providers: dict[str, list[str]] = {}
    for one in held:
        for text in {one["name"], *(t.split(" ")[0] for t in one.get("provides", ()))}:
            providers.setdefault(text, []).append(one["name"])
    seen = 0
    for one in held:
        for text in one.get("requires", ()):
            who = providers.get(text.split(" ")[0], ())
            if who:
                seen += 1
                assert min(rank[name] for name in who) <= rank[one["name"]], (one["name"], text)
    assert seen > 100


# -- the command -----------------------------------------------------------------------------------


def test_the_command_says_how_to_build_run_and_publish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    profile = tmp_path / "mine" / "profile.toml"
    profile.parent.mkdir()
    profile.write_text(
        'schema = "streamsolve.profile/1"\nname = "app"\nversion = "1.0"\n'
        'default-base = "fedora-45"\n[variants.cuda]\nrequirements = "wheel"\n'
        '[image]\nentrypoint = ["app"]\n'
    )
    Path("app.lock.json").write_text(lock_text(small_plan(), small_settings()))
    words = [
        "emit",
        "containerfile",
        "app.lock.json",
        "-o",
        "out",
        "--profile",
        "mine/profile.toml",
    ]
    nvidia = ["--repo", "nvidia=https://cuda.test/", "--gpg-key", "nvidia=https://cuda.test/KEY"]
    assert main([*words, "--base-image", BASE_IMAGE, *nvidia]) == 0
    out = capsys.readouterr().out
    assert "Next  out/build.sh STREAM-REPOSITORY localhost/app:1.0-cuda" in out
    assert "podman run --device nvidia.com/gpu=all localhost/app:1.0-cuda" in out
    assert "skopeo copy containers-storage:localhost/app:1.0-cuda docker://REGISTRY/NAME:TAG" in out
    assert "The profile app is not as it was" in out
    assert read(Path("out/Containerfile").read_text()).entrypoint == ["app"]
    done = subprocess.run(["sh", "-n", "out/build.sh"], check=False, timeout=10)
    assert done.returncode == 0
    assert main([*words[:5], "--base-image", BASE_IMAGE, *nvidia]) == 2
    assert "name its file with --profile" in capsys.readouterr().err
    profile.write_text(profile.read_text().partition("[image]")[0])
    assert main([*words, "--base-image", BASE_IMAGE, *nvidia]) == 0
    assert "says no entry point" in capsys.readouterr().out
    assert main([*words, "--base-image", "small:45", *nvidia]) == 2
    assert "has no digest" in capsys.readouterr().err
