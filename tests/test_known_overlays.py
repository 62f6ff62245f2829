"""Overlays that are known by name, and bases whose repositories only the user can name."""

from __future__ import annotations

import configparser
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import evolve

from streamsolve.cli import main
from streamsolve.cli.copr_plan import planned
from streamsolve.cli.koji_options import koji_settings
from streamsolve.cli.mock_base import overlay_ids
from streamsolve.cli.mock_options import MockOptions, mock_settings
from streamsolve.cli.options import places_of
from streamsolve.copr import FarmPlan
from streamsolve.emit import MockRepository
from streamsolve.errors import Code, InputError, InputErrors
from streamsolve.inputs.base_definitions import list_bases, load_base_definition
from streamsolve.inputs.bases import Overlay, as_locked, located, open_base, parse_overlay
from streamsolve.inputs.overlay_definitions import (
    find_overlay,
    list_overlays,
    parse_overlay_definition,
)
from streamsolve.inputs.repositories import LocationKind
from streamsolve.inputs.settings import Settings, load_settings, overlay_text
from streamsolve.inputs.transport import Transport
from streamsolve.lock import Lock, lock_text, read_lock
from streamsolve.model.lock import LockRepository
from streamsolve.model.plan import RepositoryId

from .commandworld import Ran
from .coprserver import CoprServer
from .localrepository import metalink, repository_files, rpm, sha256, write_repository
from .localserver import LocalServer, without_proxies
from .lockworld import small_plan, small_settings

PACKAGES = [rpm("bash", "5.2-1.el10"), rpm("python3", "3.12.1-1.el10")]

DEFINITION = """
schema = "streamsolve.overlay/1"
name = "more"
summary = "More packages"

[[repositories]]
bases = ["one", "two"]
metalink = "https://mirrors.test/metalink?repo=more-1&arch=$basearch"
gpgkeys = ["file:///etc/pki/more"]

[[repositories]]
bases = ["three"]
baseurl = "https://more.test/$releasever/$basearch/"
"""

PROFILE = """
schema = "streamsolve.profile/1"
name = "app"
version = "1.0"
default-variant = "cuda"
default-base = "base"
[variants.cuda]
requirements = "wheel"
[image]
entrypoint = ["app"]
"""


@pytest.fixture
def run(monkeypatch, capsys, tmp_path) -> Callable[..., Ran]:
    """Runs a command in an empty directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STREAMSOLVE_CACHE", str(tmp_path / "cache"))

    def ran(*words: str) -> Ran:
        code = main(list(words))
        written = capsys.readouterr()
        return Ran(code, written.out, written.err)

    return ran


def refused(attempt: Callable[[], object]) -> InputError:
    with pytest.raises(InputError) as caught:
        attempt()
    return caught.value


# -- definitions -----------------------------------------------------------------------------------


def test_a_definition_has_a_place_for_each_of_its_bases():
    more = parse_overlay_definition(DEFINITION, file="more.toml")
    assert (more.name, more.summary, more.bases) == (
        "more",
        "More packages",
        ("one", "three", "two"),
    )
    two, three = more.of("two"), more.of("three")
    assert two is not None
    assert three is not None
    assert (two.kind, two.gpgkeys) == (LocationKind.METALINK, ("file:///etc/pki/more",))
    assert (three.kind, three.location) == (
        LocationKind.BASEURL, "https://more.test/$releasever/$basearch/",
    )  # fmt: skip
    assert more.of("four") is None


def test_every_fault_of_a_definition_is_told_with_its_line():
    text = """
schema = "streamsolve.overlay/2"
name = "a b"
colour = "red"

[[repositories]]
bases = []
metalink = "https://x/$nonesuch"

[[repositories]]
bases = ["one"]
metalink = "https://x/"
baseurl = "https://y/"

