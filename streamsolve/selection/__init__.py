"""Choose streams in PEP 440: the cheapest plan that meets every requirement, with proof."""

from __future__ import annotations

from .problem import Nogood, OfferBook, Problem, Selection, Unsatisfiable, offer_preference
from .select import Selector

__all__ = [
    "Nogood",
    "OfferBook",
    "Problem",
    "Selection",
    "Selector",
    "Unsatisfiable",
    "offer_preference",
]
