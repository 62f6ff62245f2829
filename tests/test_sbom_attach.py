"""Documents attached to an image in an OCI layout, as image-spec 1.1 says; nothing else changes."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from streamsolve.errors import Code, InputError
from streamsolve.oci.attach import Attachment, attach, referrers_tag

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
NAME = "org.opencontainers.image.ref.name"
BILL = Attachment("application/spdx+json", "sbom.spdx.json", b'{"a": 1}\n', (("lock", "x"),))
LOCK = Attachment("application/vnd.lock", "lock.json", b"{}\n")


def put(layout: Path, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    (blobs / digest).write_bytes(content)
    return f"sha256:{digest}"


def layout_of(directory: Path, *tags: str) -> Path:
    """A layout with an image of its own for each tag."""
    entries = []
    for tag in tags:
        config = json.dumps({"architecture": "amd64", "tag": tag}).encode()
        manifest = {
            "schemaVersion": 2,
            "config": {"mediaType": "x", "digest": put(directory, config), "size": len(config)},
            "layers": [],
        }
        content = json.dumps(manifest).encode()
        entry: dict[str, Any] = {
            "mediaType": MANIFEST,
            "digest": put(directory, content),
            "size": len(content),
        }
        if tag:
            entry["annotations"] = {NAME: tag}
        entries.append(entry)
    (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
    return directory


def index_of(layout: Path) -> Any:
    return json.loads((layout / "index.json").read_bytes())


def blob(layout: Path, descriptor: dict[str, Any]) -> bytes:
    """The content of a descriptor, which has to be what it says."""
    content = (layout / "blobs/sha256" / descriptor["digest"][7:]).read_bytes()
    assert len(content) == descriptor["size"]
    assert f"sha256:{hashlib.sha256(content).hexdigest()}" == descriptor["digest"]
    return content


def referrers(layout: Path, digest: str) -> list[dict[str, Any]]:
    [entry] = [
        each
        for each in index_of(layout)["manifests"]
        if each.get("annotations", {}).get(NAME) == digest.replace(":", "-")
    ]
    assert entry["mediaType"] == INDEX
    found: list[dict[str, Any]] = json.loads(blob(layout, entry))["manifests"]
    return found


def test_a_document_is_a_manifest_whose_subject_is_the_image(tmp_path: Path) -> None:
    layout = layout_of(tmp_path, "1", "2")
    image = index_of(layout)["manifests"][0]
    done = attach(layout, "1", [BILL, LOCK])
    assert done.subject == image["digest"]
    assert done.tag == referrers_tag(image["digest"])
    found = {each["artifactType"]: each for each in referrers(layout, image["digest"])}
    assert found.keys() == {BILL.type, LOCK.type} == done.manifests.keys()
    manifest = json.loads(blob(layout, found[BILL.type]))
    assert manifest["mediaType"] == MANIFEST
    assert manifest["artifactType"] == BILL.type
    assert manifest["subject"] == {key: image[key] for key in ("mediaType", "digest", "size")}
    assert manifest["annotations"] == {"lock": "x"}
    assert blob(layout, manifest["config"]) == b"{}"
    [content] = manifest["layers"]
    assert blob(layout, content) == BILL.content
    assert content["annotations"] == {"org.opencontainers.image.title": "sbom.spdx.json"}


def test_the_images_stay_as_they_are(tmp_path: Path) -> None:
    layout = layout_of(tmp_path, "1", "2")
    before = index_of(layout)["manifests"]
    attach(layout, "2", [BILL])
    assert index_of(layout)["manifests"][:2] == before
    assert len(index_of(layout)["manifests"]) == 3


def test_doing_it_again_changes_nothing_and_another_document_takes_the_place(
    tmp_path: Path,
) -> None:
    layout = layout_of(tmp_path, "1")
    first = attach(layout, "1", [BILL, LOCK])
    index = (layout / "index.json").read_bytes()
    assert attach(layout, "", [LOCK, BILL]) == first
    assert (layout / "index.json").read_bytes() == index
    other = Attachment(BILL.type, BILL.title, b'{"a": 2}\n')
    attach(layout, "1", [other])
    found = {each["artifactType"]: each for each in referrers(layout, first.subject)}
    assert found.keys() == {BILL.type, LOCK.type}
    assert found[LOCK.type]["digest"] == first.manifests[LOCK.type]
    manifest = json.loads(blob(layout, found[BILL.type]))
    assert blob(layout, manifest["layers"][0]) == other.content


def test_the_same_documents_give_the_same_layout(tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        layout = layout_of(tmp_path / name, "1")
        attach(layout, "1", [BILL, LOCK] if name == "one" else [LOCK, BILL])
        files = sorted(path for path in layout.rglob("*") if path.is_file())
        digests.append([(str(p.relative_to(layout)), p.read_bytes()) for p in files])
    assert digests[0] == digests[1]


def damaged(layout: Path, how: str) -> None:
    index = layout / "index.json"
    entry = index_of(layout)["manifests"][0]
    manifest = layout / "blobs/sha256" / entry["digest"][7:]
    match how:
        case "no layout":
            (layout / "oci-layout").unlink()
        case "no index":
            index.unlink()
        case "no JSON":
            index.write_text("{")
        case "a list":
            index.write_text("[]")
        case "no digest":
            index.write_text('{"manifests": [{"annotations": {}}]}')
        case "a path":
            path = {"digest": "sha256:../../../etc/passwd", "annotations": {NAME: "1"}, "size": 1}
            index.write_text(json.dumps({"manifests": [path]}))
        case "not whole":
            manifest.write_bytes(b"{")
        case "not there":
            manifest.unlink()
        case "too large":
            index.write_text(" " * (5 << 20))


@pytest.mark.parametrize(
    "how",
    ["no layout", "no index", "no JSON", "a list", "no digest", "a path", "not whole", "not there",
     "too large"],
)  # fmt: skip
def test_what_is_no_sound_layout_is_refused_and_stays_as_it_is(tmp_path: Path, how: str) -> None:
    layout = layout_of(tmp_path / "layout", "1")
    damaged(layout, how)
    shutil.copytree(layout, tmp_path / "before")
    with pytest.raises(InputError) as caught:
        attach(layout, "1", [BILL])
    assert caught.value.code is Code.BAD_IMAGE
    assert content_of(layout) == content_of(tmp_path / "before")


def content_of(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def test_an_image_that_nobody_could_find_again_is_refused(tmp_path: Path) -> None:
    untagged = layout_of(tmp_path / "untagged", "")
    with pytest.raises(InputError, match="it holds 0 tagged images"):
        attach(untagged, "", [BILL])
    two = layout_of(tmp_path / "two", "1", "2")
    with pytest.raises(InputError, match="it holds 2 tagged images"):
        attach(two, "", [BILL])
    with pytest.raises(InputError, match="there is no image '3'") as caught:
        attach(two, "3", [BILL])
    assert caught.value.hint == "tags: 1, 2"
