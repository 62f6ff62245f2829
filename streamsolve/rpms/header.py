"""What the header of a package says, as a value."""

from __future__ import annotations

import re

from attrs import frozen

from .header_blob import BadHeaderError, HeaderBlob
from .tags import SenseFlag, Tag

__all__ = ["Header", "Scriptlet", "read_header"]

_NAME = re.compile(r"[A-Za-z0-9._+~^%{}-]{1,512}", re.ASCII)
_NUMBERS = re.compile(r"[A-Za-z0-9._+~^%{}]{1,512}", re.ASCII)
# Where the text of a scriptlet is, its interpreter, and what RPM calls it.
_SCRIPTLETS = (
    (1023, 1085, "pre"),
    (1024, 1086, "post"),
    (1025, 1087, "preun"),
    (1026, 1088, "postun"),
    (1151, 1153, "pretrans"),
    (1152, 1154, "posttrans"),
    (5103, 5105, "preuntrans"),
    (5104, 5106, "postuntrans"),
    (1079, 1091, "verify"),
)
_TRIGGERS = (
    (1065, 1092, "trigger"),
    (5066, 5067, "filetrigger"),
    (5076, 5077, "transfiletrigger"),
)


@frozen(order=True)
class Scriptlet:
    """A program that RPM would run. ``kind`` is its name in a spec, without the percent sign;
    ``interpreter`` is a path, ``<lua>`` for RPM's own, or has arguments after it. ``text`` is empty
    where the interpreter alone is run."""

    kind: str
    interpreter: str
    text: str = ""


@frozen(kw_only=True)
class Header:
    """What a package says of itself. Texts that are no UTF-8 have U+FFFD where they are not.

    ``epoch`` is None where it has none. Dependencies are texts in RPM's language, in the order of
    the header. ``scriptlets`` are sorted by the order in which RPM runs them, triggers last.
    ``payload_compressor`` is empty where the header has none. ``payload_digest`` is
    ``algorithm:hexadecimal`` of the compressed payload, empty in a package that has an MD5 sum of
    header and payload only. ``header_digest`` is the same of the header. ``sigmd5`` is hexadecimal.
    ``payload_size`` is the sum of the sizes of the files that it holds, each hard link once.
    """

    name: str
    version: str
    release: str
    arch: str
    epoch: int | None = None
    source: bool = False
    sourcerpm: str = ""
    license: str = ""
    summary: str = ""
    url: str = ""
    vendor: str = ""
    modularity_label: str = ""
    build_time: int = 0
    size: int = 0
    provides: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    obsoletes: tuple[str, ...] = ()
    recommends: tuple[str, ...] = ()
    suggests: tuple[str, ...] = ()
    scriptlets: tuple[Scriptlet, ...] = ()
    payload_format: str = "cpio"
    payload_compressor: str = ""
    payload_digest: str = ""
    header_digest: str = ""
    sigmd5: str = ""

    @property
    def evr(self) -> str:
        """``[epoch:]version-release``, without an epoch of 0, as a lock writes it."""
        epoch = f"{self.epoch}:" if self.epoch else ""
        return f"{epoch}{self.version}-{self.release}"

    @property
    def nevra(self) -> str:
        """``name-[epoch:]version-release.architecture``; ``src`` for a source package."""
        return f"{self.name}-{self.evr}.{'src' if self.source else self.arch}"


