"""Whether a file is the one that was promised: its digest and its size."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import frozen

from ..errors import Code, InputError, Place
from ..model.progress import Progress, no_progress

__all__ = ["Expected", "check_file"]

_BLOCK = 1 << 20


@frozen
class Expected:
    """What a file must be: a hexadecimal digest, and a size in bytes where it is known."""

    algorithm: str
    digest: str
    size: int | None = None

    def checked(self, address: str, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Pass the blocks on, and raise where they turn out not to be the file.

        ``TRUNCATED_FILE`` when it is shorter than its size, else ``WRONG_CHECKSUM``: past its size
        at once, so that an endless answer ends, or after the last block.
        """
        digest = hashlib.new(self.algorithm, usedforsecurity=False)
        place = Place(address)
        done = 0
        for block in blocks:
            digest.update(block)
            done += len(block)
            if self.size is not None and done > self.size:
                text = f"the file is longer than the {self.size} bytes that it should have"
                raise InputError(Code.WRONG_CHECKSUM, text, place=place)
            yield block
        if self.size is not None and done < self.size:
            text = f"the file ends after {done} of {self.size} bytes"
            raise InputError(Code.TRUNCATED_FILE, text, place=place)
        found = digest.hexdigest()
        if found != self.digest:
            text = f"its {self.algorithm} is {found}, and should be {self.digest}"
            raise InputError(Code.WRONG_CHECKSUM, text, place=place)


def check_file(
    path: Path, expected: Expected, *, address: str, progress: Progress = no_progress
) -> None:
    """Read a file on this disk and check it; ``address`` is how the user named it.

    Raises what :meth:`Expected.checked` raises, and ``OSError``.
    """

    def blocks() -> Iterator[bytes]:
        done = 0
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                done += len(block)
                progress(f"check {path.name}", done, expected.size or 0)
                yield block

    for _ in expected.checked(address, blocks()):
        pass
