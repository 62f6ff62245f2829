"""A locked plan as a Containerfile for a bootable image, in prefix mode.

The image's own packages stay as they are: private packages have the application's names, a package
of the base that the image has already, in whatever version, is not installed again, and a step
after which one is gone or is another fails. The driver is no part of a lock, which knows only the
least version that will do: a kernel module is taken for the kernel that lies in the image, and the
build fails if it is older than that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attrs import evolve
from packaging.version import InvalidVersion, Version

from ...model.component import Kind
from ...model.kernel import KernelPair
from ...model.layer_groups import LayerGroup, layer_groups
from ...model.plan import HostRequirement, Plan
from ...model.profile import ComponentRule
from ..dnf_conf import is_at_hand
from ..grammar import Refusals, shown
from ..namespace import Namespace
from ..prefix_needs import refuse_base_needs
from .containerfile import CONTAINERFILE, DIRECTORY, SCRIPT, check_labels, checksums_of, runtime_of
from .kernel_pair import PairParts, pair_note, pair_parts, refuse_pair
from .labels import host_needs, image_labels
from .module_step import module_step
from .packages import (
    CACHE,
    CONFIGURATION,
    Asked,
    asked_for,
    check_runtime,
    checksum_files,
    configuration,
)
from .script import build_script
from .settings import ImageSettings, KernelModule, base_image_parts, check_image_settings
from .steps import TITLE, Checksums, checked, comment, dnf, label_lines, on_lines, quoted, run_step

__all__ = ["README", "emit_bootc"]

README = "README.md"

_BEFORE, _AFTER = f"{CACHE}/before", f"{CACHE}/after"
_OPT = "/opt/"


def emit_bootc(
    plan: Plan,
    settings: ImageSettings,
    *,
    file: str = "",
    pair: Plan | None = None,
    pair_file: str = "",
    rules: Sequence[ComponentRule] = (),
) -> Mapping[str, bytes]:
    """The files by path, sorted: those of an image, and a note of what the machine needs.

    ``pair`` is the plan of a kernel module that goes below the application with its kernel, locked
    in ``pair_file``; a plan that is of one itself is an image of the two. Raises as
    :func:`emit_containerfile`; also for a driver that is too old for the plan, and for a pair that
    the facts in its lock or in ``rules`` exclude.
    """
    builds = runtime_of(plan, file)
    if plan.kernel_pair is not None:
        return _emit_pair(plan, plan.kernel_pair, settings, file, rules)
    refusals = Refusals(file)
    own = Refusals("", refusals.faults)
    check_image_settings(settings, plan.application, own)
    if not settings.prefix:
        own.note("a bootable image needs the prefix that packages were built with", "prefix")
    if settings.builder_image:
        own.note("a bootable image is made of packages that are built already", "builder_image")
    _check_modules(plan, settings, own)
    if pair is not None:
        refuse_pair(pair, rules, of=plan, file=pair_file)
    below = _below(settings, pair, own)
    check_runtime(plan, builds.runtime, refusals)
    refuse_base_needs(evolve(builds, roots=()), own)
    refusals.raise_if_any()
    space = Namespace(plan.application, settings.prefix)
    asked = asked_for(builds.runtime, settings, refusals, space)
    labels = image_labels(plan, settings)
    check_labels(labels, refusals)
    refusals.raise_if_any()
    groups = settings.layers or layer_groups(plan)
    sums = checksum_files(groups, asked, builds.runtime, settings, space)
    files = {
        CONTAINERFILE: _containerfile(plan, settings, groups, asked, sums, labels, below.lines),
        README: _readme(plan, settings, pair),
        SCRIPT: build_script(plan, settings),
        f"{DIRECTORY}/{CONFIGURATION}": configuration(builds.runtime, asked, settings, space),
        **{f"{DIRECTORY}/{name}": text for name, text in (*sums.items(), *below.files.items())},
    }
    return dict(sorted(files.items()))


# -- a kernel and its module -----------------------------------------------------------------------


def _below(settings: ImageSettings, pair: Plan | None, refusals: Refusals) -> PairParts:
    """What goes below the application; nothing without a pair."""
    if pair is None:
        return PairParts((), {})
    if settings.kernel_modules:
        refusals.note("a kernel module is given by its lock and by a package", "kernel_modules")
    return pair_parts(pair, settings, refusals)


def _emit_pair(
    plan: Plan,
    pair: KernelPair,
    settings: ImageSettings,
    file: str,
    rules: Sequence[ComponentRule],
) -> Mapping[str, bytes]:
    """An image of a kernel and its module alone."""
    refuse_pair(plan, rules, file=file)
    refusals = Refusals(file)
    check_image_settings(settings, plan.application, Refusals("", refusals.faults))
    parts = pair_parts(plan, settings, refusals)
    refusals.raise_if_any()
    labels = image_labels(plan, settings)
    check_labels(labels, refusals)
    refusals.raise_if_any()
    name, _, digest = base_image_parts(settings.base_image)
    lines = [TITLE, f"FROM {name}@{digest}"]
    if preparing := list(_preparing(settings)):
        lines += ["", *run_step(preparing, seen=())]
    lines += [*parts.lines, "", *label_lines(labels), "RUN bootc container lint"]
    note = [f"# {plan.application} {pair.written} in a bootable image", "", *pair_note(pair)]
    files = {
        CONTAINERFILE: ("\n".join(lines) + "\n").encode(),
        README: ("\n".join(note) + "\n").encode(),
        SCRIPT: build_script(plan, settings),
        **{f"{DIRECTORY}/{path}": content for path, content in parts.files.items()},
    }
    return dict(sorted(files.items()))


# -- kernel modules --------------------------------------------------------------------------------


def _check_modules(plan: Plan, settings: ImageSettings, refusals: Refusals) -> None:
    """Note a module whose version the plan excludes."""
    for number, module in enumerate(settings.kernel_modules):
        for needed in _needs_of(plan, module):
            if module.version and not _allows(needed, module.version):
                refusals.note(
                    f"{shown(module.package)} {shown(module.version)} cannot be used: "
                    f"{needed.by.name} needs {needed.requirement.component.name} "
                    f"{needed.requirement.specifier}",
                    f"kernel_modules[{number}]",
                )


def _needs_of(plan: Plan, module: KernelModule) -> Iterator[HostRequirement]:
    """What the plan says of a module: ``nvidia-driver`` is about the module ``nvidia``."""
    for needed in plan.host:
        component = needed.requirement.component
        names = (module.name, f"{module.name}-driver")
        if component.kind is Kind.KERNEL_MODULE and component.name in names:
            yield needed


def _allows(needed: HostRequirement, version: str) -> bool:
    try:
        return needed.requirement.allows(Version(version))
    except InvalidVersion:
        return False


def _lowest(plan: Plan, module: KernelModule) -> str:
    """The least version of a module that the plan allows, as it was written; empty for any."""
    bounds = [
        clause.version
        for needed in _needs_of(plan, module)
        for clause in needed.requirement.specifier
        if clause.operator in (">=", "==", "~=")
    ]
    return max(bounds, key=Version, default="")


def _or_tell(command: str, message: str) -> str:
    """A command that says why, if it fails."""
    return f'{{ {command} || {{ echo "{message}" >&2; false; }}; }}'


def _module_step(plan: Plan, settings: ImageSettings, module: KernelModule) -> list[str]:
    """Install a module for the image's kernel, and look at which version it is."""
    query = "rpm --query --queryformat '%{VERSION}-%{RELEASE}.%{ARCH}' kernel-core"
    found = f'"$(modinfo -k "$kernel" -F version {module.name})"'
    commands = [
        _remember(),
        f'kernel="$({query})"',
        # What a driver needs beside itself is not in the lock.
        f"{dnf(settings.releasever)} '--setopt=*.includepkgs=' \"{module.package}-$kernel\"",
        f"version={found}",
    ]
    if module.version:
        is_it = f"test \"$version\" = '{module.version}'"
        commands.append(_or_tell(is_it, f"{module.name} $version is not {module.version}"))
    if lowest := _lowest(plan, module):
        listed = f"printf '%s\\n' '{lowest}' \"$version\" | sort --version-sort | head -n 1"
        is_it = f"test \"$({listed})\" = '{lowest}'"
        commands.append(_or_tell(is_it, f"{module.name} $version is older than {lowest}"))
    return run_step([*commands, *_unchanged()])


