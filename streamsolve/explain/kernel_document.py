"""A kernel module with its kernel as a part of the document ``streamsolve.plan/1``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model.kernel import KernelPair

__all__ = ["pair_document"]


def pair_document(pair: KernelPair) -> Mapping[str, Any]:
    """The pair as a document."""
    return {
        "module": {"name": pair.module.name, "kind": pair.module.kind.value},
        "version": str(pair.version),
        "written": pair.written,
        "package": pair.package,
        "kernel": {"package": pair.kernel, "evr": pair.evr, "release": pair.release},
        "binding": pair.binding,
        "headers": {"asked": pair.headers, "assumed": pair.assumed},
        "symbols": pair.symbols,
        "cuda": [str(version) for version in pair.cuda],
        "facts": [
            {
                "requirement": fact.requirement.text,
                "evidence": fact.evidence,
                "relaxed": fact.relaxed,
            }
            for fact in pair.facts
        ],
        "stages": [{"step": stage.step.value, "root": stage.root or None} for stage in pair.stages],
    }