[[repositories]]
bases = ["one"]
baseurl = "https://y/"
"""
    with pytest.raises(InputErrors) as caught:
        parse_overlay_definition(text, file="o.toml")
    assert caught.value.code is Code.BROKEN_OVERLAY
    told = str(caught.value)
    for part in (
        "o.toml:2: schema",
        "o.toml:3: name",
        "o.toml:4: colour",
        "o.toml:7: repositories[0].bases",
        "o.toml:8: repositories[0].metalink",
        "exactly one of baseurl, metalink, mirrorlist is needed",
        "there is another repository for 'one'",
    ):
        assert part in told, part


def test_a_definition_without_repositories_is_faulty():
    text = 'schema = "streamsolve.overlay/1"\nname = "x"\n'
    assert "at least one repository" in str(
        refused(lambda: parse_overlay_definition(text, file="x.toml"))
    )


def test_all_broken_definitions_are_listed_at_once(tmp_path):
    (tmp_path / "a.toml").write_text("x = 1\n")
    (tmp_path / "b.toml").write_text(DEFINITION)
    told = str(refused(lambda: list_overlays(tmp_path)))
    assert "overlays/a.toml" in told
    assert "it is called 'more', and its file 'b'" in told


def test_the_overlays_that_come_with_the_tool_are_whole():
    bases = {base.name for base in list_bases()}
    found = {each.name: each for each in list_overlays()}
    assert set(found) == {"epel", "epel-source"}
    enterprise = {name for name in bases if not name.startswith("fedora")}
    assert enterprise <= set(found["epel"].bases)
    for overlay in found.values():
        assert overlay.summary
        for each in overlay.repositories:
            assert each.kind is LocationKind.METALINK
            assert "$basearch" in each.location
            assert each.gpgkeys


@pytest.mark.parametrize(
    ("base", "release"),
    [("centos-stream-9", "epel-9&"), ("centos-stream-10", "epel-10&"), ("rhel-10", "epel-z-10&")],
)
def test_epel_is_the_one_of_the_base(base, release):
    assert release in find_overlay("epel", base).location


def test_an_unknown_name_is_told_with_the_nearest_and_another_base_with_those_it_is_for():
    unknown = refused(lambda: find_overlay("eple", "centos-stream-10"))
    assert unknown.code is Code.UNKNOWN_OVERLAY
    assert "epel" in unknown.hint
    assert "eple=URL" in unknown.hint
    elsewhere = refused(lambda: find_overlay("epel", "fedora-45"))
    assert elsewhere.code is Code.UNKNOWN_OVERLAY
    assert "is for centos-stream-10, centos-stream-9" in elsewhere.message


# -- as options write them -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "overlay"),
    [
        ("epel", Overlay("epel", "")),
        ("epel,priority=50", Overlay("epel", "", 50)),
        ("epel,module_hotfixes", Overlay("epel", "", module_hotfixes=True)),
        ("epel,priority=5,module_hotfixes", Overlay("epel", "", 5, module_hotfixes=True)),
    ],
)
def test_an_overlay_by_name_alone_is_read(text, overlay):
    assert parse_overlay(text) == overlay


@pytest.mark.parametrize(
    "text", ["epel", "epel,priority=50", "mine=https://x/y", "mine=https://x,priority=7"]
)
def test_what_is_typed_reaches_the_planner_as_it_was_typed(text, tmp_path):
    settings = load_settings({"repos": [text]}, environ={}, start=tmp_path)
    assert [overlay_text(*each) for each in settings.repos] == [text]


def test_the_environment_may_name_one_too(tmp_path):
    environ = {"STREAMSOLVE_REPOS": "epel a=https://x/"}
    settings = load_settings({}, environ=environ, start=tmp_path)
    assert dict(settings.repos) == {"epel": "", "a": "https://x/"}


@pytest.mark.parametrize("name", ["private", "external", "main", "streamsolve"])
def test_a_name_that_plans_and_emitted_files_use_themselves_is_refused(name):
    with pytest.raises(InputError) as caught:
        parse_overlay(f"{name}=https://x/")
    assert caught.value.code is Code.BAD_OPTION


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("sig=DIR", Overlay("sig", "DIR", 20)),
        ("sig=DIR,priority=50", Overlay("sig", "DIR", 50)),
        ("sig=DIR,module_hotfixes", Overlay("sig", "DIR", 20, module_hotfixes=True)),
        ("hot=DIR", Overlay("hot", "DIR", 30, module_hotfixes=True)),
        ("hot=DIR,priority=99", Overlay("hot", "DIR", 99, module_hotfixes=True)),
        ("epel", Overlay("epel", "", 60)),
        ("other=DIR", Overlay("other", "DIR", 99)),
    ],
)
def test_what_is_not_said_of_a_locked_overlay_is_as_it_was_locked(text, meant):
    used = (
        LockRepository("epel", 60),
        LockRepository("hot", 30, module_hotfixes=True),
        LockRepository("sig", 20),
    )
    assert parse_overlay(as_locked(text, used)) == meant


def test_what_cannot_be_read_of_a_locked_overlay_is_still_refused_later():
    assert as_locked("=x", (LockRepository("x", 20),)) == "=x"
    with pytest.raises(InputError):
        parse_overlay(as_locked("sig=DIR,priority=0", (LockRepository("sig", 20),)))


def test_a_located_overlay_has_its_address_and_keeps_its_priority():
    found = located(parse_overlay("epel,priority=50"), "centos-stream-9")
    assert (found.priority, found.kind) == (50, LocationKind.METALINK)
    assert "epel-9" in found.location
    assert found.gpgkeys
    given = parse_overlay("epel=https://x/")
    assert located(given, "fedora-45") == given


def test_a_known_overlay_is_opened_by_its_metalink(
    server: LocalServer, make: Callable[..., Transport], tmp_path: Path, monkeypatch
):
    tree = tmp_path / "centos-stream-10"
    write_repository(tree / "x86_64", PACKAGES)
    files = repository_files(PACKAGES, prefix="/epel")
    server.pages.update(files)
    repomd = next(content for path, content in files.items() if path.endswith("repomd.xml"))
    server.pages["/metalink?repo=epel-10&arch=x86_64"] = metalink(
        {server.url("/epel/"): 100}, [sha256(repomd)]
    )
    definitions = tmp_path / "overlays"
    definitions.mkdir()
    address = server.url("/metalink?repo=epel-$releasever&arch=$basearch")
    (definitions / "epel.toml").write_text(
        f'schema = "streamsolve.overlay/1"\nname = "epel"\n[[repositories]]\n'
        f'bases = ["centos-stream-10"]\nmetalink = "{address}"\n'
    )
    monkeypatch.setattr(
        "streamsolve.inputs.overlay_definitions.overlays_directory", lambda: definitions
    )
    base = open_base(
        str(tree), arch="x86_64", transport=make(), overlays=[parse_overlay("epel,priority=50")]
    )
    assert [(each.id, each.priority) for each in base.repositories] == [
        ("x86_64", 99), ("epel", 50),
    ]  # fmt: skip
    assert base.given == ()


# -- bases whose repositories the user names -------------------------------------------------------


def test_a_base_that_nobody_else_can_read_says_what_to_name(make):
    error = refused(lambda: open_base("rhel-10", arch="x86_64", transport=make(offline=True)))
    assert error.code is Code.REPOSITORIES_NOT_GIVEN
    assert "appstream and baseos are not named" in error.message
    assert error.hint == "add --repo appstream=URL --repo baseos=URL"


def test_what_is_named_is_the_base_and_what_is_more_is_an_overlay(make, tmp_path):
    for name in ("appstream", "baseos", "crb", "sig"):
        write_repository(tmp_path / name, PACKAGES)
    base = open_base(
        "rhel-10",
        arch="x86_64",
        transport=make(offline=True),
        overlays=[
            parse_overlay(f"sig={tmp_path / 'sig'},priority=50"),
            *(
                parse_overlay(f"{name}={tmp_path / name}")
                for name in ("crb", "baseos", "appstream")
            ),
        ],
    )
    assert [each.id for each in base.repositories] == ["crb", "baseos", "appstream", "sig"]
    assert base.given == ("appstream", "baseos", "crb")
    assert (base.name, base.release, base.python, base.glibc) == ("rhel-10", "10", "3.12", (2, 39))
    assert "redhat-release" in base.build_group


def test_a_definition_with_no_repositories_at_all_is_faulty():
    assert load_base_definition("rhel-10").repositories == ()
    assert load_base_definition("rhel-10").given == ("appstream", "baseos")


# -- commands --------------------------------------------------------------------------------------


def test_base_list_shows_bases_and_known_overlays(run):
    done = run("base", "list")
    assert done.code == 0
    assert "centos-stream-10" in done.out
    assert "rhel-10" in done.out
    assert "epel" in done.out
    assert "--repo NAME" in done.out


def test_base_show_says_which_repositories_have_to_be_named(run):
    done = run("base", "show", "rhel-10")
    assert done.code == 0
    assert "--repo baseos=URL" in done.out


def test_planning_on_it_without_its_repositories_is_refused_with_the_code(run):
    done = run("plan", "vllm", "--base", "rhel-10", "--offline")
    assert done.code == 2
    assert "SS214" in done.err
    assert "--repo baseos=URL" in done.err


def test_an_overlay_of_another_base_is_refused_with_the_code(run):
    done = run("plan", "vllm", "--base", "fedora-45", "--repo", "epel", "--offline")
    assert done.code == 2
    assert "SS212" in done.err


# -- what is emitted -------------------------------------------------------------------------------


def locked(base: str, *repositories: LockRepository, dist: str = "10") -> Lock:
    """A lock of the small plan on a base, with these repositories on top of its own."""
    made = small_plan()
    ids = (RepositoryId(each.id, "0" * 64) for each in repositories)
    plan = evolve(made, base=base, repositories=(*made.repositories, *ids))
    used = evolve(
        small_settings(),
        overlays=("nvidia", *sorted(each.id for each in repositories)),
        repositories=(*small_settings().repositories, *repositories),
        base_release=dist,
    )
    return read_lock(lock_text(plan, used), file="x")


NVIDIA = ("nvidia", "https://packages.test/cuda/")
KEYS = ("nvidia=https://k.test/K",)


def told_to_mock(
    lock: Lock, given: MockOptions, *known: tuple[str, str]
) -> dict[str, MockRepository]:
    """The repositories that mock is told of, by id."""
    settings = mock_settings(lock, given, [NVIDIA, *known], Path("x"))
    return {each.id: each for each in settings.added}


def test_mock_gets_epel_with_its_priority_and_its_key_without_being_told_again() -> None:
    lock = locked("centos-stream-10", LockRepository("epel", 60))
    found = told_to_mock(lock, MockOptions(keys=KEYS))
    assert found.keys() == {"epel", "nvidia"}
    epel = found["epel"]
    assert (epel.baseurl, epel.priority, epel.overlay) == ("", 60, True)
    assert epel.metalink.startswith("https://mirrors.fedoraproject.org/metalink?repo=epel-10&")
    assert [key.rpartition("/")[2] for key in epel.gpgkeys] == ["RPM-GPG-KEY-EPEL-10"]


def test_what_is_emitted_has_the_locked_priority_of_an_overlay_that_only_its_address_is_said_of(
    tmp_path: Path,
) -> None:
    lock = locked("centos-stream-10", LockRepository("sig", 40))
    sig = ("sig", "https://sig.test/")
    keys = MockOptions(keys=(*KEYS, "sig=https://k.test/S"))
    assert told_to_mock(lock, keys, sig)["sig"].priority == 40
    options = {
        "tag": "t", "owner": "o", "parent": "p", "scm": "", "emitted": None, "addresses": (),
        "repos": ("sig=https://sig.test/", "nvidia=https://packages.test/cuda/"),
    }  # fmt: skip
    assert {each.id: each.priority for each in koji_settings(lock, options).repositories}[
        "sig"
    ] == 40
    found = copr(tmp_path, lock, "sig=https://sig.test/", chroots=("centos-stream-10-x86_64",))
    repositories = {each for project in found.projects for each in project.additional_repos}
    assert "https://sig.test/?priority=40" in repositories


def test_a_standalone_configuration_has_the_bases_repositories_with_their_keys() -> None:
    lock = locked("centos-stream-10", LockRepository("epel"))
    found = told_to_mock(lock, MockOptions(standalone=True, keys=KEYS))
    assert found.keys() == {"appstream", "baseos", "crb", "epel", "nvidia"}
    for name in ("baseos", "appstream", "crb"):
        assert f"centos-{name}-$releasever-stream" in found[name].metalink
        assert found[name].gpgkeys[0].endswith("RPM-GPG-KEY-CentOS-Official-SHA256")


GIVEN = (("baseos", "https://mirror.test/baseos/"), ("appstream", "https://mirror.test/appstream/"))


def test_what_the_user_named_of_the_base_is_no_overlay_for_mock() -> None:
    """mock's own template has the base; on its own a configuration needs what was named."""
    lock = locked("rhel-10", *(LockRepository(name) for name, _ in GIVEN))
    on_template = told_to_mock(lock, MockOptions(keys=KEYS), *GIVEN)
    assert on_template.keys() == {"nvidia"}
    alone = told_to_mock(lock, MockOptions(standalone=True, keys=KEYS), *GIVEN)
    assert alone["baseos"].baseurl == "https://mirror.test/baseos/"
    assert alone["baseos"].gpgkeys[0].endswith("RPM-GPG-KEY-redhat10-release")