def read_header(
    blob: HeaderBlob, *, payload_digest: str = "", header_digest: str = "", sigmd5: str = ""
) -> Header:
    """The value of a header. Raises :class:`BadHeaderError` for one without a usable name."""
    return Header(
        name=_identity(blob, Tag.NAME, _NAME),
        version=_identity(blob, Tag.VERSION, _NUMBERS),
        release=_identity(blob, Tag.RELEASE, _NUMBERS),
        arch=_identity(blob, Tag.ARCH, _NUMBERS),
        epoch=blob.number(Tag.EPOCH),
        source=Tag.SOURCE_PACKAGE in blob or Tag.SOURCE_RPM not in blob,
        sourcerpm=_text(blob, Tag.SOURCE_RPM),
        license=_text(blob, Tag.LICENSE),
        summary=_text(blob, Tag.SUMMARY),
        url=_text(blob, Tag.URL),
        vendor=_text(blob, Tag.VENDOR),
        modularity_label=_text(blob, Tag.MODULARITY_LABEL),
        build_time=blob.number(Tag.BUILD_TIME) or 0,
        size=blob.number(5009) or blob.number(Tag.SIZE) or 0,
        provides=_relations(blob, Tag.PROVIDE_NAME, Tag.PROVIDE_FLAGS, Tag.PROVIDE_VERSION),
        requires=_relations(blob, Tag.REQUIRE_NAME, Tag.REQUIRE_FLAGS, Tag.REQUIRE_VERSION),
        conflicts=_relations(blob, Tag.CONFLICT_NAME, Tag.CONFLICT_FLAGS, Tag.CONFLICT_VERSION),
        obsoletes=_relations(blob, Tag.OBSOLETE_NAME, Tag.OBSOLETE_FLAGS, Tag.OBSOLETE_VERSION),
        recommends=_relations(blob, Tag.RECOMMEND_NAME, Tag.RECOMMEND_FLAGS, Tag.RECOMMEND_VERSION),
        suggests=_relations(blob, Tag.SUGGEST_NAME, Tag.SUGGEST_FLAGS, Tag.SUGGEST_VERSION),
        scriptlets=(*_scriptlets(blob), *_triggers(blob)),
        payload_format=_text(blob, Tag.PAYLOAD_FORMAT) or "cpio",
        payload_compressor=_text(blob, Tag.PAYLOAD_COMPRESSOR),
        payload_digest=payload_digest,
        header_digest=header_digest,
        sigmd5=sigmd5,
    )


def _decoded(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _text(blob: HeaderBlob, tag: int) -> str:
    return _decoded(blob.string(tag))


def _identity(blob: HeaderBlob, tag: int, grammar: re.Pattern[str]) -> str:
    """A part of the name, which ends up in paths and in messages."""
    text = _text(blob, tag)
    if not grammar.fullmatch(text):
        raise BadHeaderError(f"{text[:80]!r} can be no part of a package's name")
    return text


def _relations(blob: HeaderBlob, names: int, flags: int, versions: int) -> tuple[str, ...]:
    """Dependencies as texts; without flags and versions they are names alone."""
    found = blob.strings(names)
    senses = blob.numbers(flags) or (0,) * len(found)
    bounds = blob.strings(versions) or (b"",) * len(found)
    if not len(found) == len(senses) == len(bounds):
        raise BadHeaderError(f"the dependencies of tag {names} do not fit together")
    return tuple(map(_relation, found, senses, bounds))


def _relation(name: bytes, sense: int, version: bytes) -> str:
    less = "<" if sense & SenseFlag.LESS else ""
    greater = ">" if sense & SenseFlag.GREATER else ""
    operator = less + greater + ("=" if sense & SenseFlag.EQUAL else "")
    return _decoded(b"%b %b %b" % (name, operator.encode(), version) if operator else name)


def _scriptlets(blob: HeaderBlob) -> list[Scriptlet]:
    """A scriptlet may have a text, an interpreter (``%post -p /sbin/ldconfig``), or both."""
    found = []
    for text, program, kind in _SCRIPTLETS:
        if text in blob or program in blob:
            interpreter = " ".join(map(_decoded, blob.strings(program))) or "/bin/sh"
            found.append(Scriptlet(kind, interpreter, _text(blob, text)))
    return found


def _triggers(blob: HeaderBlob) -> list[Scriptlet]:
    found = []
    for texts, programs, kind in _TRIGGERS:
        interpreters = blob.strings(programs)
        for number, text in enumerate(blob.strings(texts)):
            interpreter = interpreters[number] if number < len(interpreters) else b"/bin/sh"
            found.append(Scriptlet(kind, _decoded(interpreter), _decoded(text)))
    return found
