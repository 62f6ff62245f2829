"""Documents attached to an image in an OCI layout: artefacts whose subject is the image.

Each document is the only layer of a manifest of its own, with ``artifactType`` and ``subject``, as
image-spec 1.1 says. They are listed in an index that is tagged ``sha256-DIGEST`` after the image:
the tag by which registries and tools that know no referrers find them. Nothing of the image
changes, its digest least of all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from ..errors import Code, InputError, Place
from ..storage import write_atomically
from .blobs import BlobStore, canonical_json

__all__ = [
    "CYCLONEDX_TYPE",
    "LOCK_TYPE",
    "SPDX_TYPE",
    "Attached",
    "Attachment",
    "attach",
    "referrers_tag",
]

SPDX_TYPE = "application/spdx+json"
CYCLONEDX_TYPE = "application/vnd.cyclonedx+json"
LOCK_TYPE = "application/vnd.streamsolve.lock.v1+json"

_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_EMPTY = "application/vnd.oci.empty.v1+json"
_NAME = "org.opencontainers.image.ref.name"
_TITLE = "org.opencontainers.image.title"
_MOST_JSON = 4 << 20


@frozen(order=True)
class Attachment:
    """A document. ``type`` is its media type, ``title`` the name of its file; ``annotations`` are
    those of its manifest, as (key, value)."""

    type: str
    title: str
    content: bytes
    annotations: tuple[tuple[str, str], ...] = ()


@frozen
class Attached:
    """What was done: the image's digest, the tag of its referrers, and of each document the digest
    of its manifest, by the type."""

    subject: str
    tag: str
    manifests: Mapping[str, str]


def referrers_tag(digest: str) -> str:
    """The tag under which what refers to a digest is listed."""
    return digest.replace(":", "-", 1)


def attach(layout: Path, tag: str, attachments: Sequence[Attachment]) -> Attached:
    """Attach documents to the image of that tag, in the place of those of the same types.

    An image for several architectures is its index. Raises :class:`InputError` (``BAD_IMAGE``) for
    what is no layout, for a tag that is not there, and for an image without one: with a second
    entry in the layout, no tool would find it any more. Then nothing has changed.
    """
    reader = _Layout(layout)
    index = reader.index()
    subject = reader.tagged(index, tag)
    listed = referrers_tag(str(subject["digest"]))
    types = {each.type for each in attachments}
    kept = [d for d in reader.referrers(index, listed) if d.get("artifactType") not in types]
    store = BlobStore(layout)
    made = [_manifest(store, each, subject) for each in sorted(attachments)]
    referrers = {
        "schemaVersion": 2,
        "mediaType": _INDEX,
        "manifests": sorted([*kept, *made], key=lambda found: str(found["digest"])),
    }
    entry = store.put(canonical_json(referrers), _INDEX).document()
    entry["annotations"] = {_NAME: listed}
    others = [each for each in index["manifests"] if _name(each) != listed]
    changed = {**index, "manifests": [*others, entry]}
    write_atomically(layout / "index.json", canonical_json(changed))
    return Attached(
        str(subject["digest"]), listed, {str(d["artifactType"]): str(d["digest"]) for d in made}
    )


def _manifest(store: BlobStore, attachment: Attachment, subject: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Put a document and its manifest into the layout; the manifest's descriptor."""
    content = store.put(attachment.content, attachment.type).document()
    content["annotations"] = {_TITLE: attachment.title}
    annotations = dict(attachment.annotations)
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "artifactType": attachment.type,
        "config": store.put(b"{}", _EMPTY).document(),
        "layers": [content],
        "subject": {key: subject[key] for key in ("mediaType", "digest", "size")},
        **({"annotations": annotations} if annotations else {}),
    }
    found = store.put(canonical_json(manifest), _MANIFEST).document()
    found["artifactType"] = attachment.type
    if annotations:
        found["annotations"] = annotations
    return found


# -- reading a layout ------------------------------------------------------------------------------


@frozen
class _Layout:
    directory: Path

    def broken(self, message: str, hint: str = "") -> InputError:
        return InputError(Code.BAD_IMAGE, message, place=Place(str(self.directory)), hint=hint)

    def index(self) -> dict[str, Any]:
        """``index.json`` of a directory that is a layout."""
        if not (self.directory / "oci-layout").is_file():
            hint = "`skopeo copy containers-storage:IMAGE oci:DIR:TAG` makes one"
            raise self.broken("it is no OCI layout", hint)
        index = self._document(self.directory / "index.json")
        for each in index["manifests"]:
            if not isinstance(each, dict) or not isinstance(each.get("digest"), str):
                raise self.broken("index.json has an entry without a digest")
        return index

    def tagged(self, index: Mapping[str, Any], tag: str) -> dict[str, Any]:
        """The entry of a tag; without one, the only image that has one."""
        images = [each for each in index["manifests"] if not _is_referrers(each)]
        names = sorted({name for each in images if (name := _name(each))})
        found = [each for each in images if (_name(each) == tag if tag else _name(each))]
        if len(found) != 1:
            said = f"there is no image {tag!r}" if tag else f"it holds {len(found)} tagged images"
            raise self.broken(said, f"tags: {', '.join(names)}" if names else "it has no tags")
        entry: dict[str, Any] = found[0]
        path = self._blob(str(entry["digest"]))
        if not path.is_file() or path.stat().st_size != entry.get("size"):
            raise self.broken(f"the image is not there, or not whole: {entry['digest']}")
        if not isinstance(entry.get("mediaType"), str):
            raise self.broken("index.json does not say what the image is")
        return entry

    def referrers(self, index: Mapping[str, Any], listed: str) -> list[dict[str, Any]]:
        """What was attached before."""
        entry = next((each for each in index["manifests"] if _name(each) == listed), None)
        if entry is None:
            return []
        found: Iterable[Any] = self._document(self._blob(str(entry["digest"])))["manifests"]
        return [each for each in found if isinstance(each, dict) and "digest" in each]

    def _blob(self, digest: str) -> Path:
        name = digest.removeprefix("sha256:")
        if len(name) != 64 or set(name) - set("0123456789abcdef"):
            raise self.broken(f"{digest[:80]!r} is no digest")
        return self.directory / "blobs" / "sha256" / name

    def _document(self, path: Path) -> dict[str, Any]:
        try:
            if path.stat().st_size > _MOST_JSON:
                raise self.broken(f"{path.name} is too large")
            found = json.loads(path.read_bytes())
        except OSError as error:
            raise self.broken(f"{path.name}: {error.strerror}") from None
        except (ValueError, RecursionError):
            raise self.broken(f"{path.name} is no JSON") from None
        if not isinstance(found, dict) or not isinstance(found.get("manifests"), list):
            raise self.broken(f"{path.name} is no index")
        return found


def _name(entry: Mapping[str, Any]) -> str:
    annotations = entry.get("annotations")
    return str(annotations.get(_NAME, "")) if isinstance(annotations, dict) else ""


def _is_referrers(entry: Mapping[str, Any]) -> bool:
    return _name(entry).startswith("sha256-")