def test_what_has_no_name_that_is_known_must_be_named_again() -> None:
    lock = locked("centos-stream-10", LockRepository("sig", 50))
    with pytest.raises(InputErrors) as caught:
        mock_settings(lock, MockOptions(keys=KEYS), [NVIDIA], Path("x"))
    assert "--repo sig=URL" in str(caught.value)


def copr(tmp_path: Path, lock: Lock, *repos: str, chroots: tuple[str, ...] = ()) -> FarmPlan:
    path = tmp_path / "app.lock.json"
    path.write_text(lock_text(lock.plan, lock.settings))
    options = {
        "project": "packager/app",
        "chroots": chroots,
        "sources": ("custom",),
        "repos": ("nvidia=https://packages.test/cuda/,priority=50", *repos),
        "packages": (),
        "modules": (),
        "isolation": "unchanged",
        "lock_url": "https://locks.test/app.lock.json",
        "builddeps": (),
        "directory": None,
    }
    return planned(path, options, webhooks=True)


def test_copr_keeps_the_priority_of_an_overlay_and_needs_no_name_for_what_a_chroot_has(
    tmp_path: Path,
) -> None:
    lock = locked("centos-stream-10", LockRepository("epel"), LockRepository("sig", 40))
    sig = "sig=https://sig.test/$releasever/$basearch/,priority=40"
    found = copr(tmp_path, lock, sig, chroots=("epel-10-x86_64",))
    repositories = {each for project in found.projects for each in project.additional_repos}
    assert "https://sig.test/$releasever/$basearch/?priority=40" in repositories
    assert not any("epel" in each for each in repositories)


