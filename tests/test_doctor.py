"""Hosts of every kind as they were written down, held against locks; and this machine."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import jsonschema
import pytest
from attrs import define, evolve, field
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsolve.cli import main
from streamsolve.doctor import Answer, LiveHost, RecordedHost, examine, judge
from streamsolve.explain.doctor_text import doctor_blocks, doctor_document, doctor_schema
from streamsolve.explain.markup import lay_out, plain
from streamsolve.inputs.profiles import shipped_rules
from streamsolve.lock import lock_text
from streamsolve.model.artifacts import GpuMatrix
from streamsolve.model.component import Component, Kind, Scope
from streamsolve.model.host import HostReport, HostState, InstalledPackages, Verdict
from streamsolve.model.plan import HostRequirement, Plan
from streamsolve.model.requirement import requirement_on

from .commandworld import Ran
from .lockworld import small_plan, small_settings

HOSTS = Path(__file__).parent / "hosts"
KINDS = sorted(path.name for path in HOSTS.iterdir())
FITS, BAD, UNTOLD = Verdict.FITS, Verdict.DOES_NOT_FIT, Verdict.UNTOLD
CUDA = Component(Kind.ACCELERATOR, "cuda")
MATRIX = GpuMatrix(("sm_80", "sm_90", "sm_100"))
AMD = GpuMatrix(("gfx90a", "gfx942"))
SCREEN = 40
Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command; standard output and standard error apart."""

    def ran(*arguments: str) -> Ran:
        capsys.readouterr()
        code = main(arguments)
        return Ran(code, *capsys.readouterr())

    return ran


def needs(name: str, specifier: str, kind: Kind = Kind.KERNEL_MODULE) -> HostRequirement:
    requirement = requirement_on(Component(kind, name), specifier, scope=Scope.HOST)
    return HostRequirement(requirement, CUDA)


DRIVER = needs("nvidia-driver", ">=580.65.06")


def asking(*host: HostRequirement, arch: str = "x86_64") -> Plan:
    return evolve(small_plan(), host=host, arch=arch)


def state_of(kind: str) -> HostState:
    return examine(RecordedHost(HOSTS / kind))


def report_of(
    kind: str, *host: HostRequirement, gpu: GpuMatrix = MATRIX, arch: str = "x86_64"
) -> HostReport:
    return judge(
        state_of(kind),
        plan=asking(*host, arch=arch),
        settings=evolve(small_settings(), gpu=gpu),
        rules=shipped_rules(),
    )


def verdicts(report: HostReport) -> list[tuple[str, Verdict]]:
    return [(check.subject, check.verdict) for check in report.checks]


def text_of(report: HostReport, file: str = "x.lock.json", width: int = 80) -> str:
    return plain(lay_out(doctor_blocks(report, file), width))


# -- what is there ---------------------------------------------------------------------------------


