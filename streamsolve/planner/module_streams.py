"""Which streams of a base's modules are active: chosen ones, what they need, and defaults.

As dnf does it, with one difference: where several streams of a module would do for what a chosen
one needs, dnf takes any, and here that is an error that lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import define, evolve, field, frozen

from ..errors import Code, ErrorCollector, InputError, Place, nearest
from ..inputs.module_indexes import modules_of
from ..model.module_filter import ActiveModule, ModuleFilter, ModuleReason, plain_name
from ..model.modules import (
    PLATFORM,
    ModuleDependencies,
    ModuleIndex,
    ModuleStream,
    StreamChoice,
    preferred,
)
from ..model.package import Base, Package, RpmMd
from ..model.plan import Notice
from ..model.wording import first_few

__all__ = ["NO_MODULES", "ModuleChoice", "activate", "chosen_modules", "module_notices"]

_OPTION = Place("--module")
_NAMED = 6
_REASONS = {
    ModuleReason.CHOSEN: "chosen",
    ModuleReason.REQUIRED: "which {by} needs",
    ModuleReason.DEFAULT: "which the base recommends",
}

_Domain = tuple[ModuleStream, ...]
"""The builds of a module that are still possible, sorted."""


@frozen
class ModuleChoice:
    """The active streams of a base's modules, sorted by name, and what is hidden with them."""

    index: ModuleIndex = field(factory=ModuleIndex)
    active: tuple[ActiveModule, ...] = ()
    hidden: ModuleFilter = field(factory=ModuleFilter)

    @property
    def chosen(self) -> tuple[ActiveModule, ...]:
        """Those that are active because somebody asked for them, or needs them."""
        return tuple(one for one in self.active if one.reason is not ModuleReason.DEFAULT)

    def told(self, packages: Iterable[Package]) -> tuple[ActiveModule, ...]:
        """Those that somebody chose or needs, and those that some of these packages are of."""
        used = self.used(packages)
        return tuple(one for one in self.active if one in self.chosen or one.name in used)

    def used(self, packages: Iterable[Package]) -> Mapping[str, tuple[str, ...]]:
        """The names of those packages that are of an active stream, by module, sorted."""
        if not self.active:
            return {}
        keys = {(one.name, one.stream, one.context) for one in self.active}
        owner = {
            plain_name(text): build.name
            for build in self.index.streams
            if build.key in keys
            for text in build.artifacts
        }
        found: dict[str, set[str]] = {}
        for package in packages:
            if (name := owner.get(package.nevra)) is not None:
                found.setdefault(name, set()).add(package.name)
        return {name: tuple(sorted(found[name])) for name in sorted(found)}

    def owners(self, nevra: str) -> tuple[str, ...]:
        """The streams (``name:stream``) that have a package, the preferred one first."""
        found = {
            f"{build.name}:{build.stream}"
            for build in self.index.streams
            if nevra in map(plain_name, build.artifacts)
        }
        return tuple(preferred(found))


NO_MODULES = ModuleChoice()


def chosen_modules(base: Base, chosen: Sequence[str]) -> ModuleChoice:
    """The modules of a base with the streams that were chosen (``NAME:STREAM``).

    Costs nothing for a base without modules. :class:`InputError` (``UNKNOWN_MODULE``) for a stream
    that does not exist, two of one module, and what they need and cannot have; of several faults,
    all.
    """
    described = any(
        isinstance(each.content, RpmMd) and each.content.modules is not None
        for each in base.repositories
    )
    if not described and not chosen:
        return NO_MODULES
    exempt = [each.id for each in base.repositories if each.module_hotfixes]
    return activate(modules_of(base.repositories), chosen, exempt, base=base.name)


def activate(
    index: ModuleIndex, chosen: Sequence[str], exempt: Iterable[str] = (), *, base: str = ""
) -> ModuleChoice:
    """The same for modules that were read."""
    solved = _Activation(index, _wanted(index, chosen, base))
    builds = solved.builds()
    active = tuple(
        ActiveModule(
            build.name,
            build.stream,
            solved.reasons[build.name],
            solved.by.get(build.name, ""),
            build.version,
            build.context,
        )
        for build in builds
    )
    return ModuleChoice(index, active, ModuleFilter.of(index, builds, exempt))


