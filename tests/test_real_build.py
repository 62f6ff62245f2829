"""A real build, from the plan to programs that run, with nothing in it that is made up.

A small RPM distribution, made from Debian's packages, has libfoo 2 and a program linked with it. An
application needs libfoo 1, a build tool older than the distribution's, and two tools that need each
other to be built. It is planned, locked, emitted and built with the real dnf and rpmbuild in roots
of the emitted configurations, then installed by dnf: under a prefix beside libfoo 2, and in a root
of its own.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import frozen

from streamsolve.lock import read_lock
from streamsolve.model.build import Stage

from .mock_reader import configuration
from .realbuild.base import missing, small_base
from .realbuild.roots import Root, new_root
from .realbuild.world import RealWorld

pytestmark = [
    pytest.mark.realbuild,
    pytest.mark.skipif(bool(missing()), reason=f"a real build is not possible: {missing()}"),
]

BUILDS = 7
# Under a prefix the package with the directories and the script is built too.
UNDER_PREFIX = BUILDS + 1
PREFIX = "/opt/app"
OLD = "libfoo 1 stamped by stampmake 2"
NEW = "libfoo 2 stamped by stampmake 3"
APPLICATION_SAYS = [
    f"the application has {OLD}; the application is stamped by stampmake 2",
    "spindle 2 was built with weft 2",
    "weft 2 was built with spindle 2",
    "thimble 1",
]


@frozen
class Built:
    """A directory of the world in which everything is built, and what was said."""

    world: RealWorld
    name: str
    said: str

    @property
    def directory(self) -> Path:
        return self.world.directory / self.name

    @contextmanager
    def installed(self, directory: Path, *more: str) -> Iterator[Root]:
        """A root with everything of the runtime root, installed with its own configuration."""
        path = self.directory / "configs" / "runtime.cfg"
        options = configuration(path, config_directory=directory)
        conf = directory / "dnf.conf"
        conf.write_text(options["dnf.conf"])
        with (
            (directory / "log").open("w") as log,
            new_root(directory / "root", directory / "home", log) as root,
        ):
            root.dnf(conf, *options["chroot_setup_cmd"], "rpm", "small-rpm-macros", *more)
            yield root


@pytest.fixture(scope="module")
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealWorld]:
    """Everything is locked, and its sources are at hand."""
    base = small_base(request.config.cache.mkdir("realbuild"))
    made = RealWorld(tmp_path_factory.mktemp("real"), base)
    with made.opened():
        made.must("lock", "app.toml", "-o", "app.lock.json")
        words = ("-o", "sources", "--base-sources", "--from", "archives")
        made.must("sources", "app.lock.json", *words)
        yield made


def emitted(world: RealWorld, name: str, *words: str) -> Path:
    """Emit into a directory, and add what the lock knows by no file."""
    world.must(
        *("emit", "mock", "app.lock.json", "-o", name, "--sources", "sources", "--standalone"),
        *("--no-bootstrap", "--isolation", "simple", "--package-manager", "dnf4"),
        *("--gpg-key", world.key, *words),
    )
    for stream, archive in (
        ("package-libfoo-1", "libfoo-1.tar.gz"),
        ("toolchain-stampmake-2", "stampmake-2.tar.gz"),
    ):
        content = (world.directory / "archives" / archive).read_bytes()
        (world.directory / name / "sources" / archive).write_bytes(content)
        with (world.directory / name / "specs" / stream / "sources").open("a") as listed:
            listed.write(f"{hashlib.sha256(content).hexdigest()}  {archive}  -\n")
    return world.directory / name


def build_command(world: RealWorld, name: str) -> tuple[str, ...]:
    mock = str(world.directory / "mock")
    return ("build", "app.lock.json", "-d", name, "-j", "2", "--mock", mock)


def made_with_make(directory: Path, *words: str) -> str:
    """What make says, which has to end well."""
    done = subprocess.run(
        ["make", "-C", str(directory), "-j2", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefixed(world: RealWorld) -> Built:
    """Built under a prefix, with ``streamsolve build``."""
    emitted(world, "prefixed", "--prefix", PREFIX)
    return Built(world, "prefixed", world.must(*build_command(world, "prefixed")))


@pytest.fixture(scope="module")
def contained(world: RealWorld) -> Built:
    """Built for a root of the application's own, with the Makefile."""
    directory = emitted(world, "contained")
    return Built(world, "contained", made_with_make(directory, f"MOCK={world.directory}/mock"))


def packages(built: Built) -> list[Path]:
    return sorted((built.directory / "repo").rglob("*.rpm"))


