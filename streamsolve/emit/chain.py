"""``chain.sh``: all builds one after the other with ``mock --chain``, in the order of the levels.

It is for reading as much as for running. Builds of one level that share a root and their switches
are one chain; after each chain what was built goes into the stream repository.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from itertools import groupby

from ..model.build import Build, BuildPlan
from ..model.kernel import KernelPair
from .commands import mock_options
from .kernel_modules import CHECK_MODULES
from .mock_settings import MockSettings
from .names import Names

__all__ = ["chain_script"]

_HEAD = """\
#!/bin/sh
# Made by streamsolve from a lock; make it again rather than change it.
#
# Builds everything, one after the other. MOCK, CREATEREPO, SRPMS (the directory of the source
# packages) and WORK (results and logs) may be set.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
mock=${MOCK:-mock}
createrepo=${CREATEREPO:-createrepo_c}
srpms=${SRPMS:-$here/srpms}
# Where the configurations look for it.
repo=@REPO@
work=${WORK:-$here/work}

mkdir -p -- "$repo" "$work" "$srpms"
# Source packages of the specs that are here, where they are older than what they are made of.
for specs in "$here"/specs/*/; do
    srpm=$srpms/$(basename -- "$specs").src.rpm
    if [ -d "$specs" ] && { [ ! -f "$srpm" ] || [ -n "$(find "$specs" -newer "$srpm")" ]; }; then
        "$here/srpm.sh" "${specs%/}" "$here/sources" "$srpm"
    fi
done
"$createrepo" --quiet -- "$repo"

# chain ROOT ARGUMENT...: build in a root, then publish.
chain() {
    root=$1
    shift
    "$mock" --chain --localrepo "$work" -r "$here/configs/$root.cfg" "$@"
    find "$work/results/$root" -name '*.rpm' ! -name '*.src.rpm' -exec cp -f -- {} "$repo" ';'
    "$createrepo" --quiet -- "$repo"
}
"""


def chain_script(
    builds: BuildPlan, names: Names, settings: MockSettings, pair: KernelPair | None = None
) -> bytes:
    """The script. Everything in it has been checked before."""
    repo = settings.publish_to if settings.publish_to[0] == "/" else f"$here/{settings.publish_to}"
    lines = [_HEAD.rstrip("\n").replace("@REPO@", repo)]
    for number, level in enumerate(builds.order.levels, 1):
        found = (builds.build(id) for id in level.builds)
        of_level = [build for build in found if build is not None]
        lines += ["", f"# level {number} of {len(builds.order.levels)}"]
        lines += _chains(of_level, names, settings)
        lines += _tests(of_level, pair)
    return ("\n".join(lines) + "\n").encode("ascii")


def _chains(builds: list[Build], names: Names, settings: MockSettings) -> Iterator[str]:
    """One line for each root and set of switches."""

    def shared(build: Build) -> tuple[str, tuple[str, ...]]:
        return build.root, mock_options(build, settings)

    for (root, options), group in groupby(sorted(builds, key=shared), key=shared):
        sources = sorted(names.sources[build.stream] for build in group)
        words = [
            *map(shlex.quote, (root, *options)),
            *(f'"$srpms"/{shlex.quote(s)}' for s in sources),
        ]
        yield f"chain {' '.join(words)}"


def _tests(builds: list[Build], pair: KernelPair | None) -> Iterator[str]:
    """A line for the packages of a kernel module."""
    if pair is not None and any(build.component == pair.module for build in builds):
        name = shlex.quote(f"{pair.package}-*.rpm")
        yield f'find "$repo" -name {name} -exec "$here/{CHECK_MODULES}" {{}} +'
