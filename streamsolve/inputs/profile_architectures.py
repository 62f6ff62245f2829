"""``arch`` in the tables of a profile: the architectures that a table holds for."""

from __future__ import annotations

from ..errors import Place, nearest
from ..model.debian import DEBIAN_ARCHITECTURES
from .tables import Table, Unreadable

__all__ = ["KNOWN_ARCHITECTURES", "architectures_of"]

KNOWN_ARCHITECTURES = ("aarch64", "i686", "ppc64le", "riscv64", "s390x", "x86_64")
"""RPM's names. A typing error here would limit a table to a machine that there is not, in silence,
so that no other name is taken."""

_SPELLED_OTHERWISE = {debian: rpm for rpm, debian in DEBIAN_ARCHITECTURES.items()}


def architectures_of(row: Table) -> tuple[str, ...]:
    """The architectures that a table is limited to, sorted; none means any."""
    return tuple(sorted(set(row.values("arch", _read_architecture))))


def _read_architecture(text: str, _place: Place) -> str:
    if text in KNOWN_ARCHITECTURES:
        return text
    if text in _SPELLED_OTHERWISE:
        hint = f"RPM calls it {_SPELLED_OTHERWISE[text]}"
    else:
        hint = nearest(text.replace("-", "_"), KNOWN_ARCHITECTURES)
    raise Unreadable(f"unknown architecture {text!r}", hint)
