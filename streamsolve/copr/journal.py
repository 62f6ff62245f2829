"""What was submitted, noted beside the lock before and after each submission.

A run may end anywhere, and COPR may take a build whose answer never arrives. The note before says
what was about to be submitted and which builds there were; the note after which build it became.
So the next run knows what it may have submitted, and asks COPR only about builds that are newer.

The file is written whole or not at all, and one run at a time may have it. It holds no address but
the server's, and nothing secret.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, evolve, field, frozen

from ..errors import Code, InputError, Place
from ..lock import split_fragment
from ..storage import write_atomically

__all__ = ["SCHEMA", "Entry", "Journal", "journal_path", "open_journal", "read_journal"]

SCHEMA = "streamsolve.copr-journal/1"


@frozen
class Entry:
    """One submission. ``build`` is the plan's id, ``number`` COPR's, 0 while it is not known.
    ``batch`` counts batches in the order in which they wait for each other. ``before`` is the
    highest number of a build that was there when it was about to be submitted."""

    build: str
    digest: str
    project: str
    batch: int
    before: int
    number: int = 0


@define
class Journal:
    """The submissions to one project of one server, in order. ``seen`` is the highest number of a
    build about which COPR needs not be asked: ours up to there are all noted."""

    path: Path | None
    server: str
    project: str
    entries: list[Entry] = field(factory=list)
    seen: dict[str, int] = field(factory=dict)

    def begin(self, entry: Entry) -> None:
        """Note what is about to be submitted. An earlier note of it that led to nothing goes."""
        self.entries = [e for e in self.entries if e.number or e.build != entry.build]
        self.entries.append(entry)
        self.write()

    def settle(self, build: str, digest: str, number: int) -> None:
        """Let the submission of it that is under way have become this build, if there is one."""
        for position, entry in enumerate(self.entries):
            if (entry.number, entry.build, entry.digest) == (0, build, digest):
                self.entries[position] = evolve(entry, number=number)
                return

    def give_up(self) -> None:
        """Forget what led to no build."""
        self.entries = [entry for entry in self.entries if entry.number]

    def adopt(self, entry: Entry) -> None:
        """Note a build that was found."""
        if all(known.number != entry.number for known in self.entries):
            self.entries.append(entry)

    def forget(self, number: int) -> None:
        """Forget a build that is no more."""
        self.entries = [entry for entry in self.entries if entry.number != number]

    def of(self, number: int) -> Entry | None:
        """The entry of one of COPR's builds."""
        return next((entry for entry in self.entries if entry.number == number), None)

    def write(self) -> None:
        """Write it down."""
        if self.path is None:
            return
        document = {
            "schema": SCHEMA,
            "server": self.server,
            "project": self.project,
            "seen": self.seen,
            "submissions": [
                {
                    "build": entry.build,
                    "digest": entry.digest,
                    "project": entry.project,
                    "batch": entry.batch,
                    "before": entry.before,
                    "number": entry.number,
                }
                for entry in self.entries
            ],
        }
        text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=True) + "\n"
        write_atomically(self.path, text.encode("ascii"))


def journal_path(lock: Path, owner: str, project: str) -> Path:
    """Where the journal of a lock and a project lies: beside the lock."""
    return lock.with_name(f"{lock.name}.copr.{owner.replace('@', 'group_')}.{project}.json")


@contextmanager
def open_journal(lock: Path, server: str, owner: str, project: str) -> Iterator[Journal]:
    """Read the journal of a lock, or begin one; meanwhile nobody else may push a lock of its file.

    Raises :class:`InputError` (``BROKEN_JOURNAL``) where it is damaged, about another project or
    server, or in use.
    """
    path = journal_path(lock, owner, project)
    file = lock if lock.exists() else Path(split_fragment(str(lock))[0])
    with file.open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise _fault(lock, "another push of this lock is under way", "wait for it") from None
        yield read_journal(path, server, f"{owner}/{project}")


def read_journal(path: Path, server: str, project: str) -> Journal:
    """The journal of that file, or an empty one where there is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Journal(path, server, project)
    except (OSError, UnicodeDecodeError):
        raise _fault(path, "it cannot be read") from None
    try:
        found = _parse(json.loads(text), path)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise _fault(path, "it is damaged") from None
    if (found.server, found.project) != (server, project):
        raise _fault(path, f"it is about {found.project} at {found.server}")
    return found


def _parse(document: Any, path: Path) -> Journal:  # noqa: ANN401  JSON
    if document["schema"] != SCHEMA:
        raise ValueError
    entries = []
    for row in document["submissions"]:
        entry = Entry(
            row["build"],
            row["digest"],
            row["project"],
            row["batch"],
            row["before"],
            row["number"],
        )
        texts = (entry.build, entry.digest, entry.project)
        numbers = (entry.batch, entry.before, entry.number)
        if not all(type(text) is str for text in texts):
            raise TypeError
        if not all(type(number) is int for number in numbers):
            raise TypeError
        entries.append(entry)
    seen = {str(name): int(number) for name, number in document["seen"].items()}
    return Journal(path, document["server"], document["project"], entries, seen)


def _fault(path: Path, what: str, hint: str = "") -> InputError:
    return InputError(
        Code.BROKEN_JOURNAL,
        what,
        place=Place(str(path)),
        hint=hint or "move it away; what was submitted is then found by asking COPR",
    )