def test_a_cuda_server_is_seen_whole() -> None:
    state = state_of("cuda-580")
    assert (state.kernel, state.glibc) == ("6.18.4-200.fc44.x86_64", "2.43")
    assert (state.cpu.arch, state.cpu.level, state.cpu.count) == ("x86_64", "x86-64-v4", 8)
    (gpu,) = state.gpus
    assert (gpu.name, gpu.architecture, gpu.count) == ("NVIDIA H100 80GB HBM3", "sm_90", 8)
    assert gpu.memory == 81559
    (driver,) = state.drivers
    assert (driver.version, driver.kind, driver.loaded) == ("580.105.08", "open", True)
    assert state.modules == ("nvidia", "nvidia_drm", "nvidia_modeset", "nvidia_uvm")
    assert state.container.devices == ("nvidia.yaml",)
    assert state.container.toolkit == "1.18.1"
    assert state.container.engines == (("podman", "5.8.1"),)
    assert state.secure_boot == "off"
    assert dict(state.disk) == {"/": 900000000 // 1024, "/var": 7000000000 // 1024}
    assert not state.silent


def test_a_proprietary_module_is_told_from_the_open_one() -> None:
    assert state_of("cuda-old").drivers[0].kind == "proprietary"


def test_a_rocm_server_is_seen_by_the_kernels_topology_and_by_rocminfo(tmp_path: Path) -> None:
    state = state_of("rocm-mi300")
    (gpu,) = state.gpus
    assert (gpu.vendor, gpu.architecture, gpu.count) == ("amd", "gfx942", 8)
    assert gpu.name == "AMD Instinct MI300X"
    assert state.rocm == "7.2.1-43"
    commands = tmp_path / "commands"
    commands.mkdir()
    (commands / "rocminfo").write_bytes((HOSTS / "rocm-mi300/commands/rocminfo").read_bytes())
    (alone,) = examine(RecordedHost(tmp_path)).gpus
    assert alone.architecture == "gfx942"


@pytest.mark.parametrize(
    ("target", "architecture"),
    [
        (90402, "gfx942"),
        (90010, "gfx90a"),
        (90500, "gfx950"),
        (110000, "gfx1100"),
        (120001, "gfx1201"),
    ],
)
def test_the_kernels_numbers_are_amds_names(target: int, architecture: str, tmp_path: Path) -> None:
    node = tmp_path / "sys/class/kfd/kfd/topology/nodes/1"
    node.mkdir(parents=True)
    (node / "properties").write_text(f"simd_count 8\ngfx_target_version {target}\n")
    (gpu,) = examine(RecordedHost(tmp_path)).gpus
    assert gpu.architecture == architecture


def test_a_host_that_boots_images_says_which() -> None:
    bootc = state_of("fedora-bootc").deployment
    assert bootc is not None
    assert (bootc.kind, bootc.image) == ("bootc", "registry.example/inference/host:44")
    assert bootc.digest == f"sha256:{'a' * 64}"
    assert (bootc.version, bootc.staged) == ("44.20261101.0", "44.20261121.0")
    atomic = state_of("fedora-atomic").deployment
    assert atomic is not None
    assert (atomic.kind, atomic.image) == ("ostree", "fedora:fedora/44/x86_64/silverblue")
    assert atomic.layered == ("htop", "nvidia-open")
    assert state_of("laptop").deployment is None


def test_an_arm_server_and_a_laptop_are_seen() -> None:
    arm, laptop = state_of("gb200"), state_of("laptop")
    assert (arm.cpu.arch, arm.cpu.model, arm.cpu.level) == ("aarch64", "Arm Neoverse V2", "")
    assert arm.gpus[0].architecture == "sm_100"
    assert [(gpu.vendor, gpu.driver) for gpu in laptop.gpus] == [("intel", "i915")]
    assert laptop.cpu.level == "x86-64-v3"
    assert laptop.secure_boot == "on"


def test_secure_boot_is_read_from_the_firmware_without_mokutil(tmp_path: Path) -> None:
    variables = tmp_path / "sys/firmware/efi/efivars"
    variables.mkdir(parents=True)
    file = variables / "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    for value, told in ((1, "on"), (0, "off")):
        file.write_bytes(bytes([6, 0, 0, 0, value]))
        assert examine(RecordedHost(tmp_path)).secure_boot == told


def test_an_empty_host_has_nothing_and_nothing_fails(tmp_path: Path) -> None:
    assert examine(RecordedHost(tmp_path)) == HostState()
    assert "none found" in text_of(HostReport(HostState()))


# -- what fits -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "expected", "fits"),
    [
        ("cuda-580", [FITS, FITS, FITS, FITS], True),
        ("cuda-old", [FITS, BAD, FITS, BAD], False),
        ("cuda-580-kernel-7", [FITS, BAD, UNTOLD, BAD], False),
        ("laptop", [FITS, BAD, BAD], False),
        ("rocm-mi300", [FITS, BAD, BAD], False),
        ("fedora-bootc", [FITS, BAD, UNTOLD], False),
        ("container", [FITS, UNTOLD, UNTOLD], None),
        ("gb200", [BAD, FITS, FITS, FITS], False),
    ],
)
def test_a_lock_for_cuda_fits_the_host_or_does_not(
    kind: str, expected: list[Verdict], fits: bool | None
) -> None:
    report = report_of(kind, DRIVER)
    subjects = ["processor", "nvidia-driver", "GPU", "GPU" if kind == "cuda-old" else "kernel"]
    assert verdicts(report) == list(zip(subjects, expected, strict=False))
    assert report.fits is fits
    for check in report.checks:
        assert bool(check.step) is (check.verdict is not FITS)


