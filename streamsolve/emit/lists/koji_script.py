"""``koji.sh``: tags and builds of a plan as calls of Koji's client, for reading as for running."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from ...model.plan import Plan
from .koji import KojiPlan, KojiSettings, KojiTag, external_repositories, koji_json, plan_koji

__all__ = ["koji_files"]

SCRIPT = "koji.sh"
DOCUMENT = "koji.json"

_HEAD = """\
#!/bin/sh
# Made by streamsolve from a lock; make it again rather than change it.
#
#   koji.sh          sets up the tags, then builds
#   koji.sh tags     sets up the tags, once
#   koji.sh builds   builds; what is in its tag already is not built again
#
# KOJI (the client), SRPMS (the directory of the source packages) and TIMEOUT (how long to wait for
# a repository of Koji's, in minutes) may be set.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
koji=${KOJI:-koji}
srpms=${SRPMS:-$here/srpms}
timeout=${TIMEOUT:-120}
tasks=
what=${1:-all}
case $what in
all | tags | builds) ;;
*) echo "usage: koji.sh [tags|builds]" >&2; exit 2 ;;
esac

# fresh BUILD_TAG: wait until build roots see all that is tagged and set by now.
fresh() {
    "$koji" request-repo --current --wait --timeout "$timeout" "$1"
}

# submit TARGET PACKAGE BEGINNING SOURCE: begin a build, unless there is one already.
submit() {
    tagged=$("$koji" list-tagged --quiet "$1" "$2")
    case "
$tagged" in
    *"
$3"*) return ;;
    esac
    said=$("$koji" build --nowait --noprogress "$1" "$4")
    task=$(printf '%s\\n' "$said" | sed -n 's/^Created task: \\([0-9][0-9]*\\)$/\\1/p')
    if [ -z "$task" ]; then
        printf 'koji.sh: koji names no task for %s:\\n%s\\n' "$4" "$said" >&2
        exit 1
    fi
    tasks="$tasks $task"
}

# finish: wait for what was begun. A build that failed ends it all.
finish() {
    if [ -n "$tasks" ]; then
        # shellcheck disable=SC2086 # numbers
        "$koji" watch-task $tasks
    fi
    tasks=
}
"""


def koji_files(plan: Plan, settings: KojiSettings, *, file: str = "") -> dict[str, bytes]:
    """``koji.json`` and ``koji.sh``, by path; raises as :func:`plan_koji`."""
    made = plan_koji(plan, settings, file=file)
    return {DOCUMENT: koji_json(made, plan), SCRIPT: _script(made, plan)}


def _script(made: KojiPlan, plan: Plan) -> bytes:
    builds = _by_chain(made) if made.settings.scm else _by_level(made)
    lines = [
        _HEAD,
        'if [ "$what" != builds ]; then',
        *_indented(_tags(made, plan)),
        "fi",
        'if [ "$what" = tags ]; then exit; fi',
        *builds,
    ]
    return ("\n".join(lines) + "\n").encode("ascii")


def _indented(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield f"    {line}" if line else ""


def _koji(*words: str) -> str:
    return f'"$koji" {" ".join(map(shlex.quote, words))}'


# -- tags ------------------------------------------------------------------------------------------


def _tags(made: KojiPlan, plan: Plan) -> Iterator[str]:
    """All tags first, since they inherit one another."""
    for tag in made.tags:
        yield _koji("add-tag", tag.name)
        yield _koji("add-tag", "--arches", plan.arch, *_extra(tag.macros), tag.build_tag)
        yield _koji("add-pkg", "--owner", made.settings.owner, tag.name, *tag.packages)
    for tag in made.tags:
        for number, parent in enumerate(tag.inherits):
            words = ("--priority", str(number * 10), tag.build_tag, parent)
            yield _koji("add-tag-inheritance", *words)
        yield from _groups(made, tag)
        yield _koji("add-target", tag.name, tag.build_tag, tag.name)
    for name, priority, each in external_repositories(made.settings):
        places = [f"--tag={tag.build_tag}::{priority}" for tag in made.tags]
        yield _koji("add-external-repo", *places, name, each.url)


def _groups(made: KojiPlan, tag: KojiTag) -> Iterator[str]:
    """What every build root begins with; a parent tag has these groups itself."""
    if made.settings.parent or not made.settings.build_group:
        return
    for group in ("build", "srpm-build"):
        yield _koji("add-group", tag.build_tag, group)
        yield _koji("add-group-pkg", tag.build_tag, group, *made.settings.build_group)


def _extra(macros: tuple[tuple[str, str], ...]) -> list[str]:
    return [word for name, value in macros for word in ("-x", f"rpm.macro.{name}={value}")]


# -- builds ----------------------------------------------------------------------------------------


def _before(tag: KojiTag) -> Iterator[str]:
    if tag.while_building:
        yield _koji("edit-tag", *_extra(tag.while_building), tag.build_tag)


def _afterwards(tag: KojiTag) -> Iterator[str]:
    if tag.while_building:
        words = [word for name, _ in tag.while_building for word in ("-r", f"rpm.macro.{name}")]
        yield _koji("edit-tag", *words, tag.build_tag)


def _by_level(made: KojiPlan) -> Iterator[str]:
    """Level by level, all targets at the same time."""
    last = {
        made.builds[id].target: number for number, level in enumerate(made.levels) for id in level
    }
    begun: set[str] = set()
    for number, level in enumerate(made.levels):
        yield from ("", f"# level {number + 1} of {len(made.levels)}")
        targets = list(dict.fromkeys(made.builds[id].target for id in level))
        for name in targets:
            if name not in begun:
                yield from _before(made.tag(name))
            begun.add(name)
        for name in targets:
            yield f"fresh {shlex.quote(made.tag(name).build_tag)}"
        yield from (_submit(made, id) for id in level)
        yield "finish"
        for name in targets:
            if last[name] == number:
                yield from _afterwards(made.tag(name))


def _by_chain(made: KojiPlan) -> Iterator[str]:
    """One chain after the other; a chain of one group is what Koji calls builds."""
    for number, chain in enumerate(made.chains, 1):
        tag = made.tag(chain.target)
        yield from ("", f"# chain {number} of {len(made.chains)}", *_before(tag))
        yield f"fresh {shlex.quote(tag.build_tag)}"
        if len(chain.groups) == 1:
            yield from (_submit(made, id) for id in chain.groups[0])
            yield "finish"
        else:
            words: list[str] = []
            for group in chain.groups:
                words += [":"] if words else []
                words += [made.builds[id].source for id in group]
            yield _koji("chain-build", "--wait", chain.target, *words)
        yield from _afterwards(tag)


def _submit(made: KojiPlan, id: str) -> str:
    build = made.builds[id]
    words = map(shlex.quote, (build.target, build.package, build.begins))
    source = shlex.quote(build.source)
    where = source if made.settings.scm else f'"$srpms"/{source}'
    return f"submit {' '.join(words)} {where}"
