"""What several profiles say, as one: the union of their rules, and what contradicts itself in it.

A profile's rules are settled for its variant first, so that no variant's name is left in them. What
an application lets pass (a relaxed requirement, a wheel, a licence, what it leaves out) counts for
what it needs itself and not for the others; :mod:`streamsolve.planner.joint` sees to that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from operator import attrgetter
from typing import Any

import attrs
from attrs import evolve, field, frozen

from ..model.component import PYTHON, Component, Kind, distribution
from ..model.profile import ComponentRule, Omission, Profile, Relaxation, Variant
from ..model.shared import Contradiction

__all__ = [
    "EXTERNAL",
    "JOINED",
    "OF_BUILDS",
    "Application",
    "accelerators_of",
    "build_rules_of",
    "common_ground",
    "contradictions",
    "joined",
]

EXTERNAL = "third party's package"
"""The rule of that name: a third party's package stands for a distribution."""
OF_BUILDS = frozenset({"label", "accelerator", "source", EXTERNAL})
"""The rules that say nothing of what the base has built already."""
JOINED = "joined"
"""The name of the one variant of joined profiles."""

_SINGLE = frozenset({"variants", "relaxations", "omissions", "interpreters"})
_BY_COMPONENT = (
    "externals",
    "prebuilt",
    "source_repositories",
    "direct_references",
    "build_tools",
    "rules",
)
"""The tables in which one row says all of a component."""

_Uses = Mapping[str, Collection[Component]]
"""The components of each application's own plan, by label."""


@frozen
class Application:
    """One application in one variant. ``profile`` is settled: all that it says holds in the
    variant. ``spelled`` is how it was named, ``origin`` the profile as it was read."""

    label: str
    profile: Profile
    variant: Variant
    spelled: str
    origin: Profile = field(repr=False)
    _said: dict[Component, tuple[str, ...]] = field(factory=dict, init=False, repr=False, eq=False)

    @classmethod
    def of(cls, profile: Profile, variant: Variant, *, spelled: str = "") -> Application:
        """The application of a profile in one of its variants."""
        label = f"{profile.name}:{variant.name}"
        settled = _settled(profile, variant)
        return cls(label, settled, variant, spelled or profile.name, profile)

    def on(self, arch: str) -> Application:
        """The application with what its profile says for an architecture."""
        return evolve(self, profile=self.profile.on(arch))

    @property
    def component(self) -> Component:
        """What it is itself."""
        return self.profile.component

    def said(self, component: Component) -> tuple[str, ...]:
        """What its profile says of a component, by rule; kept, since it is asked often."""
        if component not in self._said:
            self._said[component] = tuple(saying(self, component) for saying in _SAYINGS.values())
        return self._said[component]

    def omission(self, component: Component) -> Omission | None:
        """That it leaves a component out, or None."""
        return next((o for o in self.profile.omissions if o.component == component), None)

    def takes_wheel(self, component: Component) -> bool:
        """Whether it accepts a distribution's wheel in the place of its source."""
        return any(each.component == component for each in self.profile.prebuilt)


def _settled(profile: Profile, variant: Variant) -> Profile:
    """The profile with nothing but what holds in the variant, said of all variants."""
    changed: dict[str, Any] = {}
    for each in attrs.fields(Profile):
        value = getattr(profile, each.name)
        if each.name == "variants" or not isinstance(value, tuple):
            continue
        if any(hasattr(row, "variants") for row in value):
            kept = (row for row in value if variant.is_among(row.variants))
            changed[each.name] = tuple(evolve(row, variants=()) for row in kept)
    return evolve(profile, **changed)


# -- the union -------------------------------------------------------------------------------------


def common_ground(applications: Sequence[Application]) -> Profile:
    """A profile with the costs and names that count for all of them: for each name the most minutes
    that one says, since minutes can only be added up where all plans count the same ones."""
    first = applications[0].profile
    costs: dict[str, int] = {}
    for one in applications:
        for name, minutes in one.profile.costs.items():
            costs[name] = max(minutes, costs.get(name, 0))
    return evolve(
        first,
        costs=costs,
        pure_cost=max(one.profile.pure_cost for one in applications),
        native_cost=max(one.profile.native_cost for one in applications),
        names=_names(applications, {}),
    )


