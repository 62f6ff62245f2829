"""A kernel module with its kernel, as a lock keeps it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from packaging.version import Version

from ..model.component import Component
from ..model.kernel import KernelPair, KernelStage, KernelStep, PairFact
from ..model.requirement import Requirement

__all__ = ["pair_document", "rebuilt_pair"]

_Document = Mapping[str, Any]


def pair_document(
    pair: KernelPair | None, requirement: Callable[[Requirement], _Document]
) -> _Document:
    """The pair under its key, without what is empty; nothing where a plan has none."""
    if pair is None:
        return {}
    optional = {
        "stands_for": pair.stands_for,
        "assumed": pair.assumed,
        "symbols": pair.symbols,
        "cuda": [str(version) for version in pair.cuda],
        "facts": [
            {
                "requirement": requirement(fact.requirement),
                "evidence": fact.evidence,
                **({"relaxed": True} if fact.relaxed else {}),
            }
            for fact in pair.facts
        ],
    }
    document = {
        "module": pair.module.spelled,
        "version": str(pair.version),
        "written": pair.written,
        "package": pair.package,
        "kernel": pair.kernel,
        "evr": pair.evr,
        "release": pair.release,
        "binding": pair.binding,
        "headers": pair.headers,
        "make": list(pair.make),
        "stages": [{"step": stage.step.value, "root": stage.root} for stage in pair.stages],
        **{name: value for name, value in optional.items() if value},
    }
    return {"kernel_pair": document}


def rebuilt_pair(
    document: _Document | None,
    component: Callable[[str], Component],
    requirement: Callable[[_Document], Requirement],
) -> KernelPair | None:
    """The pair of a lock's document, or None."""
    if document is None:
        return None
    return KernelPair(
        module=component(document["module"]),
        version=Version(document["version"]),
        written=document["written"],
        package=document["package"],
        kernel=document["kernel"],
        evr=document["evr"],
        release=document["release"],
        binding=document["binding"],
        headers=document["headers"],
        make=tuple(document["make"]),
        stages=tuple(
            KernelStage(KernelStep(each["step"]), each["root"]) for each in document["stages"]
        ),
        stands_for=document.get("stands_for", ""),
        assumed=document.get("assumed", False),
        symbols=document.get("symbols", 0),
        cuda=tuple(Version(text) for text in document.get("cuda", ())),
        facts=tuple(
            PairFact(requirement(each["requirement"]), each["evidence"], each.get("relaxed", False))
            for each in document.get("facts", ())
        ),
    )
