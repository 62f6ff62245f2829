"""Source packages from specs: ``srpm.sh``, which makes one, and ``srpms.mk``, a rule for each.

A source package is a spec, what lies beside it, and the files of upstream that its list names, each
checked against that list. The same files give the same bytes, on whichever machine: what of that
machine would be in the package is said here instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from attrs import frozen

from ..errors import Code, InputError, Place
from . import grammar
from .grammar import Refusals, shown

__all__ = [
    "RPMBUILD_OPTIONS",
    "SCRIPT",
    "SOURCES",
    "TO_SUPPLY",
    "UNKNOWN_DIGEST",
    "ListedSource",
    "read_source_list",
    "source_rules",
]

SOURCES = "sources"
"""The file of a spec's directory that lists upstream's files."""

SCRIPT = "srpm.sh"
"""Makes a source package."""

TO_SUPPLY = "# to be supplied"
"""Begins a line of the list that says what a packager has to put there."""

UNKNOWN_DIGEST = "-"
"""Stands in the list for a digest that nobody knows."""

EPOCH = 315532800
"""What a source package says when it was made, if the environment does not: the beginning of 1980,
before which some archives cannot count."""

# rpm's own files of macros, without those of this machine's administrator and user.
_MACRO_FILES = ":".join(
    (
        "/usr/lib/rpm/macros",
        "/usr/lib/rpm/macros.d/macros.*",
        "/usr/lib/rpm/platform/%{_target}/macros",
        "/usr/lib/rpm/fileattrs/*.attr",
        "/usr/lib/rpm/redhat/macros",
    )
)
_MACROS = (
    ("_buildhost", "reproducible"),
    ("_source_filedigest_algorithm", "8"),
    ("_source_payload", "w9.gzdio"),
    ("_srcdefattr", "(-,root,root)"),
    ("autochangelog", "%{nil}"),
    ("autorelease", "1"),
    ("clamp_mtime_to_source_date_epoch", "1"),
    ("dist", "%{nil}"),
    ("source_date_epoch_from_changelog", "0"),
    ("use_source_date_epoch_as_buildtime", "1"),
)
RPMBUILD_OPTIONS = (
    "-bs",
    "--quiet",
    "--nodeps",
    f"--macros={_MACRO_FILES}",
    *(word for name, value in _MACROS for word in ("--define", f"{name} {value}")),
)
"""What rpmbuild is told for every source package; its directories and architecture come on top."""

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+^=@,-]*", re.ASCII)
_SPEC_PATH = re.compile(r"specs/([A-Za-z0-9][A-Za-z0-9._-]*)/([^/]+)", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}")

_TEXT = """\
#!/bin/sh
# Made by streamsolve from a lock; make it again rather than change it.
#
#   ./srpm.sh specs/NAME-VERSION sources srpms/NAME-VERSION.src.rpm
#
# Makes a source package from a spec, what lies beside it and the files that its list names.
# RPMBUILD and SOURCE_DATE_EPOCH may be set.
set -eu
umask 022

specs=$1
sources=$2
output=$3
epoch=${SOURCE_DATE_EPOCH:-@EPOCH@}

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -- "$work/in" "$work/home" "$work/out"

for file in "$specs"/*; do
    [ "${file##*/}" = sources ] || cp -- "$file" "$work/in/"
done
missing=0
[ ! -f "$specs/sources" ] || while read -r digest name _; do
    case $digest in '' | '#'*) continue ;; esac
    if [ ! -f "$sources/$name" ]; then
        echo "$sources/$name is not there: streamsolve sources LOCK -o $sources brings it" >&2
        missing=1
    elif [ "$digest" != - ] && [ "$(sha256sum <"$sources/$name")" != "$digest  -" ]; then
        echo "$sources/$name is not the file that is listed: its sha256 is another" >&2
        missing=1
    else
        cp -- "$sources/$name" "$work/in/"
    fi
