"""A profile: an application as data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve, field, frozen
from packaging.version import InvalidVersion, Version

from ..errors import Place
from .artifacts import GpuMatrix
from .component import Component, Kind, Origin
from .pep508 import parse_version
from .requirement import Requirement
from .vendored import Vendored

__all__ = [
    "BuildRule",
    "BuildTool",
    "BundledSource",
    "CoherenceGroup",
    "ComponentRule",
    "DeclaredStream",
    "DirectReference",
    "External",
    "Image",
    "KernelBuild",
    "NativeNeed",
    "Omission",
    "Pairing",
    "Policy",
    "Prebuilt",
    "Profile",
    "Relaxation",
    "SourceRepository",
    "Variant",
    "with_version",
]

_VERSION = re.compile(r"\{version(?::(?P<zeros>0+(?:\.0+)*))?\}")


@frozen
class Policy:
    """What may be used. ``proprietary`` are the origins that a stream with a proprietary licence
    may have; a distribution without source is used only where the profile names it."""

    proprietary: tuple[Origin, ...] = (Origin.EXTERNAL,)


@frozen
class Variant:
    """One way to build the application.

    ``wheel`` says that its Python requirements are those of the application's own metadata;
    otherwise ``files`` are the requirement files in its sdist. ``needs`` are added to them: on
    components of other kinds, or distributions that those files leave out. Without either, as of
    an application that is no distribution, only ``needs`` count.
    ``local`` gives a local version label to streams that are built specially for the variant
    (``{"torch": "cpu"}``). ``gpu`` is for which GPU architectures it is built.
    """

    name: str
    summary: str = ""
    wheel: bool = True
    files: tuple[str, ...] = ()
    needs: tuple[Requirement, ...] = ()
    local: Mapping[str, str] = field(factory=dict)
    gpu: GpuMatrix = field(factory=GpuMatrix)
    place: Place = field(factory=Place)

    def is_among(self, names: tuple[str, ...]) -> bool:
        """Whether something that a profile says for these variants holds in this one; without any
        names it holds in all."""
        return not names or self.name in names


@frozen
class Relaxation:
    """A requirement that the profile weakens on purpose. ``by`` is who states it (empty: anyone),
    ``to`` the specifier that takes its place (empty: any version)."""

    component: Component
    specifier: str
    to: str
    reason: str
    by: str = ""
    variants: tuple[str, ...] = ()
    place: Place = field(factory=Place)


@frozen
class Omission:
    """A distribution that is left out of the plan, wherever it is required."""

    component: Component
    reason: str
    variants: tuple[str, ...] = ()
    place: Place = field(factory=Place)


@frozen
class External:
    """A distribution whose content comes from a third party's RPM. ``package`` may hold
    ``{major}`` and ``{minor}``, those of the stream of ``follows`` that is in use. ``follows`` is a
    component as profiles write it: ``kind:name``, or a distribution's normalised name; empty for
    none."""

    component: Component
    package: str
    repository: str
    licence: str = ""
    follows: str = ""


@frozen
class Prebuilt:
    """A distribution without source that the profile accepts from its wheel, or a component of
    another kind that it accepts as upstream built it: from ``purl``, in which ``{version}`` stands
    for its version."""

    component: Component
    licence: str
    reason: str
    purl: str = ""


@frozen
class SourceRepository:
    """Where a distribution's source is, when its index has no sdist, or that of a component of
    another kind. ``purl`` may hold ``{version}``, or ``{version:000.00.00}`` where upstream writes
    numbers with leading zeros."""

    component: Component
    purl: str

    def at(self, version: Version) -> str:
        """The purl of a version."""
        return with_version(self.purl, version)

    def written(self, version: Version) -> str:
        """A version as the purl writes it, for instance with zeros; as it is where it names another
        revision."""
        if found := _VERSION.search(self.purl):
            return with_version(found[0], version)
        revision = self.purl.rpartition("@")[2].partition("#")[0].removeprefix("v")
        try:
            return revision if parse_version(revision) == version else str(version)
        except InvalidVersion:
            return str(version)


@frozen
class DirectReference:
    """The version that a direct reference (``name @ URL``) stands for."""

    component: Component
    version: Version
    purl: str
    variants: tuple[str, ...] = ()


@frozen
class BundledSource:
    """A source that the application's build fetches by itself, and that must be provided."""

    name: str
    revision: str
    variants: tuple[str, ...] = ()
    purl: str = ""
    arches: tuple[str, ...] = ()


