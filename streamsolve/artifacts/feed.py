"""Bytes that come one block after another: looked at in front, skipped, and searched.

Nothing is read twice and little is kept, so that a file of any size, in an archive or not, takes
the same memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from attrs import define, field

__all__ = ["BLOCK", "MOST_AHEAD", "DamagedCodeError", "Feed"]

BLOCK = 1 << 20
"""How much is asked for at a time."""

MOST_AHEAD = 1 << 20
"""How far can be looked ahead."""


class DamagedCodeError(ValueError):
    """Bytes that begin as GPU code and are none. The message says what is wrong, without a
    place."""


@define
class Feed:
    """A file from its beginning to its end. ``at`` is where in it the next byte is.

    ``blocks`` are its bytes, in pieces of any size, and ``size`` is how many those are. ``jump``
    moves the source of the blocks forward by so many bytes, where that is cheaper than reading.
    """

    blocks: Iterator[bytes]
    size: int
    jump: Callable[[int], object] | None = None
    at: int = 0
    _buffer: bytes = b""
    _start: int = 0
    _next: dict[bytes, int] = field(factory=dict)

    @property
    def left(self) -> int:
        """How many bytes are still to come."""
        return self.size - self.at

    def peek(self, count: int) -> bytes:
        """The next bytes, without taking them: fewer at the end."""
        self._fill(min(count, MOST_AHEAD))
        return self._buffer[self._start : self._start + count]

    def exactly(self, count: int) -> bytes:
        """The next bytes, without taking them; :class:`DamagedCodeError` if there are fewer."""
        found = self.peek(count)
        if len(found) < count:
            raise DamagedCodeError("it ends early")
        return found

    def skip(self, count: int) -> None:
        """Take bytes away; :class:`DamagedCodeError` if there are not so many."""
        if count > self.left:
            raise DamagedCodeError("it ends early")
        self._fill(1)
        self.at += count
        kept = len(self._buffer) - self._start
        if count <= kept:
            self._start += count
            return
        self._buffer, self._start = b"", 0
        self._next.clear()
        count -= kept
        if self.jump is not None:
            self.jump(count)
            return
        while count > 0:
            block = self._block()
            if len(block) > count:
                self._buffer, self._start = block, count
            count -= len(block)

    def seek(self, words: Sequence[bytes]) -> bytes:
        """Go to the next of some words and say which: nothing at the end, where all is taken.

        None of them may begin another.
        """
        longest = max(map(len, words))
        while True:
            hits = [(where, word) for word in words if (where := self._find(word)) >= 0]
            if hits:
                where, word = min(hits)
                self.at += where - self._start
                self._start = where
                return word
            keep = max(len(self._buffer) - longest + 1, self._start)
            self.at += keep - self._start
            self._start = keep
            before = len(self._buffer) - self._start
            self._fill(before + 1)
            if len(self._buffer) - self._start == before:
                self.at += before
                self._start = len(self._buffer)
                return b""

    def _find(self, word: bytes) -> int:
        """Where a word is next in what is at hand, or -1; what was found before is remembered."""
        known = self._next.get(word)
        if known is None or -1 < known < self._start:
            known = self._next[word] = self._buffer.find(word, self._start)
        return known

    def _fill(self, count: int) -> None:
        """Have so many bytes at hand, or all that there are."""
        kept = len(self._buffer) - self._start
        if kept >= count:
            return
        pieces = [self._buffer[self._start :]]
        while kept < count and (block := next(self.blocks, b"")):
            pieces.append(block)
            kept += len(block)
        self._buffer, self._start = b"".join(pieces), 0
        self._next.clear()

    def _block(self) -> bytes:
        block = next(self.blocks, b"")
        if not block:
            raise DamagedCodeError("it ends early")
        return block
