"""Kernel modules read back: for which kernel they are, what of it they use, and who signed them.

A module is an ELF object. ``.modinfo`` holds ``key=value`` texts; ``vermagic`` begins with the
kernel's release. ``__ksymtab_strings`` has the names that other modules may use. ``__versions``
holds a checksum for each symbol of the kernel that it uses; since 6.13 a kernel may write them as
``__version_ext_crcs`` and ``__version_ext_names`` instead. A signature lies behind the object:
PKCS#7, its lengths, and a text that ends the file.
Source: the kernel's ``include/linux/module_signature.h``, ``kernel/module/`` and ``scripts/mod/``.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator, Mapping

from attrs import frozen

from ..model.kernel import BuiltModule
from ..rpms.decompression import COMPRESSORS, DamagedPayloadError, Inflated
from .containers import printable
from .der import BadDerError, common_name_of_signer
from .feed import DamagedCodeError

__all__ = ["MOST_MODULE", "is_module", "plain_module", "read_module"]

MOST_MODULE = 1 << 30
"""The most bytes that a module may have, unpacked."""

_NAMED = re.compile(r"(?P<path>.*\.ko)(?:\.(?P<suffix>xz|zst|gz))?")
_PACKED = {"xz": "xz", "zst": "zstd", "gz": "gzip"}
_MAGIC = b"\x7fELF"
_ENDING = b"~Module signature appended~\n"
_SIGNATURE = struct.Struct(">BBBBB3xI")
_PKCS7 = 2
_NAME_BYTES = {2: 56, 1: 60}
"""How long a symbol's name is beside its checksum, by the class of the object."""
_INFO, _EXPORTS = ".modinfo", "__ksymtab_strings"
_VERSIONS, _CRCS, _NAMES = "__versions", "__version_ext_crcs", "__version_ext_names"
_WANTED = tuple(f"{name}\0".encode() for name in (_INFO, _EXPORTS, _VERSIONS, _CRCS, _NAMES))
_LARGEST = 1 << 24
"""The most bytes of one of these sections: the symbols of all of a kernel are a tenth of it."""
_LARGEST_SIGNATURE = 1 << 20
_NO_CONTENT = 8


@frozen
class _Form:
    """The structures of an object of one class and order of bytes."""

    header: struct.Struct
    section: struct.Struct
    word: struct.Struct


def is_module(path: str) -> bool:
    """Whether a file is called as a kernel module, packed or not."""
    return _NAMED.fullmatch(path) is not None


def plain_module(path: str, content: bytes) -> bytes:
    """The object in a file; :class:`DamagedCodeError` for one that does not unpack, or is larger
    than :data:`MOST_MODULE`."""
    named = _NAMED.fullmatch(path)
    compressor = _PACKED.get(named["suffix"] or "", "") if named else ""
    if compressor not in COMPRESSORS:
        raise DamagedCodeError(f"it is packed with {compressor}")
    if not compressor:
        return content
    found = bytearray()
    try:
        inflated = Inflated(io.BytesIO(content), compressor)
        while piece := inflated.read():
            found += piece
            if len(found) > MOST_MODULE:
                raise DamagedCodeError(f"unpacked it has more than {MOST_MODULE} bytes")
    except DamagedPayloadError as error:
        raise DamagedCodeError(f"it does not unpack: {error}") from None
    return bytes(found)


def read_module(path: str, content: bytes) -> BuiltModule:
    """What a module says of itself, as texts that can be printed; :class:`DamagedCodeError` for
    what is none, or is cut off."""
    sections = _sections(content)
    if _INFO not in sections:
        raise DamagedCodeError("it has no section .modinfo, so it is no kernel module")
    info: dict[str, str] = {}
    for text in sections[_INFO].split(b"\0"):
        key, _, value = printable(text.decode("utf-8", "replace")).partition("=")
        info.setdefault(key, value)
    signed, signer = _signer(content)
    return BuiltModule(
        path=path,
        release=info.get("vermagic", "").partition(" ")[0],
        version=info.get("version", ""),
        symbols=tuple(sorted(set(_versions(content, sections)))),
        exports=tuple(sorted(_texts(sections.get(_EXPORTS, b"")))),
        signed=signed,
        signer=signer,
    )


def _texts(section: bytes) -> set[str]:
    return {_name(text) for text in section.split(b"\0") if text}


