"""What is emitted for a kernel module: a spec for RPM, a root for dnf, and a bootable image."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from streamsolve.emit import MockRepository, emit_mock, write_files
from streamsolve.emit.containers import ImageSettings, emit_bootc
from streamsolve.emit.specs import emit_specs
from streamsolve.errors import Code, InputErrors
from streamsolve.inputs.profiles import shipped_rules
from streamsolve.lock import read_lock
from streamsolve.model.component import Component, Kind, Scope
from streamsolve.model.kernel import KERNEL, KernelPair
from streamsolve.model.plan import HostRequirement, Plan
from streamsolve.model.requirement import requirement_on

from .containerfile_reader import read
from .dnf_oracle import needs_dnf
from .kernelworld import RELEASE, KernelWorld, kernel, pair_plan, release_of, small_pair
from .lockworld import small_plan
from .mock_reader import configuration
from .specworld import SETTINGS, environment, query, run, tarball, written
from .test_emit_mock_dnf import choose, repository

STREAM = "kernel-module:nvidia-open@610.57.4"
SHOWN = release_of("6.19.0")
KEY = "file:///etc/pki/rpm-gpg/KEY"
IMAGE = ImageSettings(
    "registry.test/small/bootc:45@sha256:" + "ab" * 32,
    "sha256:" + "cd" * 32,
    releasever="45",
    repositories=(MockRepository("fedora", "https://base.test/", gpgkeys=(KEY,)),),
)


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> KernelWorld:
    return KernelWorld(tmp_path, monkeypatch, capsys)


# -- the spec ------------------------------------------------------------------------------------


def test_rpm_reads_the_spec_as_it_is_meant(tmp_path: Path) -> None:
    plan = pair_plan(small_pair(), needs=["gcc", "make"])
    spec = written(tmp_path, emit_specs(plan, SETTINGS), STREAM)
    form = "%{name}|%{version}|%{arch}|%{license}|[%{requires} %{requireversion},]"
    form += "|[%{provides} %{provideversion},]\n"
    name, version, _, licence, requires, provides = query(tmp_path, spec, form).split("|")
    assert (name, version, licence) == (small_pair().package, "610.57.4", "MIT AND GPL-2.0-only")
    assert f"kernel-uname-r {SHOWN}" in requires
    assert "installonlypkg(kernel-module)" in provides
    assert "kmod-nvidia-open 610.57.4-0.streamsolve" in provides
    needs = run(tmp_path, ["rpmspec", "-q", "--buildrequires", str(spec)]).splitlines()
    assert sorted(needs) == ["gcc", f"kernel-devel-uname-r = {SHOWN}", "make"]


def test_the_spec_calls_make_as_the_profile_says_and_signs_after_the_test(tmp_path: Path) -> None:
    pair = small_pair(make=("modules", "SYSSRC={headers}", "KERNEL_UNAME={release}"))
    spec = written(tmp_path, emit_specs(pair_plan(pair), SETTINGS), STREAM)
    parsed = run(tmp_path, ["rpmspec", "-P", str(spec)])
    assert f"modules SYSSRC=/usr/src/kernels/{SHOWN} KERNEL_UNAME={SHOWN}" in parsed
    order = [
        parsed.index("make "),
        parsed.index('modinfo -F vermagic "$module"'),
        parsed.index("strip --strip-debug"),
        parsed.index("scripts/sign-file sha256 /etc/pki/modsign/signing_key.pem"),
        parsed.index("xz --check=crc32"),
    ]
    assert order == sorted(order)
    keys = ["--define", "modsign_key /keys/mine.pem", "--define", "modsign_cert /keys/mine.der"]
    signed = run(tmp_path, ["rpmspec", "-P", *keys, str(spec)])
    assert "sign-file sha256 /keys/mine.pem /keys/mine.der" in signed
    assert "sign-file" not in run(tmp_path, ["rpmspec", "-P", "--without", "modsign", str(spec)])


def test_a_module_in_a_part_of_its_source_is_built_there(tmp_path: Path) -> None:
    """Each step of RPM begins at the top of what was unpacked, and so does what %files reads."""
    plan = pair_plan(small_pair(), purl="pkg:github/small/drivers@610.57.04#kernel/one")
    spec = written(tmp_path, emit_specs(plan, SETTINGS), STREAM)
    stem = "drivers-610.57.04"
    members = {"kernel/one/Makefile": "modules:\n\ttouch one.ko\n", "kernel/one/COPYING": "MIT\n"}
    (spec.parent / f"{stem}.tar.gz").write_bytes(tarball(stem, members))
    bin_directory = tmp_path / "bin"
    bin_directory.mkdir()
    says = f'#!/bin/sh\n[ "$2" = version ] || echo "{SHOWN} SMP"\n'
    for name, script in (("modinfo", says), ("strip", "#!/bin/sh\n")):
        (bin_directory / name).write_text(script)
        (bin_directory / name).chmod(0o755)
    words = ["rpmbuild", "-bb", "--nodeps", "--target", "x86_64", "--without", "modsign"]
    words += ["--define", f"_sourcedir {spec.parent}", "--define", f"_rpmdir {tmp_path}/built"]
    done = subprocess.run(
        [*words, str(spec)], capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False,
        env={**environment(tmp_path), "PATH": f"{bin_directory}:/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (package,) = (tmp_path / "built").rglob("*.rpm")
    listed = run(tmp_path, ["rpm", "-qpl", str(package)]).split()
    assert f"/usr/lib/modules/{SHOWN}/extra/nvidia-open/one.ko.xz" in listed
    assert [path for path in listed if path.endswith("/COPYING")]


def test_a_source_package_is_made_of_it(tmp_path: Path) -> None:
    spec = written(tmp_path, emit_specs(pair_plan(small_pair()), SETTINGS), STREAM)
    stem = "open-gpu-kernel-modules-610.57.04"
    (spec.parent / f"{stem}.tar.gz").write_bytes(tarball(stem, {"Makefile": "modules:\n"}))
    sources = ["--define", f"_sourcedir {spec.parent}", "--define", f"_srcrpmdir {tmp_path}/src"]
    run(tmp_path, ["rpmbuild", "-bs", "--nodeps", *sources, str(spec)])
    (package,) = (tmp_path / "src").glob("*.src.rpm")
    listed = run(tmp_path, ["rpm", "-qpl", str(package)]).splitlines()
    assert sorted(listed) == sorted([f"{stem}.tar.gz", spec.name])


# -- the root ------------------------------------------------------------------------------------


@needs_dnf
@pytest.mark.parametrize("listed", [True, False])
def test_dnf_chooses_the_headers_of_that_very_kernel_where_newer_ones_are_there(
    world: KernelWorld, tmp_path: Path, listed: bool
) -> None:
    """Also where the base's metadata listed no headers when the lock was made."""
    world.ships_kernel("6.19.0", devel=listed, uname=listed)
    plan = read_lock(world.locks().read_text("utf-8"), file="n.lock.json").plan
    assert plan.builds is not None
    today = (*kernel("6.19.0"), *kernel("6.19.9"), *kernel("7.2.0"))
    packages = {*(p for p in world.packages.values() if not p.name.startswith("kernel")), *today}
    base = repository(tmp_path / "today", packages)
    made = evolve(SETTINGS, repositories=(MockRepository("today", base, gpgkeys=(KEY,)),))
    write_files(tmp_path / "out", emit_mock(plan, made))
    (root,) = plan.builds.roots
    options = configuration(
        tmp_path / "out" / "configs" / f"{root.id}.cfg", config_directory=tmp_path / "out"
    )
    conf = tmp_path / "dnf.conf"
    conf.write_text(options["dnf.conf"])
    (answer,) = choose(tmp_path, {str(conf): options["chroot_setup_cmd"]})
    chosen = {name: full for name, full, _ in answer["packages"]}
    assert chosen["kernel-devel"] == f"kernel-devel-6.19.0-{RELEASE}.x86_64"
    assert set(chosen.values()) == {package.nevra for package in root.packages}


