"""Hostile values in every field that reaches an image: refused, or given back as they were."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsolve.emit import MockRepository
from streamsolve.emit.containers import (
    ImageSettings,
    KernelModule,
    emit_bootc,
    emit_containerfile,
    image_labels,
)
from streamsolve.emit.locked_files import LockedFile
from streamsolve.errors import Code, InputErrors
from streamsolve.model.build import Root
from streamsolve.model.package import Package
from streamsolve.model.plan import Plan
from streamsolve.model.profile import Image
from streamsolve.model.rpm_header import RpmHeader

from .containerfile_reader import read
from .lockworld import small_plan

KEY = "file:///etc/pki/rpm-gpg/KEY"
REPOSITORY = MockRepository("fedora", "https://base.test/$basearch/", gpgkeys=(KEY,))
PLAN = small_plan()
SETTINGS = ImageSettings(
    "registry.test/small/base:45@sha256:" + "ab" * 32,
    "sha256:" + "cd" * 32,
    image=Image(entrypoint=("app",), source="https://source.test/", revision="v{version}"),
    title="It infers",
    releasever="45",
    repositories=(REPOSITORY,),
)

ATTACKS = (
    "{{7*7}}", "{% raw %}", "'", '"', "'''", "\\", "\\\n", "\n", "\r", "\0", "\x1b[2J", "\x85",
    "\u2028", "\ud800", "a\nRUN touch RAN", "a\n[evil]\nbaseurl=file:///", "$(touch RAN)",
    "`touch RAN`", "${HOME}", "$HOME", "; touch RAN", "&& touch RAN #", "| touch RAN", "<<EOF",
    "../../RAN", "/etc/passwd", "-x", "--config=/x", " ", "", "*", "a b", "a=b", "%{lua:x}",
    "%(touch RAN)", "#", "@", "x" * 10_000, "é", "A-b_c.d", "1:2-3", "~x",
)  # fmt: skip
PARTS = st.one_of(
    st.sampled_from(ATTACKS),
    st.text(max_size=6),
    st.text("abcXYZ019._-+~^:/ ", min_size=1, max_size=12),
)
HOSTILE = st.lists(PARTS, min_size=1, max_size=3).map("".join)

Case = tuple[Plan, ImageSettings]


def image(**change: Any) -> Case:
    return PLAN, evolve(SETTINGS, image=evolve(SETTINGS.image, **change))


def repository(**change: Any) -> Case:
    return PLAN, evolve(SETTINGS, repositories=(evolve(REPOSITORY, **change),))


def in_package(name: str, change: Callable[[Package], Package]) -> Case:
    assert PLAN.builds is not None
    builds = PLAN.builds

    def root(of: Root) -> Root:
        return evolve(of, packages=tuple(change(p) if p.name == name else p for p in of.packages))

    return evolve(PLAN, builds=evolve(builds, runtime=root(builds.runtime))), SETTINGS


def with_file(text: str, part: str) -> Case:
    """A file of every package, one of them with a hostile value."""
    assert PLAN.builds is not None
    files = []
    for package in PLAN.builds.runtime.packages:
        digest = package.checksum.removeprefix("sha256:") or "0" * 64
        header = RpmHeader(
            package.name, package.version, package.release, package.arch, "x.rpm", digest,
            "0" * 32, "MIT", package.epoch,
        )  # fmt: skip
        file = LockedFile(header, PurePosixPath(f"{package.name}.rpm"))
        if package.name == "python3-wheel":
            if part == "path":
                file = evolve(file, path=PurePosixPath(text))
            else:
                file = evolve(file, header=evolve(header, **{part: text}))
        files.append(file)
    return PLAN, evolve(SETTINGS, files=tuple(files), repositories=())


PLACES: dict[str, Callable[[str], Case]] = {
    "application": lambda text: (evolve(PLAN, application=text), SETTINGS),
    "variant": lambda text: (evolve(PLAN, variant=text), SETTINGS),
    "base": lambda text: (evolve(PLAN, base=text), SETTINGS),
    "arch": lambda text: (evolve(PLAN, arch=text), SETTINGS),
    "base package": lambda text: in_package("bash", lambda p: evolve(p, name=text)),
    "base evr": lambda text: in_package("bash", lambda p: evolve(p, evr=f"{text}-1")),
    "base arch": lambda text: in_package("bash", lambda p: evolve(p, arch=text)),
    "private package": lambda text: in_package("python3-wheel", lambda p: evolve(p, name=text)),
    "private version": lambda text: in_package(
        "python3-wheel", lambda p: evolve(p, evr=f"{text}-1")
    ),
    "external package": lambda text: in_package(
        "cuda-toolkit-13-0", lambda p: evolve(p, name=text)
    ),
    "base image": lambda text: (PLAN, evolve(SETTINGS, base_image=text)),
    "name of base image": lambda text: (
        PLAN,
        evolve(SETTINGS, base_image=f"{text}@sha256:" + "0" * 64),
    ),
    "builder image": lambda text: (PLAN, evolve(SETTINGS, builder_image=text)),
    "digest": lambda text: (PLAN, evolve(SETTINGS, lock_digest=text)),
    "title": lambda text: (PLAN, evolve(SETTINGS, title=text)),
    "releasever": lambda text: (PLAN, evolve(SETTINGS, releasever=text)),
    "prefix": lambda text: (PLAN, evolve(SETTINGS, prefix=text)),
    "kernel module": lambda text: (
        PLAN,
        evolve(SETTINGS, kernel_modules=(KernelModule(text, "kmod-nvidia"),)),
    ),
    "package of a module": lambda text: (
        PLAN,
        evolve(SETTINGS, kernel_modules=(KernelModule("nvidia", text),)),
    ),
    "version of a module": lambda text: (
        PLAN,
        evolve(SETTINGS, kernel_modules=(KernelModule("nvidia", "kmod-nvidia", text),)),
    ),
    "entry point": lambda text: image(entrypoint=("app", text)),
    "command": lambda text: image(command=(text,)),
    "user": lambda text: image(user=text),
    "variable": lambda text: image(environment={text: "1"}),
    "value of a variable": lambda text: image(environment={"X": text}),
    "source": lambda text: image(source=text),
    "revision": lambda text: image(revision=text),
    "repository id": lambda text: repository(id=text),
    "baseurl": lambda text: repository(baseurl=text),
    "metalink": lambda text: repository(baseurl="", metalink=f"https://base.test/?{text}"),
    "key": lambda text: repository(gpgkeys=(f"file:///{text}",)),
    "path of a file": lambda text: with_file(text, "path"),
    "release of a file": lambda text: with_file(text, "release"),
    "checksum of a file": lambda text: with_file(text, "sha256"),
}


def emitted(case: Case) -> list[dict[str, bytes]]:
    """What both emitters write; nothing of one that refuses, which it does properly."""
    found = []
    for emit in (emit_containerfile, emit_bootc):
        plan, chosen = case
        if emit is emit_bootc and not chosen.prefix:
            chosen = evolve(chosen, prefix="/opt/app")
        try:
            found.append(dict(emit(plan, chosen)))
        except InputErrors as error:
            check_refusal(error)
    return found


def check_refusal(error: InputErrors) -> None:
    """Short, printable, and with something to act on."""
    assert error.code is Code.NOT_EMITTED
    assert error.errors
    assert all(len(str(each)) < 1500 for each in error.errors)
    assert all(each.message.isprintable() for each in error.errors)


def check(case: Case, files: dict[str, bytes]) -> None:
    """Read as engines and dnf do, the files hold the values and no instruction beside ours."""
    plan, chosen = case
    text = files["Containerfile"].decode()
    bootable = "README.md" in files
    if bootable:
        assert text.endswith("\nRUN bootc container lint\n")
        text = text.replace("\nRUN bootc container lint\n", "\n")
    found = read(text)
    assert plan.builds is not None
    assert found.base.split("@")[1] == chosen.base_image.split("@")[1]
    assert chosen.base_image.startswith(found.base.split("@")[0])
    assert found.labels == dict(image_labels(plan, chosen))
    if not bootable:
        assert found.entrypoint == list(chosen.image.entrypoint)
        assert found.command == list(chosen.image.command)
        assert found.environment.items() >= chosen.image.environment.items()
        assert sum(map(len, found.installed)) == len(plan.builds.runtime.packages)
    conf = files["repos/dnf.conf"].decode()
    heads = [line for line in conf.splitlines() if line.startswith("[")]
    assert heads == ["[main]", *(f"[{r.id}]" for r in chosen.repositories), "[streamsolve]"]
    for line in conf.splitlines():
        assert not line or line[0] in "[# " or "=" in line
        assert line.startswith("  ") or " " not in line.partition("=")[0] or line[0] == "#"
    subprocess.run(["sh", "-n"], input=files["build.sh"], check=True, timeout=10)


@pytest.mark.parametrize("place", PLACES)
def test_every_field_refuses_what_is_hostile(place: str) -> None:
    """So that the law below is about fields that really reach a file."""
    assert emitted(PLACES[place]('x"\n$(touch RAN)')) == []


@settings(max_examples=300, deadline=None)
@given(place=st.sampled_from(sorted(PLACES)), text=HOSTILE)
def test_a_hostile_value_is_refused_or_given_back_as_it_was(place: str, text: str) -> None:
    case = PLACES[place](text)
    for files in emitted(case):
        check(case, files)
    assert not Path("RAN").exists()


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("base evr", "3.19}"),
        ("value of a variable", "a # b && c | d"),
        ("entry point", '$(touch RAN) "quoted" \\ `x`'),
        ("key", "%7Ex/KEY"),
        ("title", "Ein schnelles Ding für Leute"),
    ],
)
def test_what_only_looks_hostile_is_given_back(place: str, text: str) -> None:
    case = PLACES[place](text)
    files = emitted(case)
    assert len(files) == 2
    for each in files:
        check(case, each)
