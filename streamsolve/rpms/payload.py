"""RPM files, read as a stream: the header first, then each file with its content, all checked.

This is a reader of our own and not RPM's. Its bindings are no package that can be installed beside
ours, take a header's word for how much there is, check no digest of what they hand out, and read
hostile bytes in C in our process. The format is small and fixed. What is never done here is to
write a file anywhere.

Checked are: the digests of the header and of the payload, the size and the digest of each file,
that every file of the header is in the payload once and nothing else is, and every path (see
:mod:`.files`). The digest of the payload is known at its end only, so what was read counts when
:meth:`PackageFile.entries` has come to its end without an error. How much can come out of a payload
is what the header says, to the byte; memory does not depend on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from attrs import define, field

from ..errors import Code, InputError, Place
from .cpio import Archive, Member
from .decompression import COMPRESSORS, PIECE, DamagedPayloadError, Inflated
from .files import Entry, FileKind, check_layout, read_entries
from .header import Header, read_header
from .header_blob import BadHeaderError, HeaderBlob, parse_blob
from .payload_names import Names, shown
from .tags import SignatureTag, Tag

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["MOST_CONTENT", "PackageFile", "bad_package", "open_package"]

MOST_CONTENT = 64 << 30
"""The most bytes that the files of one package may have together."""

_LEAD = 96
_LEAD_MAGIC = b"\xed\xab\xee\xdb"
_MAGIC = b"\x8e\xad\xe8\x01\0\0\0\0"
_COUNTS = 8
_INDEX = 16
_MOST_SIGNATURE = 8 << 20
_MOST_HEADER = 64 << 20
_NOTHING: Iterator[bytes] = iter(())
_SHA256 = 8
_MD5_SIZE = 16
_DIGESTS = {
    "md5": hashlib.md5,
    "sha1": hashlib.sha1,
    "sha224": hashlib.sha224,
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}


def open_package(path: Path) -> PackageFile:
    """Open an RPM file, check its header, and leave its payload to be read.

    Use it in a ``with`` block. Raises :class:`InputError` (``BAD_PACKAGE_FILE``), which names the
    package or at least the file, for what is no package or is damaged.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise bad_package(path, "", f"it cannot be read: {error.strerror}") from None
    try:
        return _Opening(path, stream).package()
    except BaseException:
        stream.close()
        raise


def bad_package(path: Path, name: str, message: str, hint: str = "") -> InputError:
    """The error for a package; ``name`` is empty where its header cannot be trusted."""
    place = Place(str(path), path=name)
    return InputError(Code.BAD_PACKAGE_FILE, message, place=place, hint=hint)


@define
class _Refusing:
    """Turns what is wrong into the error for a package. A class, since it is used for each file."""

    _path: Path
    _name: str = ""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, BadHeaderError | DamagedPayloadError):
            raise bad_package(self._path, self._name, str(error)) from None
        if isinstance(error, OSError):
            message = f"it cannot be read: {error.strerror}"
            raise bad_package(self._path, self._name, message) from None


@define
class _Digesting:
    """A file that is digested while it is read."""

    _stream: IO[bytes]
    _digest: hashlib._Hash

    def read(self, size: int = PIECE, /) -> bytes:
        found = self._stream.read(size)
        self._digest.update(found)
        return found

    def finish(self) -> str:
        """Read to the end of the file: its digest, hexadecimal."""
        while self.read(PIECE):
            pass
        return self._digest.hexdigest()


