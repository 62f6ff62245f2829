"""The GPU code in one file, in one pass from its beginning to its end.

A program or library is searched for the beginnings of containers, whatever section they lie in, and
not by its table of sections. The table stands at the end, so that with it every library in a wheel
or package would have to be unpacked to disk first; code that was embedded as data lies in no
section of its own; and a stripped file may have no table. What begins like a container must be one:
anything else is an error, so that damage is not taken for absence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from ..model.gpu import CodeKind, GpuCode, architecture_order, is_architecture
from . import bundles, code_objects, cuda
from .feed import DamagedCodeError, Feed

__all__ = ["is_worth_reading", "read_code", "told_by_name"]

_ARCHIVE = b"!<arch>\n"
_WORDS = (cuda.MAGIC, bundles.PLAIN, bundles.COMPRESSED, code_objects.EMBEDDED)
_BEGINNINGS = (_ARCHIVE, cuda.MAGIC, bundles.PLAIN, bundles.COMPRESSED)
_MOST = 10_000
_PTX = ".ptx"
_PTX_HEAD = 1 << 16
_PTX_TARGET = re.compile(rb"^\s*\.target\s+sm_([0-9]+[af]?)", re.MULTILINE)
_NAMED = re.compile(r"(?:^|[/_.-])(gfx[0-9a-f]{3,})(?:[^0-9a-z].*)?\.(?P<suffix>aks2|kdb|dat)$")
_PROCESSORS = frozenset(code_objects.PROCESSORS.values())
_KINDS = {"aks2": CodeKind.PACKED, "kdb": CodeKind.PACKED, "dat": CodeKind.INDEX}

Code = tuple[str, CodeKind]


def is_worth_reading(name: str, head: bytes) -> bool:
    """Whether a file of that name and beginning can hold GPU code: programs, libraries, archives
    of objects, and what is nothing but GPU code."""
    return name.endswith(_PTX) or head.startswith(_BEGINNINGS) or code_objects.is_elf(head)


def read_code(feed: Feed, name: str) -> tuple[GpuCode, ...]:
    """The GPU code in a file that is worth reading, sorted by architecture.

    Raises :class:`~.feed.DamagedCodeError` for code that is cut off or contradicts itself.
    """
    if name.endswith(_PTX):
        targets = _PTX_TARGET.findall(feed.peek(_PTX_HEAD))
        return _counted((f"compute_{each.decode()}", CodeKind.PORTABLE) for each in targets)
    whole = code_objects.code_object(feed.peek(code_objects.SIZE))
    return _counted([whole] if whole else _searched(feed))


def told_by_name(path: str) -> tuple[GpuCode, ...]:
    """What the name of a file tells that is not opened: archives of kernels as AOTriton and MIOpen
    have them, and Tensile's tables."""
    found = _NAMED.search(path)
    if found is None:
        return ()
    # MIOpen writes the number of compute units after the processor: gfx90a6e.kdb.
    known = [found[1][:length] for length in (7, 6) if len(found[1]) >= length]
    name = next((each for each in known if each in _PROCESSORS), found[1])
    return (GpuCode(name, _KINDS[found["suffix"]]),) if is_architecture(name) else ()


def _searched(feed: Feed) -> Iterator[Code]:
    while word := feed.seek(_WORDS):
        if word == cuda.MAGIC:
            yield from cuda.read_container(feed)
            continue
        if word == code_objects.EMBEDDED:
            found = code_objects.code_object(feed.peek(code_objects.SIZE))
            if found:
                yield found
            feed.skip(len(word))
            continue
        plain = word == bundles.PLAIN
        code = bundles.read_bundle(feed) if plain else bundles.read_compressed(feed)
        if code is None:
            feed.skip(len(word))
        else:
            yield from code


def _counted(code: Iterable[Code]) -> tuple[GpuCode, ...]:
    counts: Counter[Code] = Counter()
    for each in code:
        counts[each] += 1
        if len(counts) > _MOST:
            raise DamagedCodeError(f"it names more than {_MOST} architectures")
    ordered = sorted(counts, key=lambda one: (architecture_order(one[0]), one[1]))
    return tuple(GpuCode(name, kind, counts[name, kind]) for name, kind in ordered)