def test_copr_follows_no_list_of_mirrors_and_says_what_helps(tmp_path: Path) -> None:
    lock = locked("centos-stream-10", LockRepository("epel"))
    with pytest.raises(InputErrors) as caught:
        copr(tmp_path, lock, "epel", chroots=("centos-stream-10-x86_64",))
    assert "COPR follows no list of mirrors" in str(caught.value)
    with pytest.raises(InputErrors) as unnamed:
        copr(tmp_path, lock, chroots=("centos-stream-10-x86_64",))
    assert "--repo epel=URL" in str(unnamed.value)


def test_koji_follows_no_list_of_mirrors_either() -> None:
    lock = locked("centos-stream-10", LockRepository("epel"))
    options = {
        "tag": "t", "owner": "o", "parent": "p", "scm": "", "emitted": None, "addresses": (),
        "repos": ("epel", "nvidia=https://packages.test/cuda/,priority=50"),
    }  # fmt: skip
    with pytest.raises(InputErrors) as caught:
        koji_settings(lock, options)
    assert "Koji follows no list of mirrors" in str(caught.value)


def test_a_lock_finds_what_is_known_by_name_again() -> None:
    """With the priority that it was locked with; what has no such name has to be said."""
    lock = locked("centos-stream-10", LockRepository("epel", 60), LockRepository("sig", 40))
    given = places_of(lock, Settings(), None, (), fresh=False)
    assert given.overlays == ("epel,priority=60",)
    said = Settings(repos=(("epel", "https://mine.test/epel"),))
    assert places_of(lock, said, None, (), fresh=False).overlays == (
        "epel=https://mine.test/epel,priority=60",
    )
    other = locked("fedora-45", LockRepository("epel", 60))
    assert places_of(other, Settings(), None, (), fresh=False).overlays == ()


