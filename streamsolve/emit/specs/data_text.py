"""Data of strangers in a spec: texts that RPM reads as nothing but themselves.

In a spec a percent sign starts a macro and a line's beginning decides what the line is. So percent
signs are doubled, a text is one line, and it never stands at a line's beginning. A text that is
written in this way must be written at each place: RPM keeps ``%{summary}`` without the doubling,
and would run what is in it.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["commented", "data", "plain"]

_LONGEST = 300
_BEFORE_PERCENT = re.compile(r"\\+(?=%)")


def plain(text: str, *, longest: int = _LONGEST) -> str:
    """A text on one line: white space is one space, nothing invisible, cut where it is too long.
    Backslashes before a percent sign go: RPM would not see that it is doubled."""
    words = "".join(
        " " if letter.isspace() or unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter
        for letter in text
        if unicodedata.category(letter) not in ("Cf", "Cs", "Co", "Cn")
    ).split()
    line = _BEFORE_PERCENT.sub("", " ".join(words))
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def data(text: str, *, longest: int = _LONGEST) -> str:
    """A text as a spec writes it. A backslash at its end would join the next line to it."""
    return plain(text, longest=longest).rstrip("\\ ").replace("%", "%%")


def commented(text: str) -> str:
    """A line as a comment. RPM reads macros in comments too, and some span lines."""
    return f"# {data(text, longest=2000)}"