@frozen
class Pairing:
    """Which versions of its companions belong to one version of a group's leader."""

    version: Version
    constrains: tuple[Requirement, ...]
    evidence: str = ""


@frozen
class CoherenceGroup:
    """Components that move as one stream.

    With ``leader`` at version X.Y, each of ``members`` that is used is at X.Y too; ``exempt`` are
    those that upstream's pins keep at another minor, and the plan says so. ``pairings`` are for
    groups whose members are numbered differently, such as torch and torchvision.
    """

    name: str
    leader: Component
    members: tuple[Component, ...] = ()
    exempt: tuple[Component, ...] = ()
    pairings: tuple[Pairing, ...] = ()


@frozen
class NativeNeed:
    """RPM dependencies of a private stream that its Python metadata cannot state, such as the
    libraries of an accelerator: texts in RPM's language."""

    component: Component
    requires: tuple[str, ...]
    variants: tuple[str, ...] = ()
    arches: tuple[str, ...] = ()


@frozen
class BuildRule:
    """What building a private stream needs, beyond what its spec and its sdist say.

    ``requires`` are RPM dependencies (``cuda-nvcc-13-0``; ``{major}`` and ``{minor}`` stand for the
    numbers of the stream of ``follows`` that is in use, a component as profiles write it).
    ``needs`` are requirements on components (``accelerator:cuda``, ``toolchain:gcc <16``,
    ``setuptools <81``). ``drops`` are names that the spec or the sdist asks for and that are not
    needed: RPM package names or distributions. With ``replaces``, neither the base's spec nor the
    sdist is asked.
    """

    component: Component
    requires: tuple[str, ...] = ()
    needs: tuple[Requirement, ...] = ()
    drops: tuple[str, ...] = ()
    follows: str = ""
    replaces: bool = False
    variants: tuple[str, ...] = ()
    reason: str = ""
    place: Place = field(factory=Place)
    arches: tuple[str, ...] = ()


@frozen
class BuildTool:
    """A distribution that is a program in a wheel (``cmake``, ``ninja``): where a build asks for
    it, the base's package does if its version fits."""

    component: Component
    package: str


@frozen
class DeclaredStream:
    """A stream of a component that no repository and no index lists."""

    version: Version
    origin: Origin
    package: str = ""
    repository: str = ""
    requires: tuple[Requirement, ...] = ()
    constrains: tuple[Requirement, ...] = ()
    evidence: str = ""


@frozen
class ComponentRule:
    """How the streams of a component that is no distribution are found.

    ``packages`` are the base's package names; ``{major}`` and ``{minor}`` in one stand for the
    numbers of a compat package (``gcc{major}`` finds ``gcc15``). ``streams`` are declared ones;
    a declared stream without a package adds its requirements to the found stream that it is a
    release prefix of. ``stands_for`` is another component, as profiles write it, that a stream of
    this one is as well: what is declared of that one holds for it.
    """

    component: Component
    packages: tuple[str, ...] = ()
    streams: tuple[DeclaredStream, ...] = ()
    stands_for: str = ""


@frozen
class Image:
    """How the application is run in an image, as a profile says it.

    ``entrypoint`` and ``command`` are words, no shell reads them. ``user`` is the name under which
    it runs; empty means the application's. ``source`` is where its source is (a web address), and
    ``revision`` what its source calls this version, in which ``{version}`` stands for it.
    """

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""
    environment: Mapping[str, str] = field(factory=dict)
    ports: tuple[int, ...] = ()
    source: str = ""
    revision: str = ""


@frozen
class KernelBuild:
    """How a kernel module is made.

    ``make`` are the words behind ``make`` in its source; ``{headers}`` is the directory of the
    kernel's headers, ``{release}`` the kernel's release and ``{source}`` the module's directory.
    ``provides`` are further provides of its package in RPM's language, in which ``{version}`` may
    stand as in a source's purl.
    """

    make: tuple[str, ...] = ("-C", "{headers}", "M={source}", "modules")
    provides: tuple[str, ...] = ()


