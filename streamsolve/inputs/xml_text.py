"""XML from elsewhere, read without its dangerous parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import Code, InputError, Place

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["parse_xml"]


def parse_xml(content: bytes, *, file: str, root: str) -> Element:
    """The root element, which must have the local name ``root``.

    Only UTF-8 without a document type is read: entities can grow without bound or name files, and
    in another encoding they would not be seen. :class:`InputError` is ``BROKEN_REPOSITORY``.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _broken("is not UTF-8 text", Place(file)) from None
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise _broken("has a document type or entities, which are not read", Place(file))
    from xml.etree import ElementTree

    try:
        element = ElementTree.fromstring(text)  # noqa: S314
    except ElementTree.ParseError as error:
        line = error.position[0]
        raise _broken("is not well-formed XML", Place(file, line)) from None
    if element.tag.rpartition("}")[2] != root:
        found = element.tag.rpartition("}")[2]
        raise _broken(f"should be a <{root}> document, and is <{found}>", Place(file))
    return element


def _broken(message: str, place: Place) -> InputError:
    return InputError(Code.BROKEN_REPOSITORY, message, place=place)
