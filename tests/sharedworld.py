"""Several small applications on one base, and the smallest set of stream sets found by trying.

The oracle knows profiles as tables of its own, and decides for each application by itself whether a
choice is good for it: by its own relaxations and its own omissions.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import field, frozen
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.version import Version

from streamsolve.inputs.profiles import parse_profile
from streamsolve.model import Base, Repository
from streamsolve.model.profile import Profile
from streamsolve.model.shared import SharedPlan
from streamsolve.planner import PlanRequest
from streamsolve.planner.joint_rules import Application
from streamsolve.planner.shared import plan_shared
from streamsolve.planner.upstream import Upstream

from .smallworld import FakeIndex, dist, python, release

__all__ = ["App", "SharedWorld", "profile_of", "random_worlds"]

Partition = tuple[tuple[str, ...], ...]
_BASE = "base "


@frozen
class App:
    """An application: what it requires, and what its profile changes in requirements. ``relaxes``
    are ``(by, requirement)`` that count for any version, ``omits`` names; it builds what ``labels``
    names as that. ``more`` is TOML."""

    name: str
    requires: tuple[str, ...]
    relaxes: tuple[tuple[str, str], ...] = ()
    omits: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(factory=dict)
    more: str = ""
    python: str = ""
    variants: str = "[variants.only]\nrequirements = 'wheel'\n"
    variant: str = "only"

    @property
    def label(self) -> str:
        return f"{self.name}:{self.variant}"

    @property
    def application(self) -> Application:
        profile = profile_of(self)
        variant = profile.variant(self.variant)
        assert variant is not None
        return Application.of(profile, variant)


def profile_of(app: App) -> Profile:
    """The profile of an application as its file says it."""
    lines = [
        'schema = "streamsolve.profile/1"',
        f'name = "{app.name}"',
        'version = "1"',
        f'default-variant = "{app.variant}"',
        'default-base = "small"',
        app.variants,
    ]
    if app.labels:
        told = ", ".join(f'{name} = "{label}"' for name, label in app.labels.items())
        lines.append(f"local = {{ {told} }}")
    for by, text in app.relaxes:
        wanted = Requirement(text)
        lines += ["[[relax]]", f'component = "{wanted.name}"', f'by = "{by}"', 'reason = "r"']
        lines += [f'requirement = "{wanted.specifier}"', 'to = ""']
    for name in app.omits:
        lines += ["[[omit]]", f'component = "{name}"', 'reason = "r"']
    return parse_profile("\n".join([*lines, app.more]), file=f"{app.name}.toml", includes=str)


@frozen
class SharedWorld:
    """Applications, and the releases of an index by name and version with what they require. The
    base has an interpreter and distributions that require nothing, by name and version."""

    apps: tuple[App, ...]
    releases: Mapping[str, Mapping[str, tuple[str, ...]]]
    base: Mapping[str, str] = field(factory=dict)

    def plan(self, tmp_path: Path, **request: object) -> SharedPlan:
        """What the planner says."""
        content = [release(app.name, "1", *app.requires, python=app.python) for app in self.apps]
        content += [
            release(name, version, *requires)
            for name, versions in self.releases.items()
            for version, requires in versions.items()
        ]
        shipped = (dist(name, version) for name, version in self.base.items())
        packages = (python("3.14"), *shipped)
        base = Base("small", "x86_64", "", (Repository("base", "0" * 64, packages),), glibc=(2, 40))
        asked = PlanRequest("", base="small", cache=tmp_path, **request)  # type: ignore[arg-type]
        upstream = Upstream(None, FakeIndex(content))
        apps = [app.application for app in self.apps]
        return plan_shared(asked, apps, base=base, upstream=upstream)

    # -- the oracle ----------------------------------------------------------------------------

    def best(self) -> tuple[Partition, int] | None:
        """The fewest groups, then the least cost, then the first by name; None where an
        application cannot be planned alone. Each private stream costs 1."""
        labels = sorted(app.label for app in self.apps)
        if any(self.cost((label,)) is None for label in labels):
            return None
        found = []
        for groups in _divisions(labels):
            costs = [self.cost(group) for group in groups]
            if None not in costs:
                found.append((len(groups), sum(c for c in costs if c is not None), groups))
        _, cost, groups = min(found)
        return groups, cost

    def cost(self, labels: Sequence[str]) -> int | None:
        """What the applications cost at least in one set; None where they cannot be in one."""
        names = sorted(self.releases)
        choices = [[None, *self._offers(name)] for name in names]
        costs = []
        for combination in itertools.product(*choices):
            chosen = dict(zip(names, combination, strict=True))
            members = [app for app in self.apps if app.label in labels]
            reached = [self._reached(app, chosen) for app in members]
            if None in reached:
                continue
            there = {name for names in reached for name in names or ()}
            users = list(zip(members, reached, strict=True))
            fits = all(
                self._fits(app, names or set(), {name: chosen[name] for name in there})
                for app, names in users
            )
            private = [name for name in there if not (chosen[name] or "").startswith(_BASE)]
            # Nobody builds what the base has; of anything else there is one build.
            alike = all(
                len({app.labels.get(name, "") for app, of in users if name in (of or ())}) == 1
                for name in private
            )
            if fits and alike:
                costs.append(len(labels) + len(private))
        return min(costs, default=None)

    def _offers(self, name: str) -> Iterator[str]:
        """Its releases, and the base's version of it with a mark."""
        yield from self.releases[name]
        if name in self.base:
            yield f"{_BASE}{self.base[name]}"

    def _stated(
        self, app: App, names: set[str], chosen: Mapping[str, str | None]
    ) -> Iterator[tuple[str, str]]:
        yield from ((app.name, text) for text in app.requires)
        for name in sorted(names):
            version = chosen[name]
            assert version is not None
            if not version.startswith(_BASE):
                yield from ((name, text) for text in self.releases[name][version])

    def _reached(self, app: App, chosen: Mapping[str, str | None]) -> set[str] | None:
        """What an application uses of a choice, without what it leaves out; None where something
        is missing."""
        reached: set[str] = set()
        while True:
            named = {Requirement(text).name for _, text in self._stated(app, reached, chosen)}
            named -= set(app.omits)
            if any(chosen[name] is None for name in named):
                return None
            if named <= reached:
                return reached
            reached |= named

    def _fits(self, app: App, names: set[str], there: Mapping[str, str | None]) -> bool:
        """Whether all that is there meets what the application's streams demand of it, by its own
        relaxations; also of what it leaves out itself."""
        for by, text in self._stated(app, names, there):
            wanted = Requirement(text)
            version = (there.get(wanted.name) or "").removeprefix(_BASE)
            relaxed = any(
                each_by == by and Requirement(stated) == wanted for each_by, stated in app.relaxes
            )
            if version and not relaxed and Version(version) not in wanted.specifier:
                return False
        return True


