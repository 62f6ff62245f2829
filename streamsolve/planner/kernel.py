"""Kernel modules in a plan: which kernel one is built for, with which headers, and the pair.

The kernel is whichever the runtime root holds (:mod:`.known_kernels`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attrs import evolve

from ..model.build import BuildNeed, BuildPlan, NeedOrigin
from ..model.component import Kind, Origin
from ..model.conflict import Conflict
from ..model.kernel import (
    CUDA,
    KERNEL,
    KernelPair,
    KernelStage,
    KernelStep,
    KnownKernel,
    allowed_cuda,
    module_package,
    pair_facts,
)
from ..model.package import Package
from ..model.plan import Notice
from ..model.profile import Profile, with_version
from ..model.stream import Offer, Stream
from ..selection import Nogood
from .needs import Need, Needs

if TYPE_CHECKING:
    from .roots import RuntimeRoot

__all__ = [
    "kernel_notices",
    "kernel_pair",
    "module_needs",
    "named_module",
    "unbuildable_modules",
    "with_binding",
    "with_evidence",
]

_MACROS = "kernel-rpm-macros"


def _modules(root: RuntimeRoot) -> Iterator[Stream]:
    """The modules in a root that are built for its kernel."""
    for stream in root.selection.streams:
        if _is_module(stream.offer):
            yield stream


def _is_module(offer: Offer) -> bool:
    return offer.component.kind is Kind.KERNEL_MODULE and offer.origin is Origin.PRIVATE


# -- in the runtime root ---------------------------------------------------------------------------


def with_binding(
    package: Package, offer: Offer, kernel: KnownKernel | None, profile: Profile
) -> Package:
    """The planned package of a module, bound to the kernel; any other as it is."""
    if kernel is None or not _is_module(offer):
        return package
    provides = {*package.provides, f"kmod-{offer.component.name} = {package.evr}"}
    if offer.component == profile.component:
        provides.update(with_version(text, offer.version) for text in profile.module.provides)
    return evolve(
        package,
        provides=tuple(sorted(provides)),
        requires=tuple(sorted({*package.requires, kernel.binding})),
    )


def unbuildable_modules(root: RuntimeRoot) -> tuple[Nogood, ...]:
    """Modules for a kernel whose headers the base lacks, while it has those of others."""
    kernel, stream = root.kernel, root.chosen.get(KERNEL)
    if kernel is None or stream is None or not kernel.headers.others:
        return ()
    others = ", ".join(dict.fromkeys(kernel.headers.others))
    text = (
        f"nothing can be built for {kernel.package} {kernel.evr}: {kernel.package}-devel is there "
        f"of {others} and not of it"
    )
    return tuple(Nogood((module.offer, stream.offer), (text,)) for module in _modules(root))


# -- in the build root -----------------------------------------------------------------------------


def module_needs(needs: Needs, stream: Stream, root: RuntimeRoot) -> Needs:
    """The needs of a module with the headers of exactly the kernel that lies in the runtime root;
    those of anything else as they are."""
    kernel = root.kernel
    if kernel is None or not _is_module(stream.offer):
        return needs
    asked, package = kernel.headers.asked, kernel.headers.assumed
    stated = BuildNeed(asked, NeedOrigin.METHOD, place=f"a module for {kernel.release}")
    assumed = None
    if package is not None:
        version = root.chosen[KERNEL].version
        offer = Offer(KERNEL, version, Origin.EXTERNAL, package.name, package.repository)
        assumed = (offer, package)
    further = [Need(stated, native=asked, assumed=assumed)]
    if kernel.symbols:
        # They make what the module's package requires of the symbols of its kernel.
        stated = BuildNeed(_MACROS, NeedOrigin.METHOD, place=f"the symbols of {kernel.release}")
        further.append(Need(stated, native=_MACROS))
    return evolve(needs, needs=(*needs.needs, *further))


# -- the pair --------------------------------------------------------------------------------------


def kernel_pair(root: RuntimeRoot, builds: BuildPlan | None) -> KernelPair | None:
    """The application's module with the kernel that it is built for; None where it is none."""
    profile, kernel = root.profile, root.kernel
    module = root.chosen.get(profile.component)
    if kernel is None or module is None or not _is_module(module.offer):
        return None
    rule = profile.rule(module.component)
    stands_for = rule.stands_for if rule else ""
    cuda = profile.rule(CUDA)
    names = filter(None, (module.component.spelled, stands_for))
    built = (
        next((b.root for b in builds.builds if b.component == module.component), "")
        if builds
        else ""
    )
    relaxed = {
        text
        for by, version, text in root.book.adjuster.relaxed
        if (by, version) == (module.component, module.version)
    }
    facts = [
        evolve(fact, relaxed=str(fact.requirement) in relaxed)
        for fact in pair_facts(module.version, profile.declarations(module.component))
    ]
    return KernelPair(
        module=module.component,
        version=module.version,
        written=_written(profile, module),
        package=root.package_name(module.offer),
        kernel=kernel.package,
        evr=kernel.evr,
        release=kernel.release,
        binding=kernel.binding,
        headers=kernel.headers.asked,
        make=profile.module.make,
        stages=tuple(
            KernelStage(step, "runtime" if step is KernelStep.DEPLOY and builds else built)
            for step in KernelStep
        ),
        stands_for=stands_for,
        assumed=kernel.headers.assumed is not None,
        symbols=kernel.symbols,
        cuda=allowed_cuda(names, module.version, cuda) if cuda else (),
        facts=tuple(sorted(facts, key=lambda fact: (fact.requirement.text, fact.evidence))),
    )


def _written(profile: Profile, module: Stream) -> str:
    """The version as upstream writes it: as the profile's purl of the source does, without what
    its tag has beside."""
    for repository in profile.source_repositories:
        if repository.component == module.component:
            return repository.written(module.version)
    return str(module.version)


def kernel_notices(pair: KernelPair | None) -> Iterator[Notice]:
    """What a plan with a pair takes for granted."""
    if pair is not None and pair.assumed:
        yield Notice(
            "kernel-headers-assumed",
            f"no repository lists {pair.headers}: the plan takes it that the build of the kernel "
            "made it",
        )


def named_module(offer: Offer, kernel: KnownKernel | None) -> str:
    """The name of a module's package; empty for any other offer."""
    if kernel is None or not _is_module(offer):
        return ""
    return module_package(offer.component, kernel.release)


# -- refusals --------------------------------------------------------------------------------------


def with_evidence(conflict: Conflict, profile: Profile) -> Conflict:
    """A conflict with where the facts about kernel modules are from that it rests on; any other as
    it is."""
    found = {
        stream.evidence
        for chain in conflict.chains
        for demand in chain
        if demand.by.kind is Kind.KERNEL_MODULE
        for stream in profile.declarations(demand.by)
        if stream.evidence and demand.requirement in (*stream.requires, *stream.constrains)
    }
    return evolve(conflict, evidence=tuple(sorted(found))) if found else conflict
