"""``streamsolve copr push``, ``status`` and ``webhook`` as commands, through COPR's own client."""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import define
from jsonschema import Draft202012Validator

from streamsolve.cli import copr as command
from streamsolve.cli.root import run
from streamsolve.copr.journal import journal_path
from streamsolve.copr.patience import Patience
from streamsolve.emit.grammar import Refusals
from streamsolve.emit.names import names_of
from streamsolve.lock import lock_set_text, lock_text, read_lock

from .commandworld import Ran
from .conftest import ROOT
from .coprserver import LOGIN, TOKEN, CoprServer
from .localserver import without_proxies
from .lockworld import small_plan, small_settings

NVIDIA = ("--repo", "nvidia=https://packages.test/cuda/,priority=50")
PROJECT = ("--project", "packager/app")
STATUS = ROOT / "streamsolve" / "schemas" / "copr-status-1.schema.json"


@define
class Desk:
    """A directory with a lock, its source packages and the client's configuration."""

    directory: Path
    server: CoprServer
    capsys: pytest.CaptureFixture[str]

    fragment: str = ""

    @property
    def lock(self) -> Path:
        return self.directory / f"app.lock.json{self.fragment}"

    def run(self, name: str, *words: str, config: str = "copr.conf") -> Ran:
        arguments = ["copr", name, str(self.lock), *PROJECT, *NVIDIA, *words]
        self.capsys.readouterr()
        code = run([*arguments, "--config", config] if config else arguments)
        out, err = self.capsys.readouterr()
        return Ran(code, out, err)

    def push(self, *words: str) -> Ran:
        return self.run("push", "-d", "out", *words)


@pytest.fixture
def desk(
    shared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Desk]:
    without_proxies(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "120")
    for name in ("COPR_TOKEN", "COPR_LOGIN", "COPR_URL"):
        monkeypatch.delenv(name, raising=False)
    plan = small_plan()
    assert plan.builds is not None
    (tmp_path / "app.lock.json").write_text(lock_text(plan, small_settings()))
    (tmp_path / "out" / "srpms").mkdir(parents=True)
    for name in names_of(plan.builds, Refusals("")).sources.values():
        (tmp_path / "out" / "srpms" / name).write_bytes(name.encode())
    with CoprServer(shared / "schemas") as server:
        world = server.world
        patience = Patience(sleep=world.advance, clock=lambda: float(world.now))
        monkeypatch.setattr(command, "patience_here", lambda: patience)
        server.config_file(tmp_path / "copr.conf")
        yield Desk(tmp_path, server, capsys)
        assert server.violations == []


def fails_as(name: str) -> Callable[..., bool]:
    """Whether a build is of the source package of that name."""
    return lambda build: name in str(build.source)


def test_a_push_builds_and_says_how_to_install(desk: Desk) -> None:
    ran = desk.push()
    assert ran.code == 0
    assert ran.says("packager/app has all of 8 builds")
    assert ran.says("dnf copr enable packager/app")
    assert ran.says("cannot be held there")
    assert "torch@2.14.0: built (build" in ran.err
    assert len(desk.server.world.submissions) == 8


def test_a_dry_run_shows_every_field_and_changes_nothing(desk: Desk) -> None:
    ran = desk.push("--dry-run", "--module", "nodejs:20")
    assert ran.code == 0
    assert ran.says("Would change in COPR", "packager/app (new)")
    assert ran.says("fedora-45-x86_64: without_opts", "nothing → check, tests")
    assert ran.says("fedora-45-x86_64: additional_modules", "nothing → nodejs:20")
    assert ran.says("repo_priority nothing → 1", "follow_fedora_branching yes → no")
    assert ran.says("https://packages.test/cuda/?priority=50")
    assert ran.says("8 not submitted", "Would build 8 of 8, level by level, in")
    assert all(request.startswith("GET") for request in desk.server.asked)
    assert not journal_path(desk.lock, "packager", "app").exists()


def test_a_lock_of_several_in_a_file_is_pushed_by_its_architecture(desk: Desk) -> None:
    text = desk.lock.read_text()
    whole = lock_set_text({"x86_64": (read_lock(text, file="f"), text)})
    desk.lock.write_text(whole)
    desk.fragment = "#x86_64"
    words = ("--source", "custom", "--lock-url", "https://example.org/l.json")
    ran = desk.push(*words, "--source", "torch=srpm")
    assert ran.code == 0, ran.err
    scripts = [one.source for one in desk.server.world.builds.values() if one.kind == "custom"]
    assert len(scripts) == 7
    for source in map(str, scripts):
        assert hashlib.sha256(whole.encode()).hexdigest() in source
        assert "copr source \"$lock\"'#x86_64' --component" in source.replace("\\'", "'")


