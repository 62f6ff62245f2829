"""Layers of real plans: what rpm says to their order, what an update re-sends, what is shared."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from attrs import evolve

from streamsolve.cli import main
from streamsolve.cli.emit_containers import files_below
from streamsolve.emit.containers import ImageSettings, emit_containerfile
from streamsolve.explain.lock_answers import lock_answers_schema
from streamsolve.lock import lock_text
from streamsolve.model.difference import Change
from streamsolve.model.layer_choice import LayerChoice, choose_layers, expected_bytes, resent
from streamsolve.model.layer_diff import layers_diff
from streamsolve.model.layer_groups import LayerGroup, LayerKind, layer_groups
from streamsolve.model.layer_units import RATES, Cause, LayerUnit, RpmFile, Zone, layer_units
from streamsolve.model.package import Package
from streamsolve.model.plan import Plan

from .containerworld import make_rpms
from .imageworld import manifest
from .lockworld import SmallPlan, base_package, small_plan, small_settings
from .rpmworld import run

BASE_IMAGE = f"registry.test/base@sha256:{'1' * 64}"
PROFILE = """\
schema = "streamsolve.profile/1"
name = "app"
version = "1.0"
default-base = "fedora-45"
[variants.cuda]
requirements = "wheel"
[image]
entrypoint = ["/usr/bin/app"]
"""


def packages_of(plan: Plan) -> tuple[Package, ...]:
    assert plan.builds is not None
    return plan.builds.runtime.packages


def with_packages(plan: Plan, packages: Sequence[Package]) -> Plan:
    assert plan.builds is not None
    runtime = evolve(plan.builds.runtime, packages=tuple(packages))
    return evolve(plan, builds=evolve(plan.builds, runtime=runtime))


def unit_of(plan: Plan, name: str) -> LayerUnit:
    [found] = [u for u in layer_units(plan) for m in u.members if m.package.name == name]
    return found


def names(groups: Sequence[LayerGroup]) -> list[set[str]]:
    return [{package.name for package in group.packages} for group in groups]


# -- what changes together -------------------------------------------------------------------------


def test_every_package_is_in_one_unit() -> None:
    held = [m.package for u in layer_units(small_plan()) for m in u.members]
    assert sorted(held) == sorted(packages_of(small_plan()))


def test_a_stream_is_one_unit_with_its_parts() -> None:
    torch = unit_of(small_plan(), "python3-torch")
    assert torch == unit_of(small_plan(), "python3-torch+compile")
    assert torch.zone == Zone.LANGUAGE_OF_ACCELERATOR, "it requires libcublas"
    assert unit_of(small_plan(), "python3-wheel").zone == Zone.LANGUAGE


def test_packages_of_one_source_package_of_the_base_are_one_unit() -> None:
    common = evolve(base_package("glibc-minimal-langpack", "2.43-5.fc45"), source="glibc")
    plan = SmallPlan(base={"glibc-minimal-langpack": common}).plan()
    assert unit_of(plan, "glibc") == unit_of(plan, "glibc-minimal-langpack")
    assert unit_of(plan, "glibc") != unit_of(plan, "bash")


def test_how_often_a_unit_changes_follows_from_what_it_is() -> None:
    plan = small_plan()
    assert unit_of(plan, "python3-app").rate == RATES[Cause.APPLICATION]
    assert unit_of(plan, "python3-leaf-0").rate == RATES[Cause.STREAM]
    assert unit_of(plan, "bash").rate == RATES[Cause.BASE]
    assert unit_of(plan, "libcublas-13-0").rate == RATES[Cause.ACCELERATOR]


def test_what_is_not_built_is_estimated_and_says_so() -> None:
    members = {m.package.name: m for u in layer_units(small_plan()) for m in u.members}
    assert members["python3-torch"].estimated
    assert (
        members["python3-torch"].size > members["python3-app"].size > members["python3-leaf-0"].size
    )
    assert not members["bash"].estimated
    nevra = members["python3-torch"].package.nevra
    known = layer_units(small_plan(), {nevra: RpmFile(17, "ab" * 32)})
    [torch] = [m for u in known for m in u.members if m.package.nevra == nevra]
    assert (torch.size, torch.estimated, torch.identity) == (17, False, f"sha256:{'ab' * 32}")


def test_a_unit_is_called_the_same_whatever_its_version_or_the_application() -> None:
    new = SmallPlan(versions={"torch": "2.15.0", "wheel": "0.46.2", "app": "1.1"}).plan()
    assert {u.key for u in layer_units(new)} == {u.key for u in layer_units(small_plan())}


# -- layers ----------------------------------------------------------------------------------------


def test_without_a_number_there_is_a_layer_for_each_kind() -> None:
    groups = choose_layers(small_plan()).groups()
    assert [(g.kind, g.title) for g in groups] == [(kind, kind.title) for kind in LayerKind]
    assert [set(g.packages) for g in groups] == [
        set(g.packages) for g in layer_groups(small_plan())
    ]


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 40])
def test_the_order_of_the_root_does_not_matter(count: int, ordered: bool) -> None:
    plan = small_plan()
    turned = with_packages(plan, packages_of(plan)[::-1])
    made = [choose_layers(each, count, ordered=ordered).groups() for each in (plan, turned)]
    assert made[0] == made[1]
    held = [package for group in made[0] for package in group.packages]
    assert sorted(held) == sorted(packages_of(plan))
    assert len({group.title for group in made[0]}) == len(made[0]) <= count


def test_more_layers_than_an_engine_mounts_are_refused() -> None:
    with pytest.raises(ValueError, match="128"):
        choose_layers(small_plan(), 128)


@pytest.fixture(scope="module")
def rpms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real RPM files of everything in the small plan's runtime root."""
    place = tmp_path_factory.mktemp("small") / "rpms"
    make_rpms(small_plan(), place)
    return place


