"""As much of DER as it takes to say who signed: the issuer's common name in a PKCS#7 signature.

Nothing is verified: whether a kernel trusts a key is for the kernel to say.
Source: X.690 and RFC 5652.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["BadDerError", "common_name_of_signer"]

_SEQUENCE, _SET, _OID, _FIRST = 0x30, 0x31, 0x06, 0xA0
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_COMMON_NAME = bytes.fromhex("550403")
_UTF16 = 0x1E
_LONGEST_LENGTH = 4


class BadDerError(ValueError):
    """What is no DER, or not the structure that is looked for."""


def common_name_of_signer(signature: bytes) -> str:
    """The common name of the issuer of the first signer's certificate; empty where the signer is
    told by the key alone."""
    content = _inside(_one(signature, _SEQUENCE))
    kind, data = _two(content)
    if kind != (_OID, _SIGNED_DATA) or data[0] != _FIRST:
        raise BadDerError("it is no signed data")
    parts = list(_items(_one(data[1], _SEQUENCE)[1]))
    if not parts or parts[-1][0] != _SET:
        raise BadDerError("it has no signers")
    signers = list(_items(parts[-1][1]))
    if not signers:
        raise BadDerError("it has no signers")
    fields = list(_items(signers[0][1]))
    if len(fields) < 2:
        raise BadDerError("its signer is cut off")
    tag, value = fields[1]
    if tag != _SEQUENCE:
        return ""
    issuer = next(_items(value), None)
    return _common_name(issuer[1]) if issuer is not None else ""


def _common_name(name: bytes) -> str:
    for _, relative in _items(name):
        for _, pair in _items(relative):
            found = list(_items(pair))
            if len(found) == 2 and found[0] == (_OID, _COMMON_NAME):
                tag, text = found[1]
                return text.decode("utf-16-be" if tag == _UTF16 else "utf-8", "replace")
    return ""


_Item = tuple[int, bytes]


def _items(data: bytes) -> Iterator[_Item]:
    """The elements one after another: tag and content."""
    at = 0
    while at < len(data):
        if len(data) - at < 2:
            raise BadDerError("it is cut off")
        tag, size = data[at], data[at + 1]
        at += 2
        if size >= 0x80:
            count = size & 0x7F
            if not 0 < count <= _LONGEST_LENGTH or at + count > len(data):
                raise BadDerError("a length cannot be read")
            size = int.from_bytes(data[at : at + count], "big")
            at += count
        if at + size > len(data):
            raise BadDerError("it is cut off")
        yield tag, data[at : at + size]
        at += size


def _one(data: bytes, tag: int) -> _Item:
    found = next(_items(data), None)
    if found is None or found[0] != tag:
        raise BadDerError("another element was expected")
    return found


def _inside(item: _Item) -> list[_Item]:
    return list(_items(item[1]))


def _two(items: list[_Item]) -> tuple[_Item, _Item]:
    if len(items) != 2:
        raise BadDerError("another element was expected")
    return items[0], items[1]
