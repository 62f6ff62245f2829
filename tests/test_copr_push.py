"""Pushing through COPR's own client, as it is, to a server that is checked against COPR's API."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from attrs import define, evolve, field
from copr.v3 import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamsolve.copr import FarmOptions, FarmPlan, plan_farm, push
from streamsolve.copr.client import CoprFarm
from streamsolve.copr.journal import Journal, read_journal
from streamsolve.copr.patience import Patience
from streamsolve.copr.push import PushReport
from streamsolve.copr.tally import Standing
from streamsolve.emit.grammar import Refusals
from streamsolve.emit.names import names_of
from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.storage import file_digest

from .coprserver import FAULTS, CoprServer
from .coprworld import World
from .localserver import without_proxies
from .lockworld import SmallPlan
from .test_copr_order import Killed, Luck, check_order, check_strict_order, world_of

CHROOT = "fedora-45-x86_64"
OPTIONS = FarmOptions("packager", "app", (CHROOT,))


@pytest.fixture(autouse=True)
def _directly(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxies(monkeypatch)


@pytest.fixture
def schemas(shared: Path) -> Path:
    return shared / "schemas"


@define
class Bench:
    """A plan with its source packages on disk, and a server to push it to."""

    directory: Path
    schemas: Path
    leaves: int = 4
    options: FarmOptions = OPTIONS
    size: int = 400
    plan: FarmPlan = field(init=False)

    def __attrs_post_init__(self) -> None:
        plan = SmallPlan(leaves=self.leaves).plan()
        assert plan.builds is not None
        sources = self.directory / "srpms"
        sources.mkdir(exist_ok=True)
        for name in names_of(plan.builds, Refusals("")).sources.values():
            (sources / name).write_bytes(name.encode() * (self.size // len(name) + 1))
        digests = {path.name: file_digest(path) for path in sources.iterdir()}
        self.plan = plan_farm(plan, self.options, digests, file="app.lock.json")

    def server(self, luck: Luck | None = None, **more: Any) -> CoprServer:
        world = world_of(self.plan, luck or self.luck())
        return CoprServer(self.schemas, world, **more)

    def luck(self, failing: frozenset[str] = frozenset()) -> Luck:
        times = {build.id: 20 + len(build.id) * 7 % 60 for build in self.plan.builds}
        return Luck(failing, times, 20, 15)

    def farm(self, server: CoprServer, **more: Any) -> CoprFarm:
        config = server.config()
        secrets = (config["token"], config["login"])
        return CoprFarm(Client(config), self.directory, secrets=secrets, **more)

    def journal(self, server: CoprServer) -> Journal:
        return read_journal(self.directory / "journal.json", "server", "packager/app")

    def push(self, server: CoprServer, **more: Any) -> PushReport:
        farm = more.pop("farm", None) or self.farm(server)
        journal = self.journal(server)
        return push(farm, self.plan, journal, patience=patience_of(server), **more)


def patience_of(server: CoprServer) -> Patience:
    world = server.world
    return Patience(sleep=world.advance, clock=lambda: float(world.now))


@pytest.fixture
def bench(tmp_path: Path, schemas: Path) -> Bench:
    return Bench(tmp_path, schemas)


def check_built_once(server: CoprServer, plan: FarmPlan) -> None:
    assert server.violations == []
    submissions = server.world.submissions
    assert sorted(submissions) == sorted(build.marker for build in plan.builds)
    states = {build.state for build in server.world.builds.values()}
    assert states == {"succeeded"}
    check_strict_order(server.world, plan)


# -- what is recorded ------------------------------------------------------------------------------


def shape(value: object) -> object:
    """A document with its values' kinds in their place; nothing yet is as good as something."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    return "list" if isinstance(value, list) else "value"