def module_notices(choice: ModuleChoice, packages: Iterable[Package]) -> Iterator[Notice]:
    """What readers of a plan should know of modules: which streams its ``packages`` are of, and
    which were chosen for nothing."""
    used = choice.used(packages)
    told = [
        f"{one.spelled} ({_REASONS[one.reason].format(by=one.by)}) for "
        f"{first_few(used[one.name], _NAMED)}"
        for one in choice.active
        if one.name in used
    ]
    if told:
        yield Notice("modules", f"packages of module streams are used: {'; '.join(told)}")
    for one in choice.active:
        if one.reason is ModuleReason.CHOSEN and one.name not in used:
            yield Notice("module-unused", f"of the module {one.spelled}, chosen, nothing is used")


# -- what was asked for ----------------------------------------------------------------------------


def _wanted(index: ModuleIndex, chosen: Sequence[str], base: str) -> dict[str, str]:
    """The streams that were chosen, by module."""
    faults, found = ErrorCollector(Code.UNKNOWN_MODULE), dict[str, str]()
    for text in dict.fromkeys(chosen):
        name, _, stream = text.partition(":")
        known = {each.stream for each in index.streams if each.name == name}
        if not known:
            of = f"{base or 'the base'} has no module {name!r}"
            hint = nearest(name, index.names) if index.names else "it has no modules at all"
            faults.add(of, _OPTION, hint)
        elif not stream:
            listed = " ".join(f"{name}:{one}" for one in preferred(known))
            faults.add(f"{text!r} says no stream of {name}", _OPTION, f"choose one: {listed}")
        elif stream not in known:
            faults.add(f"{name} has no stream {stream!r}", _OPTION, nearest(stream, known))
        elif found.setdefault(name, stream) != stream:
            faults.add(
                f"{name}:{found[name]} and {name}:{stream} cannot both be chosen: a root has one "
                "stream of a module",
                _OPTION,
                "leave one of them out",
            )
    if len(faults.errors) == 1:
        raise faults.errors[0]
    faults.raise_if_any("the modules cannot be used")
    return found


# -- what follows from it --------------------------------------------------------------------------


