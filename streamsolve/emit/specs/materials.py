"""What specs are made from: texts and facts that others have read, by stream.

Whoever fills these in reads source packages, sdists, wheels and the index; here nothing is read.
All of it is data of strangers, and nothing in it needs to be checked or escaped beforehand. A spec
of the base and one that the packager gave are code, and are kept as they are.
"""

from __future__ import annotations

from functools import cached_property

from attrs import frozen

from ...model.project import ProjectFacts

__all__ = [
    "NO_MATERIAL",
    "GivenSpec",
    "SpecMaterials",
    "StreamMaterial",
    "UpstreamFile",
]


@frozen
class UpstreamFile:
    """A file that upstream published and a spec names as a source. ``filename`` is its name in
    ``sources/``, ``sha256`` is hexadecimal, and ``purl`` says what it is a file of; the latter two
    are empty where nobody knows them."""

    filename: str
    sha256: str = ""
    purl: str = ""


@frozen
class GivenSpec:
    """A spec that exists, with what lies beside it.

    ``origin`` names what it was read from, without a directory: a spec file, or a source package
    such as ``python-torch-2.13.0-1.fc45.src.rpm``. ``files`` are the patches and small sources of
    the source package by name, sorted; what upstream published (tarballs) is in ``upstream``
    instead, as far as known. ``upstream`` of a base's spec are the files of the base's version.
    """

    origin: str
    text: str
    files: tuple[tuple[str, bytes], ...] = ()
    upstream: tuple[UpstreamFile, ...] = ()


@frozen
class StreamMaterial:
    """What is known for the spec of one stream. ``stream`` is ``name@version`` as builds name it.

    ``given`` is what the packager gave (``--spec``) and comes before all else; ``base`` is the
    base's own spec; ``project`` is what the sdist or wheel of the stream's version says.
    ``upstream`` are the files of the stream's version beside the one that the lock names.
    ``dropped_patches`` are names of files of ``base`` that the packager wants left out.
    """

    stream: str
    given: GivenSpec | None = None
    base: GivenSpec | None = None
    project: ProjectFacts | None = None
    upstream: tuple[UpstreamFile, ...] = ()
    dropped_patches: tuple[str, ...] = ()


@frozen(slots=False)
class SpecMaterials:
    """All materials; a stream that is not among them has none."""

    streams: tuple[StreamMaterial, ...] = ()

    def of(self, stream: str) -> StreamMaterial:
        """The material of a stream, by ``name@version``."""
        return self._by_stream.get(stream) or StreamMaterial(stream)

    @cached_property
    def _by_stream(self) -> dict[str, StreamMaterial]:
        return {material.stream: material for material in self.streams}


NO_MATERIAL = SpecMaterials()
"""Nothing was read: every spec is made from the plan alone."""
