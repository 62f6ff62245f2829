"""The stream repository while it changes, as its readers see it: a slow one, and the real dnf."""

from __future__ import annotations

import gzip
import hashlib
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamsolve.building.publish import Published, StreamRepository, make_repository
from streamsolve.errors import Code, InputError
from streamsolve.storage import file_digest

SPEC = """\
Name: tiny-{name}
Version: 1
Release: 1
Summary: Tiny
License: MIT
BuildArch: noarch
%description
{words}
%files
"""


def package(directory: Path, name: str, words: str) -> Published:
    """A build with one real package, whose file name does not depend on what it says."""
    made = directory / f"{name}-{words}"
    made.mkdir(parents=True)
    spec = made / "it.spec"
    spec.write_text(SPEC.format(name=name, words=words))
    macros = ("--define", f"_topdir {made}", "--define", f"_rpmdir {made}")
    names = ("--define", "_build_name_fmt %%{NAME}-%%{VERSION}.rpm")
    subprocess.run(
        ["rpmbuild", "-bb", *macros, *names, str(spec)], check=True, capture_output=True, timeout=60
    )
    (file,) = made.glob("*.rpm")
    return Published(name, made, ((file.name, file_digest(file)),))


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Published]:
    directory = tmp_path_factory.mktemp("packages")
    texts = ("a-first", "a-second", "b-first", "c-first")
    return {text: package(directory, *text.split("-")) for text in texts}


@pytest.fixture
def repository(tmp_path: Path) -> StreamRepository:
    return StreamRepository(tmp_path / "repo", tmp_path / "staging", ("createrepo_c",))


def listed(directory: Path, repomd: str) -> dict[str, str]:
    """What a reader with that ``repomd.xml`` finds: packages by place with their sha256, each file
    read and checked as dnf does."""
    (name, digest) = re.findall(
        r'<data type="primary">\s*<checksum type="sha256">(\w+)</checksum>.*?href="([^"]+)"',
        repomd,
        re.DOTALL,
    )[0][::-1]
    primary = (directory / name).read_bytes()
    assert hashlib.sha256(primary).hexdigest() == digest
    text = gzip.decompress(primary).decode()
    sums = re.findall(r'<checksum type="sha256" pkgid="YES">(\w+)<', text)
    places = re.findall(r'<location href="([^"]+)"', text)
    found = dict(zip(places, sums, strict=True))
    for place, expected in found.items():
        assert file_digest(directory / place) == expected
    return found


def test_a_reader_that_is_slow_finds_all_that_its_metadata_name(
    repository: StreamRepository, packages: dict[str, Published]
) -> None:
    directory = repository.directory
    generations = [
        [packages["a-first"]],
        [packages["a-first"], packages["b-first"]],
        [packages["a-second"], packages["b-first"]],
        [packages["c-first"]],
        [],
    ]
    read = []
    for content in generations:
        assert repository.publish(content)
        read.append((directory / "repodata" / "repomd.xml").read_text())
    for content, repomd in zip(generations, read, strict=True):
        expected = sorted(digest for each in content for _, digest in each.packages)
        assert sorted(listed(directory, repomd).values()) == expected


def test_what_is_published_already_is_left_alone(
    repository: StreamRepository, packages: dict[str, Published]
) -> None:
    content = [packages["a-first"], packages["b-first"]]
    repository.publish(content)
    before = {path: path.stat().st_mtime_ns for path in repository.directory.rglob("*")}
    assert not repository.publish(content)
    assert {path: path.stat().st_mtime_ns for path in repository.directory.rglob("*")} == before


def test_the_next_run_takes_away_what_is_no_longer_named_and_nothing_of_anybody_else(
    repository: StreamRepository, packages: dict[str, Published]
) -> None:
    repository.publish([packages["a-first"], packages["b-first"]])
    mine = repository.directory / "mine" / "x.rpm"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    content = [packages["a-second"]]
    repository.publish(content)
    repository.sweep(content)
    assert repository.holds(content)
    names = {path.name for path in repository.directory.iterdir()}
    assert names == {"repodata", "mine", packages["a-second"].place}
    assert len(list((repository.directory / "repodata").iterdir())) == 4
    listed(repository.directory, (repository.directory / "repodata" / "repomd.xml").read_text())