# -- projects in COPR ------------------------------------------------------------------------------


@pytest.fixture
def farm(run, shared, tmp_path, monkeypatch) -> Iterator[CoprServer]:
    """A COPR with a project, and a configuration without any token."""
    without_proxies(monkeypatch)
    for name in ("COPR_TOKEN", "COPR_LOGIN", "COPR_URL"):
        monkeypatch.delenv(name, raising=False)
    with CoprServer(shared / "schemas") as running:
        chroots = ["centos-stream-10-x86_64", "epel-10-x86_64"]
        running.world.chroots = (*running.world.chroots, *chroots)
        running.world.add_project(
            "@group", "kernel", {"chroots": chroots, "repo_priority": 20}, False
        )
        (tmp_path / "copr.conf").write_text(
            f"[copr-cli]\ncopr_url = {running.url}\nencrypted = 0\n"
        )
        yield running
        assert running.violations == []


def test_a_project_in_copr_is_a_repository_with_its_priority(run, farm) -> None:
    project = ("copr", "repo", "@group/kernel", "--config", "copr.conf")
    done = run(*project, "--base", "centos-stream-10")
    assert done.code == 0, done.err
    found = parse_overlay(done.out.strip())
    assert (found.name, found.priority) == ("copr-group_group-kernel", 20)
    assert found.location == f"{farm.url}/results/@group/kernel/centos-stream-10-x86_64/"
    other = run(*project, "--chroot", "epel-10-x86_64", "--priority", "7")
    assert parse_overlay(other.out.strip()).priority == 7


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("no-project", "--base", "x"), "names no project"),
        (("@group/kernel",), "which chroot of the project is meant is not said"),
        (("@group/none", "--base", "centos-stream-10"), "there is no such project"),
        (("@group/kernel", "--base", "centos-stream-9"), "builds nothing for"),
    ],
)
def test_a_project_that_cannot_be_used_says_why(run, farm, words, told) -> None:
    done = run("copr", "repo", *words, "--config", "copr.conf")
    assert done.code == 2
    assert told in " ".join(done.err.split())


