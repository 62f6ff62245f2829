"""What drafts of applications have in common that are no Python distributions."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from packaging.version import Version

from ..errors import Code, InputError, Place
from ..explain.sentences import count
from ..inputs.notation import read_licence, read_numbered_dependency
from ..inputs.project_description import repository_purl
from ..inputs.semver import pep440_version
from ..inputs.shipped import profiles_directory
from ..inputs.tables import Unreadable
from ..inputs.vendored_file import vendored_text
from ..inputs.vendored_sources import read_vendored_sources
from ..model.draft import DraftKey
from ..model.vendored_licence import is_listed
from .draft_sketch import Sketch
from .draft_toml import one_line
from .drafting import DraftRequest, Sketched

__all__ = [
    "VENDORED_FILE",
    "begin_native",
    "build_row",
    "describe_component",
    "drafted_version",
    "read_lock",
    "readable_dependencies",
    "shown_source",
    "source_row",
    "vendored_row",
]

VENDORED_FILE = "vendored.jsonl"
_TAG = re.compile(r"[0-9A-Za-z._+-]{1,60}")


def drafted_version(asked: str, stated: str, place: Place) -> Version:
    """The version that is asked for, else the one that is stated; :class:`InputError` where it has
    no form in PEP 440, in which profiles and plans order versions."""
    text = asked or stated
    found = pep440_version(text)
    if found is not None:
        return found
    if not text:
        message, hint = "it states no version", "give one with --version"
    else:
        message = f"its version {one_line(text)[:60]!r} has no form in PEP 440"
        hint = "give one that has with --version, such as 1.2.3 or 1.2rc1"
    raise InputError(Code.NO_DRAFT, message, place=place, hint=hint)


def shown_source(source: str) -> str:
    """A source as a file may tell it: without the directories of this machine."""
    scheme, _, what = source.partition(":")
    return f"{scheme}:{Path(what).expanduser().resolve().name}"


def begin_native(
    request: DraftRequest,
    version: Version,
    written: str,
    *,
    summary: str = "",
    homepage: str = "",
    licence: str = "",
    package: str = "",
) -> Sketch:
    """A sketch of an application that is one ``package`` (empty: called as the profile).
    ``written`` is its version as the source has it."""
    sketch = Sketch(shown_source(request.source))
    name = package or request.name
    sketch.put("name", request.name)
    as_written = "" if str(version) == written else f"Its source writes {one_line(written)[:60]}."
    sketch.put("version", str(version), "" if request.version else as_written)
    sketch.described(summary, homepage)
    sketch.put("package", name)
    _licence(sketch, licence)
    sketch.variant["requirements"] = DraftKey("requirements", "none")
    sketch.row(
        "native",
        f"package:{name}",
        [DraftKey("requires", ("NAME",))],
        decide="what does it need to run, beside the libraries that RPM finds when it is built?",
        suggested=True,
    )
    return sketch


def _licence(sketch: Sketch, stated: str) -> None:
    """The licence, where it is one that a profile can have."""
    try:
        licence = read_licence(stated, Place())
    except Unreadable:
        shown = f"Upstream states {one_line(stated)[:80]!r}" if stated else "Upstream states none"
        sketch.put("licence", "", decide=f"what is its licence? {shown}.")
        return
    if is_listed(licence):
        sketch.put("licence", licence, "As upstream states it.")
    else:
        sketch.put("licence", licence, decide="what is its licence? SPDX does not list this one.")


def source_row(
    sketch: Sketch, name: str, urls: Iterable[tuple[str, str]], *, written: str = ""
) -> None:
    """Where the source of a package is: the repository that is stated, if one is. ``written`` is
    the version as upstream has it, where the drafted one has another form: tags are called so."""
    purl = repository_purl(urls)
    tag = f"v{written}" if _TAG.fullmatch(written) else "v{version}"
    if purl:
        told = f"is {purl} its source, and are its tags called {tag}?"
    else:
        told = "where is its source? No repository is stated."
    sketch.row(
        "source",
        f"package:{name}",
        [DraftKey("purl", f"{purl}@{tag}" if purl else f"pkg:generic/{name}@{{version}}")],
        decide=told,
    )


def build_row(
    sketch: Sketch,
    name: str,
    *,
    requires: Iterable[str] = (),
    needs: Iterable[str] = (),
    comment: str = "",
    decide: str = "",
) -> None:
    """What building needs; no table where that is nothing."""
    keys = [("requires", tuple(requires)), ("needs", tuple(needs))]
    said = [DraftKey(key, values) for key, values in keys if values]
    if said:
        sketch.row("build", name, said, comment=comment, decide=decide)


def readable_dependencies(texts: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those that a profile can have as ``requires``, and the others."""
    good, bad = [], []
    for text in dict.fromkeys(texts):
        try:
            good.append(read_numbered_dependency(text, Place()))
        except Unreadable:
            bad.append(text)
    return tuple(good), tuple(bad)


def describe_component(sketch: Sketch, component: str, packages: Iterable[str]) -> None:
    """Say which packages are streams of a component, in the words of the shipped file that knows it
    if there is one."""
    for path in sorted((profiles_directory() / "components").glob("*.toml")):
        rows = tomllib.loads(path.read_text("utf-8")).get("component", ())
        if any(row.get("component") == component for row in rows):
            sketch.include(path.name)
            return
    sketch.row("component", component, [DraftKey("packages", tuple(packages))])


def read_lock(sketched: Sketched, lock: Path) -> tuple[str, ...]:
    """Read what a lock bundles, and list it beside the profile; the names of it. Raises
    :class:`InputError` for a lock that cannot be read."""
    sketched.lock, sketched.bundled = lock.name, read_vendored_sources((str(lock),))
    if sketched.bundled:
        found = f"{count(len(sketched.bundled), 'package')}, from {lock.name}"
        sketched.found.append(("bundles", found))
        vendored_row(sketched)
    return tuple(each.name for each in sketched.bundled)


def vendored_row(sketched: Sketched) -> None:
    """State what is bundled as it is known by now, with its licences."""
    total = len(sketched.bundled)
    unknown = sum(1 for each in sketched.bundled if not each.licence)
    others = sum(1 for each in sketched.bundled if each.licence_of)
    told = []
    if unknown:
        whose = f"{unknown} of {total}" if total > 1 else "the only one"
        told.append(
            f"what are the licences of the bundled packages that state none, {whose}? `streamsolve "
            f"vendored {sketched.lock} -o {VENDORED_FILE}` takes them from vendor/ or "
            "node_modules/ beside the lock."
        )
    if others:
        told.append(
            f"{count(others, 'licence')} taken from the base's package of another version, which "
            "licence_of names: does it still hold?"
        )
    sketched.sketch.row(
        "vendored",
        VENDORED_FILE,
        [],
        key="file",
        comment=f"What {sketched.lock} pins is bundled, and counted with its licences.",
        decide=" ".join(told),
    )
    sketched.files[VENDORED_FILE] = vendored_text(sketched.bundled)