@pytest.mark.parametrize("count", [0, 2, 4, 6, 9, 20])
def test_rpm_installs_each_layer_on_those_before_it(rpms: Path, tmp_path: Path, count: int) -> None:
    """It refuses packages whose requirements are not met."""
    seen = 0
    for group in choose_layers(small_plan(), count, ordered=True).groups():
        files = [
            str(rpms / f"{p.name}-{p.version}-{p.release}.{p.arch}.rpm") for p in group.packages
        ]
        run("rpm", "--root", str(tmp_path / "root"), "--install", "--justdb", "--noscripts", *files)
        seen += len(files)
    assert seen == len(packages_of(small_plan()))


def test_a_containerfile_has_a_step_for_each_layer(rpms: Path) -> None:
    groups = choose_layers(small_plan(), 7, ordered=True).groups()
    settings = ImageSettings(
        BASE_IMAGE, "ab" * 32, files=files_below(rpms), releasever="45", layers=groups
    )
    plan = with_packages(small_plan(), [evolve(p, checksum="") for p in packages_of(small_plan())])
    files = emit_containerfile(plan, settings)
    text = files["Containerfile"].decode()
    assert [text.count(f"# {group.title}:") for group in groups] == [1] * 7
    assert sum(name.endswith(".sha256") for name in files) == 7


# -- what an update re-sends -----------------------------------------------------------------------


def test_an_update_of_one_stream_sends_its_layer_alone_and_says_why() -> None:
    new = SmallPlan(versions={"leaf-0": "1.3"}).plan()
    found = layers_diff(small_plan(), new, 9)
    [sent] = [layer for layer in found.layers if layer.sent]
    [change] = sent.changes
    assert (change.change, change.name) == (Change.UP, "python3-leaf-0")
    assert (change.old_evr, change.new_evr) == ("1.2-0.streamsolve", "1.3-0.streamsolve")
    assert found.sent == sent.size
    assert found.least == change.size
    assert found.least <= found.sent <= found.by_kind <= found.whole
    assert found.estimated
    assert change.estimated


def test_a_package_that_is_gone_is_the_reason_for_its_layer() -> None:
    found = layers_diff(SmallPlan(leaves=3).plan(), SmallPlan(leaves=2).plan(), 5)
    told = {(c.change, c.name) for layer in found.layers if layer.sent for c in layer.changes}
    assert (Change.OUT, "python3-leaf-2") in told


def test_where_layers_are_on_each_other_those_above_are_sent_too() -> None:
    bash = base_package("bash", "5.3.1-1.fc45", provides=("/bin/sh", "/usr/bin/bash"))
    new = SmallPlan(base={"bash": bash}).plan()
    found = layers_diff(small_plan(), new, ordered=True)
    assert [layer.sent for layer in found.layers] == [True] * 4
    assert [layer.below for layer in found.layers] == [False, True, True, True]
    apart = layers_diff(small_plan(), new)
    assert [layer.sent for layer in apart.layers] == [True, False, False, False]
    assert apart.sent < found.sent == found.whole


def test_nothing_is_sent_where_nothing_changed() -> None:
    found = layers_diff(small_plan(), small_plan(), 20)
    assert (found.sent, found.least, found.anew) == (0, 0, 0)