def test_a_copr_that_does_not_answer_is_told(run, farm, tmp_path) -> None:
    words = ("copr", "repo", "@group/kernel", "--base", "centos-stream-10", "--config")
    (tmp_path / "gone.conf").write_text(
        "[copr-cli]\ncopr_url = http://127.0.0.1:1\nencrypted = 0\n"
    )
    done = run(*words, "gone.conf")
    assert done.code == 2
    assert "SS704" in done.err
    assert "did not answer" in " ".join(done.err.split())
    assert done.out == ""


def test_an_image_checks_with_the_keys_that_an_image_of_the_release_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = locked("centos-stream-10", LockRepository("epel", 60))
    path = tmp_path / "app.lock.json"
    path.write_text(lock_text(lock.plan, lock.settings))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.toml").write_text(PROFILE)
    code = main(
        ["emit", "containerfile", path.name, "-o", "image", "--profile", "app.toml",
         "--base-image", "registry.test/base@sha256:" + "ab" * 32, "--repo",
         "nvidia=https://packages.test/cuda/", "--gpg-key", "nvidia=file:///n",
         "--gpg-key", "epel=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-10"]
    )  # fmt: skip
    assert code == 0
    conf = configparser.RawConfigParser(strict=True)
    conf.read_string((tmp_path / "image" / "repos" / "dnf.conf").read_text())
    assert conf["baseos"]["gpgkey"].endswith("RPM-GPG-KEY-centosofficial-SHA256")
    assert conf["epel"]["gpgkey"].endswith("RPM-GPG-KEY-EPEL-10")
    assert conf["epel"]["priority"] == "60"
    assert "repo=epel-10&" in conf["epel"]["metalink"]


@pytest.mark.parametrize("local", [True, False])
def test_a_directory_of_this_machine_is_told_to_be_out_of_an_images_sight(
    run: Callable[..., Ran], tmp_path: Path, local: bool
) -> None:
    lock = locked("centos-stream-10", LockRepository("sig", 60))
    (tmp_path / "app.lock.json").write_text(lock_text(lock.plan, lock.settings))
    (tmp_path / "app.toml").write_text(PROFILE)
    place = str(tmp_path / "rpms") if local else "https://sig.test/"
    done = run(
        "emit", "containerfile", "app.lock.json", "-o", "image", "--profile", "app.toml",
        "--base-image", "registry.test/base@sha256:" + "ab" * 32, "--repo", f"sig={place}",
        "--repo", "nvidia=https://packages.test/cuda/", "--gpg-key", "nvidia=file:///n",
        "--gpg-key", "sig=file:///s",
    )  # fmt: skip
    assert done.code == 0, done.err
    said = "".join(done.out.split())
    assert (f"--volume{place}:{place}:ro,z" in said) is local
    assert ("whichabuilddoesnotsee" in said) is local


def test_what_the_user_named_of_the_base_is_the_bases_for_koji_and_for_a_bill() -> None:
    lock = locked("rhel-10", *(LockRepository(name) for name, _ in GIVEN), LockRepository("sig"))
    assert overlay_ids(lock) == ("nvidia", "sig")
    assert overlay_ids(locked("fedora-45", LockRepository("sig"))) == ("nvidia", "sig")
    options = {
        "tag": "t", "owner": "o", "parent": "rhel-10-build", "scm": "", "emitted": None,
        "addresses": (), "repos": ("sig=https://sig.test/", "nvidia=https://packages.test/cuda/"),
    }  # fmt: skip
    assert {each.id for each in koji_settings(lock, options).repositories} == {"nvidia", "sig"}