def test_the_script_s_chroot_gets_what_was_asked_for_and_a_given_spec_needs_a_source_package(
    desk: Desk,
) -> None:
    words = ("--source", "custom", "--lock-url", "https://example.org/app.lock.json")
    words += ("--source-package", "curl", "--source-package", "pyp2spec")
    refused = desk.push(*words)
    assert refused.code == 2
    assert refused.says("can make no sources from the lock for torch@2.14.0", "with -d DIR")
    assert desk.server.world.submissions == []
    ran = desk.push(*words, "--source", "torch=srpm")
    assert ran.code == 0
    scripts = [one.source for one in desk.server.world.builds.values() if one.kind == "custom"]
    assert len(scripts) == 7
    for source in scripts:
        assert "curl" in str(source)
        assert "pyp2spec" in str(source)
        assert "streamsolve copr source" in str(source)


def test_a_dry_run_after_a_push_shows_the_one_field_that_would_change(desk: Desk) -> None:
    desk.push()
    ran = desk.push("--dry-run", "--isolation", "simple")
    assert ran.says("isolation", "unchanged → simple")
    assert not ran.says("without_opts")
    assert ran.says("has all of 8 builds")


def test_a_failure_ends_with_4_and_shows_where_its_log_is(desk: Desk) -> None:
    desk.server.world.fails = fails_as("torch-2.14.0")
    ran = desk.push()
    assert ran.code == 4
    assert ran.says("torch@2.14.0", "failed", f"{desk.server.url}/results/packager/")
    assert ran.says("builder-live.log.gz")
    assert not ran.says("dnf copr enable")
    again = desk.push()
    # What was built is not built again, what failed is.
    assert again.says("1 build submitted")


def test_what_a_failure_keeps_from_being_built_is_told(desk: Desk) -> None:
    desk.server.world.fails = fails_as("wheel-0.46.1")
    ran = desk.push()
    assert ran.code == 4
    assert ran.says("5 builds not built for want of these")
    assert "leaf-0@1.2" in ran.out


def test_status_shows_the_levels_with_what_copr_has(desk: Desk) -> None:
    desk.server.world.fails = fails_as("torch-2.14.0")
    desk.push()
    ran = desk.run("status", "-d", "out")
    assert ran.code == 0
    assert ran.says("7 built, 1 failed, of 8 builds")
    assert ran.says("Level 1", "Level 2")
    document = desk.run("status", "-d", "out", "--json").document
    Draft202012Validator(json.loads(STATUS.read_text("utf-8"))).validate(document)
    assert document["schema"] == "streamsolve.copr-status/1"
    assert document["states"] == {"built": 7, "failed": 1}
    (torch,) = (b for level in document["levels"] for b in level if b["build"] == "torch@2.14.0")
    assert torch["state"] == "failed"
    assert torch["logs"][0].endswith("builder-live.log.gz")
    assert torch["after"] == ["setuptools@80.1/final", "wheel@0.46.1"]


def test_status_of_what_was_never_pushed_says_what_to_do(desk: Desk) -> None:
    ran = desk.run("status", "-d", "out")
    assert ran.code == 2
    assert ran.says("COPR has no project packager/app", "streamsolve copr push")


def test_a_webhook_s_address_hides_the_secret_unless_a_new_one_is_asked_for(desk: Desk) -> None:
    desk.push()
    ran = desk.run("webhook", "--component", "torch")
    assert ran.code == 0
    number = desk.server.world.project("packager", "app-flit-core-3.12.0")
    assert number
    (line,) = (line for line in ran.out.splitlines() if line.startswith("torch "))
    assert "/webhooks/custom/" in line
    assert line.endswith("/SECRET/torch-2.14.0/")
    assert not any("webhook/generate" in request for request in desk.server.asked)
    told = desk.run("webhook", "--component", "torch", "--new-secret")
    assert told.says("/7bc05125-0000-4985-9ffa-000000000001/torch-2.14.0/")


def test_packages_for_webhooks_are_made_and_made_again_the_same(desk: Desk) -> None:
    desk.push()
    words = ("--set-up", "--lock-url", "https://example.org/app.lock.json", "--component", "torch")
    for _ in range(2):
        ran = desk.run("webhook", *words)
        assert ran.code == 0
        assert ran.says("1 package set up")
    made = [
        package
        for project in desk.server.world.projects.values()
        for package in project["packages"].values()
    ]
    (torch,) = made
    assert torch["auto_rebuild"]
    assert "--component torch@2.14.0" in torch["source_dict"]["script"]


def test_a_webhook_for_what_only_a_file_makes_is_refused(desk: Desk) -> None:
    desk.push()
    ran = desk.run("webhook", "--set-up", "--component", "torch")
    assert ran.code == 2
    assert ran.says("torch has another source than the custom method", "--lock-url")


def test_faults_of_options_are_told_together(desk: Desk) -> None:
    ran = desk.run(
        "push", "--source", "nonsense", "--source", "torch=distgit:x", "--repo", "x=", "-d", "out"
    )
    assert ran.code == 2
    assert ran.says("'nonsense' names no source", "'torch=distgit:x' names no commit")
    assert desk.server.asked == []


def test_a_wrong_project_and_chroot_are_told_together(desk: Desk) -> None:
    ran = desk.run("push", "-d", "out", "--chroot", "fedora-45-riscv64", "--package", "a;b")
    assert ran.code == 2
    assert ran.says("is not of the lock's architecture, x86_64", "'a;b' is not")