def _divisions(names: Sequence[str]) -> Iterator[Partition]:
    """All partitions, by numbering the groups of each name."""
    seen = set()
    for numbers in itertools.product(range(len(names)), repeat=len(names)):
        groups: dict[int, list[str]] = {}
        for name, number in zip(names, numbers, strict=True):
            groups.setdefault(number, []).append(name)
        partition = tuple(sorted(tuple(group) for group in groups.values()))
        if partition not in seen:
            seen.add(partition)
            yield partition


_SPECIFIERS = ("", "==1", "==2", "==3", ">=2", "<2", "<3")


@st.composite
def random_worlds(draw: st.DrawFn) -> SharedWorld:
    """Three applications over up to four distributions of up to three versions, with relaxed and
    omitted requirements, and with builds that are labelled."""
    names = [f"c{number}" for number in range(draw(st.integers(1, 4)))]

    def requirements(least: int) -> tuple[str, ...]:
        return tuple(
            sorted(
                {
                    draw(st.sampled_from(names)) + draw(st.sampled_from(_SPECIFIERS))
                    for _ in range(draw(st.integers(least, 3)))
                }
            )
        )

    releases = {
        name: {
            version: requirements(0)
            for version in sorted(draw(st.sets(st.sampled_from("123"), min_size=1)))
        }
        for name in names
    }
    stated = sorted(
        {
            (name, text)
            for name, versions in releases.items()
            for requires in versions.values()
            for text in requires
            if Requirement(text).specifier
        }
    )
    apps = []
    for letter in "abc":
        requires = requirements(1)
        own = [(f"app-{letter}", text) for text in requires if Requirement(text).specifier]
        relaxes = (
            draw(st.lists(st.sampled_from([*stated, *own]), max_size=2, unique=True))
            if (stated or own)
            else []
        )
        omits = draw(st.sets(st.sampled_from(names), max_size=1))
        labels = draw(st.dictionaries(st.sampled_from(names), st.sampled_from("xy"), max_size=1))
        omitted = tuple(sorted(omits))
        apps.append(App(f"app-{letter}", requires, tuple(relaxes), omitted, labels))
    shipped = draw(st.sets(st.sampled_from(names), max_size=2))
    base = {name: draw(st.sampled_from("123")) for name in sorted(shipped)}
    return SharedWorld(tuple(apps), releases, base)
