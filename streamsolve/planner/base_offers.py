"""What the base has of a component, read off its packages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from attrs import define, field, frozen
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ..errors import InputError
from ..model.component import PYTHON, Component, Kind, Origin
from ..model.package import LOWEST_PRIORITY, Base, Package
from ..model.pep508 import parse_version
from ..model.profile import ComponentRule, Profile
from ..model.requirement import Requirement
from ..model.rpm_dependency import pep508_from_rpm, split_capability, version_from_rpm
from ..model.software_collections import SoftwareCollection, collection_of
from ..model.stream import Offer, Source, Stream
from ..model.target import series_of
from ..solving import PackagePool
from .facts import Facts
from .module_streams import NO_MODULES, ModuleChoice

__all__ = ["BaseOffers", "BaseStream", "interpreter_series"]

_COMPAT_PYTHON = re.compile(r"python3-(?P<name>[A-Za-z][A-Za-z0-9_.-]*?)(?P<number>[0-9][0-9.]*)")
_DISTRIBUTION = re.compile(r"python3\.\d+dist\(")
_EXTRA_PACKAGE = re.compile(r"python3-.*\+.*")


@frozen
class BaseStream:
    """An offer of the base with the package behind it. ``provided_name`` is the distribution's
    name in the package's provides, which a mapping or a compat package makes another one."""

    offer: Offer
    package: Package
    provided_name: str = ""