def test_what_is_no_lock_is_told(desk: Desk) -> None:
    desk.lock.write_text("{}")
    ran = desk.push()
    assert ran.code == 2
    assert ran.says("SS601")


def test_a_damaged_journal_is_told_and_stays(desk: Desk) -> None:
    path = journal_path(desk.lock, "packager", "app")
    path.write_text('{"schema": "streamsolve.copr-journal/1", "submissions": 7}')
    ran = desk.push()
    assert ran.code == 2
    assert ran.says("SS705", "it is damaged", "move it away")
    assert path.read_text().endswith("7}")


def test_a_journal_of_another_server_is_not_used(desk: Desk) -> None:
    desk.push()
    path = journal_path(desk.lock, "packager", "app")
    path.write_text(path.read_text().replace(desk.server.url, "https://elsewhere.test"))
    assert desk.push().says("it is about packager/app at https://elsewhere.test")


# -- secrets ---------------------------------------------------------------------------------------


def everything_written(desk: Desk, *runs: Ran) -> str:
    """All files but the client's configuration, and all that was shown."""
    texts = [ran.out + ran.err for ran in runs]
    for path in desk.directory.rglob("*"):
        if path.is_file() and path.suffix != ".conf":
            texts.append(path.name + path.read_bytes().decode("latin-1"))
    return "\n".join(texts)


def test_no_secret_is_in_anything_that_a_run_writes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever goes wrong, and with tracebacks: also where COPR itself repeats it."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("STREAMSOLVE_TRACEBACK", "1")
    desk.server.tells_secrets = True
    desk.server.world.fails = fails_as("torch-2.14.0")
    runs = [desk.push("--dry-run"), desk.push(), desk.run("status", "-d", "out")]
    runs.append(desk.run("webhook", "--component", "torch"))
    for kind in ("500 after", "drop after", "nonsense after", "504 before"):
        desk.server.faults_of_path = {"/auth-check": [kind] * 9}
        runs.append(desk.push())
    desk.server.faults_of_path = {}
    (desk.directory / "broken.conf").write_text(f"[copr-cli]\nlogin = {LOGIN}\n{TOKEN}\n")
    (desk.directory / "bytes.conf").write_bytes(b"[copr-cli]\ntoken = \xff" + TOKEN.encode())
    (desk.directory / "half.conf").write_text(f"[copr-cli]\nlogin = {LOGIN}\ntoken = {TOKEN}\n")
    (desk.directory / "http.conf").write_text(
        f"[copr-cli]\nlogin = {LOGIN}\ntoken = {TOKEN}\ncopr_url = http://127.0.0.1\n"
    )
    for name in ("broken", "bytes", "half", "http"):
        ran = desk.run("push", "-d", "out", config=f"{name}.conf")
        assert ran.code == 2
        assert ran.says("SS702", f"{name}.conf")
        runs.append(ran)
    stale = desk.server.config_file(desk.directory / "stale.conf", token=f"x{TOKEN}x")
    ran = desk.run("push", "-d", "out", config=str(stale))
    assert ran.says("SS702", "Login invalid/expired")
    written = everything_written(desk, *runs, ran) + caplog.text
    assert TOKEN not in written
    assert LOGIN not in written
    # It was sent, so it was there to be found.
    assert len(desk.server.world.submissions) >= 8


def test_credentials_may_come_from_the_environment(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPR_URL", desk.server.url)
    monkeypatch.setenv("COPR_LOGIN", LOGIN)
    monkeypatch.setenv("COPR_TOKEN", TOKEN)
    ran = desk.run("push", "-d", "out", config="")
    assert ran.code == 0
    assert TOKEN not in everything_written(desk, ran)


def test_a_file_of_credentials_that_is_not_there_is_told(desk: Desk) -> None:
    ran = desk.run("push", "-d", "out", config="none.conf")
    assert ran.code == 2
    assert ran.says("SS702", "none.conf", "there is no such file")


def test_two_pushes_of_one_lock_do_not_run_at_the_same_time(desk: Desk) -> None:
    from streamsolve.copr.journal import open_journal

    with open_journal(desk.lock, desk.server.url, "packager", "app"):
        ran = desk.push()
    assert ran.code == 2
    assert ran.says("another push of this lock is under way")
    assert desk.server.world.submissions == []


# -- the display -----------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_a_table_of_the_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamsolve.cli.copr_display import PushDisplay
    from streamsolve.copr.tally import Standing

    from .test_copr_order import farm_plan

    monkeypatch.setenv("TERM", "xterm")
    plan = farm_plan({"a@1": (), "b@1": (), "c@1": ("a@1",)})
    stream = Terminal()
    with PushDisplay(plan, stream) as display:
        display({"a@1": Standing.BUILT, "b@1": Standing.RUNNING, "c@1": Standing.WAITING}, {})
    lines = [line.split() for line in stream.getvalue().replace("\x1b", " ").splitlines()]
    assert ["1", "1", "1", "b@1"] in lines
    assert ["2", "1"] in lines