def test_files_make_it_exact() -> None:
    plan = small_plan()
    sizes = {p.nevra: RpmFile(100 + n, f"{n:064}") for n, p in enumerate(packages_of(plan))}
    [other] = [p.nevra for p in packages_of(plan) if p.name == "bash"]
    changed = {**sizes, other: RpmFile(7, "f" * 64)}
    found = layers_diff(plan, plan, 40, old_files=sizes, new_files=changed)
    assert found.estimated == 0
    assert found.whole == sum(file.size for file in changed.values())
    assert (found.sent, found.least) == (7, 7)
    # A file that has none to be compared with does not make a package another one.
    assert layers_diff(plan, plan, 40, new_files=changed).sent == 0


# -- the commands ----------------------------------------------------------------------------------


@pytest.fixture
def place(rpms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with an old and a new lock, in which one stream is newer, and their files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600000000")
    Path("profile.toml").write_text(PROFILE)
    new = SmallPlan(versions={"leaf-0": "1.3"}).plan()
    make_rpms(new, tmp_path / "fresh")
    shutil.copytree(rpms, "old")
    shutil.copytree(rpms, "new")
    for file in Path("new").glob("python3-leaf-0-*"):
        file.unlink()
    [leaf] = Path("fresh").glob("python3-leaf-0-*")
    shutil.copy(leaf, "new")
    for name, plan in (("old", small_plan()), ("new", new)):
        pinned = [pinned_to(package, Path(name)) for package in packages_of(plan)]
        lock = lock_text(with_packages(plan, pinned), small_settings())
        Path(f"{name}.lock.json").write_text(lock)
    return tmp_path


def pinned_to(package: Package, directory: Path) -> Package:
    """With checksum and size of its file, where the lock has them."""
    if not package.checksum:
        return package
    name = f"{package.name}-{package.version}-{package.release}.{package.arch}.rpm"
    data = (directory / name).read_bytes()
    checksum = f"sha256:{hashlib.sha256(data).hexdigest()}"
    return evolve(package, checksum=checksum, size=len(data))


def emitted(name: str, *more: str) -> list[str]:
    """The digests of the layers of an image, without that of the database."""
    words = ["emit", "oci", f"{name}.lock.json", "-o", f"image-{name}", "--rpms", name]
    assert main([*words, "--profile", "./profile.toml", *more]) == 0
    return [layer["digest"] for layer in manifest(Path(f"image-{name}"))["layers"][:-1]]


@pytest.mark.usefixtures("place")
def test_what_is_said_to_be_sent_is_what_an_image_has_new(
    capsys: pytest.CaptureFixture[str],
) -> None:
    old = emitted("old", "--layers", "8")
    new = emitted("new", "--layers", "8", "--layers-like", "old.lock.json")
    assert len(old) == len(new) == 8
    capsys.readouterr()
    words = ["diff", "old.lock.json", "new.lock.json", "--layers", "--layers-count", "8"]
    assert main([*words, "--rpms-old", "old", "--rpms-new", "new", "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator(lock_answers_schema()).validate(document)
    layers = document["layers"]
    assert [layer["sent"] for layer in layers["layers"]] == [each not in old for each in new]
    assert sum(layer["sent"] for layer in layers["layers"]) == 1
    [leaf] = Path("new").glob("python3-leaf-0-*")
    assert (layers["least"], layers["estimated"]) == (leaf.stat().st_size, 0)


@pytest.mark.usefixtures("place")
def test_siblings_have_layers_in_common() -> None:
    both = ["--layers", "12", "--layers-with", "old.lock.json", "--layers-with", "new.lock.json"]
    old, new = emitted("old", *both), emitted("new", *both)
    assert len(set(old) & set(new)) == len(new) - 1


@pytest.mark.usefixtures("place")
def test_the_difference_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "old.lock.json", "new.lock.json", "--layers", "--layers-count", "8"]) == 0
    out = capsys.readouterr().out
    assert "1 of 8 are sent again" in out
    assert "python3-leaf-0 1.2-0.streamsolve → 1.3-0.streamsolve" in out
    assert "no layers could send less" in out
    assert "are estimates" in out
    assert main(["diff", "old.lock.json", "old.lock.json", "--layers"]) == 0
    assert "0 of 4 are sent again" in capsys.readouterr().out


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["diff", "old.lock.json", "new.lock.json", "--layers-count", "3"], "--layers asks"),
        (["diff", "old.lock.json", "new.lock.json", "--containerfile"], "--layers asks"),
        (
            ["diff", "--layers", "old.lock.json", "new.lock.json",
             "--layers-like", "new.lock.json"],
            "--layers-count N says",
        ),
        (
            ["emit", "oci", "new.lock.json", "-o", "x", "--rpms", "new", "--layers-like",
             "old.lock.json", "--profile", "./profile.toml"],
            "--layers N says",
        ),
    ],
)  # fmt: skip
def test_options_that_mean_nothing_are_refused(
    words: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    told = capsys.readouterr().err
    assert "SS105" in told
    assert hint in told


@pytest.mark.usefixtures("place")
def test_a_containerfile_is_written_with_as_many_steps(capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "emit",
        "containerfile",
        "new.lock.json",
        "-o",
        "out",
        "--rpms",
        "new",
        "--layers",
        "6",
    ]
    more = ["--layers-like", "old.lock.json", "--profile", "./profile.toml"]
    assert main([*words, *more, "--base-image", BASE_IMAGE]) == 0
    assert "new" in capsys.readouterr().out
    assert Path("out/Containerfile").read_text().count("RUN ") == 6


# -- vLLM ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def vllm(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Plan]:
    """Plans of both variants for one Python; each takes some seconds."""
    from streamsolve.planner.locking import load_lock

    directory, found = tmp_path_factory.mktemp("vllm"), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STREAMSOLVE_CACHE", str(directory / "cache"))
        for variant in ("cuda", "rocm"):
            file = directory / f"{variant}.lock.json"
            words = ["lock", "vllm", "--variant", variant, "--offline", "--python", "3.13"]
            assert main([*words, "--base", str(shared / "data/fedora-45"), "-o", str(file)]) == 0
            found[variant] = load_lock(file).plan
    return found


def in_buckets(plan: Plan, count: int) -> LayerChoice:
    """What who does not think does: every unit into the layer that its name hashes to."""
    buckets: list[list[LayerUnit]] = [[] for _ in range(count)]
    for unit in layer_units(plan):
        buckets[int(hashlib.sha256(unit.key.encode()).hexdigest(), 16) % count].append(unit)
    return LayerChoice(tuple(tuple(bucket) for bucket in buckets if bucket))


@pytest.mark.parametrize("variant", ["cuda", "rocm"])
def test_an_update_of_vllm_re_sends_far_less_than_with_other_layers(
    vllm: dict[str, Plan], variant: str
) -> None:
    plan = vllm[variant]
    chosen = choose_layers(plan, 10)
    one = choose_layers(plan, 1).expected
    assert chosen.expected * 5 < choose_layers(plan).expected < one
    assert chosen.expected * 2 < in_buckets(plan, 10).expected
    assert choose_layers(plan, 4).expected < choose_layers(plan).expected
    built = [choose_layers(plan, count, ordered=True) for count in (0, 10)]
    assert built[1].expected * 1.5 < built[0].expected


@pytest.mark.parametrize("variant", ["cuda", "rocm"])
@pytest.mark.parametrize("count", [4, 10, 60])
def test_no_layer_of_vllm_requires_a_later_one(
    vllm: dict[str, Plan], variant: str, count: int
) -> None:
    """By the names of what is provided and required alone."""
    groups = choose_layers(vllm[variant], count, ordered=True).groups()
    at: dict[str, int] = {}
    for number, group in enumerate(groups):
        for package in group.packages:
            for text in (package.name, *package.provides):
                at.setdefault(text.split(" ")[0], number)
    seen = 0
    for number, group in enumerate(groups):
        for package in group.packages:
            for text in package.requires:
                if text.split(" ")[0] in at:
                    seen += 1
                    assert at[text.split(" ")[0]] <= number, (package.name, text)
    assert seen > 100


def test_variants_of_vllm_share_nearly_all_that_is_the_same(vllm: dict[str, Plan]) -> None:
    both = [vllm["cuda"], vllm["rocm"]]
    found = layers_diff(*both, 20, siblings=both)
    apart = layers_diff(*both, 20)
    same = found.whole - found.least
    assert found.whole - found.sent > 0.95 * same
    assert apart.whole - apart.anew < 0.5 * same
    assert len(found.layers) <= 20


def test_each_update_of_one_unit_of_vllm_sends_one_layer(vllm: dict[str, Plan]) -> None:
    old = choose_layers(vllm["cuda"], 12)
    for unit in layer_units(vllm["cuda"]):
        new = evolve(unit, members=tuple(evolve(m, identity="new") for m in unit.members))
        layers = [[new if u.key == new.key else u for u in layer] for layer in old.layers]
        sent = resent(layers, old.layers)
        assert [unit in layer for layer in old.layers] == list(sent)
    assert expected_bytes(old.layers) > 0
