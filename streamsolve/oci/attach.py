"""Documents attached to an image in an OCI layout: artefacts whose subject is the image.

Each document is the only layer of a manifest of its own, with ``artifactType`` and ``subject``, as
image-spec 1.1 says. They are listed in an index that is tagged ``sha256-DIGEST`` after the image:
the tag by which registries and tools that know no referrers find them. Nothing of the image
changes, its digest least of all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from ..storage import write_atomically
from .blobs import BlobStore, canonical_json
from .layout_files import REF_NAME, LayoutFiles, tag_of

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
_TITLE = "org.opencontainers.image.title"


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
    reader = LayoutFiles(layout)
    index = _index(reader)
    subject = _tagged(reader, index, tag)
    listed = referrers_tag(str(subject["digest"]))
    types = {each.type for each in attachments}
    kept = [d for d in _referrers(reader, index, listed) if d.get("artifactType") not in types]
    store = BlobStore(layout)
    made = [_manifest(store, each, subject) for each in sorted(attachments)]
    referrers = {
        "schemaVersion": 2,
        "mediaType": _INDEX,
        "manifests": sorted([*kept, *made], key=lambda found: str(found["digest"])),
    }
    entry = store.put(canonical_json(referrers), _INDEX).document()
    entry["annotations"] = {REF_NAME: listed}
    others = [each for each in index["manifests"] if tag_of(each) != listed]
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


def _index(layout: LayoutFiles) -> dict[str, Any]:
    """``index.json`` of a directory that is a layout."""
    if not (layout.directory / "oci-layout").is_file():
        hint = "`skopeo copy containers-storage:IMAGE oci:DIR:TAG` makes one"
        raise layout.broken("it is no OCI layout", hint)
    index = layout.index()
    for each in layout.rows(index):
        if not isinstance(each.get("digest"), str):
            raise layout.broken("index.json has an entry without a digest")
    return index


def _tagged(layout: LayoutFiles, index: Mapping[str, Any], tag: str) -> dict[str, Any]:
    """The entry of a tag; without one, the only image that has one."""
    images = [each for each in index["manifests"] if not _is_referrers(each)]
    names = sorted({name for each in images if (name := tag_of(each))})
    found = [each for each in images if (tag_of(each) == tag if tag else tag_of(each))]
    if len(found) != 1:
        said = f"there is no image {tag!r}" if tag else f"it holds {len(found)} tagged images"
        raise layout.broken(said, f"tags: {', '.join(names)}" if names else "it has no tags")
    entry: dict[str, Any] = found[0]
    path = layout.blob(entry["digest"])
    if not path.is_file() or path.stat().st_size != entry.get("size"):
        raise layout.broken(f"the image is not there, or not whole: {entry['digest']}")
    if not isinstance(entry.get("mediaType"), str):
        raise layout.broken("index.json does not say what the image is")
    return entry


def _referrers(layout: LayoutFiles, index: Mapping[str, Any], listed: str) -> list[dict[str, Any]]:
    """What was attached before."""
    entry = next((each for each in index["manifests"] if tag_of(each) == listed), None)
    if entry is None:
        return []
    found = layout.rows(layout.document(entry["digest"]))
    return [each for each in found if "digest" in each]


def _is_referrers(entry: Mapping[str, Any]) -> bool:
    return tag_of(entry).startswith("sha256-")