def _name(text: bytes) -> str:
    return printable(text.decode("latin-1"))


def _form(content: bytes) -> _Form:
    if not content.startswith(_MAGIC) or len(content) < 20:
        raise DamagedCodeError("it is no ELF object")
    order = {1: "<", 2: ">"}.get(content[5])
    if order is None or content[4] not in _NAME_BYTES:
        raise DamagedCodeError("it is an ELF object of no known class or order of bytes")
    if content[4] == 2:
        return _Form(
            struct.Struct(f"{order}16sHHIQQQIHHHHHH"),
            struct.Struct(f"{order}IIQQQQIIQQ"),
            struct.Struct(f"{order}Q"),
        )
    return _Form(
        struct.Struct(f"{order}16sHHIIIIIHHHHHH"),
        struct.Struct(f"{order}IIIIIIIIII"),
        struct.Struct(f"{order}I"),
    )


def _sections(content: bytes) -> Mapping[str, bytes]:
    """Those sections that are read, by name; of several of one name the last. Any other is passed
    over: tables may name thousands that all are the whole file."""
    form = _form(content)
    try:
        header = form.header.unpack_from(content)
        start, size, count, names_at = header[6], header[11], header[12], header[13]
        if size != form.section.size or names_at >= count:
            raise DamagedCodeError("its table of sections cannot be read")
        if start + size * count > len(content):
            raise DamagedCodeError("it is cut off")
        table = [form.section.unpack_from(content, start + size * n) for n in range(count)]
    except struct.error:
        raise DamagedCodeError("it is cut off") from None
    first, length = _place(content, table[names_at])
    found: dict[bytes, tuple[int, int]] = {}
    for row in table:
        at = first + row[0]
        if row[0] >= length:
            raise DamagedCodeError("a section has no name")
        for name in _WANTED:
            if content.startswith(name, at, first + length):
                found[name] = (0, 0) if row[1] == _NO_CONTENT else _place(content, row)
    for _, size in found.values():
        if size > _LARGEST:
            raise DamagedCodeError(f"a section has more than {_LARGEST} bytes")
    return {
        name[:-1].decode(): content[start : start + size] for name, (start, size) in found.items()
    }


def _place(content: bytes, row: tuple[int, ...]) -> tuple[int, int]:
    """Where a section lies in the file, and how many bytes it has."""
    start, size = row[4], row[5]
    if start + size > len(content):
        raise DamagedCodeError("it is cut off")
    return start, size


def _versions(content: bytes, sections: Mapping[str, bytes]) -> Iterator[tuple[str, int]]:
    """The symbols that it uses, each with its checksum."""
    form = _form(content)
    name_size = _NAME_BYTES[content[4]]
    table, size = sections.get(_VERSIONS, b""), form.word.size + name_size
    if len(table) % size:
        raise DamagedCodeError("its table of symbols cannot be read")
    for at in range(0, len(table), size):
        (crc,) = form.word.unpack_from(table, at)
        name = table[at + form.word.size : at + size].partition(b"\0")[0]
        yield _name(name), crc & 0xFFFFFFFF
    crcs = sections.get(_CRCS, b"")
    names = sections.get(_NAMES, b"").split(b"\0")
    crc_form = struct.Struct(f"{form.word.format[0]}I")
    if len(crcs) % crc_form.size or len(crcs) // crc_form.size > len(names):
        raise DamagedCodeError("its table of symbols cannot be read")
    for number, (crc,) in enumerate(crc_form.iter_unpack(crcs)):
        yield _name(names[number]), crc


def _signer(content: bytes) -> tuple[bool, str]:
    """Whether it is signed, and the common name of who signed it as far as it is told."""
    if not content.endswith(_ENDING):
        return False, ""
    end = len(content) - len(_ENDING)
    if end < _SIGNATURE.size:
        raise DamagedCodeError("its signature is cut off")
    _, _, kind, _, _, size = _SIGNATURE.unpack_from(content, end - _SIGNATURE.size)
    start = end - _SIGNATURE.size - size
    if kind != _PKCS7 or not 0 < size <= _LARGEST_SIGNATURE or start < 0:
        raise DamagedCodeError("its signature is of no known kind or size, or cut off")
    try:
        return True, printable(common_name_of_signer(content[start : start + size]))
    except BadDerError as error:
        raise DamagedCodeError(f"its signature cannot be read: {error}") from None
