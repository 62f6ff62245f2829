"""The spec of a kernel module for one kernel: built, tested and signed in one go.

The order is the point. What is tested is what the build made, before anything is signed; what is
signed is what is installed, since a changed module has no valid signature; and it is packed last.
The key is that of whoever builds: two paths in the build root, that the machine's own configuration
of mock shows to it. The device gets a signed module and never a key.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...model.kernel import KernelPair
from .build_needs import native_needs
from .data_text import data
from .emitted import Draft
from .licences import UNKNOWN_LICENCE, licence_of
from .skeleton import Checkout, checkout_of
from .spec_text import SpecText
from .task import SpecTask
from .versioning import spelled_for_rpm
from .written import changelog_entry, header

__all__ = ["kernel_module_spec"]

_KEYS = "/etc/pki/modsign"

_MACROS = """\
%global kernel_release {release}
%{{!?kernel_headers: %global kernel_headers /usr/src/kernels/%{{kernel_release}}}}
%global module_directory /usr/lib/modules/%{{kernel_release}}/extra/{name}

# Signed unless it is built --without modsign. The key is the builder's: no lock and no file that is
# made from one has it.
%bcond_without modsign
%{{!?modsign_key: %global modsign_key {keys}/signing_key.pem}}
%{{!?modsign_cert: %global modsign_cert {keys}/signing_key.x509}}
%{{!?modsign_hash: %global modsign_hash sha256}}

# Nothing may change a module after it is signed, and user space's flags are not the kernel's.
%global debug_package %{{nil}}
%global __brp_strip %{{nil}}
%global __brp_strip_comment_note %{{nil}}
%undefine _auto_set_build_flags
"""

_BUILD = """\
{unset}
make %{{?_smp_mflags}} {make}
find . -name '*.ko' -type f | sort > modules.list
test -s modules.list

# The test, before anything is signed: each module is for this kernel and of this version.
while read -r module; do
    magic=$(modinfo -F vermagic "$module")
    if [ "${{magic%%%% *}}" != %{{kernel_release}} ]; then
        echo "$module is for ${{magic%%%% *}}, not for %{{kernel_release}}" >&2
        exit 1
    fi
    version=$(modinfo -F version "$module")
    if [ -n "$version" ] && [ "$version" != {written} ]; then
        echo "$module is $version, not {written}" >&2
        exit 1
    fi
done < modules.list
"""

_INSTALL = """\
mkdir -p %{buildroot}%{module_directory}
while read -r module; do
    target=%{buildroot}%{module_directory}/${module##*/}
    install -p -m 644 "$module" "$target"
    strip --strip-debug "$target"
%if %{with modsign}
    # A key of a token has an address, which is no file.
    case %{modsign_key} in
    pkcs11:*) ;;
    *) test -r %{modsign_key} || { echo "no key to sign with: %{modsign_key}" >&2; exit 1; } ;;
    esac
    %{kernel_headers}/scripts/sign-file %{modsign_hash} %{modsign_key} %{modsign_cert} "$target"
    test -n "$(modinfo -F sig_hashalgo "$target")"
%endif
    # The kernel reads no other check than this one.
    xz --check=crc32 --lzma2=dict=1MiB "$target"
done < modules.list
for file in COPYING* LICENSE* LICENCE*; do
    if [ -f "$file" ]; then echo "%%license @PART@$file"; fi
done > licences.list
"""

_REST = """\
%posttrans
/usr/sbin/depmod -a %{kernel_release} || :

%postun
/usr/sbin/depmod -a %{kernel_release} || :

%files -f @PART@licences.list
%dir %{module_directory}
%{module_directory}/*.ko.xz
"""

_UNSET = "unset CFLAGS CXXFLAGS FFLAGS FCFLAGS LDFLAGS VALAFLAGS RUSTFLAGS"
_PLACES = {"{headers}": "%{kernel_headers}", "{release}": "%{kernel_release}", "{source}": '"$PWD"'}


def kernel_module_spec(task: SpecTask, pair: KernelPair) -> Draft:
    """The spec; nothing of it is left to a packager but the digest of the source."""
    checkout = checkout_of(task.stream.source.purl)
    name = pair.module.name
    part = checkout.part if checkout is not None else ""
    # Each step begins at the top of what was unpacked.
    enter, below = ([f"cd {part}"], f"{part}/") if part else ([], "")
    lines = [
        *header(task, f"Built for {pair.kernel} {pair.evr} and for no other kernel."),
        *_MACROS.format(release=pair.release, name=name, keys=_KEYS).splitlines(),
        "",
        *_preamble(task, pair, checkout),
        "",
        "%description",
        f"The kernel module {name} for the kernel {pair.release}, for {task.application}.",
        "",
        *_prepared(checkout),
        "",
        "%build",
        *enter,
        *_BUILD.format(unset=_UNSET, make=_make(pair), written=pair.written).splitlines(),
        "",
        "%install",
        *enter,
        *_INSTALL.replace("@PART@", below).splitlines(),
        "",
        *_REST.replace("@PART@", below).splitlines(),
        "",
        "%changelog",
        *changelog_entry(task).split("\n"),
    ]
    lacking = () if checkout is not None else (f"where the source of {data(name)} comes from",)
    return Draft(SpecText.read("\n".join(lines) + "\n"), incomplete=lacking)


def _make(pair: KernelPair) -> str:
    words = []
    for word in pair.make:
        for place, written in _PLACES.items():
            word = word.replace(place, written)
        words.append(word)
    return " ".join(words)


def _preamble(task: SpecTask, pair: KernelPair, checkout: Checkout | None) -> Iterator[str]:
    version = task.stream.version
    own = task.packages[0] if task.packages else None
    yield f"Name:           {task.package}"
    yield f"Version:        {spelled_for_rpm(version) if version is not None else '0'}"
    yield f"Release:        {task.release}"
    yield f"Summary:        The kernel module {pair.module.name} for {pair.release}"
    licence = licence_of(task)
    yield f"License:        {licence if licence else UNKNOWN_LICENCE}"
    if checkout is not None:
        yield f"URL:            {checkout.url}"
        yield f"Source0:        {checkout.archive}"
    if own is not None:
        yield f"ExclusiveArch:  {own.arch}"
    for text in native_needs(task):
        yield f"BuildRequires:  {text}"
    yield f"Requires:       {pair.binding}"
    yield "Requires(posttrans): kmod"
    yield "Requires(postun): kmod"
    yield f"Provides:       kmod-{pair.module.name} = %{{version}}-%{{release}}"
    yield "Provides:       installonlypkg(kernel-module)"
    yield from (f"Provides:       {text}" for text in _further(task, pair))


def _further(task: SpecTask, pair: KernelPair) -> Iterator[str]:
    """What the plan has its package provide beside its own name."""
    own = task.packages[0] if task.packages else None
    names = (pair.package, f"kmod-{pair.module.name}")
    for text in own.provides if own is not None else ():
        if text.partition(" ")[0].partition("(")[0] not in names:
            yield text


def _prepared(checkout: Checkout | None) -> list[str]:
    lines = ["%prep"]
    if checkout is None:
        return [*lines, "%setup -q -c -T"]
    return [*lines, f"%autosetup -p1 -n {checkout.directory}"]