# -- the Containerfile -----------------------------------------------------------------------------


def _containerfile(
    plan: Plan,
    settings: ImageSettings,
    groups: Sequence[LayerGroup],
    asked: Mapping[str, Asked],
    sums: Mapping[str, bytes],
    labels: Mapping[str, str],
    below: Sequence[str] = (),
) -> bytes:
    name, _, digest = base_image_parts(settings.base_image)
    needs = [f"# The machine needs {need}." for need in host_needs(plan)]
    lines = [TITLE, *needs, f"FROM {name}@{digest}"]
    if preparing := list(_preparing(settings)):
        lines += ["", *run_step(preparing, seen=())]
    lines += below
    for module in settings.kernel_modules:
        lines += comment(f"the kernel module {module.name}, for the kernel of the image")
        lines += _module_step(plan, settings, module)
    lines += module_step(plan, settings)
    for group in groups:
        lines += comment(f"{group.title}: {len(group.packages)} packages")
        lines += _group_step(group, settings, asked, checksums_of(group, sums))
    lines += ["", *label_lines(labels), "RUN bootc container lint"]
    return ("\n".join(lines) + "\n").encode()


def _preparing(settings: ImageSettings) -> Iterator[str]:
    if settings.releasever[:1].isdigit():
        # Packages of another release would be looked for, and not all of them missed.
        yield f'test "$(. /etc/os-release && echo "$VERSION_ID")" = \'{settings.releasever}\''
    if settings.prefix.startswith(_OPT):
        # There it leads to /var, which belongs to the machine and is not brought by an update.
        yield "if [ -L /opt ]; then rm /opt && mkdir /opt; fi"


