"""What stands between a draft and a plan, and the tables of a profile that settle it.

A distribution without an sdist is built from its repository where the metadata names one, else its
wheel is taken; what is proprietary comes from its vendor; what a shipped component file knows is
included. Each is a guess that is marked as one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.version import Version

from ..errors import InputError
from ..inputs.project_description import (
    ProjectDescription,
    describe_project,
    repository_purl,
)
from ..inputs.shipped import profiles_directory
from ..model.component import Component, Kind
from ..model.conflict import Cause, Conflict
from ..model.draft import DraftKey
from ..model.requirement import Requirement
from ..model.upstream import Release
from .book import is_proprietary
from .draft_bench import DraftBench
from .draft_sketch import Sketch
from .draft_toml import one_line
from .planning import Attempt
from .upstream import usable

if TYPE_CHECKING:
    from ..inputs.index import PackageIndex

__all__ = ["Gaps", "ShippedRow", "describe_release", "known_licence", "shipped_rows"]

_VENDOR = re.compile(r"nvidia-(?P<name>[a-z0-9-]+?)(?:-cu(?P<major>\d\d))?")
_UNKNOWN_LICENCE = "LicenseRef-Not-Known"


@frozen
class ShippedRow:
    """A table of a component file that comes with the tool, about one distribution."""

    file: str
    table: str
    data: Mapping[str, Any]


def shipped_rows() -> Mapping[str, ShippedRow]:
    """Which distributions the shipped component files have a source, a wheel or a third party's
    package for, by name."""
    found: dict[str, ShippedRow] = {}
    for path in sorted((profiles_directory() / "components").glob("*.toml")):
        data = tomllib.loads(path.read_text("utf-8"))
        for table in ("source", "prebuilt", "external"):
            for row in data.get(table, ()):
                found.setdefault(row["component"], ShippedRow(path.name, table, row))
    return found


def describe_release(index: PackageIndex, name: str, version: Version) -> ProjectDescription:
    """What a release says of its project; nothing where that cannot be read."""
    try:
        return describe_project(index.metadata_text(name, version), file=f"{name} {version}")
    except InputError:
        return ProjectDescription()


def known_licence(stated: str) -> str:
    """An SPDX expression for what metadata states: itself, or what its classifiers stand for; empty
    where it is none that is known."""
    from ..emit.specs.generator import classifier_licences

    words = [part.strip() for part in stated.split(";")]
    known = classifier_licences()
    table = [known.get(f"License :: OSI Approved :: {word}") or "" for word in words]
    for text in (stated, " AND ".join(table) if all(table) else ""):
        try:
            return str(canonicalize_license_expression(text))
        except InvalidLicenseExpression:
            continue
    return ""


@define
class Gaps:
    """Settles conflicts in a sketch, each distribution once or twice. ``application`` is the
    component that is drafted. ``leader`` is the stream that had to be needed, since external
    packages are named by it (empty: none), ``unled_needs`` what the needs were before."""

    sketch: Sketch
    bench: DraftBench
    application: Component
    shipped: Mapping[str, ShippedRow] = field(factory=shipped_rows)
    leader: str = field(default="", init=False)
    unled_needs: DraftKey | None = field(default=None, init=False)
    _tried: dict[tuple[str, str], None] = field(factory=dict, init=False)
    _included_now: set[str] = field(factory=set, init=False)

    def settle(self, attempt: Attempt) -> bool:
        """State in the sketch what may settle the conflicts; whether there was anything."""
        self._included_now = set()
        settled = [self._conflict(conflict, attempt) for conflict in attempt.conflicts]
        return any(settled)

    def _conflict(self, conflict: Conflict, attempt: Attempt) -> bool:
        """Only the component that it is about, if that helps; else those on the way to it."""
        for component in dict.fromkeys((conflict.about, *_components(conflict))):
            if component.kind is not Kind.DISTRIBUTION or component == self.application:
                continue
            demands = _demands_on(component, conflict)
            if self._led(component.name, conflict):
                done = True
            elif component in attempt.book.refused:
                done = self._without_source(component.name, demands)
            elif component == conflict.about and conflict.cause is Cause.FORBIDDEN:
                done = self._proprietary(component.name, demands)
            elif conflict.cause is Cause.NO_SUCH_COMPONENT:
                done = self._other_name(component.name)
            else:
                continue
            if done:
                return True
        return False

    def _once(self, what: str, name: str) -> bool:
        """Whether this is the first time that something is tried with a distribution."""
        first = (what, name) not in self._tried
        self._tried[what, name] = None
        return first

    # -- what has no source --------------------------------------------------------------------

    def _without_source(self, name: str, demands: Iterable[Requirement]) -> bool:
        if self._include(name) or self._vendors(name):
            return True
        if name in self.shipped:
            return False
        if self.sketch.has(name, "prebuilt"):
            del self.sketch.rows["prebuilt", name]
            return self._from_nowhere(name)
        if self.sketch.has(name, "source", "external") or not self._once("source", name):
            return False
        release = self._release(name, demands)
        if release is None:
            return False
        told = describe_release(self.bench.index, name, release.version)
        if is_proprietary(told.licence):
            return self._external(name, told.licence)
        purl = repository_purl(told.urls)
        if purl:
            self._from_repository(name, purl)
        else:
            self._from_wheel(name, release, told)
        return True

    def _release(self, name: str, demands: Iterable[Requirement]) -> Release | None:
        """The newest that the demands let in, else the newest."""
        wanted = tuple(demands)
        releases = usable(self.bench.index.releases(name), wanted)
        fitting = [r for r in releases if all(demand.allows(r.version) for demand in wanted)]
        return next(reversed(fitting or releases), None)

    def _from_repository(self, name: str, purl: str) -> None:
        self.sketch.row(
            "source",
            name,
            [DraftKey("purl", f"{purl}@v{{version}}")],
            decide=f"{name} has no sdist on the index. This repository is the one that its "
            "metadata names: check that its tags are called v{version}, and say with [[build]] "
            "what building it needs, since there is no sdist to ask. If its wheel is acceptable, "
            "[[prebuilt]] takes that.",
        )

    def _from_wheel(self, name: str, release: Release, told: ProjectDescription) -> None:
        licence = known_licence(told.licence)
        stated = (
            f"states the licence {one_line(told.licence)[:80]!r}"
            if told.licence
            else ("states no licence")
        )
        self.sketch.row(
            "prebuilt",
            name,
            [
                DraftKey("licence", licence or _UNKNOWN_LICENCE),
                DraftKey("reason", "no sdist on the index, and its metadata names no repository"),
            ],
            decide=f"{name} has no sdist on the index and no known repository. The metadata of "
            f"{release.version} {stated}. Is its wheel acceptable? Else name its source with "
            "[[source]], a third party's package with [[external]], or leave it out with [[omit]].",
        )

    def _from_nowhere(self, name: str) -> bool:
        """Where no wheel runs on the target either."""
        self.sketch.row(
            "source",
            name,
            [DraftKey("purl", f"pkg:generic/{name}@{{version}}")],
            decide=f"{name} has no sdist on the index and no wheel that runs here, and its "
            "metadata names no repository: say where its source is, or leave it out with [[omit]].",
        )
        return True

    # -- what others have ----------------------------------------------------------------------

    def _include(self, name: str) -> bool:
        """Include the shipped component file that knows a distribution."""
        row = self.shipped.get(name)
        if row is None or row.file in self.sketch.includes:
            return row is not None and row.file in self._included_now
        self.include(row.file)
        return True

    def include(self, file: str) -> None:
        """Include a shipped component file."""
        self.sketch.include(file)
        self._included_now |= self.sketch.includes

    def _vendors(self, name: str) -> bool:
        """NVIDIA's distributions for another CUDA than the shipped file has are named alike."""
        match = _VENDOR.fullmatch(name)
        known = name in self.shipped or self.sketch.has(name, "external")
        if match is None or known or not self._once("vendor", name):
            return False
        alike = self._alike(match["name"])
        if alike is None:
            return self._external(name, "LicenseRef-NVIDIA-Proprietary", repository="cuda")
        self.include(alike.file)
        keys = [
            DraftKey(key, alike.data[key])
            for key in ("package", "repository", "licence")
            if key in alike.data
        ]
        if "follows" in alike.data:
            keys.append(DraftKey("follows", alike.data["follows"]))
        self.sketch.row(
            "external",
            name,
            keys,
            decide=f"{name}: its package is named as that of {alike.data['component']} is. Check "
            "that NVIDIA's repository has it for this CUDA.",
        )
        return True

    def _led(self, name: str, conflict: Conflict) -> bool:
        """A package whose name has the numbers of another stream is none without that one."""
        row = self.shipped.get(name)
        follows = str(row.data.get("follows", "")) if row is not None else self._follows(name)
        stated = self.sketch.variant.get("needs")
        if not follows or conflict.cause is not Cause.ROOT:
            return False
        if (stated is not None and not stated.suggested) or not self._once("led", follows):
            return False
        self.unled_needs = stated
        self.leader = follows
        told = f"{name} is named by the release of {follows}: which one is to be shipped?"
        self.sketch.variant["needs"] = DraftKey("needs", (follows,), decide=told)
        return True

    def _follows(self, name: str) -> str:
        """What an external package of the draft follows."""
        row = self.sketch.rows.get(("external", name))
        keys = {key.name: key.value for key in row.keys} if row is not None else {}
        return str(keys.get("follows", ""))

    def _alike(self, name: str) -> ShippedRow | None:
        for known, row in self.shipped.items():
            match = _VENDOR.fullmatch(known)
            if match is not None and match["name"] == name and row.table == "external":
                return row
        return None

    def _proprietary(self, name: str, demands: Iterable[Requirement]) -> bool:
        if self._include(name) or self._vendors(name):
            return True
        release = self._release(name, demands)
        if release is None or name in self.shipped or self.sketch.has(name, "external"):
            return False
        licence = self.bench.index.metadata([(name, release.version)])
        stated = next((found.licence for found in licence.values()), "")
        return is_proprietary(stated) and self._external(name, stated)

    def _external(self, name: str, licence: str, *, repository: str = "vendor") -> bool:
        if not self._once("external", name):
            return False
        for table in ("source", "prebuilt"):
            self.sketch.rows.pop((table, name), None)
        expression = known_licence(licence)
        reference = expression if is_proprietary(expression) else "LicenseRef-Proprietary"
        self.sketch.row(
            "external",
            name,
            [
                DraftKey("package", name),
                DraftKey("repository", repository),
                DraftKey("licence", reference),
            ],
            decide=f"{name} is proprietary. Its licence is {one_line(licence)[:80]!r}, so it is "
            "neither built nor repackaged: name its vendor's package and repository, leave it out "
            'with [[omit]], or let "private" into proprietary of [policy], for use where its '
            "licence allows that.",
        )
        return True

    def _other_name(self, name: str) -> bool:
        """What no index has may be in the base, under another name."""
        other = self.base_name(name)
        if not other or name in self.sketch.names:
            return False
        self.sketch.names[name] = DraftKey(
            name,
            other,
            decide=f"the index has no {name}; the base's python3-{name} provides {other}: is it "
            "the same?",
        )
        return True

    def base_name(self, name: str) -> str:
        """The distribution that the base's package of a distribution's name provides, where that is
        one other; else empty."""
        found = set()
        for package in self.bench.workshop.pool.named(f"python3-{name}")[:1]:
            for text in package.provides:
                match = re.match(r"python3dist\(([^)\[]+)\)", text)
                if match:
                    found.add(match[1])
        return found.pop() if len(found) == 1 and name not in found else ""


def _components(conflict: Conflict) -> Iterator[Component]:
    """Those that the chains lead to, the last ones first."""
    for chain in conflict.chains:
        for demand in reversed(chain):
            yield demand.requirement.component


def _demands_on(component: Component, conflict: Conflict) -> tuple[Requirement, ...]:
    found = {
        str(demand.requirement.specifier): demand.requirement
        for chain in conflict.chains
        for demand in chain
        if demand.requirement.component == component
    }
    return tuple(found[key] for key in sorted(found))
