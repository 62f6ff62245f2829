"""vLLM for CUDA on Fedora 45, with the library: lock it, and write what mock needs.

Run it with ``python examples/vllm/build.py DIRECTORY [BASE]``. What it prints is the order of the
builds, and the root in which torch is built.
"""

from __future__ import annotations

import sys
from pathlib import Path

import streamsolve
from streamsolve.emit import MockRepository, MockSettings, emit_mock, write_files

KEY = "file:///usr/share/distribution-gpg-keys/fedora/RPM-GPG-KEY-fedora-45-primary"
SETTINGS = MockSettings(
    "45",
    "fc45",
    (MockRepository("fedora", baseurl="https://mirror.example/f45/", gpgkeys=(KEY,)),),
)


def main(directory: Path, base: str = "fedora-45") -> None:
    """Lock vLLM and write everything into a directory."""
    text = streamsolve.make_lock("vllm", base=base, variant="cuda", offline=True)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "vllm.lock.json"
    path.write_text(text)
    plan = streamsolve.read_lock(text, file=str(path)).plan
    write_files(directory / "build", emit_mock(plan, SETTINGS))
    builds = plan.builds
    if builds is None:
        raise SystemExit("a lock has builds")

    print(f"{plan.application} {plan.version} ({plan.variant}) on {plan.base}: ", end="")
    print(f"{len(builds.builds)} builds in {len(builds.order.levels)} levels")
    for number, level in enumerate(builds.order.levels, 1):
        shown = ", ".join(level.builds[:4])
        more = f" and {len(level.builds) - 4} more" if len(level.builds) > 4 else ""
        print(f"level {number:2}, {level.longest:3} min: {shown}{more}")

    for build in builds.builds:
        root = builds.root(build.root)
        if build.component.name != "torch" or root is None:
            continue
        print(f"{build.id} is built in {root.id}, with {len(root.packages)} packages:")
        for stream in root.streams:
            if stream.build:
                print(f"  {stream.package} {stream.version}, built before")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:3])