@define
class PackageFile:
    """An RPM file that was opened. ``blob`` and ``signature`` are its two headers in their binary
    form.

    A context manager. One pass over :meth:`entries` is all that can be had.
    """

    path: Path
    header: Header
    blob: HeaderBlob
    signature: HeaderBlob
    _stream: IO[bytes]
    _payload: _Digesting
    _digest: str
    _archive: Archive = field(init=False)
    _current: Entry | None = None
    _content: Iterator[bytes] = _NOTHING
    _started: bool = False
    _files: tuple[Entry, ...] | None = None

    def __attrs_post_init__(self) -> None:
        self._archive = Archive(Inflated(self._payload, self.header.payload_compressor))

    def __enter__(self) -> PackageFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stream.close()

    @property
    def files(self) -> tuple[Entry, ...]:
        """All files that the header lists, ghosts too, in its order.

        Raises :class:`InputError` (``BAD_PACKAGE_FILE``) for a list that no honest package has.
        """
        if self._files is None:
            with _Refusing(self.path, self.header.nevra):
                self._files = _checked_files(self.blob, self.header)
        return self._files

    def has_files_in(self, directory: bytes) -> bool:
        """Whether the header lists a file right in a directory: cheaper than to list them all."""
        with _Refusing(self.path, self.header.nevra):
            return directory + b"/" in self.blob.strings(Tag.DIR_NAMES)

    def entries(self, files: tuple[Entry, ...] | None = None) -> Iterator[Entry]:
        """The files in the payload, in its order; :meth:`read` gives the content of the last one.

        ``files`` are those that were found when the same package was opened before, which saves
        making them again; whoever gives them has compared the headers.
        Content that nobody reads is checked all the same. At the end the digest of the payload is.
        Raises :class:`InputError` (``BAD_PACKAGE_FILE``).
        """
        if self._started:
            raise ValueError("the payload of a package is read once")
        self._started = True
        self._files = self._files or files
        missing = {entry.index for entry in self.files if not entry.is_ghost}
        names = Names(self.files, source=self.header.source)
        with _Refusing(self.path, self.header.nevra):
            while (member := self._archive.next()) is not None:
                entry = names.find(member)
                if entry.is_ghost:
                    # RPM before 4.11 sometimes put these in, and reads over them.
                    self._skip(member)
                    continue
                if entry.index not in missing:
                    raise DamagedPayloadError("a file is in its payload twice")
                missing.remove(entry.index)
                self._begin(entry, member)
                yield entry
                for _ in self._content:
                    pass
            self._end(missing)

    def read(self, entry: Entry) -> Iterator[bytes]:
        """The content of the entry that :meth:`entries` gave last, in pieces of at most 256 KiB.

        A directory has none, nor has a hard link whose group has it elsewhere
        (:attr:`Entry.has_content`). Raises :class:`InputError` (``BAD_PACKAGE_FILE``).
        """
        if entry is not self._current:
            raise ValueError("content can be read of the entry that was given last")
        return self._content if entry.size <= PIECE else self._pieces(self._content)

    def _pieces(self, content: Iterator[bytes]) -> Iterator[bytes]:
        with _Refusing(self.path, self.header.nevra):
            # Not `yield from`, with which whoever stops early would end `content` too.
            for piece in content:  # noqa: UP028
                yield piece

    def _begin(self, entry: Entry, member: Member) -> None:
        """Compare what the archive says of a file with what the header says, and have its content
        ready."""
        size = _expected(entry)
        if member.size not in (size, -1):
            raise DamagedPayloadError(
                f"a file of {size} bytes has {member.size} in its payload: {shown(entry.path)}"
            )
        self._current = entry
        self._content = _NOTHING
        if entry.kind is FileKind.SYMLINK:
            if self._archive.take(size) != entry.target:
                raise DamagedPayloadError(f"a link leads elsewhere: {shown(entry.path)}")
        elif size > PIECE:
            self._content = self._checked(entry, size)
        elif size:
            # Most files are small: the fewer steps for each, the better.
            content = self._archive.take(size)
            algorithm, _, expected = entry.digest.partition(":")
            if algorithm:
                digest = _DIGESTS[algorithm](content, usedforsecurity=False)
                _compare(entry, digest.hexdigest(), expected)
            self._content = iter((content,))

    def _checked(self, entry: Entry, size: int) -> Iterator[bytes]:
        algorithm, _, expected = entry.digest.partition(":")
        digest = _DIGESTS[algorithm or "sha256"](usedforsecurity=False)
        for piece in self._archive.content(size):
            digest.update(piece)
            yield piece
        if algorithm:
            _compare(entry, digest.hexdigest(), expected)

    def _skip(self, member: Member) -> None:
        if member.size > 0:
            raise DamagedPayloadError("a file that is only claimed has content")

    def _end(self, missing: set[int]) -> None:
        self._current, self._content = None, _NOTHING
        if missing:
            path = self.files[min(missing)].path
            raise DamagedPayloadError(f"a file is not in its payload: {shown(path)}")
        if self._payload.finish() != self._digest:
            raise DamagedPayloadError("the digest of its payload is wrong")


def _expected(entry: Entry) -> int:
    """How many bytes the payload must have for a file."""
    if entry.kind is FileKind.SYMLINK:
        return len(entry.target)
    return entry.size if entry.kind is FileKind.FILE and entry.has_content else 0


def _compare(entry: Entry, digest: str, expected: str) -> None:
    if digest != expected:
        raise DamagedPayloadError(f"the digest of a file is wrong: {shown(entry.path)}")


