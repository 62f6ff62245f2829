"""Addresses that rebuild a component when its upstream publishes something.

COPR's custom webhook belongs to one package of one project, and the project's secret is in the
address. Whoever knows it can have a package rebuilt, and nothing more: what is built is what the
lock says, whatever was sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from attrs import frozen

from ..emit.grammar import Refusals
from ..errors import Code, ErrorCollector, nearest
from .asked import package_name
from .farm import Farm, FarmRefusedError
from .patience import Patience
from .plan import FarmPlan, WantedBuild
from .projects import compare, refuse_missing
from .source import CustomSource

__all__ = [
    "HIDDEN",
    "WebhookAddress",
    "package_of",
    "set_up_webhooks",
    "webhook_addresses",
]

HIDDEN = "SECRET"
"""What stands for a secret that is not known: COPR shows it on a project's page "Integrations"."""


@frozen
class WebhookAddress:
    """Where an upstream of ``component`` sends its webhook. ``package`` is COPR's name for what is
    rebuilt in ``project``."""

    component: str
    project: str
    package: str
    url: str


def chosen_builds(plan: FarmPlan, components: Iterable[str]) -> tuple[WantedBuild, ...]:
    """The builds of some components, or of all; the last pass of each stream.

    Raises :class:`InputErrors` (``NOT_FOR_COPR``) for all that are not built.
    """
    asked = tuple(components)
    streams = {build.id.partition("/")[0]: build for build in plan.builds}
    known = {build.component for build in plan.builds}
    refusals = Refusals("", ErrorCollector(Code.NOT_FOR_COPR))
    for name in asked:
        if name not in known:
            refusals.note(f"no build is of {name!r}", "--component", nearest(name, known))
    refusals.faults.raise_if_any("there is no webhook for that:")
    return tuple(one for one in streams.values() if not asked or one.component in asked)


def webhook_addresses(
    farm: Farm,
    plan: FarmPlan,
    components: Iterable[str] = (),
    *,
    new_secret: bool = False,
    patience: Patience | None = None,
) -> tuple[WebhookAddress, ...]:
    """The addresses, sorted by component. The secret stands in them only with ``new_secret``, which
    makes one for each project, so that all addresses from before stop working."""
    patience = patience or Patience()
    builds = chosen_builds(plan, components)
    setup = compare(farm, plan, patience)
    refuse_missing(setup, plan.owner)
    secrets = {
        name: patience.insist(
            f"make a secret for {plan.owner}/{name}",
            partial(farm.new_webhook_secret, plan.owner, name),
        )
        if new_secret
        else HIDDEN
        for name in sorted({build.project for build in builds})
    }
    found = [
        WebhookAddress(
            build.component,
            build.project,
            package_of(build),
            f"{farm.address()}/webhooks/custom/{setup.found[build.project].number}/"
            f"{secrets[build.project]}/{package_of(build)}/",
        )
        for build in builds
    ]
    return tuple(sorted(found, key=lambda one: (one.component, one.package)))


def set_up_webhooks(
    farm: Farm, plan: FarmPlan, components: Iterable[str], patience: Patience | None = None
) -> tuple[str, ...]:
    """Make the packages that the addresses rebuild, and those that are there as they should be;
    returns their names. Each needs the custom source method."""
    patience = patience or Patience()
    builds = chosen_builds(plan, components)
    refusals = Refusals("", ErrorCollector(Code.NOT_FOR_COPR))
    for build in builds:
        if not isinstance(build.source, CustomSource):
            refusals.note(
                f"{build.component} has another source than the custom method",
                "--source",
                "say with --lock-url URL where COPR can fetch the lock",
            )
    refusals.faults.raise_if_any("COPR can rebuild by itself only what a script makes:")
    refuse_missing(compare(farm, plan, patience), plan.owner)
    projects = sorted({build.project for build in builds})
    known = {
        name: patience.insist(
            f"list the packages of {plan.owner}/{name}", partial(farm.packages, plan.owner, name)
        )
        for name in projects
    }
    for build in builds:
        name = package_of(build)
        patience.insist(
            f"set up the package {name}",
            partial(_set_up, farm, plan.owner, build, name, name in known[build.project]),
        )
    return tuple(sorted(package_of(build) for build in builds))


def _set_up(farm: Farm, owner: str, build: WantedBuild, name: str, known: bool) -> None:
    try:
        farm.add_package(owner, build.project, name, build.source, known=known)
    except FarmRefusedError:
        if known:
            raise
        # It may be there by now, through a request whose answer was lost.
        farm.add_package(owner, build.project, name, build.source, known=True)


def package_of(build: WantedBuild) -> str:
    """COPR's name for the package of a build: that of its stream, since a project may have two."""
    return package_name(build.id.partition("/")[0])
