"""Some of many texts in a sentence, and how many more there are."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["few_or_all", "first_few"]


def first_few(texts: Sequence[str], most: int) -> str:
    """The first ``most`` texts, and how many more there are: ``a, b and 3 more``."""
    rest = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {rest} more" if rest > 0 else "")


def few_or_all(texts: Sequence[str], most: int) -> str:
    """As :func:`first_few`, but one more than ``most`` is named rather than counted."""
    return first_few(texts, len(texts) if len(texts) <= most + 1 else most)