@pytest.mark.parametrize("damage", ["remove", "change", "metadata"])
def test_what_was_damaged_is_published_again(
    repository: StreamRepository, packages: dict[str, Published], damage: str
) -> None:
    content = [packages["a-first"], packages["b-first"]]
    repository.publish(content)
    pattern = "repodata/*primary*" if damage == "metadata" else "a-*/*.rpm"
    (path,) = repository.directory.glob(pattern)
    path.unlink()
    if damage == "change":
        path.write_bytes(b"other")
    assert not repository.holds(content)
    assert repository.publish(content)
    repomd = (repository.directory / "repodata" / "repomd.xml").read_text()
    assert len(listed(repository.directory, repomd)) == 2


def test_a_repository_of_one_build_has_its_packages_and_dnf_reads_it(
    packages: dict[str, Published], tmp_path: Path
) -> None:
    directory = tmp_path / "repo"
    directory.mkdir()
    make_repository(directory, [packages["a-second"], packages["c-first"]], ("createrepo_c",))
    assert dnf(directory, tmp_path / "dnf") == {"tiny-a second", "tiny-c first"}


def test_what_createrepo_says_is_told_without_what_a_terminal_obeys(
    repository: StreamRepository, packages: dict[str, Published], tmp_path: Path
) -> None:
    script = tmp_path / "createrepo"
    script.write_text("#!/bin/sh\nprintf '\\033[2Jno \\033]0;x\\007space\\n' >&2\nexit 1\n")
    script.chmod(0o755)
    broken = StreamRepository(repository.directory, repository.staging, (str(script),))
    with pytest.raises(InputError, match="metadata of a repository: no space") as raised:
        broken.publish([packages["a-first"]])
    assert raised.value.code is Code.CANNOT_BUILD
    assert not (repository.directory / "repodata").exists()


# -- dnf -------------------------------------------------------------------------------------------


def dnf(directory: Path, scratch: Path) -> set[str]:
    """The packages that dnf finds in a repository, with their descriptions. It fails for one that
    it cannot read as a whole."""
    done = subprocess.run(
        [
            *("dnf", "--disableplugin=local", "-q", f"--setopt=cachedir={scratch}"),
            *("--setopt=reposdir=/dev/null", f"--installroot={scratch}/root", "--releasever=1"),
            *(f"--repofrompath=built,file://{directory}", "--repo=built"),
            *("--setopt=built.skip_if_unavailable=0", "--setopt=retries=1"),
            *("repoquery", "--qf", "%{name} %{description}"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines())


@pytest.fixture
def publisher(
    repository: StreamRepository, packages: dict[str, Published]
) -> Iterator[list[BaseException]]:
    """Publishes one content after the other until the test is over; what it raises is kept."""
    over, first, raised = threading.Event(), threading.Event(), list[BaseException]()

    def publish() -> None:
        try:
            while not over.is_set():
                for text in ("a-first", "a-second"):
                    repository.publish([packages["b-first"], packages[text]])
                    first.set()
        except BaseException as error:  # noqa: BLE001
            raised.append(error)
            first.set()

    thread = threading.Thread(target=publish)
    thread.start()
    assert first.wait(60)
    yield raised
    over.set()
    thread.join()


def test_dnf_never_sees_a_broken_repository_while_it_changes(
    repository: StreamRepository, publisher: list[BaseException], tmp_path: Path
) -> None:
    for number in range(8):
        seen = dnf(repository.directory, tmp_path / f"dnf-{number}")
        assert seen in (
            {"tiny-b first", "tiny-a first"},
            {"tiny-b first", "tiny-a second"},
        )
    assert publisher == []
