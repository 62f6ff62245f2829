"""What the private streams of a plan carry in their own source, and what is to be told of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from packaging.version import Version

from ..errors import Code, InputError, Place
from ..model.component import Component, Origin
from ..model.plan import Notice, PlannedStream
from ..model.profile import Policy, Profile, Variant
from ..model.vendored import Vendored, VendoredPackage, joined_packages
from ..model.vendored_licence import is_listed
from ..model.wording import few_or_all
from .book import is_proprietary

__all__ = ["vendored_elsewhere", "vendored_in", "vendored_notices"]

_NAMES = 4


def vendored_in(
    profile: Profile, variant: Variant, streams: Iterable[PlannedStream]
) -> tuple[Vendored, ...]:
    """What the profile says that the private streams carry in a variant, one value for each
    component, sorted; what others build or nobody uses does not count.

    :class:`InputError` where two lists contradict each other.
    """
    private = {stream.component for stream in streams if stream.origin is Origin.PRIVATE}
    of: dict[Component, list[Vendored]] = {}
    for each in profile.vendored:
        if each.component in private and variant.is_among(each.variants):
            of.setdefault(each.component, []).append(each)
    return tuple(_joined(profile, component, of[component]) for component in sorted(of))


def _joined(profile: Profile, component: Component, lists: list[Vendored]) -> Vendored:
    try:
        packages = joined_packages(package for each in lists for package in each.packages)
    except ValueError as error:
        files = " and ".join(each.file for each in lists)
        raise InputError(
            Code.BROKEN_VENDORED, f"{files}: {error}", place=Place(profile.file, path="vendored")
        ) from None
    return Vendored(
        component,
        packages,
        reason="; ".join(dict.fromkeys(each.reason for each in lists if each.reason)),
        file=", ".join(each.file for each in lists),
    )


def vendored_notices(vendored: Iterable[Vendored], policy: Policy) -> Iterator[Notice]:
    """What is carried under a licence that SPDX does not list, and under a proprietary one where
    the policy does not let private streams have it."""
    for each in vendored:
        unlisted = [p for p in each.shipped if p.licence and not is_listed(p.licence)]
        if Origin.PRIVATE in policy.proprietary:
            unlisted = [p for p in unlisted if not is_proprietary(p.licence)]
        forbidden = [p for p in unlisted if is_proprietary(p.licence)]
        others = [p for p in unlisted if p not in forbidden]
        if forbidden:
            yield Notice(
                "vendored-proprietary",
                f"{each.component} carries what is proprietary, and the policy lets no private "
                f"stream have that: {_named(forbidden)}",
            )
        if others:
            yield Notice(
                "vendored-licence",
                f"{each.component} carries what has a licence that SPDX does not list: "
                f"{_named(others)}; read their texts before it is shipped",
            )


def vendored_elsewhere(
    profile: Profile, version: Version, vendored: Iterable[Vendored]
) -> Iterator[Notice]:
    """That the list of what the application carries is that of another version."""
    if version == profile.version:
        return
    for each in vendored:
        if each.component == profile.component:
            yield Notice(
                "vendored-version",
                f"{each.file} lists what {profile.name} {profile.version} carries; {version} may "
                "carry something else, which `streamsolve vendored` reads from its lock",
            )


def _named(packages: list[VendoredPackage]) -> str:
    return few_or_all([f"{each} ({each.licence})" for each in packages], _NAMES)