@define
class BaseOffers:
    """The base's side of the offer book."""

    pool: PackagePool
    base: Base
    profile: Profile
    modules: ModuleChoice = NO_MODULES
    _found: dict[Component, tuple[BaseStream, ...]] = field(factory=dict, init=False)

    @cached_property
    def python(self) -> str:
        """The series (``3.15``) of the base's default interpreter; empty where it has none and the
        application needs none. Else :class:`InputError` as :meth:`PackagePool.python_abi`."""
        if self.base.python:
            return self.base.python
        try:
            return self.pool.python_abi()
        except InputError:
            if Facts(self.profile).of_python:
                raise
            return ""

    @cached_property
    def interpreters(self) -> Mapping[str, Package]:
        """The package of each interpreter that distributions of the base are built for, by
        series. An alternative one that does not provide ``python(abi)`` has none."""
        found: dict[str, Package] = {}
        for package in self.pool.providers("python(abi)"):
            for series in interpreter_series(package):
                known = found.get(series)
                if known is None or len(package.name) < len(known.name):
                    found[series] = package
        return found

    def of(self, component: Component) -> tuple[BaseStream, ...]:
        """All streams of the component that the base ships, compat packages included."""
        known = self._found.get(component)
        if known is None:
            known = self._found[component] = self._find(component)
        return known

    def _find(self, component: Component) -> tuple[BaseStream, ...]:
        if component == PYTHON:
            return self._interpreters()
        if component.kind is Kind.DISTRIBUTION:
            return self._distribution(component)
        rule = self.profile.rule(component)
        return self._by_rule(rule) if rule else ()

    def stream(self, found: BaseStream) -> Stream:
        """The stream with its requirements on other components, as its package states them."""
        if found.offer.component.kind is not Kind.DISTRIBUTION:
            return Stream(found.offer, source=_source(found.package))
        own = found.provided_name
        extras = {
            extra: tuple(self._requirements(package, own))
            for extra, package in self._extras_of(found.package).items()
        }
        return Stream(
            found.offer,
            tuple(self._requirements(found.package, own)),
            extras=extras,
            open_extras=False,
            source=_source(found.package),
        )

    def version_of(self, component: Component) -> str:
        """The version that the base ships under its usual name, empty if none."""
        found = [s for s in self.of(component) if not self.is_compat(s)]
        default = [s for s in found if self.python in s.offer.pythons or not s.offer.pythons]
        rule = self.profile.rule(component)
        if rule is not None:
            # Of several usual names the first is what the base calls its own.
            default.sort(key=lambda stream: rule.packages.index(stream.package.name))
        return str((default or found)[0].offer.version) if found else ""

    def is_compat(self, found: BaseStream) -> bool:
        """Whether it comes from a package that the base carries beside the usual one."""
        name = found.offer.component.name
        if found.offer.component.kind is Kind.DISTRIBUTION:
            return found.provided_name not in (name, self.profile.names.get(name))
        rule = self.profile.rule(found.offer.component)
        return rule is not None and found.package.name not in rule.packages

    def own_package(self, found: BaseStream) -> str:
        """The name of the package behind a stream if it is of that distribution alone, else
        empty: some packages provide several."""
        provided = {
            split_capability(text)[0].partition("(")[2].rstrip(")")
            for text in found.package.provides
            if _DISTRIBUTION.match(text) and "[" not in text
        }
        return found.package.name if len(provided) == 1 else ""

    def private_name(self, component: Component) -> str:
        """What a private package of a distribution is called: as the base's, if the base has one
        that is of this distribution alone, else as Fedora's naming rule says."""
        for found in self.of(component):
            if not self.is_compat(found) and (name := self.own_package(found)):
                return name
        return f"python3-{component.name}"

    def extra_packages(self, package: Package) -> tuple[Package, ...]:
        """The packages that carry the extras of a package."""
        return tuple(self._extras_of(package).values())

    def packaged_extra(self, package: Package, extra: str) -> Package | None:
        """The package that carries one extra of a package, or None."""
        return self._extras_of(package).get(extra)

    def packaged_extras(self, package: Package) -> frozenset[str]:
        """The extras that the base has a package for."""
        return frozenset(self._extras_of(package))

    # -- interpreters --------------------------------------------------------------------------

    def _interpreters(self) -> tuple[BaseStream, ...]:
        found = []
        for series, package in sorted(self.interpreters.items()):
            own = _parse(package.version)
            if own is None or series_of(own) != series:
                full = self.base.python_full if series == self.python else ""
                own = Version(full or series)
            found.append(BaseStream(self._offer(PYTHON, own, package), package))
        return tuple(found)

    # -- distributions -------------------------------------------------------------------------

    def _distribution(self, component: Component) -> tuple[BaseStream, ...]:
        also = self.profile.names.get(component.name)
        names = [component.name, *([also] if also else [])]
        names += self._compat_names.get(component.name, ())
        found: dict[tuple[str, Version], BaseStream] = {}
        for series in self.interpreters:
            for name in names:
                capability = f"python{series}dist({name})"
                for package in self.pool.providers(capability):
                    for provided in _provided_versions(package, capability):
                        # The provide lacks trailing zeros, which the package's version has.
                        own = _parse(package.version)
                        version = own if own is not None and own == provided else provided
                        if (series, version) not in found:
                            found[series, version] = self._base_stream(
                                component, version, package, name, series
                            )
        return tuple(found.values())

    def _base_stream(
        self, component: Component, version: Version, package: Package, name: str, series: str
    ) -> BaseStream:
        offer = self._offer(component, version, package, pythons=(series,))
        return BaseStream(offer, package, name)

    def _offer(
        self,
        component: Component,
        version: Version,
        package: Package,
        *,
        pythons: tuple[str, ...] = (),
        to_enable: bool = False,
    ) -> Offer:
        return Offer(
            component,
            version,
            Origin.BASE,
            package.name,
            package.repository,
            pythons=pythons,
            in_base=True,
            to_enable=to_enable,
            priority=self._priorities.get(package.repository, LOWEST_PRIORITY),
        )

    @cached_property
    def _priorities(self) -> Mapping[str, int]:
        return {repository.id: repository.priority for repository in self.base.repositories}

    def _of_name(self, name: str) -> Iterable[tuple[bool, Package]]:
        """The packages of a name, those of the best priority first, then the newest; and whether
        each is the newest of its priority. What dnf would not take by itself is still there for
        what the newest does not fit: an overlay may hold several kernels."""
        seen: set[int] = set()
        for package in self.pool.named(name):
            priority = self._priorities.get(package.repository, LOWEST_PRIORITY)
            yield priority not in seen, package
            seen.add(priority)

    @cached_property
    def _compat_names(self) -> Mapping[str, tuple[str, ...]]:
        """Distribution names of compat packages, such as ``setuptools80``, by the plain name.

        A number at the end of a name is no proof: ``python3-h11`` and ``python3-httpx2`` are
        distributions of their own. A compat package's number begins its version, and it conflicts
        with the usual package unless the number has a dot, which no distribution's name has.
        """
        found: dict[str, list[str]] = {}
        for name in self.pool.names_matching(_COMPAT_PYTHON):
            match = _COMPAT_PYTHON.fullmatch(name)
            packages = self.pool.named(name)
            if match is None or not packages or not self._is_compat_package(packages[0], match):
                continue
            plain = str(canonicalize_name(match["name"]))
            numbered = str(canonicalize_name(match["name"] + match["number"]))
            found.setdefault(plain, []).append(numbered)
        return {name: tuple(sorted(names)) for name, names in found.items()}

    def _is_compat_package(self, package: Package, match: re.Match[str]) -> bool:
        number = match["number"].rstrip(".")
        if not f"{package.version}.".startswith(f"{number}."):
            return False
        usual = f"python3-{match['name']}"
        return "." in number or any(text.split(" ")[0] == usual for text in package.conflicts)

    @cached_property
    def _extra_packages(self) -> Mapping[str, tuple[str, ...]]:
        """Names of packages that carry an extra, by the name of the package that has it."""
        found: dict[str, list[str]] = {}
        for name in self.pool.names_matching(_EXTRA_PACKAGE):
            found.setdefault(name.partition("+")[0], []).append(name)
        return {name: tuple(sorted(names)) for name, names in found.items()}

    def _extras_of(self, package: Package) -> Mapping[str, Package]:
        """The packages of the same build that carry an extra."""
        found = {}
        for name in self._extra_packages.get(package.name, ()):
            for candidate in self.pool.named(name):
                if candidate.evr == package.evr:
                    found[str(canonicalize_name(name.partition("+")[2]))] = candidate
                    break
        return found

    def _requirements(self, package: Package, own: str) -> Iterable[Requirement]:
        for text in package.requires:
            requirement = pep508_from_rpm(text)
            if requirement is None or requirement.component.name == own:
                continue
            yield requirement

    # -- other components ----------------------------------------------------------------------

    def _by_rule(self, rule: ComponentRule) -> tuple[BaseStream, ...]:
        found: list[BaseStream] = []
        older: list[BaseStream] = []
        for pattern in rule.packages:
            for name in (*self._names(pattern), *self._in_collections(pattern)):
                for newest, package in self._of_name(name):
                    version = _parse(package.version) or _beginning(package.version)
                    if version is not None:
                        in_collection = collection_of(package) is not None
                        offer = self._offer(
                            rule.component, version, package, to_enable=in_collection
                        )
                        (found if newest else older).append(BaseStream(offer, package))
        unique: dict[tuple[object, ...], BaseStream] = {}
        for stream in (*sorted(found, key=_best_first), *older):
            unique.setdefault(stream.offer.key, stream)
        return tuple(unique.values())

    @cached_property
    def collections(self) -> tuple[SoftwareCollection, ...]:
        """The Software Collections that the base has packages of, sorted."""
        return self.pool.collections()

    def _in_collections(self, pattern: str) -> Sequence[str]:
        """What a package is called in each collection that has it."""
        if "{" in pattern:
            return ()
        return [
            name
            for collection in self.collections
            for name in (collection.package(pattern),)
            if any(collection_of(package) == collection for package in self.pool.named(name)[:1])
        ]

    def collection(self, package: str) -> SoftwareCollection | None:
        """The collection that a package of that name is of, or None."""
        if not any(each.plain(package) for each in self.collections):
            return None
        return next(filter(None, map(collection_of, self.pool.named(package)[:1])), None)

    def _names(self, pattern: str) -> Sequence[str]:
        if "{" not in pattern:
            return (pattern,)
        expression = re.escape(pattern).replace(r"\{major\}", r"[0-9]+")
        return self.pool.names_matching(re.compile(expression.replace(r"\{minor\}", r"[0-9]+")))


def interpreter_series(package: Package) -> tuple[str, ...]:
    """The series (``3.15``) for which a package is the interpreter."""
    split = map(split_capability, package.provides)
    return tuple(series for name, _, series in split if name == "python(abi)" and series)


def _provided_versions(package: Package, capability: str) -> Iterable[Version]:
    for text in package.provides:
        name, _, evr = split_capability(text)
        version = version_from_rpm(evr) if name == capability and evr else None
        if version is not None:
            yield version


def _parse(text: str) -> Version | None:
    try:
        return parse_version(text)
    except InvalidVersion:
        return None


def _beginning(text: str) -> Version | None:
    """The numbers that a version begins with, behind a letter if it has one: RPM's ``20.1.8^git1``
    and llama.cpp's ``b9840`` are no versions of PEP 440."""
    found = re.match(r"[A-Za-z]?(\d+(?:\.\d+)*)", text)
    return Version(found[1]) if found else None


def _best_first(stream: BaseStream) -> tuple[int, Version, str]:
    return (stream.offer.priority, stream.offer.version, stream.offer.package)


def _source(package: Package) -> Source:
    return Source(f"pkg:rpm/{package.source}?arch=src" if package.source else "")
