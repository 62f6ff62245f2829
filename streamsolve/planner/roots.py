"""The runtime root: planned packages in RPM's language, and what a refusal teaches selection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

from attrs import define, evolve, field, frozen

from ..model.component import PYTHON, Component, Kind, Origin, Scope
from ..model.kernel import KERNEL, KnownKernel
from ..model.package import Package
from ..model.profile import Profile
from ..model.requirement import Requirement
from ..model.root import RootConflict, RootRequest, RootSolution
from ..model.rpm_dependency import pep508_from_rpm, rpm_provides, rpm_requires, rpm_version
from ..model.software_collections import SoftwareCollection
from ..model.stream import Offer, Stream
from ..model.target import Target
from ..selection import Nogood, Selection
from .base_offers import interpreter_series
from .book import Book
from .kernel import named_module, unbuildable_modules, with_binding
from .known_kernels import known_kernel
from .refusals import Refusal
from .stacks import in_stack, mixed_stacks

__all__ = ["RuntimeRoot", "RuntimeSolution"]

_RELEASE = "0.streamsolve"


@define(slots=False)
class RuntimeRoot:
    """The application's runtime root for one selection."""

    book: Book
    selection: Selection
    target: Target
    chosen: dict[Component, Stream] = field(init=False)
    owners: dict[str, Offer] = field(factory=dict)
    written: dict[tuple[object, ...], Package] = field(factory=dict)
    """The planned packages by stream and extra: a stream has the same ones in every root."""

    def __attrs_post_init__(self) -> None:
        self.chosen = {stream.component: stream for stream in self.selection.streams}

    @property
    def profile(self) -> Profile:
        """The application's profile."""
        return self.book.profile

    @cached_property
    def kernel(self) -> KnownKernel | None:
        """The kernel that lies in it, as far as the base has it."""
        stream = self.chosen.get(KERNEL)
        found = self.book.base_stream(stream.offer) if stream is not None else None
        if found is None:
            return None
        base = self.book.base
        return known_kernel(base.pool, found.package, whole=not base.base.embedded)

    def request(self, *, hide_base_python: bool = True) -> RootRequest:
        """What libsolv is asked for: the application, and each chosen base package as chosen."""
        planned: list[Package] = []
        install: list[str] = []
        hidden: set[str] = set(self._hidden() if hide_base_python else ())
        for stream in self.streams:
            offer = stream.offer
            if offer.origin is not Origin.OMITTED:
                hidden |= self.rivals(offer)
            if offer.origin is Origin.BASE:
                install.append(self._exactly(offer))
            elif offer.origin is Origin.EXTERNAL and (at_hand := self._at_hand(offer)):
                self.owners[at_hand.nevra] = offer
                install.append(at_hand.name)
            elif offer.origin in (Origin.PRIVATE, Origin.EXTERNAL):
                own, *extras = self._planned(stream)
                planned += [own, *extras]
                # One RPM of a third party may stand for several components, at several versions.
                exact = offer.origin is Origin.PRIVATE
                install.append(f"{own.name} = {own.evr}" if exact else own.name)
        return RootRequest(
            tuple(sorted(install)),
            tuple(sorted(planned)),
            tuple(sorted(hidden)),
        )

    def _at_hand(self, offer: Offer) -> Package | None:
        """A third party's package, where a repository on top of the base has it."""
        found = self.book.base.pool.named(self.package_name(offer))
        return found[0] if found else None

    def package_name(self, offer: Offer) -> str:
        """The RPM's name, with the numbers of the stream that an external package follows."""
        if offer.origin is Origin.PRIVATE and offer.component.kind is Kind.DISTRIBUTION:
            return self._private_name(offer)
        if module := named_module(offer, self.kernel):
            return module
        if "{" not in offer.package:
            return offer.package
        leader = self._leader(offer)
        if leader is None:
            raise ValueError(f"{offer.package} is named by a stream that is in no root")
        numbers = (*leader.version.release, 0)
        return offer.package.replace("{major}", str(numbers[0])).replace("{minor}", str(numbers[1]))

    def _leader(self, offer: Offer) -> Stream | None:
        """The stream whose numbers are in an external package's name, if there is one."""
        return self._led_by(self.followed(offer))

    def followed(self, offer: Offer) -> str:
        """The component whose numbers are in the name of an external package, as profiles write
        it; empty for a name without numbers."""
        external = self.book.sources.external(offer.component) if "{" in offer.package else None
        return external.follows if external else ""

    def _led_by(self, follows: str) -> Stream | None:
        return next((s for s in self.selection.streams if s.component.spelled == follows), None)

    def unled(self) -> tuple[Nogood, ...]:
        """The external packages that no stream gives the numbers of their names, each by itself:
        what such a package is called, nobody knows."""
        found = []
        for stream in self.selection.streams:
            offer = stream.offer
            if "{" in offer.package and offer.origin is Origin.EXTERNAL and not self._leader(offer):
                text = (
                    f"{offer.package} of {offer.component} {offer.version} is named by the stream "
                    f"of {self.followed(offer)}, and nothing that needs it brings one"
                )
                found.append(Nogood((offer,), (text,)))
        return tuple(found)

    def _private_name(self, offer: Offer) -> str:
        """The base's name where the base's interpreter is used; else the name that Fedora gives
        to packages of an alternative one, which lie beside the default's."""
        python = self.selection.python
        if python == self.book.base.python:
            return offer.package
        return f"python{python}-{offer.package.removeprefix('python3-')}"

    @property
    def assumed(self) -> tuple[Offer, ...]:
        """What lies in it and no repository lists: nothing, but in build roots."""
        return ()

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams that lie in it: toolchains belong to build roots."""
        return tuple(s for s in self.selection.streams if s.component.kind is not Kind.TOOLCHAIN)

    def collections(self, solution: RootSolution) -> tuple[str, ...]:
        """The Software Collections of chosen streams that lie in it, sorted."""
        found = {
            each.name
            for stream, each in self._of_collections(self.selection.streams)
            if solution.package(stream.offer.package) is not None
        }
        return tuple(sorted(found))

    def _of_collections(
        self, streams: Iterable[Stream]
    ) -> Iterable[tuple[Stream, SoftwareCollection]]:
        for stream in streams if self.book.base.collections else ():
            offer = stream.offer
            if offer.origin is not Origin.BASE or offer.component.kind is Kind.DISTRIBUTION:
                continue
            if collection := self.book.base.collection(offer.package):
                yield stream, collection

    def _hidden(self) -> tuple[str, ...]:
        """The base's interpreters, where another one is used: one stream of a component in a
        root."""
        if PYTHON not in self.chosen:
            return ()
        known = self.book.base.pool.providers("python(abi)")
        own = [each for each in known if self.selection.python in interpreter_series(each)]
        # An overlay may have another series under the same name.
        names = {each.name for each in own}
        return tuple(sorted({each.name for each in known}.difference(names)))

    def rivals(self, offer: Offer) -> frozenset[str]:
        """The base's packages of other streams of a chosen distribution, for its interpreter."""
        if offer.component.kind is not Kind.DISTRIBUTION:
            return frozenset()
        mine = self.package_name(offer)
        return frozenset(
            found.package.name
            for found in self.book.base.of(offer.component)
            if self.selection.python in found.offer.pythons
            and found.package.name != mine
            and found.package.name == self.book.base.own_package(found)
        )

    def _exactly(self, offer: Offer) -> str:
        found = self.book.base_stream(offer)
        if found is None:
            return offer.package
        self.owners[found.package.nevra] = offer
        return f"{found.package.name} = {found.package.evr}"

    # -- planned packages ----------------------------------------------------------------------

    def _planned(self, stream: Stream) -> Iterable[Package]:
        offer = stream.offer
        # What follows another stream is called otherwise where that is another one.
        part = self.package_name(offer) if self.followed(offer) else ""
        package = self._once((offer.key, part), lambda: self._package(stream))
        self.owners[package.nevra] = offer
        yield package
        for extra in self.selection.extras.get(offer.component, ()):
            if offer.origin is Origin.PRIVATE:
                yield self._extra_package(stream, package, extra)

    def _once(self, key: tuple[object, ...], make: Callable[[], Package]) -> Package:
        if key not in self.written:
            self.written[key] = make()
        return self.written[key]

    def _package(self, stream: Stream) -> Package:
        offer = stream.offer
        name = self.package_name(offer)
        evr = self.evr(offer)
        arch = self.book.base.base.arch
        requires: set[str] = set()
        provides = {f"{name} = {evr}", f"{name}({_isa(arch)}) = {evr}"}
        if offer.component == PYTHON:
            provides.add(f"python(abi) = {self.target.python}")
        elif offer.component.kind is Kind.DISTRIBUTION and offer.origin is Origin.PRIVATE:
            requires.add(f"python(abi) = {self.target.python}")
            provides.update(self._provides(offer, offer.component.name))
        if offer.component.kind is not Kind.DISTRIBUTION or offer.origin is Origin.PRIVATE:
            # A third party's package of a distribution requires what it requires, not what
            # upstream's wheel of the same name does.
            requires.update(self._requires(stream, ""), self.native_needs(stream))
        package = Package(
            name, evr, arch, offer.origin.value, tuple(sorted(provides)), tuple(sorted(requires))
        )
        return with_binding(package, offer, self.kernel, self.profile)

    def _extra_package(self, stream: Stream, of: Package, extra: str) -> Package:
        """What carries an extra of a private stream, as Fedora's packages do it."""
        key = (stream.offer.key, extra)
        package = self._once(key, lambda: self._package_of_extra(stream, of, extra))
        self.owners[package.nevra] = stream.offer
        return package

    def _package_of_extra(self, stream: Stream, of: Package, extra: str) -> Package:
        name = f"{of.name}+{extra}"
        provides = {f"{name} = {of.evr}"}
        # RPM's generator keeps an extra's spelling in requirements, and there are three of it.
        for spelling in {extra, extra.replace("-", "_"), extra.replace("-", ".")}:
            provides.update(self._provides(stream.offer, f"{stream.component.name}[{spelling}]"))
        requires = {f"{of.name} = {of.evr}", *self._requires(stream, extra)}
        return Package(
            name, of.evr, of.arch, of.repository, tuple(sorted(provides)), tuple(sorted(requires))
        )

    def _provides(self, offer: Offer, name: str) -> tuple[str, ...]:
        plain, bracket, extra = name.partition("[")
        texts = rpm_provides(plain, offer.version, self.target.python, self.book.base.python)
        return tuple(text.replace(f"({plain})", f"({plain}{bracket}{extra})") for text in texts)

    def _requires(self, stream: Stream, extra: str) -> Iterable[str]:
        """Its requirements as Fedora's generator writes them; on a third party's package or on an
        omitted one as what they really are."""
        for requirement in stream.demands(self.target, extra):
            yield from self._dependency(requirement, extra)

    def _dependency(self, requirement: Requirement, extra: str) -> Iterable[str]:
        required = self.chosen.get(requirement.component)
        if required is None or requirement.scope is not Scope.RUN:
            return
        offer = required.offer
        if offer.origin is Origin.OMITTED or offer.component.kind is Kind.INTERPRETER:
            return
        if offer.component.kind is not Kind.DISTRIBUTION or offer.origin is Origin.EXTERNAL:
            yield self.package_name(offer)
            return
        found = self.book.base_stream(offer)
        if found is None:
            yield from rpm_requires(requirement, self.target, extra=extra)
            return
        packaged = self.book.base.packaged_extras(found.package)
        kept = tuple(
            written
            for written, name in zip(requirement.extras, requirement.extra_names, strict=True)
            if name in packaged
        )
        yield from rpm_requires(
            evolve(requirement, extras=kept),
            self.target,
            provided_name=found.provided_name,
            extra=extra,
        )
        for name in requirement.extra_names:
            if name not in packaged:
                for part in required.extras.get(name, ()):
                    yield from self._dependency(part, "")

    def native_needs(self, stream: Stream) -> Iterable[str]:
        """What Python metadata cannot say: the profile's words, and what the base's package of
        the same distribution requires besides distributions."""
        for need in self.profile.native_needs:
            if need.component == stream.component and self.book.variant.is_among(need.variants):
                yield from map(self._as_chosen, need.requires)
        if stream.offer.origin is not Origin.PRIVATE or self._says_all(stream.component):
            return
        for found in self.book.base.of(stream.component)[:1]:
            for text in found.package.requires:
                if not self._of_python(text) and not self._same_build(text, found.package):
                    yield text

    def _says_all(self, component: Component) -> bool:
        """Whether the profile says all that a stream requires besides distributions: it does of an
        application that is none, and what it builds from a source of its own does not start from
        the base's spec."""
        native = component.kind is not Kind.DISTRIBUTION and component in self.book.applications
        return native or bool(self.book.sources.repository(component))

    def _as_chosen(self, text: str) -> str:
        """A compiler that is needed to run as well is the chosen one, where it is a collection's:
        what the collection has of it has another name. The same of an accelerator's stack."""
        for stream, collection in self._of_collections(self.selection.streams):
            if collection.plain(stream.offer.package) == text:
                return stream.offer.package
        return in_stack(text, self.selection.streams, self.profile, self.book.base.pool)

    def _of_python(self, text: str) -> bool:
        return (
            pep508_from_rpm(text) is not None
            or text.startswith(("python(abi)", "/usr/bin/python"))
            or "python3" in text
        )

    def _same_build(self, text: str, package: Package) -> bool:
        """Whether it names a package of the same source: it is rebuilt with it."""
        if package.evr in text:
            return True
        return any(found.source == package.source for found in self.book.base.pool.providers(text))

    def evr(self, offer: Offer) -> str:
        """Epoch, version and release of a planned package."""
        version = rpm_version(offer.version)
        return f"{'' if ':' in version else self._epoch(offer)}{version}-{_RELEASE}"

    def _epoch(self, offer: Offer) -> str:
        """That of the base's package, for a private one alone: it is made from its spec."""
        if offer.origin is not Origin.PRIVATE:
            return ""
        found = self.book.base.of(offer.component)
        epoch = found[0].package.epoch if found else "0"
        return "" if epoch == "0" else f"{epoch}:"

    # -- learning ------------------------------------------------------------------------------

    def refusal(self, conflict: RootConflict) -> Refusal:
        """What it teaches that this root could not be solved."""
        return Refusal(self, conflict)

    def nogood(self, conflict: RootConflict) -> Nogood:
        """The choices that a refusal rests on."""
        return self.refusal(conflict).nogood

    def conflict_texts(self, conflict: RootConflict) -> tuple[str, ...]:
        """All that the solver said, a line each."""
        return self.refusal(conflict).texts

    def mixed(self) -> tuple[Nogood, ...]:
        """Choices that no solver has to look at, since RPM would let them be together."""
        return (
            *mixed_stacks(self.selection, self.profile),
            *self.book.objections(self.selection),
            *self.unled(),
            *unbuildable_modules(self),
        )


@frozen
class RuntimeSolution:
    """The runtime root as it was solved, and what was asked. ``tools`` are the base's own streams
    that lie beside chosen ones, because packages of the base need them."""

    root: RuntimeRoot
    solution: RootSolution
    asked: tuple[str, ...]
    tools: tuple[str, ...] = ()

    @property
    def packages(self) -> tuple[str, ...]:
        """The names, versions and architectures of everything in it."""
        return tuple(package.nevra for package in self.solution.packages)


def _isa(arch: str) -> str:
    return {"x86_64": "x86-64", "aarch64": "aarch-64", "ppc64le": "ppc-64"}.get(arch, arch)