def joined(
    applications: Sequence[Application], common: Profile, component: Component, uses: _Uses
) -> Profile:
    """One profile with the rules of all, whose application is ``component``. Where two say
    something else of what only one of them uses, that one's word counts, and so does its silence
    where that says something (see :func:`contradictions`). Costs and names of the
    base's packages are those of ``common`` as well, so that plans of any groups can be compared."""
    first = applications[0].profile
    allowed = {origin for one in applications for origin in one.profile.policy.proprietary}

    def rows(name: str, key: Callable[[Any], object] = _plain) -> tuple[Any, ...]:
        found: dict[object, Any] = {}
        for one in applications:
            for row in getattr(one.profile, name):
                of: Any = getattr(row, "component", None)
                if name == "externals" and not _counts(one, of, applications, uses):
                    continue
                if name == "build_rules" and _of_another_stack(one, of, applications, uses):
                    continue
                if key(row) not in found or of in uses.get(one.label, ()):
                    found[key(row)] = row
        return tuple(found.values())

    def of_component(row: Any) -> object:  # noqa: ANN401 - rows of several types
        return row.component

    variant = Variant(JOINED, local=_labels(applications, uses))
    rest: dict[str, Any] = {
        each.name: rows(each.name)
        for each in attrs.fields(Profile)
        if isinstance(getattr(first, each.name), tuple) and each.name not in _SINGLE
    }
    rest |= {name: rows(name, of_component) for name in _BY_COMPONENT}
    return evolve(
        first,
        name="+".join(one.label for one in applications),
        component=component,
        variants=(variant,),
        default_variant=JOINED,
        policy=evolve(first.policy, proprietary=tuple(sorted(allowed, key=attrgetter("value")))),
        names={**common.names, **_names(applications, uses)},
        relaxations=tuple(sorted(rows("relaxations"), key=_weakest_first)),
        omissions=_agreed_omissions(applications),
        interpreters=_interpreters(applications, uses),
        costs=common.costs,
        pure_cost=common.pure_cost,
        native_cost=common.native_cost,
        directory="",
        **rest,
    )


def _counts(
    one: Application, component: Component, applications: Sequence[Application], uses: _Uses
) -> bool:
    """Whether an application's word counts for a component: it uses it, or none of them does."""
    users = {each.label for each in applications if component in uses.get(each.label, ())}
    return not users or one.label in users


def _of_another_stack(
    one: Application, component: Component, applications: Sequence[Application], uses: _Uses
) -> bool:
    """Whether others alone use a component and build it with other accelerators."""
    said = {accelerators_of(each, component) for each in applications if each is not one}
    another = bool(said - {(), accelerators_of(one, component)})
    return another and not _counts(one, component, applications, uses)


def _interpreters(applications: Sequence[Application], uses: _Uses) -> tuple[str, ...]:
    """Those that every application that has an interpreter at all lets be built."""
    by_all = [one for one in applications if PYTHON in uses.get(one.label, (PYTHON,))]
    first, *others = [one.profile.interpreters for one in by_all] or [()]
    return tuple(series for series in first if all(series in each for each in others))


def _weakest_first(relaxation: Relaxation) -> tuple[object, ...]:
    return (bool(relaxation.to), str(relaxation.component), relaxation.by, relaxation.specifier)


def _agreed_omissions(applications: Sequence[Application]) -> tuple[Omission, ...]:
    return tuple(
        omission
        for omission in applications[0].profile.omissions
        if all(one.omission(omission.component) for one in applications)
    )


def _labels(applications: Sequence[Application], uses: _Uses) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for one in applications:
        for name, label in one.variant.local.items():
            if _counts(one, distribution(name), applications, uses):
                found[name] = label
    return found