def _group_step(
    group: LayerGroup,
    settings: ImageSettings,
    asked: Mapping[str, Asked],
    checksums: Checksums | None,
) -> list[str]:
    """Packages of the base only where the image has none of their name, all others in any case."""
    of_base = [package for package in group.packages if is_at_hand(package)]
    others = [asked[p.nevra].text for p in group.packages if not is_at_hand(p)]
    commands = [*checked(checksums), _remember()]
    install = dnf(settings.releasever)
    if of_base:
        choices = quoted(f"{package.name}={asked[package.nevra].text}" for package in of_base)
        query = 'rpm --query --quiet "${package%%=*}" || printf \'%s\\n\' "${package#*=}"'
        commands.append(on_lines(['missing="$(for package in', *choices, f'; do {query}; done)"']))
        # The words of $missing are names of packages, which have nothing that a shell expands.
        install += " $missing"
    command = on_lines([install, *quoted(others)])
    if of_base and not others:
        command = f'{{ [ -z "$missing" ] || {command}; }}'
    return run_step([*commands, command, *_unchanged()])


def _remember() -> str:
    return f"rpm --query --all | sort > {_BEFORE}"


def _unchanged() -> list[str]:
    """Fail, and name the packages, if one that was there is not there any more as it was."""
    return [
        f"rpm --query --all | sort > {_AFTER}",
        f"{{ ! comm -23 {_BEFORE} {_AFTER} | grep . ; }}",
    ]


# -- the note --------------------------------------------------------------------------------------


def _readme(plan: Plan, settings: ImageSettings, below: Plan | None = None) -> bytes:
    pair = below.kernel_pair if below is not None else None
    modules = {module.name for module in settings.kernel_modules}
    modules |= {pair.module.name} if pair is not None else set()
    lines = [
        f"# {plan.application} {plan.version} in a bootable image",
        "",
        f"`build.sh PACKAGES IMAGE` builds it. {plan.application} lies under "
        f"`{settings.prefix}`, and the image's own packages stay as they are.",
        "",
        "## What the machine needs",
        "",
    ]
    for needed in plan.host:
        requirement = needed.requirement
        name = f"{requirement.component.name} {requirement.specifier}".strip()
        lines.append(f"- `{name}`, because of {needed.by.name}.")
    if not plan.host:
        lines.append("Nothing beyond the kernel of the image.")
    lines.append("")
    for module in settings.kernel_modules:
        lines.append(
            f"The module `{module.name}` comes from `{module.package}`, for the kernel that is in "
            "the image; the build fails where there is none for it, or an older one than is needed."
        )
    lines += pair_note(pair) if pair is not None else []
    needed_modules = [n for n in plan.host if n.requirement.component.kind is Kind.KERNEL_MODULE]
    if needed_modules and not modules:
        lines.append(
            "The image brings no driver. Take a base image that has it, or name the package with "
            "`--kernel-module nvidia=kmod-nvidia` and where it is with `--repo`."
        )
    return ("\n".join(lines).rstrip() + "\n").encode()
