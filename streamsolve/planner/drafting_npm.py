"""A draft of an application for Node.js, from its ``package.json`` and its lock."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ..errors import Place
from ..inputs.npm_manifest import NpmProject, parse_npm_project
from ..inputs.project_directory import project_directory, read_in_project
from ..inputs.semver import npm_range
from ..inputs.tables import Unreadable
from ..model.draft import DraftKey
from ..model.progress import Progress
from .draft_native import (
    begin_native,
    build_row,
    describe_component,
    drafted_version,
    read_lock,
    source_row,
)
from .draft_sketch import short_summary
from .draft_toml import one_line
from .drafting import DraftRequest, Sketched

__all__ = ["sketch_npm"]

_MANIFEST = "package.json"
_LOCKS = ("npm-shrinkwrap.json", "package-lock.json", "pnpm-lock.yaml")
_NODE = "package:nodejs"
_NODE_PACKAGES = ("nodejs", "nodejs{major}")
_MANAGERS = {"pnpm": "pnpm", "yarn": "yarnpkg"}
_NPM = "nodejs-npm"

# npm packages whose install scripts fetch a program or a library, or that hold one; those for one
# system each have that in their names.
_PREBUILT = frozenset(
    {
        "@playwright/browser-chromium",
        "@sentry/cli",
        "@swc/core",
        "better-sqlite3",
        "canvas",
        "chromedriver",
        "cypress",
        "electron",
        "esbuild",
        "ffmpeg-static",
        "keytar",
        "node-pty",
        "node-sass",
        "playwright",
        "puppeteer",
        "sass-embedded",
        "sharp",
        "sqlite3",
    }
)
_OF_ONE_SYSTEM = re.compile(r"(?P<name>.+?)[-/](?:linux|darwin|win32|freebsd|android)-\w+.*")


def sketch_npm(request: DraftRequest, what: str, _progress: Progress) -> Sketched:
    """The package of a directory."""
    directory = project_directory(what)
    file = f"{what}/{_MANIFEST}"
    text = read_in_project(directory, _MANIFEST, what, needed=True)
    project = parse_npm_project(text, file=file)
    version = drafted_version(request.version, project.version, Place(file))
    sketch = begin_native(
        request,
        version,
        project.version,
        summary=project.summary,
        homepage=project.homepage or project.repository,
        licence=project.licence,
    )
    shown = f"{project.name or request.name} {project.version}: {short_summary(project.summary)}"
    found = [
        ("npm package", shown.rstrip(": ")),
        ("licence", project.licence or "none stated"),
        ("Node.js", project.engines.get("node", "").strip() or "any version"),
    ]
    sketched = Sketched(sketch, found)
    urls = [("repository", project.repository), ("homepage", project.homepage)]
    written = "" if str(version) == project.version or request.version else project.version
    source_row(sketch, request.name, urls, written=written)
    bundled = _bundled(sketched, directory)
    _prebuilt(sketched, [*project.dependencies, *bundled])
    _node(sketched, request.name, project)
    return sketched


def _bundled(sketched: Sketched, directory: Path) -> tuple[str, ...]:
    """List what the lock pins; the names of it."""
    for name in _LOCKS:
        if (directory / name).is_file():
            return read_lock(sketched, directory / name)
    known = f"There is none of {', '.join(_LOCKS)}"
    other = " (yarn.lock is not read)" if (directory / "yarn.lock").is_file() else ""
    sketched.sketch.decide(
        "package",
        f"which npm packages does it bundle? {known}{other}: `npm install --package-lock-only` "
        "makes one, and `streamsolve vendored` a list for [[vendored]].",
    )
    return ()


def _prebuilt(sketched: Sketched, names: Iterable[str]) -> None:
    """Mark what was compiled elsewhere."""
    found = set()
    for name in names:
        match = _OF_ONE_SYSTEM.fullmatch(name)
        if name in _PREBUILT:
            found.add(name)
        elif match is not None:
            found.add(match["name"])
    if not found:
        return
    shown = ", ".join(sorted(found)[:20]) + (", …" if len(found) > 20 else "")
    electron = (
        " Electron is Chromium and Node.js, and no base has it." if "electron" in found else ""
    )
    sketched.sketch.decide(
        "homepage" if "homepage" in sketched.sketch.keys else "version",
        f"these npm packages hold or fetch what was compiled elsewhere: {shown}.{electron} Is each "
        "built here, taken from the base, acceptable as it is, or left out?",
    )


def _node(sketched: Sketched, name: str, project: NpmProject) -> None:
    """Node.js runs it, or builds it where Electron runs it."""
    sketch = sketched.sketch
    need, told = _need(project.engines.get("node", ""))
    describe_component(sketch, _NODE, _NODE_PACKAGES)
    manager = project.manager.partition("@")[0]
    requires = _MANAGERS.get(manager, _NPM)
    if "electron" in project.dependencies:
        build_row(sketch, f"package:{name}", requires=(requires,), needs=(need,), decide=told)
        return
    sketch.variant["needs"] = DraftKey(
        "needs", (need,), comment="What runs it: engines of package.json.", decide=told
    )
    build_row(sketch, f"package:{name}", requires=(requires,))


def _need(engines: str) -> tuple[str, str]:
    """The need on Node.js, and what is to decide about it."""
    try:
        read = npm_range(engines)
    except Unreadable:
        return _NODE, f"engines says {one_line(engines)[:80]!r}, which is no range of versions."
    need = f"{_NODE} {read.specifier}".strip()
    if read.exact:
        return need, ""
    return need, f"engines says {one_line(engines)[:80]!r}, which this is not quite: {read.why}."
