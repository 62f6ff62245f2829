"""Whether built kernel modules are for the kernel that was locked, and signed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from attrs import evolve

from ..model.artifacts import BuiltArtifact, Finding, FindingKind, Inventory
from ..model.build import stream_id
from ..model.kernel import BuiltModule, KernelPair
from ..model.verification import Unseen

__all__ = ["module_findings", "unseen_symbols", "without_kernel"]

_SYMBOL = re.compile(r"kernel\((?P<name>[^)]+)\) = 0x(?P<crc>[0-9a-f]+)")


def without_kernel(
    inventory: Inventory, pair: KernelPair | None
) -> tuple[Inventory, Mapping[str, int]]:
    """The artifacts without packages of the kernel itself, and the checksums of the symbols that
    those say they have: a kernel may lie beside a module so that its symbols are known."""
    if pair is None:
        return inventory, {}
    kernel: list[BuiltArtifact] = []
    rest: list[BuiltArtifact] = []
    for each in inventory.artifacts:
        (kernel if _is_of_kernel(each, pair) else rest).append(each)
    texts = (text for each in kernel for text in each.provides)
    found = (_SYMBOL.fullmatch(text) for text in texts)
    symbols = {each["name"]: int(each["crc"], 16) for each in found if each}
    return evolve(inventory, artifacts=tuple(rest)), symbols


def _is_of_kernel(artifact: BuiltArtifact, pair: KernelPair) -> bool:
    own = artifact.name == pair.kernel or artifact.name.startswith(f"{pair.kernel}-")
    return own and artifact.evr.removeprefix("0:") == pair.evr.removeprefix("0:")


def _modules(
    artifacts: Iterable[BuiltArtifact], pair: KernelPair
) -> Iterator[tuple[BuiltArtifact, BuiltModule]]:
    for artifact in artifacts:
        if artifact.name == pair.package:
            for module in artifact.modules:
                yield artifact, module


def module_findings(
    artifacts: Iterable[BuiltArtifact], pair: KernelPair, symbols: Mapping[str, int]
) -> Iterator[Finding]:
    """What of the modules in the pair's package is not as it was locked."""
    stream, listed = stream_id(pair.module, pair.version), list(artifacts)
    found = list(_modules(listed, pair))
    for artifact in listed:
        if artifact.name == pair.package and not artifact.modules:
            yield Finding(FindingKind.NO_MODULE, stream, artifact.path, pair.package)
    own = {name for _, module in found for name in module.exports}
    for artifact, module in found:
        at = (stream, artifact.path, module.path)
        if module.release != pair.release:
            yield Finding(FindingKind.MODULE_KERNEL, *at, pair.release, module.release)
        if module.version and module.version != pair.written:
            yield Finding(FindingKind.MODULE_VERSION, *at, pair.written, module.version)
        if not module.signed:
            yield Finding(FindingKind.MODULE_UNSIGNED, *at)
        for name, crc in module.symbols if symbols else ():
            has = symbols.get(name)
            if has != crc and name not in own:
                told = f"{name} as {has:#x}" if has is not None else ""
                yield Finding(FindingKind.MODULE_SYMBOL, *at, told, f"{name} as {crc:#x}")


def unseen_symbols(
    artifacts: Iterable[BuiltArtifact], pair: KernelPair, symbols: Mapping[str, int]
) -> Iterator[Unseen]:
    """The symbols that modules use and that nothing here says a checksum of."""
    used = {name for _, module in _modules(artifacts, pair) for name, _ in module.symbols}
    if used and not symbols:
        why = f"their checksums are compared where the packages of {pair.kernel} lie beside"
        yield Unseen("symbol of the kernel", len(used), why)