def _names(applications: Sequence[Application], uses: _Uses) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for one in applications:
        for name, of_base in one.profile.names.items():
            if name not in found or distribution(name) in uses.get(one.label, ()):
                found[name] = of_base
    return found


# -- where they contradict each other --------------------------------------------------------------


def contradictions(
    one: Application, other: Application, common: Collection[Component]
) -> tuple[Contradiction, ...]:
    """What the two say of the components ``common`` and cannot both hold, sorted. Who says nothing
    of a component accepts what the other says, but for a label and a third party's package: without
    them another build is meant."""
    found = []
    for component in sorted(common):
        if one.said(component) == other.said(component):
            continue
        for rule, *texts in zip(_SAYINGS, one.said(component), other.said(component), strict=True):
            silent = "" in texts and rule not in _SILENCE_COUNTS
            if texts[0] != texts[1] and not silent:
                says = ((one.label, texts[0]), (other.label, texts[1]))
                found.append(Contradiction(component, rule, says))
    return tuple(found)


def accelerators_of(application: Application, component: Component) -> tuple[str, ...]:
    """The accelerator stacks that a component is built with for an application, sorted."""
    return tuple(
        sorted(
            {
                need.component.name
                for rule in application.profile.build_rules
                if rule.component == component
                for need in rule.needs
                if need.component.kind is Kind.ACCELERATOR
            }
        )
    )


def build_rules_of(application: Application, component: Component) -> tuple[object, ...]:
    """All that an application's profile says of how a component is made, to be compared."""
    profile = application.profile
    said = {repr(_plain(row)) for row in profile.build_rules if row.component == component}
    said |= {repr(_plain(row)) for row in profile.native_needs if row.component == component}
    gpu = application.variant.gpu
    targets = repr(_plain(gpu)) if accelerators_of(application, component) else ""
    return (*sorted(said), application.variant.local.get(component.name, ""), targets)


def _label(application: Application, component: Component) -> str:
    return application.variant.local.get(component.name, "")


def _accelerator(application: Application, component: Component) -> str:
    return ", ".join(accelerators_of(application, component))


def _source(application: Application, component: Component) -> str:
    rows = application.profile.source_repositories
    return next((row.purl for row in rows if row.component == component), "")


def _external(application: Application, component: Component) -> str:
    rows = application.profile.externals
    return next(
        (f"{row.package} of {row.repository}" for row in rows if row.component == component), ""
    )


def _direct(application: Application, component: Component) -> str:
    rows = application.profile.direct_references
    return next((f"{row.version} {row.purl}" for row in rows if row.component == component), "")


def _rule(application: Application, component: Component) -> str:
    found = application.profile.rule(component)
    return "" if found is None else _rule_text(found)


def _rule_text(rule: ComponentRule) -> str:
    declared = [f"{stream.package} {stream.version}".strip() for stream in rule.streams]
    # What a stream requires and constrains is told apart, but is no text that anybody reads.
    return ", ".join((*rule.packages, *declared)) + _mark(rule)


def _mark(rule: ComponentRule) -> str:
    import hashlib

    return f" ({hashlib.sha256(repr(_plain(rule)).encode()).hexdigest()[:8]})"


def _name(application: Application, component: Component) -> str:
    if component.kind is not Kind.DISTRIBUTION:
        return ""
    return application.profile.names.get(component.name, "")


_SILENCE_COUNTS = ("label", EXTERNAL)
_SAYINGS: Mapping[str, Callable[[Application, Component], str]] = {
    "label": _label,
    "accelerator": _accelerator,
    "source": _source,
    EXTERNAL: _external,
    "direct reference": _direct,
    "streams": _rule,
    "name": _name,
}


def _plain(value: object) -> object:
    """A value without the places in which it is written, to be compared and to be a key."""
    kind: type[Any] = type(value)
    if attrs.has(kind):
        names = (each.name for each in attrs.fields(kind) if each.name != "place")
        return (kind.__name__, *((name, _plain(getattr(value, name))) for name in names))
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    if isinstance(value, Mapping):
        return tuple((_plain(key), _plain(value[key])) for key in sorted(value, key=str))
    return str(value)
