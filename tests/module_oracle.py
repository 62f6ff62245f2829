"""The real dnf as an oracle for modules: what it shows of a base with streams enabled.

As in :mod:`.dnf_oracle`, in a child process with a root of its own, whose modules nobody touched.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from .dnf_oracle import SYSTEM_PYTHON

__all__ = ["Shown", "shown_by_dnf"]

SHOW = """
import json, sys, dnf, dnf.module.module_base, libdnf
asked = json.load(sys.stdin)

def opened(number):
    base = dnf.Base()
    conf = base.conf
    root = f"{asked['directory']}/root-{number}"
    conf.cachedir, conf.reposdir, conf.pluginpath = asked["directory"] + "/cache", ["/dev/null"], []
    conf.installroot = conf.persistdir = conf.logdir = root
    conf.module_platform_id = asked["platform"]
    conf.substitutions.update({"arch": "x86_64", "basearch": "x86_64", "releasever": "9"})
    conf.install_weak_deps, conf.best, conf.gpgcheck = False, False, False
    for name, (path, hotfixes) in asked["repositories"].items():
        base.repos.add_new_repo(
            name, conf, baseurl=["file://" + path], module_hotfixes=hotfixes
        )
    base.fill_sack(load_system_repo=False)
    return base

def installed(base, name):
    base.reset(goal=True)
    try:
        base.install(name)
        base.resolve()
    except dnf.exceptions.Error:
        return None
    return sorted(str(package) for package in base.transaction.install_set)

def answer(number, modules):
    base = opened(number)
    if modules:
        try:
            dnf.module.module_base.ModuleBase(base).enable(modules)
        except dnf.exceptions.MarkingErrors as error:
            # As its command does: recommended streams that do not fit are left out.
            solved = error.module_depsolv_errors
            of_defaults = libdnf.module.ModulePackageContainer.ModuleErrorType_ERROR_IN_DEFAULTS
            if error.error_group_specs or not solved or solved[1] != of_defaults:
                return {"shown": [], "installed": {}, "words": str(error)}
    shown = sorted({str(package) for package in base.sack.query()})
    found = {name: installed(base, name) for name in asked["wanted"]}
    return {"shown": shown, "installed": found, "words": ""}

print(json.dumps([answer(*each) for each in enumerate(asked["modules"])]))
"""


@frozen
class Shown:
    """What dnf sees with some streams enabled: the full names of all packages, what it would
    install for each name (None: nothing), and its words where it refuses the streams."""

    packages: frozenset[str]
    installed: dict[str, frozenset[str] | None]
    words: str


def shown_by_dnf(
    directory: Path,
    repositories: dict[str, tuple[Path, bool]],
    modules: Sequence[Sequence[str]],
    *,
    wanted: Sequence[str] = (),
    platform: str = "platform:el9",
) -> list[Shown]:
    """What dnf shows for each set of enabled streams, in their order, and what it would install
    for each of the names ``wanted``. ``repositories`` are directories, each with whether it has
    ``module_hotfixes``; ``directory`` is an empty one."""
    for number in range(len(modules)):
        (directory / f"root-{number}").mkdir(parents=True)
    asked = {
        "directory": str(directory),
        "platform": platform,
        "repositories": {name: (str(path), hot) for name, (path, hot) in repositories.items()},
        "modules": [list(each) for each in modules],
        "wanted": list(wanted),
    }
    done = subprocess.run(
        [SYSTEM_PYTHON, "-c", SHOW],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return [
        Shown(
            frozenset(each["shown"]),
            {
                name: None if found is None else frozenset(found)
                for name, found in each["installed"].items()
            },
            each["words"],
        )
        for each in json.loads(done.stdout.splitlines()[-1])
    ]
