"""The script that builds an image: the one command, with the contexts that it needs."""

from __future__ import annotations

import shlex

from ...model.plan import Plan
from .labels import image_labels
from .settings import ImageSettings
from .steps import TITLE

__all__ = ["build_script", "image_name"]

_SCRIPT = """\
#!/bin/sh
{title}
# Usage: build.sh DIR [IMAGE [OPTION…]]
# DIR is {packages}.
# BUILDER names another engine (podman), and its options may follow.
set -eu
if [ $# -lt 1 ]; then
    echo "usage: $0 DIR [IMAGE [OPTION...]]" >&2
    exit 2
fi
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
packages=$(CDPATH= cd -- "$1" && pwd)
image=${{2:-{image}}}
shift
[ $# -eq 0 ] || shift
if [ ! -f "$packages/{proof}" ]; then
    echo "$packages is not {packages}: {remedy}" >&2
    exit 2
fi
exec ${{BUILDER:-buildah}} build --layers \\
{annotations}    --build-context "{context}=$packages" \\
    --file "$here/Containerfile" --tag "$image" "$@" "$here"
"""
_ALL = "the repository with all RPM files"
_STREAMS = "the stream repository, with what was built for the application"
_TO_BUILD = "the directory that emit mock wrote, with the source packages in srpms/"


def image_name(plan: Plan) -> str:
    """What the image is called if nothing is said."""
    tag = str(plan.version).replace("+", "_").replace("!", "_")
    variant = f"-{plan.variant}" if plan.variant else ""
    return f"localhost/{plan.application}:{tag}{variant}".lower()


def build_script(plan: Plan, settings: ImageSettings) -> bytes:
    """``build.sh``. Labels that OCI defines are annotations of the manifest too."""
    annotations = "".join(
        f"    --annotation {shlex.quote(f'{key}={value}')} \\\n"
        for key, value in image_labels(plan, settings).items()
    )
    ready = _STREAMS if settings.files is None else _ALL
    builds = bool(settings.builder_image)
    text = _SCRIPT.format(
        title=TITLE,
        packages=_TO_BUILD if builds else ready,
        context="build" if builds else "packages",
        proof="Makefile" if builds else "repodata/repomd.xml",
        remedy="run streamsolve emit mock" if builds else "run createrepo_c there",
        image=image_name(plan),
        annotations=annotations,
    )
    return text.encode()