def recorded_answers(server: CoprServer) -> Iterator[tuple[str, object, object]]:
    """The recorded exchanges as far as they are the client's, done again: what was asked, what COPR
    answered and what the server answers. Build 8 is COPR's first."""
    client = Client(server.config())
    project = ("packager", "proj2")
    recorded = server._description.recorded
    custom = {"script": "#!/bin/sh\nenv", "script_chroot": "fedora-44-x86_64"}
    custom |= {"script_builddeps": ["git-core"], "script_resultdir": "out", "webhook_rebuild": True}
    build = client.package_proxy.build
    calls = [
        lambda: client.base_proxy.auth_check(),
        lambda: client.mock_chroot_proxy.get_list(),
        lambda: client.project_proxy.add(
            *project,
            ["fedora-44-x86_64"],
            additional_repos=["https://example.org/repo"],
            bootstrap="on",
            isolation="simple",
            module_hotfixes=True,
            exist_ok=True,
        ),
        lambda: client.project_chroot_proxy.edit(
            *project, "fedora-44-x86_64", additional_packages=["gcc"], with_opts=["cuda"]
        ),
        lambda: client.project_chroot_proxy.get(*project, "fedora-44-x86_64"),
        None,
        lambda: client.package_proxy.add(*project, "vllm", "custom", custom),
        lambda: build(*project, "vllm", buildopts={"timeout": 7200}),
        lambda: build(*project, "vllm", buildopts={"after_build_id": 8}),
        lambda: build(*project, "vllm", buildopts={"with_build_id": 9}),
        lambda: client.build_proxy.get(8),
        lambda: client.build_chroot_proxy.get_list(8),
        lambda: client.build_proxy.get_list(*project),
        None,
        lambda: client.build_proxy.cancel(10),
        lambda: client.webhook_proxy.generate(*project),
    ]
    for row, call in zip(recorded, calls, strict=False):
        if call is not None:
            answer = call()
            found = answer.__response__.json()
            yield f"{row['method']} {row['url']}", row["response"], found


def test_the_server_answers_as_copr_was_recorded(schemas: Path) -> None:
    with CoprServer(schemas, step=0) as server:
        told = [
            (asked, shape(expected), shape(found))
            for asked, expected, found in recorded_answers(server)
            if not asked.endswith("mock-chroots/list")
        ]
    assert len(told) == 13
    for asked, expected, found in told:
        assert found == expected, asked
    assert server.violations == []


def test_the_server_objects_to_what_is_not_described(schemas: Path) -> None:
    with CoprServer(schemas) as server:
        data = {"ownername": "packager", "projectname": "x", "script": 7, "colour": "red"}
        faults = server._description.faults_of_request("/build/create/custom", "POST", {}, data)
        more = server._description.faults_of_request(
            "/build/list", "GET", {"ownername": "a", "colour": "red"}, None
        )
        answer = server._description.faults_of_answer("/build/7", "GET", {"id": "7"})
    assert any("colour" in fault for fault in faults)
    assert any("7 is not of type" in fault for fault in faults)
    assert more == [
        "/build/list: unknown parameter colour",
        "/build/list: parameter projectname is missing",
    ]
    assert any("'7' is not of type" in fault for fault in answer)


# -- a push ----------------------------------------------------------------------------------------


def test_a_push_makes_the_projects_and_builds_everything_once_in_order(bench: Bench) -> None:
    with bench.server() as server:
        report = bench.push(server)
        check_built_once(server, bench.plan)
        assert report.is_built
        assert set(report.submitted) == {build.id for build in bench.plan.builds}
        for project in bench.plan.projects:
            made = server.world.project("packager", project.name)
            assert made["additional_repos"] == list(project.additional_repos)
            assert made["repo_priority"] == 1
            assert not made["enable_net"]
            chroot = made["chroots"][CHROOT]
            assert tuple(chroot["with_opts"]) == project.chroots[0].with_opts
            assert tuple(chroot["without_opts"]) == project.chroots[0].without_opts


def test_each_level_is_a_batch_that_waits_for_the_one_before(bench: Bench) -> None:
    with bench.server() as server:
        bench.push(server)
        builds = {build.key: build for build in server.world.builds.values()}
        batches = []
        for level in bench.plan.levels:
            found = {id(builds[wanted.marker].batch) for wanted in level}
            assert len(found) == 1
            batches.append(builds[level[0].marker].batch)
    for before, after in itertools.pairwise(batches):
        assert after is not None
        assert after.blocked_by is before


def test_a_second_push_changes_and_submits_nothing(bench: Bench) -> None:
    with bench.server() as server:
        bench.push(server)
        asked = len(server.asked)
        report = bench.push(server)
        assert report.is_built
        assert not report.submitted
        assert all(request.startswith("GET") for request in server.asked[asked:])
        check_built_once(server, bench.plan)


def test_after_a_failure_nothing_that_depends_on_it_is_left_running(bench: Bench) -> None:
    luck = bench.luck(failing=frozenset({"wheel@0.46.1"}))
    with bench.server(luck) as server:
        report = bench.push(server)
        assert server.violations == []
        check_order(server.world, bench.plan)
        over = {build.state for build in server.world.builds.values()}
        assert over <= {"succeeded", "failed", "canceled"}
        failed = [b for b in server.world.builds.values() if b.state == "failed"]
        assert [build.key for build in failed] == [bench.plan.build("wheel@0.46.1").marker]
        (logs,) = report.logs.values()
        project = bench.plan.build("wheel@0.46.1").project
        place = f"{server.url}/results/packager/{project}/{CHROOT}/{failed[0].id:08}-x"
        assert logs == (f"{place}/builder-live.log.gz",)
    lost = {id for id, standing in report.standings.items() if standing is Standing.BLOCKED}
    assert lost >= {"torch@2.14.0", "app@1.0", "setuptools@80.1/final", "leaf-0@1.2"}
    assert report.standings["flit-core@3.12.0"] is Standing.BUILT


