"""What a stream carries in its own source: crates and npm packages that are bundled by policy.

They are no streams: nothing chooses among their versions, upstream's lock did. They are counted
with their licences, told in bills of materials, and named by the packages that hold them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from enum import Enum
from urllib.parse import quote

from attrs import evolve, field, frozen

from .component import Component

__all__ = [
    "Ecosystem",
    "Vendored",
    "VendoredPackage",
    "joined_packages",
    "licence_counts",
    "vendored_digest",
]

_ALGORITHMS = ("sha256", "sha512")


class Ecosystem(Enum):
    """Whose packages they are."""

    CARGO = "cargo"
    NPM = "npm"

    def __lt__(self, other: Ecosystem) -> bool:
        return self.value < other.value


@frozen(order=True)
class VendoredPackage:
    """One version of a crate or an npm package. The order is that of its members, as they stand.

    ``version`` is as its ecosystem writes it. ``licence`` is an SPDX expression, with
    ``LicenseRef-`` for what SPDX does not list; empty where it is not known. ``checksum`` is that
    of its archive, ``sha256:`` or ``sha512:`` and hexadecimal, empty where its lock has none.
    ``source`` is empty for what a registry has, else its repository and commit
    (``git+https://…#COMMIT``). ``licence_of`` is the version that the licence was read from, where
    that is another one. ``development`` says that it is only there to build or test.
    """

    ecosystem: Ecosystem
    name: str
    version: str
    source: str = ""
    licence: str = ""
    checksum: str = ""
    development: bool = False
    licence_of: str = ""

    @property
    def identity(self) -> tuple[Ecosystem, str, str, str]:
        """What no two packages of a set share."""
        return (self.ecosystem, self.name, self.version, self.source)

    @property
    def purl(self) -> str:
        """Its package URL; the repository and the commit where it is of no registry."""
        scope, slash, bare = self.name.rpartition("/")
        name = f"{quote(scope, safe='')}{slash}{quote(bare, safe='')}"
        at = f"pkg:{self.ecosystem.value}/{name}@{quote(self.version, safe='')}"
        if not self.source:
            return at
        address, _, commit = self.source.partition("#")
        return f"{at}?vcs_url={quote(f'{address}@{commit}', safe=':/')}"

    @property
    def rpm_version(self) -> str:
        """Its version as RPM may have it: ``1.0.0-rc.1`` is ``1.0.0~rc.1``, which is before 1.0.0,
        and a further hyphen is ``_``. Build metadata (``+…``) is no part of a version."""
        # As cargo2rpm writes the versions of crates that Fedora packages.
        release, _, _ = self.version.partition("+")
        number, dash, before = release.partition("-")
        return f"{number}{'~' if dash else ''}{re.sub(r'[^A-Za-z0-9._]', '_', before)}"

    @property
    def bundled(self) -> str:
        """What a package that holds it provides, without the version."""
        # As Fedora's own generators write it: for crates cargo-rpm-macros from what
        # %cargo_vendor_manifest made (packaging guidelines, Rust), for npm packages nodejs.prov of
        # nodejs-packaging from what lies in node_modules (packaging guidelines, Node.js).
        if self.ecosystem is Ecosystem.CARGO:
            return f"bundled(crate({self.name}))"
        return f"bundled(nodejs-{self.name})"

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@frozen
class Vendored:
    """What the stream of a component carries. ``packages`` are sorted and all different.

    ``variants`` are those of the profile that it holds for (empty: all); ``reason`` is why it is
    bundled, and ``file`` what lists it, as the profile names it.
    """

    component: Component
    packages: tuple[VendoredPackage, ...]
    variants: tuple[str, ...] = ()
    reason: str = ""
    file: str = field(default="", eq=False)

    def of(self, ecosystem: Ecosystem) -> tuple[VendoredPackage, ...]:
        """The packages of one ecosystem."""
        return tuple(each for each in self.packages if each.ecosystem is ecosystem)

    @property
    def unknown(self) -> tuple[VendoredPackage, ...]:
        """Those whose licence is not known."""
        return tuple(each for each in self.packages if not each.licence)

    @property
    def shipped(self) -> tuple[VendoredPackage, ...]:
        """Those that are there for more than building and testing."""
        return tuple(each for each in self.packages if not each.development)


def licence_counts(packages: Iterable[VendoredPackage]) -> tuple[tuple[str, int], ...]:
    """How many packages have which licence, the most frequent first, then by its text. Those
    without a known one are not counted."""
    counted = Counter(each.licence for each in packages if each.licence)
    return tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def vendored_digest(packages: Iterable[VendoredPackage]) -> str:
    """``sha256:`` and hexadecimal over all that is said of all of them, in whatever order."""
    rows = [
        [
            each.ecosystem.value, each.name, each.version, each.source,
            each.licence, each.checksum, each.development, each.licence_of,
        ]
        for each in sorted(set(packages))
    ]  # fmt: skip
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def joined_packages(packages: Iterable[VendoredPackage]) -> tuple[VendoredPackage, ...]:
    """Each package once, sorted: it is needed to run if one place needs it to run, and what only
    one place knows is known.

    ValueError where two places state another checksum for the same package.
    """
    found: dict[tuple[Ecosystem, str, str, str], VendoredPackage] = {}
    for each in sorted(packages):
        known = found.get(each.identity)
        found[each.identity] = each if known is None else _joined(known, each)
    return tuple(sorted(found.values()))


def _joined(one: VendoredPackage, other: VendoredPackage) -> VendoredPackage:
    checksums = sorted({each.checksum for each in (one, other) if each.checksum})
    algorithms = [checksum.partition(":")[0] for checksum in checksums]
    if len(algorithms) != len(set(algorithms)):
        raise ValueError(f"{one} has two checksums: {' and '.join(checksums)}")
    # A package's own word counts before that of another version of it.
    said = min(
        (each for each in (one, other) if each.licence),
        key=lambda each: (bool(each.licence_of), each.licence, each.licence_of),
        default=one,
    )
    return evolve(
        one,
        checksum=max(checksums, key=_strength, default=""),
        development=one.development and other.development,
        licence=said.licence,
        licence_of=said.licence_of,
    )


def _strength(checksum: str) -> int:
    return _ALGORITHMS.index(checksum.partition(":")[0])
