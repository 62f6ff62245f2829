"""A draft of an application in Rust, from its ``Cargo.toml`` and ``Cargo.lock``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ..errors import Code, InputError, Place
from ..inputs.cargo_manifest import CargoProject, read_cargo_projects
from ..inputs.project_directory import project_directory
from ..inputs.semver import pep440_version
from ..model.progress import Progress
from ..model.vendored_licence import spdx_licence
from .draft_native import (
    begin_native,
    build_row,
    describe_component,
    drafted_version,
    read_lock,
    source_row,
)
from .draft_sketch import short_summary
from .draft_toml import one_line
from .drafting import DraftRequest, Sketched

__all__ = ["sketch_cargo"]

_LOCK = "Cargo.lock"
_RUST = "toolchain:rust"

# What the build scripts of these crates look for, by pkg-config where they use that (source: the
# `links` key and the build script of each). Some build a copy of their own where they do not find
# it, or where a feature says so, which is why a packager has to decide.
_LIBRARIES: Mapping[str, str] = {
    "alsa-sys": "pkgconfig(alsa)",
    "bzip2-sys": "pkgconfig(bzip2)",
    "cairo-sys-rs": "pkgconfig(cairo)",
    "clang-sys": "clang-devel",
    "curl-sys": "pkgconfig(libcurl)",
    "expat-sys": "pkgconfig(expat)",
    "freetype-sys": "pkgconfig(freetype2)",
    "gdk-pixbuf-sys": "pkgconfig(gdk-pixbuf-2.0)",
    "gio-sys": "pkgconfig(gio-2.0)",
    "glib-sys": "pkgconfig(glib-2.0)",
    "gobject-sys": "pkgconfig(gobject-2.0)",
    "gstreamer-sys": "pkgconfig(gstreamer-1.0)",
    "gtk-sys": "pkgconfig(gtk+-3.0)",
    "gtk4-sys": "pkgconfig(gtk4)",
    "libdbus-sys": "pkgconfig(dbus-1)",
    "libgit2-sys": "pkgconfig(libgit2)",
    "libgssapi-sys": "krb5-devel",
    "liblzma-sys": "pkgconfig(liblzma)",
    "libnghttp2-sys": "pkgconfig(libnghttp2)",
    "libpulse-sys": "pkgconfig(libpulse)",
    "libseccomp-sys": "pkgconfig(libseccomp)",
    "libsodium-sys": "pkgconfig(libsodium)",
    "libsqlite3-sys": "pkgconfig(sqlite3)",
    "libssh2-sys": "pkgconfig(libssh2)",
    "libsystemd-sys": "pkgconfig(libsystemd)",
    "libudev-sys": "pkgconfig(libudev)",
    "libusb1-sys": "pkgconfig(libusb-1.0)",
    "libz-sys": "pkgconfig(zlib)",
    "lzma-sys": "pkgconfig(liblzma)",
    "nettle-sys": "pkgconfig(nettle)",
    "onig_sys": "pkgconfig(oniguruma)",
    "openssl-sys": "pkgconfig(openssl)",
    "pango-sys": "pkgconfig(pango)",
    "pcre2-sys": "pkgconfig(libpcre2-8)",
    "pq-sys": "pkgconfig(libpq)",
    "selinux-sys": "pkgconfig(libselinux)",
    "soup3-sys": "pkgconfig(libsoup-3.0)",
    "wayland-sys": "pkgconfig(wayland-client)",
    "webkit2gtk-sys": "pkgconfig(webkit2gtk-4.1)",
    "yeslogic-fontconfig-sys": "pkgconfig(fontconfig)",
    "zstd-sys": "pkgconfig(libzstd)",
}
_LINKING = re.compile(r".*[-_]sys(?:[-_]rs)?")
# Bindings to other systems, to the kernel or to a browser: no library of the base.
_NO_LIBRARY = re.compile(
    r"(?:windows|winapi|core-foundation|core-graphics|core-text|coreaudio|security-framework|"
    r"system-configuration|io-kit|mach|objc|objc2|block|dispatch|fsevent|ndk|jni|js|web|"
    r"linux-raw|inotify|redox|libc|sctk|khronos|lcms2|netlink)(?:[-_].*)?[-_]sys(?:[-_]rs)?|"
    r"(?:windows|mac|ios|android)[-_].*"
)


def sketch_cargo(request: DraftRequest, what: str, _progress: Progress) -> Sketched:
    """The package of a directory, or the member of its workspace, that has a program."""
    directory = project_directory(what)
    project, others = _chosen(read_cargo_projects(directory, what), request.name, what)
    place = Place(f"{what}/{project.path}/Cargo.toml".replace("//", "/"))
    version = drafted_version(request.version, project.version, place)
    licence = spdx_licence(project.licence)
    sketch = begin_native(
        request,
        version,
        project.version,
        summary=project.summary,
        homepage=project.homepage or project.repository,
        licence=licence,
    )
    if others:
        sketch.decide(
            "version",
            f"{project.name} was taken. The workspace has other programs: {', '.join(others)}.",
        )
    found = [
        (
            "crate",
            f"{project.name} {project.version}: {short_summary(project.summary)}".rstrip(": "),
        ),
        ("licence", licence or "none stated"),
        ("Rust", f">={project.rust_version}" if project.rust_version else "any version"),
    ]
    sketched = Sketched(sketch, found)
    urls = [("repository", project.repository), ("homepage", project.homepage)]
    written = "" if str(version) == project.version or request.version else project.version
    source_row(sketch, request.name, urls, written=written)
    crates: tuple[str, ...] = ()
    if (directory / _LOCK).is_file():
        crates = read_lock(sketched, directory / _LOCK)
    else:
        sketch.decide(
            "package",
            "which crates does it bundle? There is no Cargo.lock: `cargo generate-lockfile` makes "
            "one, and `streamsolve vendored` a list for [[vendored]].",
        )
    _build(sketched, request.name, project, crates)
    return sketched


def _chosen(
    projects: Sequence[CargoProject], name: str, shown: str
) -> tuple[CargoProject, tuple[str, ...]]:
    """The one that is called as the profile, has a program of that name, lies at the top, or is the
    first; and the names of the others."""
    if not projects:
        raise InputError(
            Code.NO_DRAFT,
            "no package in it has a program",
            place=Place(shown),
            hint="looked for [[bin]], src/main.rs and src/bin/, in it and in the members of its "
            "workspace",
        )
    ranked = sorted(
        projects,
        key=lambda one: (one.name != name, name not in one.programs, one.path != "", one.path),
    )
    return ranked[0], tuple(sorted(one.name for one in ranked[1:]))


def _build(sketched: Sketched, name: str, project: CargoProject, crates: Iterable[str]) -> None:
    """Rust, and the libraries that its crates are known to link with."""
    linking = sorted({crate for crate in crates if _LINKING.fullmatch(crate)})
    known = [crate for crate in linking if crate in _LIBRARIES]
    unknown = [
        crate for crate in linking if crate not in known and not _NO_LIBRARY.fullmatch(crate)
    ]
    least = pep440_version(project.rust_version) if project.rust_version else None
    need = f"{_RUST} >={least}" if least is not None else _RUST
    describe_component(sketched.sketch, _RUST, ["rust"])
    told = []
    if project.rust_version and least is None:
        told.append(f"rust-version says {one_line(project.rust_version)[:60]!r}: which Rust is it?")
    if known:
        libraries = ", ".join(sorted({_LIBRARIES[crate] for crate in known}))
        told.append(
            f"{', '.join(known)}: linked with the base's {libraries}, or with what is built from "
            "sources of their own?"
        )
    if unknown:
        told.append(f"Which libraries do these crates link with: {', '.join(unknown)}?")
    build_row(
        sketched.sketch,
        f"package:{name}",
        requires=("cargo", "cargo-rpm-macros", *sorted({_LIBRARIES[crate] for crate in known})),
        needs=(need,),
        decide=" ".join(told),
    )
