"""The list ``sources`` beside a spec: what upstream published, by digest, file name and purl."""

from __future__ import annotations

from collections.abc import Iterable

from .data_text import plain
from .materials import UpstreamFile
from .spec_text import SpecText

__all__ = ["missing_files", "sources_list", "upstream_names"]

_HEAD = "# sha256  file name  package URL: what belongs in sources/. Made by streamsolve.\n"


def upstream_names(spec: SpecText, beside: Iterable[str]) -> tuple[str, ...]:
    """The file names that a spec's sources and patches have and that do not lie beside it, as far
    as they can be known; one that cannot is told as it is written."""
    macros = spec.macros()
    found = []
    for tag in spec.tags("source", "patch"):
        value = macros.expand(tag.value)
        name = tag.value if value is None else value.rpartition("#/")[2].rpartition("/")[2]
        found.append(name)
    own = set(beside)
    return tuple(dict.fromkeys(name for name in found if name and name not in own))


def missing_files(
    spec: SpecText, known: Iterable[UpstreamFile], beside: Iterable[str]
) -> tuple[str, ...]:
    """The names of a spec's files that are neither beside it nor known by digest."""
    by_digest = {file.filename for file in known if file.sha256}
    names = [name for name in upstream_names(spec, beside) if name not in by_digest]
    # `%{pypi_source x}` is the archive of the index, which the lock names.
    if by_digest:
        names = [name for name in names if not name.startswith("%{pypi_source")]
    return tuple(names)


def sources_list(known: Iterable[UpstreamFile], missing: Iterable[str]) -> bytes:
    """The list. What nobody knows a digest of is a comment that says what to supply."""
    lines = [
        f"{file.sha256}  {file.filename}  {file.purl or '-'}"
        for file in sorted(set(known), key=lambda file: file.filename)
        if file.sha256
    ]
    for name in missing:
        lines.append(f"# to be supplied: {plain(name)} (put it in sources/, and add a line)")
    return (_HEAD + "".join(f"{line}\n" for line in lines)).encode()