@define
class _Opening:
    """The steps by which a package is opened."""

    path: Path
    _stream: IO[bytes]

    def package(self) -> PackageFile:
        """Check what stands before the payload."""
        with _Refusing(self.path):
            lead = self._stream.read(_LEAD)
            if not lead.startswith(_LEAD_MAGIC):
                raise BadHeaderError("it is no RPM file")
            signature = self._blob(SignatureTag.REGION, _MOST_SIGNATURE, padded=True, whole=False)
            blob = self._blob(Tag.REGION, _MOST_HEADER)
            headers = _MAGIC + blob.content
            digest = _header_digest(signature, headers)
            self._check_size(signature, len(headers))
            algorithm, expected, start = _payload_digest(blob, signature, headers)
            md5 = signature.binary(SignatureTag.MD5)
            header = read_header(
                blob,
                payload_digest=f"{algorithm}:{expected}" if algorithm != "md5" else "",
                header_digest=digest,
                sigmd5=md5.hex(),
            )
        with _Refusing(self.path, header.nevra):
            _check_form(header)
        payload = _Digesting(self._stream, hashlib.new(algorithm, start, usedforsecurity=False))
        return PackageFile(self.path, header, blob, signature, self._stream, payload, expected)

    def _blob(
        self, region: int, most: int, *, padded: bool = False, whole: bool = True
    ) -> HeaderBlob:
        """Read one header; that of the signatures is padded to eight bytes."""
        start = self._exactly(len(_MAGIC) + _COUNTS)
        if not start.startswith(_MAGIC):
            raise BadHeaderError("it has no header where one should be")
        counts = start[len(_MAGIC) :]
        entries, data = int.from_bytes(counts[:4], "big"), int.from_bytes(counts[4:], "big")
        size = entries * _INDEX + data
        if size > most:
            raise BadHeaderError(f"its header has {size} bytes, and {most} are the most")
        blob = parse_blob(counts + self._exactly(size), region, whole=whole)
        if padded:
            self._exactly(-size % 8)
        return blob

    def _exactly(self, size: int) -> bytes:
        found = self._stream.read(size)
        if len(found) != size:
            raise BadHeaderError("it ends early")
        return found

    def _check_size(self, signature: HeaderBlob, header: int) -> None:
        """Tell a file that was cut off before anything is made of its first part."""
        stated = signature.number(SignatureTag.LONG_SIZE) or signature.number(SignatureTag.SIZE)
        if stated is None:
            return
        size = self.path.stat().st_size - (self._stream.tell() - header)
        if size != stated:
            what = "it ends early" if size < stated else "something comes after its end"
            raise BadHeaderError(f"{what}: {size} bytes where it says {stated}")


def _header_digest(signature: HeaderBlob, header: bytes) -> str:
    """The digest of the header, ``algorithm:hexadecimal``, after it was checked."""
    found = ""
    for tag, algorithm in ((SignatureTag.SHA1, "sha1"), (SignatureTag.SHA256, "sha256")):
        if stated := signature.string(tag).decode("ascii", "replace"):
            if hashlib.new(algorithm, header, usedforsecurity=False).hexdigest() != stated.lower():
                raise BadHeaderError("the digest of its header is wrong")
            found = f"{algorithm}:{stated.lower()}"
    if not found:
        raise BadHeaderError("it has no digest of its header")
    return found


def _payload_digest(
    blob: HeaderBlob, signature: HeaderBlob, header: bytes
) -> tuple[str, str, bytes]:
    """The algorithm and the digest of the payload, and what is digested before it.

    A package from before 2017 has an MD5 sum only, of the header and the payload.
    """
    if stated := blob.string(Tag.PAYLOAD_SHA256):
        if (blob.number(Tag.PAYLOAD_ALGORITHM) or _SHA256) != _SHA256:
            raise BadHeaderError("the digest of its payload is of an unknown algorithm")
        return "sha256", stated.decode("ascii", "replace").lower(), b""
    md5 = signature.binary(SignatureTag.MD5)
    if len(md5) != _MD5_SIZE:
        raise BadHeaderError("it has no digest of its payload")
    return "md5", md5.hex(), header


def _check_form(header: Header) -> None:
    if header.payload_format != "cpio" or header.payload_compressor not in COMPRESSORS:
        form = f"{header.payload_format}.{header.payload_compressor}"
        raise BadHeaderError(f"its payload has a form that is not read here ({form[:40]!r})")


def _checked_files(blob: HeaderBlob, header: Header) -> tuple[Entry, ...]:
    files = tuple(read_entries(blob, source=header.source))
    check_layout(files)
    if sum(map(_expected, files)) > MOST_CONTENT:
        raise BadHeaderError(f"its files have more than {MOST_CONTENT} bytes")
    return files