@define
class _Activation:
    """The builds that are possible of each module in use, narrowed until each has one."""

    index: ModuleIndex
    wanted: dict[str, str]
    reasons: dict[str, ModuleReason] = field(factory=dict, init=False)
    by: dict[str, str] = field(factory=dict, init=False)
    _domains: dict[str, _Domain] = field(factory=dict, init=False)

    def builds(self) -> tuple[ModuleStream, ...]:
        """One build of each active stream, sorted by module."""
        for name, stream in sorted(self.wanted.items()):
            self.reasons[name] = ModuleReason.CHOSEN
            self._domains[name] = self._of(name, StreamChoice((stream,)))
        self._settle()
        for name in self.index.names:
            stream = self.index.default_of(name)
            if stream and name not in self._domains:
                self._try_default(name, stream)
        found = (domain[0] for domain in self._domains.values())
        return tuple(sorted(self._whole(build) for build in found if build.name != PLATFORM))

    def _whole(self, one: ModuleStream) -> ModuleStream:
        """The build that a group of dependencies was taken from."""
        return next(
            each
            for each in self.index.streams
            if each.nsvca == one.nsvca and evolve(each, dependencies=one.dependencies) == one
        )

    def _try_default(self, name: str, stream: str) -> None:
        """A recommended stream is active if that takes nothing from the others."""
        domain = self._of(name, StreamChoice((stream,)))
        before = dict(self._domains), dict(self.reasons), dict(self.by)
        try:
            if domain:
                self._domains[name] = domain
                self.reasons[name] = ModuleReason.DEFAULT
                self._settle()
        except InputError:
            self._domains, self.reasons, self.by = before

    def _of(self, name: str, choice: StreamChoice) -> _Domain:
        """The newest builds of the streams that are meant. The platform is described nowhere: any
        of its streams may be what the base is, as long as all agree."""
        if name == PLATFORM and PLATFORM not in self.index.names:
            return tuple(ModuleStream(PLATFORM, label) for label in choice.labels)
        return tuple(
            each
            for build in self.index.newest()
            if build.name == name and any(map(build.answers, choice.labels)) != choice.excluded
            for each in _by_group(build)
        )

    def _settle(self) -> None:
        """Follow requirements until every module in use has one build."""
        while True:
            self._narrow()
            open_ones = [name for name, domain in sorted(self._domains.items()) if len(domain) > 1]
            if not open_ones:
                return
            self._decide(open_ones)

    def _narrow(self) -> None:
        changed = True
        while changed:
            changed = False
            for name in sorted(self._domains):
                domain = self._domains[name]
                kept = tuple(build for build in domain if self._can_be(build))
                if not kept:
                    raise self._impossible(name, domain)
                self._domains[name] = kept
                changed |= len(kept) < len(domain) or self._spread(kept)

    def _can_be(self, build: ModuleStream) -> bool:
        return all(self._left(need) for need in _needs(build))

    def _left(self, need: tuple[str, StreamChoice]) -> _Domain:
        """What is possible of a module if this is required of it."""
        meant = self._of(*need)
        known = self._domains.get(need[0])
        if known is None:
            return meant
        if need[0] == PLATFORM and PLATFORM not in self.index.names:
            # What was built for an early release of it runs on the later ones.
            return tuple(one for one in known if any(map(one.answers, need[1].labels)))
        return tuple(one for one in known if one in meant)

    def _spread(self, builds: _Domain) -> bool:
        """What all builds of a module require is required; whether that narrowed anything."""
        changed = False
        for name, choice in sorted({need for build in builds for need in _needs(build)}):
            if not all((name, choice) in _needs(build) for build in builds):
                continue
            left, known = self._left((name, choice)), self._domains.get(name)
            if left and left != known:
                self._domains[name] = left
                if known is None:
                    self.reasons[name] = ModuleReason.REQUIRED
                    self.by[name] = f"{builds[0].name}:{builds[0].stream}"
                changed = True
        return changed

    def _decide(self, names: Sequence[str]) -> None:
        """Choose where there is only one stream, or a recommended one; else it is ambiguous."""
        for name in names:
            domain = self._domains[name]
            streams = {build.stream for build in domain}
            default = self.index.default_of(name)
            if name == PLATFORM:
                continue
            if len(streams) > 1 and default in streams:
                self._domains[name] = tuple(one for one in domain if one.stream == default)
                return
            if len(streams) == 1:
                # Contexts of one stream: the newest build, then by the name of the context.
                self._domains[name] = (max(domain, key=lambda one: (one.version, one.context)),)
                return
        ambiguous = [name for name in names if name != PLATFORM]
        if not ambiguous:
            self._domains[PLATFORM] = self._domains[PLATFORM][-1:]
            return
        faults = ErrorCollector(Code.UNKNOWN_MODULE)
        for name in ambiguous:
            streams = {build.stream for build in self._domains[name]}
            listed = " or ".join(f"--module {name}:{one}" for one in preferred(streams))
            faults.add(
                f"{self.by[name]} needs a stream of {name}, and {len(streams)} would do",
                _OPTION,
                f"choose one: {listed}",
            )
        if len(faults.errors) == 1:
            raise faults.errors[0]
        faults.raise_if_any("it is not clear which modules are meant")

    def _impossible(self, name: str, domain: _Domain) -> InputError:
        """Why no build of a module can be active."""
        build = max(domain, key=lambda one: (one.version, one.context))
        spelled = f"{build.name}:{build.stream}"
        for needed, choice in _needs(build):
            if self._left((needed, choice)):
                continue
            present = self._domains.get(needed)
            if not present:
                known = {each.stream for each in self.index.streams if each.name == needed}
                has = (
                    f"there is {' '.join(preferred(known))}" if known else "there is no such module"
                )
                return InputError(
                    Code.UNKNOWN_MODULE,
                    f"{spelled} needs {needed} {choice}, and {has}",
                    place=_OPTION,
                )
            streams = " or ".join(preferred({one.stream for one in present}))
            why = self.by.get(needed)
            told = f"{why} needs" if why else "is chosen:"
            whose = f"{told} {needed}:{streams}" if why else f"{needed}:{streams} {told[:-1]}"
            return InputError(
                Code.UNKNOWN_MODULE,
                f"{spelled} needs {needed} {choice}, and {whose}",
                place=_OPTION,
                hint=f"they cannot be used together: choose another stream of {name} or {needed}",
            )
        raise AssertionError("a build is possible whose requirements are all met")


def _by_group(build: ModuleStream) -> Iterator[ModuleStream]:
    """A build with each of its groups of dependencies, of which any will do."""
    for group in build.dependencies or (ModuleDependencies(),):
        yield evolve(build, dependencies=(group,))


def _needs(build: ModuleStream) -> tuple[tuple[str, StreamChoice], ...]:
    """What a built stream requires of other modules at run time."""
    return build.dependencies[0].requires if build.dependencies else ()