def test_a_lock_for_rocm_fits_the_server_with_mi300_alone() -> None:
    fitting = [kind for kind in KINDS if report_of(kind, gpu=AMD).fits]
    assert fitting == ["rocm-mi300"]


def test_one_lock_for_arm_fits_the_arm_server() -> None:
    assert report_of("gb200", DRIVER, arch="aarch64").fits is True


def test_an_excluded_pair_is_told_with_the_fact_and_its_source() -> None:
    (check,) = judge(state_of("cuda-580-kernel-7"), rules=shipped_rules()).checks
    assert check.verdict is BAD
    assert check.needed == "<7.0"
    assert check.source.startswith("components/host.toml:")
    assert "does not build on kernel 7.0 and newer" in check.source
    assert not judge(state_of("cuda-580-kernel-7")).checks


def test_a_driver_that_runs_in_spite_of_a_fact_is_told_and_no_fault(tmp_path: Path) -> None:
    state = evolve(state_of("cuda-580"), kernel="7.1.3-200.fc44.x86_64")
    (check,) = judge(state, rules=shipped_rules()).checks
    assert check.verdict is UNTOLD
    assert "loaded all the same" in check.step


def test_what_to_do_about_a_driver_depends_on_the_host() -> None:
    def step(kind: str) -> str:
        return report_of(kind, DRIVER).checks[1].step

    assert "update to nvidia-driver >=580.65.06" in step("cuda-old")
    assert "no NVIDIA GPU" in step("laptop")
    assert "in the image that the host boots" in step("fedora-bootc")
    assert "signed" in step("fedora-bootc")
    assert "inside a container (podman)" in step("container")
    for word in ("nouveau", "not of the 580 branch", "kernel <7.0"):
        assert word in step("cuda-580-kernel-7")


@pytest.mark.parametrize(
    ("needed", "verdict"),
    [
        (needs("kernel", ">=6.18", Kind.PACKAGE), FITS),
        (needs("kernel", "<6.18", Kind.PACKAGE), BAD),
        (needs("glibc", ">=2.34", Kind.PACKAGE), FITS),
        (needs("glibc", ">=2.50", Kind.PACKAGE), BAD),
        (needs("nvidia-driver", ">=580.65.06,<590", Kind.PACKAGE), FITS),
        (needs("absent-thing", "", Kind.PACKAGE), BAD),
        (needs("amdgpu", ">=6"), BAD),
        (needs("some-module", ">=1"), UNTOLD),
    ],
)
def test_every_sort_of_requirement_is_looked_at(needed: HostRequirement, verdict: Verdict) -> None:
    check = report_of("cuda-580", needed, gpu=GpuMatrix()).checks[1]
    assert (check.subject, check.verdict) == (needed.requirement.component.name, verdict)


def test_the_kernels_own_driver_has_no_version_to_compare() -> None:
    check = report_of("rocm-mi300", needs("amdgpu", ">=6"), gpu=AMD).checks[1]
    assert check.verdict is UNTOLD