def test_the_packages_are_tested_before_they_are_published(
    world: KernelWorld, tmp_path: Path
) -> None:
    world.ships_kernel("6.19.0")
    world.locks()
    plan = read_lock((tmp_path / "n.lock.json").read_text("utf-8"), file="n.lock.json").plan
    files = emit_mock(plan, SETTINGS)
    write_files(tmp_path / "out", files)
    stand_in = tmp_path / "mock"
    stand_in.write_text(
        '#!/bin/sh\nfor word in "$@"; do case $word in --resultdir=*) mkdir -p '
        '"${word#*=}"; touch "${word#*=}/one.rpm" ;; esac; done\n'
    )
    stand_in.chmod(0o755)
    (tmp_path / "out" / "srpms").mkdir()
    (tmp_path / "out" / "srpms" / "kernel-module-nvidia-open-610.57.4.src.rpm").touch()
    done = subprocess.run(
        ["make", "-C", str(tmp_path / "out"), f"MOCK={stand_in}", "CREATEREPO=true"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0
    assert "check-modules.sh" in done.stdout + done.stderr
    assert not (tmp_path / "out" / "published" / "level-1").exists()
    (tmp_path / "out" / "check-modules.sh").write_text('#!/bin/sh\necho looked at "$@"\n')
    done = subprocess.run(
        ["make", "-C", str(tmp_path / "out"), f"MOCK={stand_in}", "CREATEREPO=true"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"looked at \S*/results/kernel-module-nvidia-open-610.57.4/one.rpm", done.stdout
    )
    chain = files["chain.sh"].decode()
    assert subprocess.run(["sh", "-n"], input=chain, text=True, check=False).returncode == 0
    assert f"kmod-nvidia-open-{SHOWN}-*.rpm" in chain.splitlines()[-1]


def test_a_module_has_no_prefix(tmp_path: Path) -> None:
    with pytest.raises(InputErrors, match="a kernel looks for its modules in one place"):
        emit_mock(pair_plan(small_pair()), evolve(SETTINGS, prefix="/opt/app"))


def test_plans_without_a_pair_are_written_as_before() -> None:
    files = emit_mock(small_plan(), SETTINGS)
    assert "check-modules.sh" not in files
    assert all(b"check-modules" not in content for content in files.values())


# -- the image -----------------------------------------------------------------------------------


def test_an_image_of_a_pair_installs_this_kernel_and_module_and_removes_any_other() -> None:
    files = emit_bootc(pair_plan(small_pair()), IMAGE)
    found = read(files["Containerfile"].decode().replace("RUN bootc container lint\n", ""))
    assert found.base == "registry.test/small/bootc@sha256:" + "ab" * 32
    (installed,) = found.installed
    assert [word for word in installed if word.startswith(("kernel", "kmod"))] == [
        f"kernel-6.19.0-{RELEASE}.x86_64",
        f"kernel-core-6.19.0-{RELEASE}.x86_64",
        f"kmod-nvidia-open-{SHOWN}-610.57.4*-*.x86_64",
    ]
    (step,) = [step for step in found.steps if "dnf" in step]
    steps = ("rpm --erase", "dnf --config", "-F vermagic", "-F signer", "depmod -a", "dracut ")
    order = [step.index(text) for text in steps]
    assert order == sorted(order)
    assert f"--kver {SHOWN}" in step
    assert "kernel.conf" in step
    shown = files["repos/kernel.conf"].decode()
    assert f"kernel-core-6.19.0-{RELEASE}.x86_64" in shown
    assert "boots the kernel" in files["README.md"].decode()
    for step in found.steps:
        assert subprocess.run(["sh", "-n"], input=step, text=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("installed", "left"),
    [
        (["kernel=6.19.0-1.fc45.x86_64", "kernel-core=6.19.0-1.fc45.x86_64"], []),
        (["kernel-core=6.18.1-1.fc45.x86_64", "kernel-modules=6.18.1-1.fc45.x86_64"],
         ["kernel-core-6.18.1-1.fc45.x86_64", "kernel-modules-6.18.1-1.fc45.x86_64"]),
        (["kernel-tools=6.18.1-1.fc45.x86_64", "kernel-headers=6.18.1-1.fc45.x86_64",
          "akernel=1-1.x86_64"], []),
    ],
)  # fmt: skip
def test_what_is_removed_is_every_other_kernel_and_nothing_else(
    tmp_path: Path, installed: list[str], left: list[str]
) -> None:
    """The shell of the step, with an rpm that knows these packages and writes what it erases."""
    files = emit_bootc(pair_plan(small_pair()), IMAGE)
    found = read(files["Containerfile"].decode().replace("RUN bootc container lint\n", ""))
    (step,) = [step for step in found.steps if "rpm --erase" in step]
    script = step[step.index("others=") : step.index("find /usr/lib/modules")].rstrip("& \n\\")
    rpm = tmp_path / "rpm"
    listing = "\n".join(installed)
    rpm.write_text(
        f"#!/bin/sh\nif [ \"$1\" = --query ]; then cat <<'EOF'\n{listing}\nEOF\n"
        f'else for word; do :; done; echo "$word" >> {tmp_path}/erased; fi\n'
    )
    rpm.chmod(0o755)
    subprocess.run(
        ["sh", "-e"], input=script, text=True, check=True, timeout=30,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )  # fmt: skip
    erased = tmp_path / "erased"
    assert (erased.read_text().split() if erased.exists() else []) == left


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (f"{SHOWN} Small", ""),
        (SHOWN, "nvidia.ko.xz is not signed"),
        (f"{SHOWN}+debug Small", "nvidia.ko.xz is for another kernel"),
        ("", "*.ko* is for another kernel"),
    ],
)
def test_each_module_of_an_image_is_looked_at(tmp_path: Path, said: str, told: str) -> None:
    files = emit_bootc(pair_plan(small_pair()), IMAGE)
    found = read(files["Containerfile"].decode().replace("RUN bootc container lint\n", ""))
    (step,) = [step for step in found.steps if "-F signer" in step]
    script = step[step.index("for module in") : step.index("depmod -a")].rstrip("& \n\\")
    modules = tmp_path / "modules"
    modules.mkdir()
    if said:
        (modules / "nvidia.ko.xz").write_text(said)
    modinfo = tmp_path / "modinfo"
    modinfo.write_text(
        '#!/bin/sh\nread -r magic signer < "$3" || true\n'
        'case $2 in vermagic) echo "$magic SMP" ;; signer) echo "$signer" ;; esac\n'
    )
    modinfo.chmod(0o755)
    script = script.replace(f"/usr/lib/modules/{SHOWN}/extra/nvidia-open", str(modules))
    done = subprocess.run(
        ["sh", "-e"], input=script, text=True, check=False, timeout=30, capture_output=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )  # fmt: skip
    assert (done.returncode == 0) is (not told)
    assert told in done.stderr


def test_an_image_of_a_pair_on_a_base_image_without_a_digest_is_refused() -> None:
    with pytest.raises(InputErrors) as caught:
        emit_bootc(pair_plan(small_pair()), evolve(IMAGE, base_image="registry.test/bootc:45"))
    assert caught.value.code is Code.NOT_EMITTED
    assert "has no digest" in str(caught.value)


def with_driver(specifier: str, component: Component | None = None) -> Plan:
    driver = component or Component(Kind.KERNEL_MODULE, "nvidia-driver")
    needed = requirement_on(driver, specifier, scope=Scope.HOST)
    cuda = Component(Kind.ACCELERATOR, "cuda")
    plan = small_plan()
    return evolve(plan, base="fedora-45", host=(HostRequirement(needed, cuda, "a table"),))


def test_a_pair_goes_below_an_application_that_its_driver_does_for() -> None:
    files = emit_bootc(
        with_driver(">=580.65.06"),
        evolve(IMAGE, prefix="/opt/app"),
        pair=pair_plan(small_pair()),
        rules=shipped_rules(),
    )
    text = files["Containerfile"].decode()
    assert text.index("kernel.conf") < text.index("/run/streamsolve-repos/dnf.conf")
    assert "repos/kernel.conf" in files
    assert "repos/dnf.conf" in files
    assert "The image brings no driver" not in files["README.md"].decode()


@pytest.mark.parametrize(
    ("plan", "pair", "code", "told"),
    [
        (with_driver(">=580.65.06"), small_pair(version=Version("570.211.1"), written="570.211.01"),
         Code.KERNEL_PAIR_UNFIT,
         r"cuda needs nvidia-driver >=580\.65\.06, and this is nvidia-open 570\.211\.01, which "
         r"does for CUDA 12\.0 to 13\.0"),
        (with_driver("<6", KERNEL), small_pair(), Code.KERNEL_PAIR_UNFIT,
         r"cuda needs kernel <6, and this is kernel 6\.19\.0-1\.fc45"),
        (evolve(with_driver(">=1"), base="fedora-44"), small_pair(), Code.KERNEL_PAIR_UNFIT,
         "it is for the base fedora-45, and app is for fedora-44"),
        (with_driver(">=1"),
         small_pair(version=Version("580.126.18"), written="580.126.18", evr="7.2.0-1.fc45"),
         Code.KERNEL_PAIR_EXCLUDED,
         r"nvidia-open '580\.126\.18' does not go with kernel '7\.2\.0-1\.fc45', but with "
         r"kernel<7\.0: the 580 branch does not build on kernel 7\.0 and newer"),
        (with_driver(">=1"), None, Code.BAD_OPTION, "holds no kernel module"),
    ],
)  # fmt: skip
def test_a_pair_that_does_not_do_is_refused_with_the_fact(
    plan: Plan, pair: KernelPair | None, code: Code, told: str
) -> None:
    below = pair_plan(pair) if pair is not None else small_plan()
    image = evolve(IMAGE, prefix="/opt/app")
    with pytest.raises(InputErrors, match=told) as refused:
        emit_bootc(plan, image, pair=below, pair_file="n.lock.json", rules=shipped_rules())
    assert refused.value.code is code
    assert all(
        each.place.file in ("n.lock.json", "components/host.toml") for each in refused.value.errors
    )


def test_an_older_lock_is_refused_for_a_fact_that_is_known_since(tmp_path: Path) -> None:
    pair = small_pair(version=Version("580.126.18"), written="580.126.18", evr="7.2.0-1.fc45")
    emit_bootc(pair_plan(pair), IMAGE)
    with pytest.raises(InputErrors) as refused:
        emit_bootc(pair_plan(pair), IMAGE, rules=shipped_rules())
    (fault,) = refused.value.errors
    assert fault.place.file == "components/host.toml"
    assert fault.place.line > 0


def test_the_commands_give_an_image_and_refuse_what_does_not_do(world: KernelWorld) -> None:
    world.ships_kernel("6.19.0")
    world.locks()
    shutil.copytree(world.directory / "base", world.directory / "fedora-45")
    world.locks(base="./fedora-45")
    image = ["--base-image", "registry.test/bootc:45@sha256:" + "ab" * 32]
    ran = world.run("emit", "bootc", "n.lock.json", "-o", "image", *image)
    assert ran.code == 0, ran.err
    assert "RUN bootc container lint" in (world.directory / "image" / "Containerfile").read_text()
    assert "podman" not in ran.out
    ran = world.run("emit", "bootc", "n.lock.json", "-o", "image", *image, "--prefix", "/opt/n")
    assert ran.code == 2
    assert ran.says("nvidia-open is a kernel module: it lies where its kernel looks")


# -- the machine ---------------------------------------------------------------------------------


def test_doctor_compares_the_kernel_that_runs_with_the_locks() -> None:
    from streamsolve.doctor import RecordedHost, examine, judge
    from streamsolve.model.host import Verdict

    state = examine(RecordedHost(Path(__file__).parent / "hosts" / "cuda-580"))
    for release, verdict in ((state.kernel, Verdict.FITS), (SHOWN, Verdict.DOES_NOT_FIT)):
        report = judge(state, plan=pair_plan(small_pair(release=release)))
        (check,) = [each for each in report.checks if each.needed == release]
        assert (check.verdict, check.found) == (verdict, state.kernel)
        assert "emit bootc" in check.step or verdict is Verdict.FITS


# -- hostile values ------------------------------------------------------------------------------

ATTACKS = (
    "{{7*7}}", "{% raw %}", "'", '"', "\\", "\n", "\0", "a\nRUN touch RAN", "a\n%prep\ntouch RAN",
    "%(touch RAN)", "%{lua:x}", "%{expand:%(touch RAN)}", "$(touch RAN)", "`touch RAN`",
    "; touch RAN", "&& touch RAN", "| touch RAN", "../../RAN", "/etc/passwd", "-x", " ", "", "*",
    "a b", "#",
    "x" * 10_000, "é", "A-b_c.d", "1:2-3", "~x", "{headers}", "M={source}", "{x}",
)  # fmt: skip
PARTS = st.one_of(
    st.sampled_from(ATTACKS), st.text(max_size=6), st.text("ab01._-+~^:=/ {}", max_size=9)
)
HOSTILE = st.lists(PARTS, min_size=1, max_size=3).map("".join)
FIELDS: dict[str, Callable[[str], dict[str, Any]]] = {
    "package": lambda text: {"package": text},
    "written": lambda text: {"written": text},
    "kernel": lambda text: {"kernel": text},
    "evr": lambda text: {"evr": text},
    "release": lambda text: {"release": text},
    "binding": lambda text: {"binding": text},
    "headers": lambda text: {"headers": text},
    "make": lambda text: {"make": ("modules", text)},
    "module": lambda text: {"module": Component(Kind.KERNEL_MODULE, text)},
}


@settings(max_examples=300)
@given(text=HOSTILE, field=st.sampled_from(sorted(FIELDS)))
def test_hostile_values_of_a_pair_are_refused_or_plain_words(text: str, field: str) -> None:
    """What is written out is what the shell, make and RPM read as nothing but itself: letters,
    digits and signs without a meaning in any of them."""
    pair = small_pair(**FIELDS[field](text))
    plan = evolve(pair_plan(small_pair()), kernel_pair=pair)
    plain = re.compile(r"[A-Za-z0-9._+~^:=/,-]+(?: (?:=|<|>|<=|>=) [A-Za-z0-9._+~^:-]+)?")
    made = re.compile(r"(?:[A-Za-z0-9._:=/+,-]|\{(?:headers|release|source)\})+")
    for emit in (
        lambda: emit_mock(plan, SETTINGS),
        lambda: emit_specs(plan, SETTINGS).files,
        lambda: emit_bootc(plan, IMAGE),
    ):
        files = _refused_or(emit)
        if files is None:
            continue
        rule = made if field == "make" else plain
        assert rule.fullmatch(text) or field in ("binding", "headers"), (field, text)
        assert all("RAN" not in content.decode() for content in files.values())


def _refused_or(emit: Callable[[], Mapping[str, bytes]]) -> Mapping[str, bytes] | None:
    """The files, or None where the values were refused as they should be."""
    try:
        return emit()
    except InputErrors as refused:
        faults = refused.errors
        told = refused.code is Code.NOT_EMITTED and all(len(f.message) < 1000 for f in faults)
    assert told
    return None
