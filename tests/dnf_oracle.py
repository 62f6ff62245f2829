"""The real dnf as an oracle: what it makes of the same repositories and the same request.

dnf 4 belongs to the system's Python, so it runs in a child process, with a cache and a root of its
own: it sees no configuration, no plugin and no package of this machine. Weak dependencies are off.
Opening a base costs seconds and an answer milliseconds, so requests are made together.

What is asked for becomes the requirements of a package ``asked-N`` in a repository of its own, and
dnf is told to install that. So a request is read by RPM's rules for dependencies alone, not by what
dnf's command line takes a word for (a name, a glob, a group), and ``best``, which would insist on
the newest package of whatever is named, binds that one package only.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cache as remember
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from streamsolve.model import Package, Repository, RpmMd
from streamsolve.model.root import RootRequest

from .localrepository import write_repository
from .rpmmd import element

__all__ = [
    "Answer",
    "Places",
    "Verdict",
    "accepts_exactly",
    "needs_dnf",
    "places",
    "satisfiable",
]

SYSTEM_PYTHON = Path("/usr/bin/python3")
FIRST = 1
"""The priority of what is planned, before any repository's: the smaller number wins."""

Places = Mapping[str, tuple[Path, int]]
"""The directories and priorities of repositories, by id."""

RESOLVE = """
import json, sys, dnf
asked = json.load(sys.stdin)
base = dnf.Base()
conf = base.conf
conf.cachedir, conf.reposdir, conf.pluginpath = asked["cache"], ["/dev/null"], []
conf.installroot = conf.persistdir = conf.logdir = asked["root"]
conf.substitutions.update({"arch": "x86_64", "basearch": "x86_64", "releasever": "0"})
conf.install_weak_deps, conf.best, conf.gpgcheck = False, True, False
for name, (path, priority) in asked["repositories"].items():
    # Without module_hotfixes, dnf would show of all module streams the default ones only. libsolv
    # knows nothing of modules, so streamsolve sees every package of every stream.
    base.repos.add_new_repo(
        name, conf, baseurl=["file://" + path], priority=priority, module_hotfixes=True
    )
base.fill_sack(load_system_repo=False)
sack = base.sack

def wanted(question):
    if not question["exactly"]:
        return list(sack.query().filter(name=question["name"]))
    # One look at all names: a query for one full name goes through the whole base.
    names = [nevra.rsplit("-", 2)[0] for nevra in question["exactly"]]
    found = {str(package): package for package in sack.query().filter(name=names)}
    missing = [nevra for nevra in question["exactly"] if nevra not in found]
    if missing:
        raise dnf.exceptions.Error("there is no package " + ", ".join(missing))
    return [found[nevra] for nevra in question["exactly"]]

def answer(question):
    sack.reset_excludes()
    for name in asked["repositories"]:
        (sack.enable_repo if name in question["repositories"] else sack.disable_repo)(name)
    base.reset(goal=True)
    if question["hidden"]:
        of_base = sack.query().filter(reponame__neq=question["planned"])
        sack.add_excludes(of_base.filter(name=question["hidden"]))
    try:
        for package in wanted(question):
            # What Base.package_install does, but for its search through the whole base.
            base.goal.install(select=dnf.selector.Selector(sack).set(pkg=[package]))
        base.resolve()
    except dnf.exceptions.Error as error:
        return {"packages": [], "words": str(error).strip() or type(error).__name__}
    chosen = base.transaction.install_set
    names = sorted(str(each) for each in chosen if each.name != question["name"])
    return {"packages": names, "words": ""}

print(json.dumps([answer(question) for question in asked["questions"]]))
"""


@frozen
class Answer:
    """The full names of what dnf would install, sorted; or, if it refuses, why in its ``words``."""

    packages: tuple[str, ...]
    words: str

    @property
    def satisfiable(self) -> bool:
        """Whether dnf finds a way."""
        return not self.words