@pytest.mark.parametrize(
    ("built", "verdict", "word"),
    [
        (("sm_90",), FITS, "built for it"),
        (("compute_80",), FITS, "compiles"),
        (("sm_80",), BAD, "no code"),
        (("sm_90a",), FITS, "built for it"),
    ],
)
def test_a_gpu_is_covered_by_what_runs_on_it(
    built: Iterable[str], verdict: Verdict, word: str
) -> None:
    check = report_of("cuda-580", gpu=GpuMatrix(tuple(built))).checks[1]
    assert (check.subject, check.verdict) == ("GPU", verdict)
    assert word in check.why


def test_a_stream_without_code_for_the_gpu_is_named() -> None:
    gpu = GpuMatrix(("sm_90",), {"torch": ("sm_90",), "vllm": ("sm_80",)})
    check = report_of("cuda-580", gpu=gpu).checks[1]
    assert check.verdict is BAD
    assert check.why == "vllm has no code for it"


def test_installed_packages_of_the_runtime_root_are_counted() -> None:
    plan = asking()
    assert plan.builds
    wanted = plan.builds.runtime.packages
    same, other = wanted[0], wanted[1]
    state = evolve(
        HostState(), packages=((same.name, same.evr.removeprefix("0:")), (other.name, "9-9"))
    )
    found = judge(state, plan=plan).installed
    assert found == InstalledPackages(2, len(wanted), 1, 1)


# -- what hosts do ---------------------------------------------------------------------------------


@define
class BrokenHost:
    """A host on which everything that is asked goes the same way."""

    answer: Answer | BaseException
    asked: list[str] = field(factory=list)

    def _answer(self, what: str) -> Answer:
        self.asked.append(what)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def read(self, path: str) -> Answer:
        return self._answer(path)

    def names(self, path: str) -> tuple[str, ...]:
        self._answer(path)
        return ("0", "\x1b[2J", ".containerenv", "ostree-booted")

    def run(self, *command: str) -> Answer:
        return self._answer(command[0])


HOSTILE = {
    "escapes": b"\x1b]0;owned\x07\x1b[31mNVIDIA \x1b[2J\xe2\x80\xae, 580.1, 9.0, 1 MiB\n" * 3,
    "binary": bytes(range(256)) * 64,
    "huge": b"processor\t: 1\nmodel name\t: " + b"x" * (1 << 20) + b"\n",
    "numbers": b"9" * 10000 + b"." + b"9" * 10000,
    "nested": b"[" * 100000,
    "json": b'{"deployments": [1, {"booted": true, "version": {}, "packages": 7}], "status": 3}',
    "csv": b"a,b,c\n,,,\n, 1, 999999999999999999999.9, -5 MiB\n",
    "rocminfo": b"*******\nName: gfx\x1b\nDevice Type: GPU\n*******\n:::\n",
}


def is_clean(text: str) -> bool:
    return all(letter.isprintable() or letter == "\n" for letter in text)


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_outputs_neither_break_it_nor_reach_the_terminal(data: bytes) -> None:
    report = judge(examine(BrokenHost(Answer(data))), plan=asking(DRIVER), rules=shipped_rules())
    text = text_of(report)
    document = json.dumps(doctor_document(report, "x"), ensure_ascii=False)
    assert is_clean(text)
    assert is_clean(document)
    assert len(text) < 10000
    jsonschema.validate(json.loads(document), dict(doctor_schema()))


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["", "fails (exit code 1)"]))
def test_no_output_breaks_it(data: bytes, trouble: str) -> None:
    report = judge(examine(BrokenHost(Answer(data, trouble))), plan=asking(DRIVER))
    document = doctor_document(report, "x")
    jsonschema.validate(document, dict(doctor_schema()))
    assert is_clean(text_of(report))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TimeoutError(), "does not answer in time"),
        (PermissionError(13, "no"), "PermissionError"),
        (MemoryError(), "MemoryError"),
        (RuntimeError("\x1b[31m"), "RuntimeError"),
    ],
)
def test_a_host_that_raises_is_a_host_that_says_nothing(error: Exception, said: str) -> None:
    state = examine(BrokenHost(error))
    assert evolve(state, silent=()) == HostState()
    assert {tool.what for tool in state.silent} > {"nvidia-smi", "rpm", "/proc/cpuinfo"}
    assert all(said in tool.why for tool in state.silent)


