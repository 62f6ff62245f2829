"""A Makefile that builds each level in parallel (``make -j 8``) and goes on where it stopped.

A build waits for the builds that its root needs, and for the level before to be published: while
anything is built, the stream repository does not change. A build is made again when its
configuration, its source package or what it was built with is newer than it is.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from ..model.build import Build, BuildPlan
from ..model.kernel import KernelPair
from .commands import mock_options
from .kernel_modules import CHECK_MODULES
from .mock_settings import MockSettings
from .names import Names, configuration_path

__all__ = ["makefile"]

_HEAD = """\
# Made by streamsolve from a lock; make it again rather than change it.
#
#   make -j 4              everything, four builds at a time
#   make published/level-2 the first two levels
#   make srpms             the source packages of all specs that are here
#   make -n                what would be run
#
# Source packages lie in srpms/, or are made there of specs/ and sources/; results and logs lie in
# results/. What was built is published in REPO, where the configurations look for it; done/ and
# published/ hold the stamps of what is done.

MOCK ?= mock
CREATEREPO ?= createrepo_c
export REPO := @REPO@
# Through the environment, whatever letters the name of this directory has.
export HERE := $(CURDIR)

.DELETE_ON_ERROR:
.SUFFIXES:
"""

_START = """\
published/start:
\t@mkdir -p published "$$REPO"
\t$(CREATEREPO) --quiet "$$REPO"
\t@touch $@
"""

_PUBLISH = """\
\tfor build in $(notdir $(filter done/%,$?)); do \\
\t\tfind "results/$$build" -name '*.rpm' ! -name '*.src.rpm' \\
\t\t\t-exec cp -f -- {} "$$REPO" ';' || exit 1; \\
\tdone
\t$(CREATEREPO) --quiet "$$REPO"
\t@touch $@
"""


def makefile(
    builds: BuildPlan, names: Names, settings: MockSettings, pair: KernelPair | None = None
) -> bytes:
    """The Makefile. Everything in it has been checked before. Packages of a kernel module are
    tested before they are published."""
    parts = [
        _HEAD.replace("@REPO@", settings.publish_to),
        f".PHONY: all\nall: {_level(len(builds.order.levels))}\n",
        _START,
    ]
    for number, level in enumerate(builds.order.levels, 1):
        found = [build for id in level.builds if (build := builds.build(id)) is not None]
        parts += [_build_rule(build, number, names, settings, pair) for build in found]
        parts.append(_publish_rule(number, (names.builds[build.id] for build in found)))
    parts.append("-include srpms.mk\n")
    return "\n".join(parts).encode("ascii")


def _level(number: int) -> str:
    return f"published/level-{number}" if number else "published/start"


def _make(text: str) -> str:
    """A shell word in a recipe: make's own dollar is doubled."""
    return shlex.quote(text).replace("$", "$$")


def _build_rule(
    build: Build, level: int, names: Names, settings: MockSettings, pair: KernelPair | None
) -> str:
    name, source = names.builds[build.id], f"srpms/{names.sources[build.stream]}"
    configuration = configuration_path(build.root)
    needs = [configuration, source, *(f"done/{names.builds[id]}" for id in build.after)]
    options = [
        f"--uniqueext={name}",
        *mock_options(build, settings),
    ]
    return (
        f"done/{name}: {' '.join(needs)} | {_level(level - 1)}\n"
        "\t@mkdir -p done\n"
        f'\t$(MOCK) -r "$$HERE"/{_make(configuration)} {" ".join(map(_make, options))}'
        f' --resultdir="$$HERE"/{_make(f"results/{name}")} --rebuild "$$HERE"/{_make(source)}\n'
        f"{_test_line(build, name, pair)}"
        "\t@touch $@\n"
    )


def _test_line(build: Build, name: str, pair: KernelPair | None) -> str:
    if pair is None or build.component != pair.module:
        return ""
    results = _make(f"results/{name}")
    return f'\tfind "$$HERE"/{results} -name \'*.rpm\' -exec "$$HERE"/{CHECK_MODULES} {{}} +\n'


def _publish_rule(level: int, names: Iterator[str]) -> str:
    needs = " ".join(f"done/{name}" for name in names)
    return f"{_level(level)}: {needs} | {_level(level - 1)}\n{_PUBLISH}"