def asked_of_rpm(*words: str) -> list[str]:
    done = subprocess.run(["rpm", *words], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()


def test_the_lock_has_an_older_library_an_older_tool_and_one_bootstrap_pass(
    world: RealWorld,
) -> None:
    lock = read_lock((world.directory / "app.lock.json").read_text(), file="app.lock.json")
    assert lock.plan.builds is not None
    builds = lock.plan.builds.builds
    assert len(builds) == BUILDS
    assert {build.stream for build in builds} == {
        *("app@1", "package:libfoo@1", "spindle@2"),
        *("thimble@1", "toolchain:stampmake@2", "weft@2"),
    }
    first = [build.stream for build in builds if build.stage is Stage.BOOTSTRAP]
    assert len(first) == 1
    assert first[0] in {"spindle@2", "weft@2"}


def test_everything_is_built_in_roots_of_the_emitted_configurations(prefixed: Built) -> None:
    said = f"{UNDER_PREFIX} builds, of which {UNDER_PREFIX} built now"
    assert said in " ".join(prefixed.said.split())
    logs = sorted(prefixed.directory.glob("results/*/root.log"))
    assert len(logs) == UNDER_PREFIX
    for log in logs:
        text = log.read_text()
        assert "--installroot" in text
        assert " builddep --setopt=*.excludepkgs=* " in text


def test_a_second_run_builds_nothing(prefixed: Built) -> None:
    words = build_command(prefixed.world, "prefixed")
    said = prefixed.world.must(*words[:-1], "/bin/false")
    assert f"{UNDER_PREFIX} built before from the same inputs" in " ".join(said.split())


def test_what_was_built_is_what_was_planned(prefixed: Built) -> None:
    said = prefixed.world.must("verify", "app.lock.json", "--artifacts", "prefixed/repo")
    assert "is what was planned" in " ".join(said.split())


def test_the_old_library_lies_beside_the_new_one_and_both_programs_run(
    prefixed: Built, tmp_path: Path
) -> None:
    with prefixed.installed(tmp_path, "small-essential", "foo-show", "libfoo") as root:
        assert root.run("foo-show").splitlines() == [f"the base has {NEW}"]
        command = f". {PREFIX}/enable; app"
        assert root.run("bash", "-c", command).splitlines() == APPLICATION_SAYS
        # The base's own program still has its library when the application comes first.
        command = f". {PREFIX}/enable; foo-show"
        assert root.run("bash", "-c", command).splitlines() == [f"the base has {NEW}"]
        owner = root.run("rpm", "-q", "--whatprovides", "libfoo.so.2()(64bit)")
        assert owner.startswith("libfoo-2-")


def test_nothing_that_lies_under_the_prefix_can_meet_a_requirement_of_the_base(
    prefixed: Built,
) -> None:
    built = packages(prefixed)
    # Two passes of one stream make one package.
    assert len(built) == UNDER_PREFIX - 1
    for path in built:
        provided = asked_of_rpm("-qp", "--provides", str(path))
        assert provided
        assert all(text.startswith(("app(", "app-")) for text in provided), provided
        files = asked_of_rpm("-qp", "--list", str(path))
        assert all(f"{name}/".startswith(f"{PREFIX}/") for name in files), files


def test_a_program_that_needs_the_old_library_says_so_in_the_namespace(prefixed: Built) -> None:
    [application] = [path for path in packages(prefixed) if "python3-app-1" in path.name]
    required = asked_of_rpm("-qp", "--requires", str(application))
    assert "app(libfoo.so.1()(64bit))" in required
    assert not [text for text in required if text.startswith("libfoo.so")]


def test_a_build_that_asks_for_more_than_was_planned_fails_and_names_it(
    prefixed: Built, tmp_path: Path
) -> None:
    """The package that it asks for is in the base, and not in the locked root."""
    [source] = (prefixed.directory / "specs" / "thimble-1").glob("*.spec")
    spec = tmp_path / "in" / source.name
    spec.parent.mkdir()
    asks = "BuildRequires:  python3-devel\nBuildRequires:  foo-show"
    spec.write_text(source.read_text().replace("BuildRequires:  python3-devel", asks))
    for path in (source.parent / "namespace-dependencies.sh", *sources_of(prefixed)):
        (spec.parent / path.name).write_bytes(path.read_bytes())
    places = (f"_sourcedir {spec.parent}", f"_topdir {tmp_path}", f"_srcrpmdir {tmp_path}")
    defined = [word for place in places for word in ("--define", place)]
    subprocess.run(
        ["rpmbuild", "-bs", "--nodeps", *defined, str(spec)], check=True, capture_output=True
    )
    [package] = tmp_path.glob("*.src.rpm")
    done = subprocess.run(
        [
            *(str(prefixed.world.directory / "mock"), "--resultdir", str(tmp_path / "results")),
            *("-r", str(prefixed.directory / "configs" / "build-thimble.cfg")),
            *("--rebuild", str(package)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "LC_ALL": "C"},
    )
    assert done.returncode == 10
    assert "package foo-show-1-1.sm1.x86_64 is filtered out by exclude filtering" in done.stderr
    assert not list((tmp_path / "results").glob("*.rpm"))


def sources_of(built: Built) -> list[Path]:
    return sorted((built.directory / "sources").glob("thimble-*.tar.gz"))


def test_the_makefile_builds_it_too_and_then_has_nothing_to_do(contained: Built) -> None:
    built = {path.name.rpartition("-0.streamsolve")[0] for path in packages(contained)}
    assert built == {
        *("libfoo-1", "python3-app-1", "python3-spindle-2"),
        *("python3-thimble-1", "python3-weft-2", "stampmake-2"),
    }
    again = made_with_make(contained.directory, "MOCK=/bin/false")
    assert "/bin/false" not in again


def test_in_a_root_of_its_own_the_old_library_takes_the_place_of_the_new_one(
    contained: Built, tmp_path: Path
) -> None:
    with contained.installed(tmp_path) as root:
        assert root.run("app").splitlines() == APPLICATION_SAYS
        assert root.run("rpm", "-q", "libfoo").startswith("libfoo-1-")
