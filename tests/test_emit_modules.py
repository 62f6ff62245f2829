"""Module streams in what is emitted: enabled before anything is installed, and kept enabled."""

from __future__ import annotations

import json
import lzma
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.cli.copr_plan import planned
from streamsolve.cli.koji_options import koji_notes
from streamsolve.emit import MockRepository
from streamsolve.emit.containers import ImageSettings, emit_bootc, emit_containerfile
from streamsolve.emit.containers.module_step import module_step
from streamsolve.emit.grammar import Refusals
from streamsolve.emit.lists import KojiSettings, dnf_manifest, konflux_files
from streamsolve.emit.module_state import check_modules, enabled, state_files
from streamsolve.errors import Code, InputErrors
from streamsolve.library import load_base
from streamsolve.lock import lock_text, read_lock
from streamsolve.model.lock import LockRepository
from streamsolve.model.module_filter import ActiveModule, ModuleReason
from streamsolve.model.package_files import PackageFile, RepositoryAddress
from streamsolve.model.plan import Plan
from streamsolve.planner import PlanRequest
from streamsolve.planner.package_files import files_of_root
from streamsolve.solving import PackagePool

from .commandworld import CommandWorld
from .containerfile_reader import read
from .dnf_oracle import needs_dnf
from .imageworld import config, unpack, write_image
from .lockworld import small_plan, small_settings
from .rpmworld import build_rpm
from .smallworld import package

KEY = "file:///etc/pki/rpm-gpg/KEY"
SETTINGS = ImageSettings(
    "registry.test/small/base:9@sha256:" + "ab" * 32,
    "sha256:" + "cd" * 32,
    releasever="9",
    repositories=(MockRepository("fedora", "https://base.test/$basearch/", gpgkeys=(KEY,)),),
)
NODE, PHP = "nodejs:20", "php:8.2"


def module(spelled: str, reason: ModuleReason = ModuleReason.CHOSEN) -> ActiveModule:
    name, _, stream = spelled.partition(":")
    return ActiveModule(name, stream, reason)


def plan_with(*modules: ActiveModule) -> Plan:
    return evolve(small_plan(), modules=tuple(sorted(modules, key=lambda each: each.name)))


MODULAR = plan_with(
    module(PHP, ModuleReason.REQUIRED), module(NODE), module("redis:7", ModuleReason.DEFAULT)
)


def steps(plan: Plan, settings: ImageSettings = SETTINGS) -> list[str]:
    return read(emit_containerfile(plan, settings)["Containerfile"].decode()).steps


# -- what dnf keeps --------------------------------------------------------------------------------