def test_a_tool_that_hangs_or_prints_without_end_is_stopped() -> None:
    host = LiveHost(seconds=0.5)
    start = time.monotonic()
    slow = host.run(sys.executable, "-c", "import time; time.sleep(60)")
    assert slow.trouble == "does not answer within 0.5 s"
    # A child of its own that keeps the pipe open is stopped as well.
    inner = "[sys.executable, '-c', 'import time; time.sleep(60)']"
    child = f"import subprocess, sys; subprocess.run({inner})"
    assert host.run(sys.executable, "-c", child).trouble == "does not answer within 0.5 s"
    endless = LiveHost(seconds=30).run(sys.executable, "-c", "while 1: print('y' * 10000)")
    assert endless.trouble == "prints too much"
    assert time.monotonic() - start < 25


def test_a_tool_that_fails_or_is_missing_says_so() -> None:
    host = LiveHost()
    failed = host.run(sys.executable, "-c", "print('why'); raise SystemExit(9)")
    assert (failed.text.strip(), failed.trouble) == ("why", "fails (exit code 9)")
    assert host.run("no-such-tool-anywhere").trouble == "is not there"
    assert host.run("echo", "$(id); `id`").text == "$(id); `id`\n"


def test_no_link_leads_out_of_a_root(tmp_path: Path) -> None:
    root, secret = tmp_path / "root", tmp_path / "secret"
    (root / "etc").mkdir(parents=True)
    secret.write_text("PRETTY_NAME=secret\n")
    (root / "etc" / "os-release").symlink_to(secret)
    (root / "proc").symlink_to("/proc")
    host = RecordedHost(root)
    assert host.read("/etc/os-release").trouble == "is not there"
    assert host.read("/../secret").trouble == "is not there"
    assert host.names("/proc") == ()


# -- the command -----------------------------------------------------------------------------------


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A lock of a small application for CUDA."""
    file = tmp_path / "app.lock.json"
    text = lock_text(asking(DRIVER), evolve(small_settings(), gpu=MATRIX))
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_host_fits_one_screen_and_the_schema(kind: str, lock: Path, run: Run) -> None:
    text = run("doctor", "--root", str(HOSTS / kind), "--lock", str(lock))
    assert len(text.out.splitlines()) <= SCREEN
    assert max(map(len, text.out.splitlines())) <= 80
    done = run("doctor", "--root", str(HOSTS / kind), "--lock", str(lock), "--json")
    jsonschema.validate(done.document, dict(doctor_schema()))
    assert done.code == text.code == (3 if done.document["fits"] is False else 0)
    again = run("doctor", "--root", str(HOSTS / kind), "--lock", str(lock), "--json")
    assert again.out == done.out


def test_without_a_lock_it_ends_well_and_judges_nothing(run: Run) -> None:
    done = run("doctor", "--root", str(HOSTS / "cuda-580-kernel-7"), "--json")
    assert done.code == 0
    assert done.document["fits"] is None
    assert done.document["lock"] is None


def test_this_machine_is_looked_at(run: Run, lock: Path) -> None:
    done = run("doctor", "--json")
    assert done.code == 0, done.err
    jsonschema.validate(done.document, dict(doctor_schema()))
    host = done.document["host"]
    assert host["kernel"] == Path("/proc/sys/kernel/osrelease").read_text().strip()
    assert host["cpu"]["arch"]
    asked = run("doctor", "--lock", str(lock))
    assert asked.code in (0, 3)
    assert asked.says("This machine")


@pytest.mark.parametrize(
    "words", [("--lock", "nowhere.lock.json"), ("--root", "nowhere"), ("--lock", __file__)]
)
def test_bad_input_is_told(words: tuple[str, str], run: Run) -> None:
    done = run("doctor", *words)
    assert done.code == 2
    assert "SS" in done.err
