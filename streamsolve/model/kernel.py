"""A kernel and a module that is built for it: what binds the two, and what excludes a pair.

A module runs in the kernel that it was built for and in no other: the kernel's release (what
``uname -r`` prints) stands in it, and where the kernel was built with symbol versions, a checksum
of each symbol that it uses. Both are known only of the built module; a plan knows the kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum

from attrs import frozen
from packaging.version import Version

from .component import Component, Kind
from .package import Package
from .profile import ComponentRule, DeclaredStream
from .requirement import Requirement

__all__ = [
    "CUDA",
    "KERNEL",
    "BuiltModule",
    "KernelHeaders",
    "KernelPair",
    "KernelStage",
    "KernelStep",
    "KnownKernel",
    "PairFact",
    "allowed_cuda",
    "excluding",
    "is_brought",
    "module_package",
    "pair_facts",
]

KERNEL = Component(Kind.PACKAGE, "kernel")
"""The component that kernels are streams of."""

CUDA = Component(Kind.ACCELERATOR, "cuda")


class KernelStep(Enum):
    """What is done with a module, in this order; signing belongs to the build."""

    BUILD = "build"
    TEST = "test"
    SIGN = "sign"
    DEPLOY = "deploy"


@frozen
class KernelStage:
    """A step, and the root in which it is done: a root's id, empty where builds were not asked
    for. What is deployed is the runtime root."""

    step: KernelStep
    root: str = ""


@frozen
class PairFact:
    """What is known of a module and kernels: a demand on the kernel, and where that is from.
    One that is ``relaxed`` was asked not to count."""

    requirement: Requirement
    evidence: str
    relaxed: bool = False


@frozen
class KernelHeaders:
    """What building for a kernel needs. ``asked`` is in RPM's language; ``assumed`` is the package
    where the metadata lists no headers for any kernel, so that it is taken for granted. ``others``
    are the versions of those that are listed where none is of this kernel: nothing can be built."""

    asked: str
    assumed: Package | None = None
    others: tuple[str, ...] = ()


@frozen
class KnownKernel:
    """A kernel as a base's metadata knows it. ``release`` is what ``uname -r`` prints, ``binding``
    what a module's package requires, in RPM's language. ``symbols`` counts the symbols whose
    checksums its packages provide; most bases list none."""

    package: str
    evr: str
    release: str
    binding: str
    headers: KernelHeaders
    symbols: int = 0


@frozen
class KernelPair:
    """A module bound to one kernel.

    ``version`` is the module's and ``written`` how upstream writes it; ``package`` is its RPM's
    name. ``stands_for`` is the component that it is as well, as profiles write it. ``kernel`` and
    ``evr`` are the kernel's package, ``release`` what ``uname -r`` prints. ``binding`` is what the
    module's package requires and ``headers`` what its build asked for, ``make`` the words of make
    (see :class:`streamsolve.model.profile.KernelBuild`); ``assumed`` says that no
    repository lists those. ``symbols`` counts the kernel's symbols that have a checksum in the
    metadata. ``cuda`` are the releases of CUDA that the driver is new enough for, ``facts`` what is
    known of this module and kernels.
    """

    module: Component
    version: Version
    written: str
    package: str
    kernel: str
    evr: str
    release: str
    binding: str
    headers: str
    make: tuple[str, ...]
    stages: tuple[KernelStage, ...]
    stands_for: str = ""
    assumed: bool = False
    symbols: int = 0
    cuda: tuple[Version, ...] = ()
    facts: tuple[PairFact, ...] = ()

    @property
    def kernel_version(self) -> Version:
        """The numbers of the kernel's version."""
        numbers = []
        for part in self.evr.rpartition("-")[0].rpartition(":")[2].split("."):
            if not part.isdigit():
                break
            numbers.append(part)
        return Version(".".join(numbers) or "0")


@frozen
class BuiltModule:
    """A kernel module as it was built. ``path`` is where it lies, ``release`` the kernel's that it
    is for and ``version`` its own, as it says them (empty: it does not). ``symbols`` are those that
    it uses, with their checksums, sorted; ``exports`` the names that it has for other modules.
    ``signer`` is the common name of who signed it, as far as the signature tells."""

    path: str
    release: str
    version: str = ""
    symbols: tuple[tuple[str, int], ...] = ()
    exports: tuple[str, ...] = ()
    signed: bool = False
    signer: str = ""


def module_package(component: Component, release: str) -> str:
    """The name of the package of a module for a kernel: modules for several kernels lie side by
    side, as kernels do."""
    return f"kmod-{component.name}-{release}"


def _begins(version: Version, stream: Version) -> bool:
    return version.release[: len(stream.release)] == stream.release


def pair_facts(version: Version, declared: Iterable[DeclaredStream]) -> Iterator[PairFact]:
    """What declared streams say of a module of that version and kernels."""
    for stream in declared:
        if _begins(version, stream.version):
            for requirement in (*stream.requires, *stream.constrains):
                if requirement.component == KERNEL:
                    yield PairFact(requirement, stream.evidence)


def excluding(pair: KernelPair, rules: Sequence[ComponentRule] = ()) -> tuple[PairFact, ...]:
    """The facts that exclude a pair: its own, and what ``rules`` say today; not those that were
    relaxed when it was made."""
    names = {pair.module.spelled, pair.stands_for}
    known = [one for rule in rules if rule.component.spelled in names for one in rule.streams]
    relaxed = {fact.requirement.text for fact in pair.facts if fact.relaxed}
    found = {
        (fact.requirement.text, fact.evidence): fact
        for fact in (*pair.facts, *pair_facts(pair.version, known))
        if fact.requirement.text not in relaxed and not fact.requirement.allows(pair.kernel_version)
    }
    return tuple(found[key] for key in sorted(found))


def is_brought(requirement: Requirement, pair: KernelPair) -> bool:
    """Whether what a host must have is the module of a pair."""
    return requirement.component.spelled in (pair.module.spelled, pair.stands_for)


def allowed_cuda(
    names: Iterable[str], version: Version, rule: ComponentRule
) -> tuple[Version, ...]:
    """The streams of CUDA whose demand on the driver a version meets, in order; ``names`` are the
    components that the driver is, as profiles write them. A stream that says nothing of it is not
    among them."""
    known = set(names)
    found = []
    for stream in rule.streams:
        asked = [r for r in stream.requires if r.component.spelled in known]
        if asked and all(requirement.allows(version) for requirement in asked):
            found.append(stream.version)
    return tuple(sorted(set(found)))