def dnf(root: Path, centos: Path, *words: str) -> str:
    """What the real dnf says in a root of its own, with CentOS Stream 9."""
    conf = root.parent / "dnf.conf"
    conf.write_text(
        f"[main]\nreposdir=/dev/null\ncachedir={root.parent}/cache\nplugins=0\nlogdir={root}\n"
        "module_platform_id=platform:el9\n"
        + "".join(
            f"[{name}]\nname={name}\nbaseurl=file://{centos}/{name}\ngpgcheck=0\n"
            for name in ("appstream", "baseos")
        )
    )
    done = subprocess.run(
        ["dnf", "--disableplugin=local", f"--config={conf}", f"--installroot={root}",
         "--releasever=9", "--forcearch=x86_64", "--assumeyes", *words],
        capture_output=True, text=True, check=False, timeout=280, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_dnf
def test_the_state_is_what_dnf_writes_and_dnf_reads_it_back(tmp_path: Path, shared: Path) -> None:
    centos = shared / "data" / "centos-stream-9"
    theirs, ours = tmp_path / "theirs" / "root", tmp_path / "ours" / "root"
    for root in (theirs, ours):
        root.mkdir(parents=True)
    dnf(theirs, centos, "module", "enable", NODE, PHP)
    found = {
        path.relative_to(theirs).as_posix(): path.read_bytes()
        for path in (theirs / "etc/dnf/modules.d").iterdir()
    }
    wanted = state_files(MODULAR)
    # PHP's stream of another module that it needs would be here too.
    assert {path: found[path] for path in wanted} == dict(wanted)
    for path, content in wanted.items():
        (ours / path).parent.mkdir(parents=True, exist_ok=True)
        (ours / path).write_bytes(content)
    listed = dnf(ours, centos, "module", "list", "--enabled")
    assert [line.split()[:3] for line in listed.splitlines() if line.split()[2:3] == ["[e]"]] == [
        ["nodejs", "20", "[e]"],
        ["php", "8.2", "[e]"],
    ]


def test_only_what_was_chosen_or_is_required_is_enabled() -> None:
    assert enabled(MODULAR) == (NODE, PHP)
    assert enabled(small_plan()) == ()
    assert state_files(small_plan()) == {}


# -- containers ------------------------------------------------------------------------------------


def test_a_containerfile_enables_streams_before_it_installs_anything() -> None:
    plain, found = steps(small_plan()), steps(MODULAR)
    assert found[1:] == plain
    assert found[0].split() == [
        "dnf", "--config=/run/streamsolve-repos/dnf.conf", "--releasever=9", "--assumeyes",
        "module", "enable", NODE, PHP,
    ]  # fmt: skip


def test_a_repository_that_no_module_hides_is_one_for_an_image_too() -> None:
    repositories = tuple(evolve(each, module_hotfixes=True) for each in SETTINGS.repositories)
    for settings, count in ((SETTINGS, 1), (evolve(SETTINGS, repositories=repositories), 2)):
        conf = emit_containerfile(MODULAR, settings)["repos/dnf.conf"].decode()
        assert conf.count("module_hotfixes") == count


def test_a_builder_stage_enables_them_with_what_it_built_at_hand() -> None:
    builder = evolve(SETTINGS, builder_image="registry.test/mock:1@sha256:" + "ef" * 32)
    text = emit_containerfile(MODULAR, builder)["Containerfile"].decode()
    runtime = text.partition("AS runtime\n")[2]
    assert runtime.index("module enable") < runtime.index("--allowerasing")
    assert "from=builder" in runtime[: runtime.index("module enable")]


@needs_dnf
def test_the_real_dnf_takes_the_emitted_command_and_configuration(
    tmp_path: Path, shared: Path
) -> None:
    """With the repositories restricted to what is locked, as the emitted file has it."""
    centos = shared / "data" / "centos-stream-9"
    repositories = tuple(
        MockRepository(name, f"file://{centos}/{name}", gpgkeys=(KEY,))
        for name in ("appstream", "baseos")
    )
    files = emit_containerfile(MODULAR, evolve(SETTINGS, repositories=repositories))
    conf, packages, cache = tmp_path / "dnf.conf", tmp_path / "packages", tmp_path / "cache"
    packages.mkdir()
    subprocess.run(["createrepo_c", "--quiet", str(packages)], check=True, timeout=60)
    text = files["repos/dnf.conf"].decode().replace("/run/streamsolve-packages", str(packages))
    conf.write_text(text.replace("/run/streamsolve-cache", str(cache)))
    (step,) = [each for each in steps(MODULAR) if "module enable" in each]
    command = step.replace("/run/streamsolve-repos/dnf.conf", str(conf)).split()
    root = tmp_path / "root"
    root.mkdir()
    done = subprocess.run(
        [*command, "--disableplugin=local", f"--installroot={root}", "--forcearch=x86_64",
         "--setopt=module_platform_id=platform:el9"],
        capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    kept = {path.name for path in (root / "etc/dnf/modules.d").iterdir()}
    assert {"nodejs.module", "php.module"} <= kept


def test_where_only_files_are_installed_the_state_is_written_as_dnf_would(tmp_path: Path) -> None:
    """Run by a shell, below a directory that stands for the image's root."""
    lines = module_step(MODULAR, evolve(SETTINGS, files=()))
    text = "\n".join(lines)
    assert "module enable" not in text
    (step,) = read(f"FROM x\n{text}\n").steps
    script = step.replace("/etc/dnf", f"{tmp_path}/etc/dnf")
    subprocess.run(["sh", "-ec", script], check=True, timeout=10)
    written = {
        path.relative_to(tmp_path).as_posix(): path.read_bytes()
        for path in tmp_path.rglob("*.module")
    }
    assert written == dict(state_files(MODULAR))


def test_a_bootable_image_enables_them_too() -> None:
    prefixed = evolve(SETTINGS, prefix="/usr/lib/app")
    plain = read(emit_bootc(small_plan(), prefixed)["Containerfile"].decode()).steps
    found = read(emit_bootc(MODULAR, prefixed)["Containerfile"].decode()).steps
    (added,) = [step for step in found if step not in plain]
    assert added.split()[-4:] == ["module", "enable", NODE, PHP]
    installs = [at for at, step in enumerate(found) if " install " in step]
    assert found.index(added) < min(installs)


def test_an_image_made_without_an_engine_keeps_them(tmp_path: Path) -> None:
    rpm = build_rpm(
        tmp_path / "rpm", "demo", install="mkdir -p usr/share/demo", files=("%dir /usr/share/demo",)
    )
    kept = tuple((f"/{path}", content) for path, content in state_files(MODULAR).items())
    write_image(tmp_path / "image", {"base": [rpm]}, files=kept, epoch=0)
    write_image(tmp_path / "again", {"base": [rpm]}, files=kept, epoch=0)
    write_image(tmp_path / "plain", {"base": [rpm]}, epoch=0)
    root = unpack(tmp_path / "image", tmp_path / "bundle")
    for path, content in state_files(MODULAR).items():
        assert (root / path).read_bytes() == content
    assert config(tmp_path / "image") == config(tmp_path / "again")
    assert config(tmp_path / "image") != config(tmp_path / "plain")


# -- Software Collections --------------------------------------------------------------------------


def test_an_image_whose_runtime_root_has_a_collection_has_it_enabled() -> None:
    plan = small_plan()
    assert plan.builds is not None
    runtime = evolve(plan.builds.runtime, collections=("gcc-toolset-14",))
    text = emit_containerfile(evolve(plan, builds=evolve(plan.builds, runtime=runtime)), SETTINGS)[
        "Containerfile"
    ].decode()
    assert 'PATH="/opt/rh/gcc-toolset-14/root/usr/bin${PATH:+:$PATH}"' in text
    assert "/opt/rh/gcc-toolset-14/root/usr/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" in text
    assert "/opt/rh" not in emit_containerfile(plan, SETTINGS)["Containerfile"].decode()


# -- lists -----------------------------------------------------------------------------------------

BASEURL = "https://mirror.example/el9"
ADDRESS = RepositoryAddress("appstream", baseurl=BASEURL)
FILE = PackageFile(
    "nodejs", "1:20.1-1.el9", "x86_64", "appstream", "Packages/nodejs.rpm",
    "sha256:" + "0" * 64, 10, "nodejs-20.1-1.el9.src.rpm",
)  # fmt: skip
DESCRIBED = PackageFile(
    "modules", "", "", "appstream", "repodata/x-modules.yaml.xz", "sha256:" + "1" * 64, 20
)


def schema(shared: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared / "schemas" / name).read_text())
    return found


def test_konflux_is_told_of_streams_and_fetches_what_describes_modules(shared: Path) -> None:
    files = konflux_files("x86_64", [FILE], [], [ADDRESS], (PHP, NODE), [DESCRIBED])
    asked, locked = (yaml.safe_load(files[f"rpms.{each}.yaml"]) for each in ("in", "lock"))
    jsonschema.validate(asked, schema(shared, "konflux-rpms.in.schema.json"))
    jsonschema.validate(locked, schema(shared, "konflux-rpms.lock.schema.json"))
    assert asked["moduleEnable"] == [NODE, PHP]
    assert locked["arches"][0]["module_metadata"] == [
        {
            "url": f"{BASEURL}/repodata/x-modules.yaml.xz",
            "repoid": "appstream",
            "size": 20,
            "checksum": "sha256:" + "1" * 64,
        }
    ]


def test_konflux_uses_repositories_as_the_lock_did(shared: Path) -> None:
    used_as = [LockRepository("appstream", 50, module_hotfixes=True), LockRepository("baseos")]
    files = konflux_files("x86_64", [FILE], [], [ADDRESS], used_as=used_as)
    asked = yaml.safe_load(files["rpms.in.yaml"])
    jsonschema.validate(asked, schema(shared, "konflux-rpms.in.schema.json"))
    assert asked["contentOrigin"]["repos"] == [
        {
            "repoid": "appstream",
            "baseurl": BASEURL,
            "priority": 50,
            "module_hotfixes": True,
        }
    ]


def test_a_manifest_of_dnf_names_streams_and_of_which_a_package_is(shared: Path) -> None:
    runtime = small_plan().builds.runtime  # type: ignore[union-attr]
    digest = "sha256:" + "A" * 43 + "="
    file = evolve(FILE, checksum=digest)
    files = dnf_manifest(runtime, "x86_64", [file], [ADDRESS], (NODE,), {file.nevra: NODE})
    asked = yaml.safe_load(files["rpms.in.yaml"])
    manifest = yaml.safe_load(files["packages.manifest.yaml"])
    jsonschema.validate(asked, schema(shared, "libpkgmanifest-input.schema.json"))
    jsonschema.validate(manifest, schema(shared, "libpkgmanifest-manifest.schema.json"))
    assert asked["modules"] == {"enable": [NODE]}
    assert manifest["data"]["packages"]["x86_64"][0]["module"] == NODE


def test_lists_without_module_streams_say_nothing_of_them() -> None:
    runtime = small_plan().builds.runtime  # type: ignore[union-attr]
    asked = yaml.safe_load(konflux_files("x86_64", [FILE], [], [ADDRESS])["rpms.in.yaml"])
    assert "moduleEnable" not in asked
    files = dnf_manifest(runtime, "x86_64", [FILE], [ADDRESS])
    assert b"module" not in b"".join(files.values())


STREAM = """\
---
document: modulemd
version: 2
data:
  name: nodejs
  stream: "20"
  version: 1
  context: aaaaaaaa
  arch: x86_64
  summary: s
  description: d
  license:
    module: [MIT]
  artifacts:
    rpms:
    - nodejs-0:20-1.fc0.noarch
...
"""
RULE = '[[component]]\ncomponent = "package:node"\npackages = ["nodejs"]\n'


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandWorld:
    made = CommandWorld(tmp_path, monkeypatch, capsys)
    made.has(package("nodejs", "20"))
    made.modules = STREAM
    made.release("app", "1")
    made.more = 'needs = ["package:node >=20"]\n' + RULE
    return made


def test_a_lock_gives_the_lists_their_streams(world: CommandWorld, shared: Path) -> None:
    path = world.lock("--module", NODE)
    where = ("--base", "./base", "--profile", "app.toml", "--baseurl", f"x86_64={BASEURL}")
    konflux = world.run("emit", "konflux", path.name, "-o", "k", "--without-missing", *where)
    assert konflux.code == 0, konflux.out + konflux.err
    asked, locked = (
        yaml.safe_load((world.directory / "k" / f"rpms.{each}.yaml").read_text())
        for each in ("in", "lock")
    )
    jsonschema.validate(locked, schema(shared, "konflux-rpms.lock.schema.json"))
    assert asked["moduleEnable"] == [NODE]
    (described,) = locked["arches"][0]["module_metadata"]
    file = world.directory / "base" / "x86_64" / described["url"].removeprefix(f"{BASEURL}/")
    assert file.stat().st_size == described["size"]
    assert b"modulemd" in file.read_bytes()
    manifest = world.run("emit", "dnf-manifest", path.name, "-o", "m", "--without-missing", *where)
    assert manifest.code == 0, manifest.out + manifest.err
    found = yaml.safe_load((world.directory / "m" / "packages.manifest.yaml").read_text())
    modules = {each["name"]: each.get("module") for each in found["data"]["packages"]["noarch"]}
    assert modules["nodejs"] == NODE
    assert {stream for name, stream in modules.items() if name != "nodejs"} == {None}


def test_on_centos_stream_9_the_metadata_of_modules_is_the_repositorys_own(
    shared: Path, tmp_path: Path
) -> None:
    centos = shared / "data" / "centos-stream-9"
    plan = evolve(small_plan(), base="centos-stream-9", modules=(module(NODE),))
    made = evolve(small_settings(), modules=(NODE,))
    lock = read_lock(lock_text(plan, made), file="x")
    assert lock.plan.builds is not None
    nodejs = evolve(
        lock.plan.builds.runtime,
        packages=tuple(
            evolve(package("nodejs"), checksum=each) for each in nodejs_checksums(centos, tmp_path)
        ),
    )
    given = PlanRequest("", base=str(centos), offline=True, cache=tmp_path)
    files = files_of_root(lock, nodejs, given)
    (described,) = files.modules
    stored = centos / "appstream" / described.location
    assert stored.stat().st_size == described.size
    assert b"document: modulemd" in lzma.decompress(stored.read_bytes())
    assert files.streams
    assert set(files.streams.values()) == {NODE}
    assert {each.nevra for each in files.packages} >= set(files.streams)


def nodejs_checksums(centos: Path, cache: Path) -> list[str]:
    base = load_base(str(centos), offline=True)
    with PackagePool.open(base.repositories, arch="x86_64", cache=cache) as pool:
        return [each.checksum for each in pool.named("nodejs")]


# -- builders --------------------------------------------------------------------------------------


def copr_modules(tmp_path: Path, plan: Plan, *typed: str) -> set[tuple[str, ...]]:
    path = tmp_path / "app.lock.json"
    path.write_text(lock_text(plan, small_settings()))
    options = {
        "project": "packager/app",
        "chroots": (),
        "sources": ("custom",),
        "repos": ("nvidia=https://packages.test/cuda/,priority=50",),
        "packages": (),
        "modules": typed,
        "isolation": "unchanged",
        "lock_url": "https://locks.test/app.lock.json",
        "builddeps": (),
        "directory": None,
    }
    found = planned(path, options, webhooks=True)
    return {chroot.additional_modules for project in found.projects for chroot in project.chroots}


def test_coprs_chroots_enable_the_locks_streams(tmp_path: Path) -> None:
    assert copr_modules(tmp_path, MODULAR) == {(NODE, PHP)}
    assert copr_modules(tmp_path, small_plan()) == {()}


def test_a_module_that_was_typed_for_copr_is_as_it_was_typed(tmp_path: Path) -> None:
    assert copr_modules(tmp_path, MODULAR, "nodejs:22", "!maven:3.8") == {
        (PHP, "nodejs:22", "!maven:3.8")
    }


def test_koji_cannot_enable_them_and_that_is_said() -> None:
    lock = read_lock(lock_text(MODULAR, small_settings()), file="x")
    notes = " ".join(koji_notes(lock, KojiSettings("t", "o", "p")))
    assert "Koji enables no module streams" in notes
    assert f"{NODE}, {PHP}" in notes
    plain = read_lock(lock_text(small_plan(), small_settings()), file="x")
    assert "module" not in " ".join(koji_notes(plain, KojiSettings("t", "o", "p")))


# -- hostile values --------------------------------------------------------------------------------

HOSTILE = st.one_of(
    st.sampled_from(
        ("{{7*7}}", "{% x %}", "'", '"', "a\nb", "$(x)", "`x`", "%(x)", "../x", "/x", "x" * 10_000,
         "a b", "", "-x", "a:b", "]", "é", ";", "20")
    ),
    st.text(max_size=5),
)  # fmt: skip


@given(HOSTILE, HOSTILE)
def test_a_stream_is_refused_or_harmless_wherever_it_is_written(name: str, stream: str) -> None:
    plan = plan_with(ActiveModule(name, stream, ModuleReason.CHOSEN))
    refusals = Refusals("")
    check_modules(plan, refusals)
    if refusals.faults.errors:
        for emit in (
            lambda: emit_containerfile(plan, SETTINGS),
            lambda: emit_bootc(plan, evolve(SETTINGS, prefix="/usr/lib/app")),
        ):
            with pytest.raises(InputErrors) as caught:
                emit()
            assert caught.value.code is Code.NOT_EMITTED
            assert "base.modules[0]" in str(caught.value)
        return
    assert set(name + stream) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-"
    )
    ((path, content),) = state_files(plan).items()
    assert path == f"etc/dnf/modules.d/{name}.module"
    assert content.decode().splitlines()[1:3] == [f"name={name}", f"stream={stream}"]
    assert steps(plan)[0].split()[-1] == f"{name}:{stream}"