def test_the_log_of_a_failed_source_is_that_of_the_source(bench: Bench) -> None:
    with bench.server() as server:
        first = bench.plan.builds[0]
        server.world.fails_in_source = lambda build: build.key == first.marker
        report = bench.push(server)
        (log,) = report.logs[first.id]
    assert "/srpm-builds/" in log


def test_what_an_upload_holds_is_the_source_package(bench: Bench) -> None:
    with bench.server() as server:
        bench.push(server)
        for build in bench.plan.builds:
            path = bench.directory / build.source.path
            assert server.uploads[build.source.upload_name(build.marker)] == path.read_bytes()


def test_all_methods_reach_copr_and_are_found_again(tmp_path: Path, schemas: Path) -> None:
    from streamsolve.copr.options import Method, SourceChoice

    commit = "0123456789" * 4
    choices = (
        SourceChoice("leaf-0", Method.PYPI),
        SourceChoice("leaf-1", Method.DISTGIT, "python-leaf", commit),
        SourceChoice("leaf-2", Method.CUSTOM),
    )
    options = evolve(OPTIONS, sources=choices, lock_url="https://example.org/app.lock.json")
    bench = Bench(tmp_path, schemas, options=options)
    with bench.server() as server:
        server.world.takes = lambda build: 30
        server.world.fails = lambda build: False
        assert bench.push(server).is_built
        kinds = [build.kind for build in server.world.builds.values()]
        count = len(server.world.submissions)
        (tmp_path / "journal.json").unlink()
        again = bench.push(server)
        assert again.is_built
        assert len(server.world.submissions) == count
        assert server.violations == []
    assert {kind: kinds.count(kind) for kind in ("pypi", "distgit", "custom")} == {
        "pypi": 1,
        "distgit": 1,
        "custom": 1,
    }


# -- accidents -------------------------------------------------------------------------------------


@define
class Mortal:
    """A farm whose process dies when so many requests were made."""

    farm: CoprFarm
    server: CoprServer
    dies_at: int

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.farm, name)

        def ask(*values: Any, **named: Any) -> Any:
            try:
                return method(*values, **named)
            finally:
                if len(self.server.asked) >= self.dies_at:
                    raise Killed

        return ask


def push_through(bench: Bench, server: CoprServer, deaths: list[int]) -> PushReport:
    """Push again after each death, until a push comes to its end."""
    for death in sorted(deaths):
        try:
            return bench.push(server, farm=Mortal(bench.farm(server), server, death))
        except Killed:
            server.world.advance(death % 7 * 40)
    return bench.push(server)


faults = st.sampled_from(FAULTS)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(st.integers(1, 70), faults, max_size=6),
    st.lists(st.integers(1, 70), max_size=3),
)
def test_interrupted_anywhere_and_pushed_again_every_stream_is_built_once(
    schemas: Path, at: Mapping[int, str], deaths: list[int]
) -> None:
    with TemporaryDirectory() as directory:
        bench = Bench(Path(directory), schemas)
        with bench.server(faults=dict(at)) as server:
            assert push_through(bench, server, deaths).is_built
            check_built_once(server, bench.plan)


def test_two_hundred_streams_interrupted_anywhere_are_built_once_in_order(
    tmp_path: Path, schemas: Path
) -> None:
    bench = Bench(tmp_path, schemas, leaves=195)
    streams = {build.id.partition("/")[0] for build in bench.plan.builds}
    assert len(streams) >= 200
    at = {7 + 13 * number: FAULTS[number % len(FAULTS)] for number in range(40)}
    deaths = [5, 36, 60, 77, 140, 141, 233, 300, 411]
    with bench.server(faults=at) as server:
        assert push_through(bench, server, deaths).is_built
        check_built_once(server, bench.plan)
        assert len(server.world.starts) == len(bench.plan.builds)


def test_a_large_upload_that_breaks_off_in_the_middle_is_made_again(
    tmp_path: Path, schemas: Path
) -> None:
    bench = Bench(tmp_path, schemas, size=600_000)
    upload = {"/build/create/upload": ["drop amid", "drop amid", "drop after"]}
    with bench.server(faults_of_path=upload) as server:
        assert bench.push(server).is_built
        check_built_once(server, bench.plan)
        tries = sum("create/upload" in request for request in server.asked)
        # Two tries came to nothing; the third was taken, and was looked for before a fourth.
        assert tries == len(bench.plan.builds) + 2


