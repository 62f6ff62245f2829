"""A locked plan as what mock reads: a configuration for each root, ``chain.sh`` and a Makefile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from ..model.build import BuildPlan
from ..model.package import Package
from ..model.plan import Plan
from . import grammar
from .chain import chain_script
from .dnf_conf import is_private
from .grammar import Refusals
from .kernel_modules import CHECK_MODULES, check_modules_script, check_pair
from .makefile import makefile
from .mock_config import mock_configuration
from .mock_settings import MockSettings, check_settings
from .names import Names, builds_of, configuration_path, names_of, root_name
from .namespace import namespace_of
from .prefix_needs import refuse_base_needs
from .runtime_package import with_runtime

__all__ = ["CHAIN", "MAKEFILE", "emit_mock"]

CHAIN = "chain.sh"
MAKEFILE = "Makefile"

_LONGEST_ROOT = 160
_LONGEST_DIRECTORY = 255
_BOOTSTRAP = "bootstrap"


def emit_mock(plan: Plan, settings: MockSettings, *, file: str = "") -> Mapping[str, bytes]:
    """The files by path, sorted; nothing but the plan and the settings is in them.

    Raises :class:`InputErrors` (``NOT_EMITTED``) with every value that cannot be written out;
    ``file`` is the lock's name, for the places in it.
    """
    planned = builds_of(plan, file)
    refusals = Refusals(file)
    check_settings(settings, Refusals("", refusals.faults))
    _check_plan(plan, planned, refusals)
    check_pair(plan, refusals)
    if settings.prefix and plan.kernel_pair is not None:
        why = "a kernel looks for its modules in one place, which no prefix can be"
        refusals.note(why, "prefix")
    if settings.prefix:
        refuse_base_needs(planned, Refusals("", refusals.faults))
    names_of(planned, refusals)
    refusals.raise_if_any()
    builds = with_runtime(plan, planned, namespace_of(plan, settings))
    names = names_of(builds, refusals)
    _check_directories(plan, builds, names, refusals)
    refusals.raise_if_any()
    files = {
        configuration_path(root.id): mock_configuration(root, plan, settings)
        for root in (builds.runtime, *builds.roots)
    }
    pair = plan.kernel_pair
    if pair is not None:
        files[CHECK_MODULES] = check_modules_script(pair)
    files[CHAIN] = chain_script(builds, names, settings, pair)
    files[MAKEFILE] = makefile(builds, names, settings, pair)
    return dict(sorted(files.items()))


def _check_plan(plan: Plan, builds: BuildPlan, refusals: Refusals) -> None:
    for part in ("application", "base", "variant"):
        value = getattr(plan, part)
        if value or part == "application":
            refusals.check(value, grammar.NAME, part)
    refusals.check(plan.arch, grammar.ARCHITECTURE, "arch")
    roots = (builds.runtime, *builds.roots)
    seen: set[str] = set()
    for number, root in enumerate(roots):
        path = f"roots[{number}]"
        refusals.check(root.id, grammar.NAME, f"{path}.id")
        if len(root_name(plan, root.id)) > _LONGEST_ROOT:
            refusals.note("the name of the root is too long for a directory", f"{path}.id")
        for at, collection in enumerate(root.collections):
            refusals.check(collection, grammar.PACKAGE, f"{path}.collections[{at}]")
        if not root.packages:
            refusals.note("a root without any package", f"{path}.packages")
        for at, package in enumerate(root.packages):
            if package.nevra not in seen:
                _check_package(package, f"{path}.packages[{at}]", refusals)
                seen.add(package.nevra)
    for message, path in _order_faults(builds):
        refusals.note(message, path)
    twice = [id for id, count in Counter(root.id for root in roots).items() if count > 1]
    for id in twice:
        refusals.note(f"there are two roots {grammar.shown(id)}", "roots")


def _check_directories(plan: Plan, builds: BuildPlan, names: Names, refusals: Refusals) -> None:
    """mock's directory of a build has the names of root and build, and a word of its own."""
    for number, build in enumerate(builds.builds):
        parts = (root_name(plan, build.root), _BOOTSTRAP, names.builds[build.id])
        if len("-".join(parts)) > _LONGEST_DIRECTORY:
            refusals.note(
                "the names of the build and its root together are too long for a directory",
                f"builds[{number}].id",
            )


def _check_package(package: Package, path: str, refusals: Refusals) -> None:
    evr = grammar.PLANNED_EVR if is_private(package) else grammar.EVR
    refusals.check(package.name, grammar.PACKAGE, f"{path}.name")
    refusals.check(package.evr, evr, f"{path}.evr")
    refusals.check(package.arch, grammar.ARCHITECTURE, f"{path}.arch")


def _order_faults(builds: BuildPlan) -> Iterator[tuple[str, str]]:
    """What refers to nothing, and an order in which something is built too early."""
    roots = {root.id for root in builds.roots}
    level_of: dict[str, int] = {}
    for number, level in enumerate(builds.order.levels):
        for id in level.builds:
            if id in level_of:
                yield f"{grammar.shown(id)} is in the order twice", f"order.levels[{number}]"
            level_of[id] = number
    ids = {build.id for build in builds.builds}
    if ids != level_of.keys():
        odd = ", ".join(map(grammar.shown, sorted(ids ^ level_of.keys())))
        yield f"not both a build and in the order: {odd}", "order"
    for number, build in enumerate(builds.builds):
        path = f"builds[{number}]"
        if build.root not in roots:
            yield f"there is no root {grammar.shown(build.root)}", f"{path}.root"
        for at, id in enumerate(build.after):
            if level_of.get(id, len(level_of)) >= level_of.get(build.id, 0):
                yield f"{grammar.shown(id)} is not built before it", f"{path}.after[{at}]"
