"""The commands that README and docs show: how each is run in tests, or why it is not.

for page, command in documented_commands(ROOT):
    assert command in RUN or not_run(command)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

__all__ = ["NOT_RUN", "RUN", "Run", "documented_commands", "not_run", "pages"]

_OTHERS = {
    "make": "installs from the package index, or builds",
    "skopeo": "asks a registry",
    "mock": "needs mock, and packages that were built",
    "dnf": "installs what nobody built",
    "cargo": "asks the registry of crates",
    "tar": "is about an archive of upstream's",
    "image/build.sh": "builds an image of packages that nobody built",
    "SRPMS=build/srpms": "calls Koji",
    ".": "is about what is installed",
}
"""Other programs, by the first word, and why their commands are not run."""

_COMMENT = re.compile(r"\s+# .*$")


def pages(root: Path) -> tuple[Path, ...]:
    """Every page of the documentation, in the order in which it is read."""
    return (root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").glob("*.md")))


def documented_commands(root: Path) -> Iterator[tuple[str, str]]:
    """``(page, command)`` for each command line of console blocks and of indented blocks.

    Comments are cut off, and a line that goes on in the next is one with it. What else stands in
    indented blocks begins with no program that is known here.
    """
    for page in pages(root):
        lines = iter(page.read_text("utf-8").splitlines())
        fence: str | None = None
        for line in lines:
            if line.startswith("```"):
                fence = None if fence is not None else line[3:]
                continue
            text = _command(line, fence)
            if not text:
                continue
            while text.endswith("\\"):
                text = f"{text[:-1].rstrip()} {next(lines).strip()}"
            yield page.name, _COMMENT.sub("", text).rstrip()


def _command(line: str, fence: str | None) -> str:
    if fence == "console":
        return line[2:] if line.startswith("$ ") else ""
    if fence is not None or not line.startswith("    "):
        return ""
    text = line[4:].removeprefix("$ ")
    return text if text.split(" ")[0] in ("streamsolve", *_OTHERS) else ""


def not_run(command: str) -> str:
    """Why a command is not run; empty if it is."""
    return NOT_RUN.get(command, "") or _OTHERS.get(command.split(" ")[0], "")


@frozen
class Run:
    """How a documented command is run where it lacks what only its reader has.

    ``instead`` stands for ``words`` of it, ``more`` comes behind; it ends with ``ends``. What is
    substituted in every command is in the test.
    """

    words: str = ""
    instead: str = ""
    more: str = ""
    ends: int = 0


_NETWORK = "reads a base from its mirrors"
_BUILT = "needs packages that were built"
_COPR = "asks COPR"
_MACHINE = "is about this machine's own Debian"
_TWO = "needs a base for two architectures; tests/test_lock_set.py and others make one"

_AS_IT_IS = Run()
_WHOLE = Run(more="--base {data}/fedora-45")
_ADDRESSES = (
    "--base {data}/fedora-45 --without-missing "
    "--baseurl x86_64=https://mirror.example/x --baseurl source=https://mirror.example/s"
)
_LISTS = Run(more=_ADDRESSES)

RUN = {
    # README
    "streamsolve plan vllm": _AS_IT_IS,
    "streamsolve plan vllm --variant rocm": _AS_IT_IS,
    "streamsolve plan vllm --base fedora-45": _AS_IT_IS,
    "streamsolve plan vllm --base ~/repos/fedora-45": _AS_IT_IS,
    "streamsolve plan vllm --repo mine=DIR,priority=50": Run(
        "vllm --repo mine=DIR", "jax --repo mine={data}/fedora-44/x86_64", "--base {data}/fedora-45"
    ),
    "streamsolve plan vllm --python 3.13 --offline": _AS_IT_IS,
    "streamsolve plan vllm --with 'numpy<2.3'": _AS_IT_IS,
    "streamsolve plan pytorch --variant xpu": _AS_IT_IS,
    "streamsolve plan my-app/profile.toml": Run(
        "my-app/profile.toml", "httpie/profile.toml", "--base {data}/fedora-45"
    ),
    "streamsolve plan vllm pytorch-cuda --shared --base ~/repos/fedora-45": _AS_IT_IS,
    "streamsolve plan vllm --builds --base ~/repos/fedora-45": _AS_IT_IS,
    "streamsolve lock vllm --base ~/repos/fedora-45": _AS_IT_IS,
    "streamsolve check vllm-cuda-fedora-45.lock.json": Run(
        "vllm-cuda-fedora-45.lock.json", "vllm.lock.json"
    ),
    "streamsolve verify LOCK --base ~/repos/fedora-45": _AS_IT_IS,
    "streamsolve lock --check LOCK": _WHOLE,
    "streamsolve update LOCK --only torch": Run("torch", "pysocks", "--base {data}/fedora-45"),
    "streamsolve diff OLD NEW": _AS_IT_IS,
    "streamsolve plan --locked LOCK": _AS_IT_IS,
    "streamsolve sources LOCK -o sources": _AS_IT_IS,
    "streamsolve emit mock LOCK -o work --sources sources": _AS_IT_IS,
    "streamsolve emit containerfile LOCK -o image --base-image NAME@sha256:…": _AS_IT_IS,
    # docs/build.md, docs/emit-mock.md, docs/copr.md
    "streamsolve emit mock vllm.lock.json -o build": _AS_IT_IS,
    "streamsolve build vllm.lock.json -d build --dry-run": _AS_IT_IS,
    "streamsolve lock vllm --variant cuda --base fedora-44 -o vllm.lock.json": _AS_IT_IS,
    "streamsolve copr source vllm.lock.json --component idna -o result": Run(
        "vllm.lock.json --component idna", "LOCK --component httpie"
    ),
    # docs/concepts.md, docs/modules.md
    "streamsolve plan APP --base DIR --module nodejs:20": Run(
        "APP --base DIR", "ramalama --base {data}/centos-stream-9"
    ),
    "streamsolve modules list --base DIR": Run("DIR", "{data}/centos-stream-9"),
    "streamsolve modules show nodejs:20 --base DIR": Run("DIR", "{data}/centos-stream-9"),
    "streamsolve modules expand shop.yaml --index DIR": Run("DIR", "{data}/centos-stream-9"),
    # docs/debian.md: the machine's own lists are as they may be
    "streamsolve base debian mirror/debian --for vllm.lock.json --arch aarch64": Run(
        "aarch64", "x86_64"
    ),
    "streamsolve base debian --for requirements.txt --all --json": Run(
        "debian", "debian mirror/debian"
    ),
    # docs/doctor.md
    "streamsolve doctor": _AS_IT_IS,
    "streamsolve doctor --lock vllm.lock.json": Run(more="--root {hosts}/cuda-580"),
    "streamsolve doctor --lock vllm.lock.json --json": Run(more="--root {hosts}/container"),
    # docs/emit-containers.md, docs/kernel-modules.md
    "streamsolve emit containerfile vllm.lock.json -o image --base-image "
    "registry.example/fedora/fedora:44@sha256:…": _AS_IT_IS,
    "streamsolve lock vllm --variant cuda --base fedora-45 -o vllm.lock.json": Run("vllm", "jax"),
    "streamsolve emit mock vllm.lock.json -o build --prefix /opt/vllm": _AS_IT_IS,
    "streamsolve emit bootc vllm.lock.json -o image --prefix /opt/vllm --base-image "
    "registry.example/fedora/fedora-bootc:45@sha256:… --kernel-module nvidia=kmod-nvidia "
    "--repo drivers=URL --gpg-key drivers=URL": _AS_IT_IS,
    "streamsolve emit sbom vllm.lock.json -o bill --rpms build/repo": Run(
        "vllm.lock.json -o bill --rpms build/repo", "LOCK -o bill --rpms empty"
    ),
    "streamsolve plan nvidia-open --base fedora-45": _AS_IT_IS,
    "streamsolve lock nvidia-open --base fedora-45 -o nvidia.lock.json": _AS_IT_IS,
    "streamsolve plan nvidia-open --base fedora-44 --app-version 580.126.18": _AS_IT_IS,
    "streamsolve sources nvidia.lock.json -o build/sources": _AS_IT_IS,
    "streamsolve emit mock nvidia.lock.json -o build --specs": _AS_IT_IS,
    "streamsolve emit bootc nvidia.lock.json -o image --base-image IMAGE@sha256:…": _AS_IT_IS,
    "streamsolve emit bootc nvidia.lock.json -o image --base-image "
    "registry.example/fedora/fedora-bootc:45@sha256:…": _AS_IT_IS,
    "streamsolve lock vllm --base fedora-45 -o vllm.lock.json": Run("vllm", "jax"),
    "streamsolve emit bootc vllm.lock.json -o image --prefix /opt/vllm --base-image "
    "registry.example/fedora/fedora-bootc:45@sha256:… --kernel-pair nvidia.lock.json": _AS_IT_IS,
    # docs/emit-lists.md
    "streamsolve emit dnf-manifest LOCK -o DIR": _LISTS,
    "streamsolve emit konflux LOCK -o DIR": _LISTS,
    "streamsolve emit bazeldnf LOCK -o DIR": _LISTS,
    "streamsolve emit constraints LOCK -o DIR": _AS_IT_IS,
    "streamsolve emit fromager LOCK -o DIR": _AS_IT_IS,
    "streamsolve emit modulemd LOCK -o DIR": _AS_IT_IS,
    "streamsolve emit koji LOCK -o DIR --tag f45-app --owner USER --parent f45-build -d build": Run(
        "-d build", "-d empty"
    ),
    # docs/layers.md
    "streamsolve update vllm.lock.json -o new.lock.json": Run(
        "vllm.lock.json", "LOCK", "--base {data}/fedora-45"
    ),
    "streamsolve diff vllm.lock.json new.lock.json --layers --layers-count 20": _AS_IT_IS,
    # docs/overlays.md
    "streamsolve plan APP --repo mine=DIRECTORY": Run(
        "APP --repo mine=DIRECTORY",
        "jax --repo mine={data}/fedora-44/x86_64",
        "--base {data}/fedora-45",
    ),
    # docs/profile-format.md, docs/profile-new.md
    "streamsolve profile check httpie/profile.toml": _AS_IT_IS,
    "streamsolve plan httpie/profile.toml --base DIR": Run("DIR", "{data}/fedora-45"),
    "streamsolve plan httpie/profile.toml --base fedora-45": _AS_IT_IS,
    "streamsolve profile check --schema": _AS_IT_IS,
    "streamsolve profile refresh httpie/profile.toml --base fedora-44 --base fedora-45": _AS_IT_IS,
    "streamsolve profile new httpie --from pypi:httpie --base fedora-45": Run(more="-o drafts"),
    # docs/shared.md
    "streamsolve plan vllm:cpu jax:cpu ramalama --shared --base ~/repos/fedora-45": _AS_IT_IS,
    "streamsolve plan vllm pytorch-cuda ./mine.toml:rocm --shared --json "
    "--base ~/repos/fedora-45": Run(
        "vllm pytorch-cuda ./mine.toml:rocm", "jax ./httpie/profile.toml"
    ),
    # docs/vendored.md
    "streamsolve vendored goose/ -o goose/vendored.jsonl --base fedora-45": _AS_IT_IS,
    "streamsolve plan goose/profile.toml": Run("goose/profile.toml", "goose"),
    "streamsolve why goose/profile.toml serde": Run("goose/profile.toml", "goose"),
    "streamsolve diff old.lock.json new.lock.json": _AS_IT_IS,
    # docs/verify-artifacts.md: nothing was built, and that is what is said
    "streamsolve verify LOCK --artifacts work/repo": Run("work/repo", "empty", ends=4),
    "streamsolve verify vllm.lock.json --artifacts build/repo": Run("build/repo", "empty", ends=4),
    "streamsolve verify vllm.lock.json --artifacts build/repo --all --json": Run(
        "build/repo", "empty", ends=4
    ),
}
"""How each is run, by its own words."""

NOT_RUN = {
    "streamsolve plan vllm --repo mine=https://…": _NETWORK,
    "streamsolve plan vllm --builds --spec torch=torch.spec --checks always": (
        "needs a packager's own spec; tests/test_builds.py has some"
    ),
    "streamsolve build LOCK -d work -j 4": "needs mock",
    "streamsolve build vllm.lock.json -d build -j 4": "needs mock",
    "streamsolve verify vllm.lock.json --rebuild torch -d build": "needs mock",
    "streamsolve emit oci LOCK -o image --rpms work/repo": _BUILT,
    "streamsolve emit oci vllm.lock.json -o image --rpms rpms --base-image oci:fedora:44": _BUILT,
    "streamsolve emit oci vllm.lock.json -o image --rpms build/repo --layers 20": _BUILT,
    "streamsolve emit oci new.lock.json -o image --rpms build/repo --layers 20 "
    "--layers-like vllm.lock.json": _BUILT,
    "streamsolve emit oci cuda.lock.json -o cuda --rpms cuda/repo --layers 20 "
    "--layers-with cuda.lock.json --layers-with rocm.lock.json": _BUILT,
    "streamsolve emit oci rocm.lock.json -o rocm --rpms rocm/repo --layers 20 "
    "--layers-with cuda.lock.json --layers-with rocm.lock.json": _BUILT,
    "streamsolve emit mock vllm.lock.json -o build --rpms mirror --rpms build/repo --hermetic all "
    "--bootstrap-image images.example/fedora:44 --bootstrap-oci image": _BUILT,
    "streamsolve emit sbom vllm.lock.json -o bill --attach oci:layout:1": "needs an image",
    "streamsolve artifacts build/results/torch-2.14.0/*.x86_64.rpm": _BUILT,
    "streamsolve verify nvidia.lock.json --artifacts build/repo": _BUILT,
    "streamsolve copr push LOCK --project OWNER/NAME": _COPR,
    "streamsolve copr push vllm.lock.json --project me/vllm -d build --dry-run": _COPR,
    "streamsolve copr push vllm.lock.json --project me/vllm -d build": _COPR,
    "streamsolve copr status vllm.lock.json --project me/vllm -d build": _COPR,
    "streamsolve copr push … --lock-url URL --source-package curl --source-package streamsolve "
    "--source-package pyp2spec": _COPR,
    'streamsolve plan APP --repo "$(streamsolve copr repo @sig/kernel --base centos-stream-10)"': (
        _COPR
    ),
    "streamsolve base debian": _MACHINE,
    "streamsolve base debian --for vllm --variant cpu": _MACHINE,
    "streamsolve emit koji LOCK -o DIR …": "stands below with its options",
    "streamsolve sources vllm.lock.json -o build/sources --base-sources": (
        "brings source packages, which the test data have not"
    ),
    "streamsolve plan nvidia-open --base fedora-45 --variant longterm --repo longterm=URL": (
        "needs a repository with a long-term kernel; tests/test_kernel_pairs.py has one"
    ),
    "streamsolve plan APP --repo sig=https://…/10/$basearch/,priority=50": _NETWORK,
    "streamsolve plan APP --base centos-stream-10 --repo epel --repo epel-source": _NETWORK,
    "streamsolve plan APP --base rhel-10 --repo baseos=DIR/baseos --repo appstream=DIR/appstream": (
        "needs the repositories of a subscriber"
    ),
    "streamsolve plan vllm --variant cpu --arch x86_64 --arch aarch64": _TWO,
    "streamsolve lock vllm --variant cpu --arch x86_64,aarch64 -o vllm.lock.json": _TWO,
    "streamsolve check vllm.lock.json#aarch64": _TWO,
    "streamsolve emit mock vllm.lock.json#x86_64 -o build": _TWO,
    "streamsolve diff vllm.lock.json#x86_64 vllm.lock.json#aarch64": _TWO,
}
"""Why each of the others is not run, by its own words."""