def test_a_request_without_an_answer_is_given_up_and_made_again(bench: Bench) -> None:
    from threading import Event

    held = {"/build/create/upload": ["hang"]}
    with bench.server(faults_of_path=held, hold=Event()) as server:
        farm = bench.farm(server, limit=0.3)
        assert bench.push(server, farm=farm).is_built
        check_built_once(server, bench.plan)


def test_what_copr_refuses_is_asked_once(bench: Bench) -> None:
    with bench.server() as server:
        server.world.user = "somebody"
        with pytest.raises(InputError) as caught:
            bench.push(server)
        assert sum("/project/add" in request for request in server.asked) == 1
    assert caught.value.code is Code.FARM_REFUSED
    assert "No such user" in caught.value.message


def test_a_server_that_stays_broken_is_asked_a_limited_number_of_times(bench: Bench) -> None:
    broken = {"/auth-check": ["500 before"] * 50}
    with bench.server(faults_of_path=broken) as server:
        with pytest.raises(InputError) as caught:
            bench.push(server)
        assert len(server.asked) == Patience().attempts
    assert caught.value.code is Code.FARM_UNREACHABLE


def test_wrong_credentials_are_told_before_anything_is_done(bench: Bench) -> None:
    with bench.server() as server:
        config = server.config(token="stale")
        farm = CoprFarm(Client(config), bench.directory, secrets=("stale",))
        with pytest.raises(InputError) as caught:
            bench.push(server, farm=farm)
        assert server.asked == ["GET /auth-check"]
    assert caught.value.code is Code.FARM_CREDENTIALS


def test_unknown_chroots_are_all_told_with_those_that_are_near(
    tmp_path: Path, schemas: Path
) -> None:
    options = evolve(OPTIONS, chroots=("fedora-54-x86_64", "centos-45-x86_64"))
    bench = Bench(tmp_path, schemas, options=options)
    with bench.server() as server, pytest.raises(InputErrors) as caught:
        bench.push(server)
    assert [error.message for error in caught.value.errors] == [
        "COPR has no chroot 'centos-45-x86_64'",
        "COPR has no chroot 'fedora-54-x86_64'",
    ]
    assert "fedora-45-x86_64" in caught.value.errors[1].hint
    assert server.world.projects == {}


def test_a_source_package_that_was_changed_meanwhile_is_not_uploaded(bench: Bench) -> None:
    source = bench.plan.builds[0].source
    (bench.directory / source.path).write_bytes(b"another")
    with bench.server() as server, pytest.raises(InputError) as caught:
        bench.push(server)
    assert caught.value.code is Code.NOT_FOR_COPR
    assert server.world.submissions == []


def test_a_build_that_somebody_deletes_is_built_again(bench: Bench) -> None:
    with bench.server() as server:
        bench.push(server)
        leaf = bench.plan.build("leaf-0@1.2")
        (number,) = (b.id for b in server.world.builds.values() if b.key == leaf.marker)
        server.world.delete(number)
        report = bench.push(server)
        # What was built after it was built on another build of it.
        assert set(report.submitted) == {"leaf-0@1.2"}
        assert report.is_built


def test_what_another_plan_left_is_told_and_deleted_on_request(bench: Bench) -> None:
    with bench.server() as server:
        bench.push(server)
        old = {b.key: b.id for b in server.world.builds.values()}
        leaf = bench.directory / bench.plan.build("leaf-1@1.2").source.path
        leaf.write_bytes(b"a new one")
        changed = Bench(bench.directory, bench.schemas)
        first = bench.plan.build("leaf-1@1.2").marker
        # Writing the bench again restored the file; change what is planned of it instead.
        leaf.write_bytes(b"a new one")
        digests = {p.name: file_digest(p) for p in (bench.directory / "srpms").iterdir()}
        changed.plan = plan_farm(SmallPlan(leaves=4).plan(), OPTIONS, digests, file="x")
        server.world.takes, server.world.fails = (lambda build: 30), (lambda build: False)
        report = changed.push(server)
        assert report.submitted == ("leaf-1@1.2",)
        assert report.left_over == (old[first],)
        assert changed.push(server, prune=True).is_built
        assert old[first] not in server.world.builds
        assert server.violations == []


def test_a_world_goes_on_without_us_only_while_time_passes() -> None:
    world = World()
    world.add_project("packager", "p", {"chroots": [CHROOT]}, False)
    first = world.submit("packager", "p", "custom", {"script": "a"})
    second = world.submit("packager", "p", "custom", {"script": "b"}, after=first.id)
    world.fails = lambda build: build is first
    world.advance(5)
    assert (first.state, second.state) == ("running", "pending")
    world.advance(100)
    # A failed batch lets the next one start.
    assert (first.state, second.state) == ("failed", "succeeded")