done <"$specs/sources"
[ "$missing" = 0 ]
chmod 644 "$work"/in/*
touch -d "@$epoch" -- "$work"/in/*

env -i PATH="$PATH" HOME="$work/home" LC_ALL=C.UTF-8 TZ=UTC SOURCE_DATE_EPOCH="$epoch" \\
    "${RPMBUILD:-rpmbuild}" @OPTIONS@ \\
    --target @ARCH@ \\
    --define "_topdir $work/home" \\
    --define "_sourcedir $work/in" \\
    --define "_srcrpmdir $work/out" \\
    "$work"/in/*.spec >/dev/null || {
    grep '^# to be supplied' -- "$specs/sources" >&2 || :
    exit 1
}
mkdir -p -- "$(dirname -- "$output")"
cp -- "$work"/out/*.rpm "$output.new"
mv -f -- "$output.new" "$output"
"""
_RULES = """\
# Made by streamsolve from a lock; make it again rather than change it.
#
# Source packages from specs/ and sources/; `make srpms` makes all of them.

.PHONY: srpms
srpms:@ALL@

sources/%:
\t@echo "$@ is not there: streamsolve sources LOCK -o sources brings it" >&2; exit 1
"""


@frozen
class ListedSource:
    """A line of the list: a file of upstream's. ``sha256`` is empty where nobody knows it."""

    filename: str
    sha256: str
    purl: str = ""


def read_source_list(text: str, *, file: str = "") -> tuple[ListedSource, ...]:
    """Read a list: lines of sha256, file name and purl, with spaces between.

    Raises :class:`InputError` (``NO_SOURCE_PACKAGE``) for a line that is none.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        digest, name, purl = (*words, "", "")[:3]
        usable = digest == UNKNOWN_DIGEST or _DIGEST.fullmatch(digest)
        # A second spec would be built as well.
        is_name = name not in ("", ".", "..") and "/" not in name and not name.endswith(".spec")
        if not usable or not is_name:
            raise InputError(
                Code.NO_SOURCE_PACKAGE,
                f"{shown(line)} is no line of a list of sources",
                place=Place(file, number),
                hint="write the sha256 (or -) and the name of the file",
            )
        found.append(ListedSource(name, "" if digest == UNKNOWN_DIGEST else digest, purl))
    return tuple(found)


def source_rules(arch: str, specs: Mapping[str, bytes]) -> dict[str, bytes]:
    """The script and the rules for what lies under ``specs/``, by path; ``arch`` is the plan's.

    Raises :class:`InputErrors` (``NOT_EMITTED``) for a list that cannot be read and a name that no
    file here can have.
    """
    refusals = Refusals("")
    refusals.check(arch, grammar.ARCHITECTURE, "arch")
    by_stream: dict[str, list[str]] = {}
    for path in sorted(specs):
        match = _SPEC_PATH.fullmatch(path)
        if match is not None:
            by_stream.setdefault(match[1], []).append(match[2])
    rules = []
    for stream, names in by_stream.items():
        listed: Sequence[ListedSource] = ()
        if SOURCES in names:
            path = f"specs/{stream}/{SOURCES}"
            with refusals.faults.collect():
                listed = read_source_list(specs[path].decode("utf-8", "replace"), file=path)
        rules.append(_rule(stream, names, listed))
    refusals.raise_if_any()
    all_of_them = "".join(f" \\\n\tsrpms/{stream}.src.rpm" for stream in by_stream)
    rule_text = "\n".join([_RULES.replace("@ALL@", all_of_them), *rules])
    return {SCRIPT: _script(arch), "srpms.mk": rule_text.encode("ascii")}


def _script(arch: str) -> bytes:
    words = [
        f"'{word}'" if re.search(r"[^A-Za-z0-9=_-]", word) else word for word in RPMBUILD_OPTIONS
    ]
    text = _TEXT.replace("@EPOCH@", str(EPOCH)).replace("@ARCH@", arch)
    return text.replace("@OPTIONS@", " ".join(words)).encode("ascii")


def _rule(stream: str, names: Sequence[str], listed: Sequence[ListedSource]) -> str:
    """A rule of one source package. A file whose name make cannot say is no reason to make the
    package again, and is in it all the same."""
    needs = [f"specs/{stream}/{name}" for name in names if _PLAIN.fullmatch(name)]
    needs += [f"sources/{each.filename}" for each in listed if _PLAIN.fullmatch(each.filename)]
    return (
        f"srpms/{stream}.src.rpm: {' '.join((*needs, SCRIPT))}\n"
        f'\t@"$$HERE"/{SCRIPT} specs/{stream} sources $@\n'
    )
