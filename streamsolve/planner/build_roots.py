"""One build root: which streams it holds, and what libsolv is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from functools import cached_property, partial

from attrs import define, evolve, field

from ..model.build import BuildNeed
from ..model.component import PYTHON, Component, Kind, Origin
from ..model.package import Package
from ..model.root import RootRequest, RootSolution
from ..model.rpm_dependency import rpm_version, split_capability
from ..model.rpm_language import Capability
from ..model.rpm_version import satisfies
from ..model.stream import Offer, Stream
from .needs import Need
from .roots import RuntimeRoot
from .stacks import in_stack

__all__ = ["EXTERNAL", "BuildRoot"]

EXTERNAL = "external"
_STUB_RELEASE = "0.external"


@define(slots=False)
class BuildRoot(RuntimeRoot):
    """A build root for one selection: the base's build group, the needs, and the streams chosen.

    ``anchor`` is the component that stands for the build in its selection problem. A third party's
    package that no repository at hand has is planned from its name. ``at_run_time`` are the
    application's streams: an external package that follows a stream which this root does not hold
    has the numbers of the one there.
    """

    anchor: Component = field(kw_only=True)
    group: tuple[str, ...] = field(kw_only=True)
    needs: tuple[Need, ...] = field(kw_only=True)
    conflicts: tuple[str, ...] = field(default=(), kw_only=True)
    at_run_time: Mapping[Component, Stream] = field(factory=dict, kw_only=True)

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams that lie in it: all but the one that stands for the build."""
        return tuple(s for s in self.selection.streams if s.component != self.anchor)

    def _led_by(self, follows: str) -> Stream | None:
        """See :meth:`.roots.RuntimeRoot._leader`: this root's stream, else the application's."""
        known = (s for s in self.at_run_time.values() if s.component.spelled == follows)
        return super()._led_by(follows) or next(known, None)

    def request(
        self, *, hide_base_python: bool = True, hide_toolchains: bool = True
    ) -> RootRequest:
        """What libsolv is asked for."""
        chosen = super().request(hide_base_python=hide_base_python)
        parts = (*self._interpreter_parts(), *self._stubs())
        exactly = (f"{part.name} = {part.evr}" for part in parts)
        others = self._other_toolchains() if hide_toolchains else ()
        further = (*self._base_parts(), *self._extras_asked())
        return RootRequest(
            tuple(sorted({*chosen.install, *self.bare, *further, *exactly})),
            tuple(sorted({*chosen.planned, *(p for p in parts if not self._is_real(p))})),
            tuple(sorted({*chosen.hidden, *others, *self._conflicting()})),
        )

    def _extras_asked(self) -> Iterator[str]:
        """The packages that carry the extras which needs name; what else a base's distribution
        adds for an extra without a package lies in the root by itself."""
        for need in self.needs:
            required = need.requirement
            stream = self.chosen.get(required.component) if required is not None else None
            if required is None or stream is None:
                continue
            for extra in required.extra_names:
                if stream.offer.origin is Origin.PRIVATE:
                    part = self.written.get((stream.offer.key, extra))
                    if part is not None:
                        yield f"{part.name} = {part.evr}"
                elif (found := self.book.base_stream(stream.offer)) is not None:
                    carrier = self.book.base.packaged_extra(found.package, extra)
                    if carrier is not None:
                        yield f"{carrier.name} = {carrier.evr}"

    def _conflicting(self) -> Iterator[str]:
        """The base's packages that a spec's BuildConflicts keep out."""
        for text in self.conflicts:
            yield from (package.name for package in self.book.base.pool.providers(text))

    @property
    def assumed(self) -> tuple[Offer, ...]:
        """What lies in it and no repository lists, as streams of a third party."""
        return tuple(need.assumed[0] for need in self.needs if need.assumed is not None)

    @cached_property
    def wide(self) -> RootRequest:
        """What is asked for first: nothing of the base is kept out as a tool."""
        return self.request(hide_base_python=False, hide_toolchains=False)

    @cached_property
    def narrow(self) -> RootRequest:
        """The same without the base's own interpreter and toolchain where others are chosen."""
        return self.request()

    def tools(self, solution: RootSolution) -> tuple[str, ...]:
        """The base's own streams that lie in a root beside other chosen ones."""
        names = {package.name for package in solution.packages}
        own = names & set(self._hidden())
        python = (f"python {self.book.base.base.python}",) if own else ()
        return (*python, *sorted(names & set(self._other_toolchains())))

    def needs_tools(self, solution: RootSolution, required: Callable[[Package], Set[str]]) -> bool:
        """Whether other packages of the base ask for them by name, so that they cannot go."""
        kept_out = set(self.narrow.hidden) - set(self.wide.hidden)
        tools = [package for package in solution.packages if package.name in kept_out]
        offered = {split_capability(text)[0] for tool in tools for text in tool.provides}
        asked = {split_capability(text)[0] for text in self.wide.install if text[0] not in "("}
        of_tools = {tool.source for tool in tools} - {""}
        return bool(offered & asked) or any(
            offered & required(package)
            for package in solution.packages
            if package.name not in kept_out and package.source not in of_tools
        )

    def _is_real(self, package: Package) -> bool:
        """Whether some repository has it."""
        return package.repository not in (Origin.PRIVATE.value, EXTERNAL)

    @property
    def bare(self) -> tuple[str, ...]:
        """What the base has to bring by itself."""
        return tuple(sorted({*self.group, *map(self._for_toolchain, self._native_needs)}))

    @property
    def unavoidable(self) -> tuple[str, ...]:
        """What no choice of streams changes: if that cannot be solved, none helps."""
        texts = (text for text in self._native_needs if not self._is_of_toolchain(text))
        return tuple(sorted({*self.group, *texts}))

    @property
    def _native_needs(self) -> tuple[str, ...]:
        return tuple(n.native for n in self.needs if n.native and "{" not in n.native)

    # -- parts of streams ----------------------------------------------------------------------

    def _interpreter_parts(self) -> Iterator[Package]:
        """Sub-packages of a private interpreter, such as its headers."""
        python = self.chosen.get(PYTHON)
        wanted = {need.subpackage for need in self.needs if need.subpackage}
        if python is None or python.offer.origin is not Origin.PRIVATE:
            return
        main = self.written[python.offer.key, ""]
        for suffix in sorted(wanted):
            part = self._once((python.offer.key, suffix), partial(_part, main, suffix))
            self.owners[part.nevra] = python.offer
            yield part

    def _base_parts(self) -> Iterator[str]:
        """The same of an alternative interpreter that the base has."""
        python = self.chosen.get(PYTHON)
        if python is not None and python.offer.origin is Origin.BASE:
            for need in self.needs:
                if need.subpackage:
                    yield f"{python.offer.package}{need.subpackage}"

    def _stubs(self) -> Iterator[Package]:
        """A third party's packages that only building needs."""
        for need in self.needs:
            if need.assumed is not None:
                offer, package = need.assumed
                self.owners[package.nevra] = offer
                yield package
            if need.external is None:
                continue
            component, text = need.external
            leader = self.chosen.get(component)
            if leader is None:
                continue
            name = _numbered(text, leader)
            key = (leader.offer.key, name)
            package = self._once(key, partial(self._external, leader, name))
            self.owners[package.nevra] = leader.offer
            yield package

    def told(self, need: Need) -> BuildNeed:
        """A need as it was stated, with the numbers of the stream that it follows, and with what
        counts here instead."""
        leader = self.chosen.get(need.external[0]) if need.external else None
        if leader is not None:
            return evolve(need.stated, text=_numbered(need.stated.text, leader))
        applied = self._applied(need)
        return evolve(need.stated, applied="" if applied == need.stated.text else applied)

    def _applied(self, need: Need) -> str:
        """What libsolv is asked for because of a need on packages; empty for other needs."""
        python = self.chosen.get(PYTHON)
        if need.subpackage is not None and python is not None:
            return f"{self.package_name(python.offer)}{need.subpackage}"
        return self._for_toolchain(need.native) if need.native else ""

    def _external(self, leader: Stream, name: str) -> Package:
        """The package as a repository has it, or planned from its name."""
        known = self.book.base.pool.named(name)
        if known:
            return known[0]
        evr = f"{rpm_version(leader.version)}-{_STUB_RELEASE}"
        return Package(name, evr, self.book.base.base.arch, EXTERNAL, (f"{name} = {evr}",))

    # -- toolchains ----------------------------------------------------------------------------

    def _compat_toolchains(self) -> Iterable[tuple[str, str, str]]:
        """For each toolchain of which not the default stream is chosen: the default's package, the
        chosen one's, and the default's source."""
        for stream in self.streams:
            component, package = stream.component, stream.offer.package
            if component.kind is not Kind.TOOLCHAIN or stream.offer.origin is not Origin.BASE:
                continue
            rule = self.profile.rule(component)
            for name in rule.packages if rule else ():
                default = self.book.base.pool.named(name)[:1] if "{" not in name else ()
                if default and name != package:
                    yield name, package, default[0].source

    def _for_toolchain(self, text: str) -> str:
        """``gcc-c++`` where gcc15 is chosen is ``gcc15-c++``; likewise of a stack of ROCm."""
        if text[:1] in "(/":
            return text
        name, op, evr = split_capability(text)
        for default, package, source in self._compat_toolchains():
            compat = f"{package}{name.removeprefix(default)}"
            pool = self.book.base.pool
            same = any(p.source == source for p in pool.named(name)[:1])
            found = pool.named(compat)
            if name.startswith(default) and same and found:
                # One that the chosen stream does not meet asks for the default's, as a tool.
                own = Capability(compat, "=", found[0].evr)
                return compat if not op or satisfies(own, Capability(compat, op, evr)) else text
        return in_stack(text, self.streams, self.profile, self.book.base.pool)

    def _is_of_toolchain(self, text: str) -> bool:
        """Whether what a text asks for depends on which stream of a toolchain is chosen, or on
        which stack of an accelerator."""
        name = split_capability(text)[0] if text[:1] not in "(/" else ""
        pool = self.book.base.pool
        sources = {found.source for found in pool.named(name)[:1]} if name else set()
        rules = (self.profile.rule(component) for component in self.chosen)
        defaults = (default for rule in rules if rule for default in rule.packages)
        stacked = in_stack(text, self.streams, self.profile, pool) != text
        return stacked or any(
            found.source in sources for default in defaults for found in pool.named(default)[:1]
        )

    def _other_toolchains(self) -> Iterator[str]:
        """The default's package where another stream of the toolchain is chosen."""
        for default, _, _ in self._compat_toolchains():
            yield default


def _part(main: Package, suffix: str) -> Package:
    """A sub-package that needs its main package."""
    name = f"{main.name}{suffix}"
    return evolve(
        main, name=name, provides=(f"{name} = {main.evr}",), requires=(f"{main.name} = {main.evr}",)
    )


def _numbered(text: str, leader: Stream) -> str:
    major, minor, *_ = (*leader.version.release, 0, 0)
    return text.replace("{major}", str(major)).replace("{minor}", str(minor))
