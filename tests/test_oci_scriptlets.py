"""Which scriptlets matter where none is run, and which layer a package is in."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from streamsolve.oci import LeftOutReason, assign_layers, left_out

from .imageworld import groups_of
from .lockworld import small_plan
from .rpmworld import build_rpm

_HARMLESS = """
%post -p /sbin/ldconfig
%postun
rm -rf /everything
%preun
systemctl stop x
%posttrans
if [ $1 -eq 1 ] && [ -x "/usr/lib/systemd/systemd-update-helper" ]; then
    # Initial installation
    /usr/lib/systemd/systemd-update-helper install-system-units x.service || :
fi
"""


def _found(
    place: Path, scripts: str, **more: str
) -> list[tuple[str, LeftOutReason, tuple[str, ...]]]:
    path = build_rpm(place, "scripted", scripts=scripts, **more)
    found = left_out(groups_of({"all": [path]}))
    assert all(each.package == "scripted-1-1.noarch" for each in found)
    return [(each.scriptlet, each.reason, each.programs) for each in found]


def test_what_only_keeps_a_running_system_is_harmless(tmp_path: Path) -> None:
    assert _found(tmp_path, _HARMLESS) == []


@pytest.mark.parametrize(
    ("text", "programs"),
    [
        ("update-ca-trust extract >/dev/null 2>&1 || :", ("update-ca-trust",)),
        ("[ -d /x ] && /usr/bin/make-cache --all; exit 0", ("make-cache",)),
        ("useradd -r x\ngroupadd y\n", ("useradd", "groupadd")),
        ("for i in a b; do compile $i; done", ("compile",)),
        ('echo "never closed', ('echo "never closed',)),
        ("eval `cat /x`", ("eval",)),
    ],
)
def test_what_runs_programs_is_told(tmp_path: Path, text: str, programs: tuple[str, ...]) -> None:
    assert _found(tmp_path, f"%post\n{text}\n") == [("%post", LeftOutReason.PROGRAMS, programs)]


def test_a_program_in_another_language_is_told(tmp_path: Path) -> None:
    found = _found(tmp_path, '%pretrans -p <lua>\nposix.mkdir("/x")\n%pre -p /usr/bin/python3\n1\n')
    assert found == [
        ("%pre", LeftOutReason.LANGUAGE, ("/usr/bin/python3",)),
        ("%pretrans", LeftOutReason.LANGUAGE, ("<lua>",)),
    ]


def test_a_directory_of_libraries_needs_ldconfig(tmp_path: Path) -> None:
    path = build_rpm(
        tmp_path,
        "cuda",
        install="mkdir -p etc/ld.so.conf.d; echo /usr/local/cuda > etc/ld.so.conf.d/cuda.conf",
        files=("/etc/ld.so.conf.d/cuda.conf",),
    )
    (found,) = left_out(groups_of({"all": [path]}))
    assert found.reason is LeftOutReason.LIBRARIES


# -- layers ----------------------------------------------------------------------------------------


def test_every_package_of_the_root_is_in_one_layer() -> None:
    plan = small_plan()
    assert plan.builds is not None
    layers = assign_layers(plan)
    placed = [package.nevra for layer in layers for package in layer.packages]
    assert sorted(placed) == sorted(package.nevra for package in plan.builds.runtime.packages)
    assert len(set(placed)) == len(placed)
    assert all(layer.packages for layer in layers)
    titles = [layer.title for layer in layers]
    order = ("base additions", "accelerator stack", "language stack", "application")
    assert titles == [title for title in order if title in titles]
    assert titles[-1] == "application"


@given(st.randoms(use_true_random=False))
def test_layers_do_not_depend_on_the_order_of_the_root(random: object) -> None:
    plan = small_plan()
    assert plan.builds is not None
    packages = list(plan.builds.runtime.packages)
    random.shuffle(packages)  # type: ignore[attr-defined]
    root = evolve(plan.builds.runtime, packages=tuple(packages))
    shuffled = evolve(plan, builds=evolve(plan.builds, runtime=root))
    assert assign_layers(shuffled) == assign_layers(plan)