@frozen
class Verdict:
    """What dnf makes of exactly the packages that were ``given``, and of the request ``alone``."""

    given: frozenset[str]
    exactly: Answer
    alone: Answer

    @property
    def accepted(self) -> bool:
        """Whether installing the given packages is a transaction that adds nothing to them."""
        return self.exactly.satisfiable and set(self.exactly.packages) == self.given

    @property
    def same(self) -> bool:
        """Whether dnf alone would choose the same packages."""
        return self.alone.satisfiable and set(self.alone.packages) == self.given


@remember
def _is_there() -> bool:
    if not SYSTEM_PYTHON.exists():
        return False
    done = subprocess.run([SYSTEM_PYTHON, "-c", "import dnf"], capture_output=True, check=False)
    return done.returncode == 0


needs_dnf = pytest.mark.skipif(
    not _is_there(), reason="the system's dnf is not installed (Debian: apt-get install dnf)"
)


def places(repositories: Iterable[Repository]) -> Places:
    """Where the binary repositories of a base lie on this disk."""
    return {
        each.id: (each.content.primary.path.parent.parent, each.priority)
        for each in repositories
        if not each.sources and isinstance(each.content, RpmMd)
    }


def satisfiable(
    directory: Path, repositories: Places, requests: Sequence[RootRequest]
) -> list[Answer]:
    """What dnf would install for each request, in their order; all from one process.

    ``directory`` is an empty one for what has to be written: dnf's cache and root, and the
    repositories of what is asked and planned.
    """
    return _ask(directory, repositories, [(request, ()) for request in requests])


def accepts_exactly(
    directory: Path, repositories: Places, roots: Sequence[tuple[RootRequest, Iterable[str]]]
) -> list[Verdict]:
    """What dnf makes of solved roots: each is a request and the full names that are its answer.

    The same process and ``directory`` as for :func:`satisfiable`.
    """
    given = [tuple(sorted(names)) for _, names in roots]
    questions = [(request, names) for (request, _), names in zip(roots, given, strict=True)]
    answers = _ask(directory, repositories, [*questions, *((each, ()) for each, _ in roots)])
    exactly, alone = answers[: len(roots)], answers[len(roots) :]
    return [
        Verdict(frozenset(names), judged, chosen)
        for names, judged, chosen in zip(given, exactly, alone, strict=True)
    ]


def _ask(
    directory: Path,
    repositories: Places,
    questions: Sequence[tuple[RootRequest, tuple[str, ...]]],
) -> list[Answer]:
    asked = [
        Package(f"asked-{number}", "1-1", "noarch", requires=request.install)
        for number, (request, _) in enumerate(questions)
    ]
    planned: dict[tuple[Package, ...], str] = {}
    told: list[dict[str, Any]] = []
    for package, (request, exactly) in zip(asked, questions, strict=True):
        of_request = planned.setdefault(request.planned, f"planned-{len(planned)}")
        told.append(
            {
                "name": package.name,
                "exactly": exactly,
                # As in a root of streamsolve: what is planned hides the base's of its name.
                "hidden": sorted({*request.hidden, *(each.name for each in request.planned)}),
                "planned": of_request,
                "repositories": [*repositories, "asked", of_request],
            }
        )
    written = {"asked": tuple(asked), **{name: packages for packages, name in planned.items()}}
    for name, packages in written.items():
        write_repository(directory / name, map(element, packages))
    made: Places = {name: (directory / name, FIRST) for name in written}
    return _run(directory, {**repositories, **made}, told)


def _run(directory: Path, repositories: Places, told: list[dict[str, Any]]) -> list[Answer]:
    root = directory / "root"
    root.mkdir()
    question = {
        "cache": str(directory / "cache"),
        "root": str(root),
        "repositories": {name: (str(path), rank) for name, (path, rank) in repositories.items()},
        "questions": told,
    }
    done = subprocess.run(
        [SYSTEM_PYTHON, "-c", RESOLVE],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return [
        Answer(tuple(each["packages"]), each["words"])
        for each in json.loads(done.stdout.splitlines()[-1])
    ]
