"""The table ``[variants.NAME.gpu]`` of a profile: for which GPU architectures it is built."""

from __future__ import annotations

from ..errors import Place
from ..model.artifacts import GpuMatrix
from ..model.component import distribution
from ..model.gpu import architecture_order, is_architecture
from .notation import read_distribution
from .tables import Table, Unreadable

__all__ = ["read_gpu"]


def read_gpu(table: Table) -> GpuMatrix:
    """The table, or what an absent one means: nothing is known."""
    of = table.table("of")
    found: dict[str, tuple[str, ...]] = {}
    for written in of:
        name = of.key(written, read_distribution, distribution(written)).name
        if name in found:
            of.fault(f"{name} is named twice, in two spellings", written)
        found[name] = _architectures(of, written)
    matrix = GpuMatrix(_architectures(table, "architectures"), found)
    table.close()
    return matrix


def _architectures(table: Table, key: str) -> tuple[str, ...]:
    """An array of architectures, sorted."""
    written = table.values(key, _read_architecture)
    for position, name in enumerate(written):
        if name in written[:position]:
            table.fault(f"{name} is named twice", key)
    return tuple(sorted(set(written), key=architecture_order))


def _read_architecture(text: str, _place: Place) -> str:
    if not is_architecture(text):
        raise Unreadable(
            f"{text!r} is no GPU architecture", "as its vendor writes it: 'sm_90', 'gfx942'"
        )
    return text