@frozen
class Profile:
    """An application: what it is, its variants, and what is known about its dependencies.

    ``names`` maps a distribution to the name under which bases ship it. ``costs`` are minutes of
    one builder per component name; ``native_cost`` and ``pure_cost`` are for the others.
    ``interpreters`` are the private Pythons that may be rebuilt, newest first. ``licence`` is
    that of an application that no package index knows, as an SPDX expression. ``directory`` is
    where its file lies, and its extracts beside it; empty if it was not read from a file.
    """

    name: str
    component: Component
    version: Version
    variants: tuple[Variant, ...]
    default_variant: str
    default_base: str
    file: str
    digest: str
    summary: str = ""
    homepage: str = ""
    policy: Policy = field(factory=Policy)
    names: Mapping[str, str] = field(factory=dict)
    relaxations: tuple[Relaxation, ...] = ()
    omissions: tuple[Omission, ...] = ()
    externals: tuple[External, ...] = ()
    prebuilt: tuple[Prebuilt, ...] = ()
    source_repositories: tuple[SourceRepository, ...] = ()
    direct_references: tuple[DirectReference, ...] = ()
    bundled: tuple[BundledSource, ...] = ()
    groups: tuple[CoherenceGroup, ...] = ()
    native_needs: tuple[NativeNeed, ...] = ()
    build_rules: tuple[BuildRule, ...] = ()
    build_tools: tuple[BuildTool, ...] = ()
    rules: tuple[ComponentRule, ...] = ()
    interpreters: tuple[str, ...] = ("3.14", "3.13", "3.12", "3.11")
    costs: Mapping[str, int] = field(factory=dict)
    pure_cost: int = 1
    native_cost: int = 4
    image: Image = field(factory=Image)
    module: KernelBuild = field(factory=KernelBuild)
    licence: str = ""
    vendored: tuple[Vendored, ...] = ()
    directory: str = field(default="", eq=False, repr=False)

    def variant(self, name: str) -> Variant | None:
        """The variant of that name, or None."""
        return next((variant for variant in self.variants if variant.name == name), None)

    def on(self, arch: str) -> Profile:
        """The profile with nothing but what holds on an architecture (RPM's name), said of all."""
        if not any(row.arches for rows in self._limited for row in rows):
            return self
        bundled, native_needs, build_rules = (_those_on(rows, arch) for rows in self._limited)
        return evolve(self, bundled=bundled, native_needs=native_needs, build_rules=build_rules)

    @property
    def _limited(self) -> tuple[tuple[Any, ...], ...]:
        """The tables that may be limited to architectures."""
        return self.bundled, self.native_needs, self.build_rules

    def rule(self, component: Component) -> ComponentRule | None:
        """The rule for a component that is no distribution, or None."""
        if component.kind is Kind.DISTRIBUTION:
            return None
        return next((rule for rule in self.rules if rule.component == component), None)

    def declarations(self, component: Component) -> tuple[DeclaredStream, ...]:
        """What is declared of a component that is no distribution, and of what it stands for."""
        rule = self.rule(component)
        if rule is None:
            return ()
        other = (each for each in self.rules if each.component.spelled == rule.stands_for)
        return (*rule.streams, *(stream for each in other for stream in each.streams))


def _those_on(rows: Iterable[Any], arch: str) -> tuple[Any, ...]:
    kept = (row for row in rows if not row.arches or arch in row.arches)
    return tuple(evolve(row, arches=()) for row in kept)


def with_version(text: str, version: Version) -> str:
    """A text with a version where ``{version}`` or ``{version:000.00}`` stands in it."""
    return _VERSION.sub(lambda found: _written(version, found["zeros"] or ""), text)


def _written(version: Version, zeros: str) -> str:
    """A version with at least as many digits for each number as ``zeros`` has for it."""
    if not zeros:
        return str(version)
    widths = [len(part) for part in zeros.split(".")]
    numbers = [str(number) for number in version.release]
    padded = [text.zfill(width) for text, width in zip(numbers, widths, strict=False)]
    return ".".join([*padded, *numbers[len(padded) :]])
