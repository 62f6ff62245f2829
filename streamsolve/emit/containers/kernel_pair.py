"""A kernel and its module in a bootable image: this kernel and no other, and the module for it.

Both come from the lock of the module, which may be another one than the application's. The image's
own kernel goes; what it has otherwise stays. Nothing is signed here: the packages hold modules that
were signed when they were built, and a module without a signature ends the build.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from hashlib import sha256

from attrs import frozen

from ...errors import Code, ErrorCollector, Place
from ...model.kernel import KERNEL, KernelPair, excluding, is_brought
from ...model.layer_groups import layer_groups
from ...model.package import Package
from ...model.plan import Plan
from ...model.profile import ComponentRule
from ..grammar import Refusals
from ..kernel_modules import check_pair, told
from .packages import asked_for, check_runtime, checksum_files, configuration
from .settings import ImageSettings
from .steps import Checksums, checked, comment, dnf, on_lines, quoted, run_step

__all__ = ["PairParts", "pair_note", "pair_parts", "refuse_pair"]

CONFIGURATION = "kernel.conf"

_PARTS = (
    "(-(rt|16k|64k|debug))*"
    "(-core|-uki-virt(-addons)?|-modules(-core|-extra|-internal|-partner|-extra-matched)?)?"
)
"""What of a kernel is booted or loaded, of each of its variants; tools and headers are neither."""
_INSTALLED = "rpm --query --all --queryformat '%{NAME}=%{VERSION}-%{RELEASE}.%{ARCH}\\n'"


@frozen
class PairParts:
    """What a pair adds to an image: lines of its Containerfile, and files by path in ``repos``."""

    lines: tuple[str, ...]
    files: Mapping[str, bytes]


def refuse_pair(
    plan: Plan, rules: Sequence[ComponentRule], *, of: Plan | None = None, file: str = ""
) -> None:
    """Raise :class:`InputErrors` for a pair that facts exclude (``KERNEL_PAIR_EXCLUDED``), or that
    does not do for the application ``of`` (``KERNEL_PAIR_UNFIT``). Facts are those of the lock and
    what ``rules`` say today."""
    pair = plan.kernel_pair
    if pair is None:
        faults = ErrorCollector(Code.BAD_OPTION)
        faults.add(f"the lock of {plan.application} holds no kernel module", Place(file))
        faults.raise_if_any("there is no kernel and module to take from it")
        return
    faults = ErrorCollector(Code.KERNEL_PAIR_EXCLUDED)
    for fact in excluding(pair, rules):
        place = fact.requirement.place
        where = place if place.file else Place(file, path="kernel_pair")
        faults.add(
            told(pair, fact.requirement.text, fact.evidence),
            where,
            "lock another branch (--app-version), or for another kernel",
        )
    faults.raise_if_any(f"{pair.module.name} and {pair.kernel} do not go together")
    if of is not None:
        _refuse_for(of, plan, pair, file)


def _refuse_for(of: Plan, plan: Plan, pair: KernelPair, file: str) -> None:
    faults = ErrorCollector(Code.KERNEL_PAIR_UNFIT)
    at = Place(file, path="kernel_pair")
    for name, own, other in (("base", of.base, plan.base), ("architecture", of.arch, plan.arch)):
        if own != other:
            hint = f"lock {pair.module.name} for {own}"
            faults.add(f"it is for the {name} {other}, and {of.application} is for {own}", at, hint)
    for needed in of.host:
        requirement = needed.requirement
        asked = f"{needed.by.name} needs {requirement.component.name} {requirement.specifier}"
        stated = f" ({requirement.place})" if requirement.place.file else ""
        if is_brought(requirement, pair) and not requirement.allows(pair.version):
            able = f", which does for CUDA {pair.cuda[0]} to {pair.cuda[-1]}" if pair.cuda else ""
            faults.add(
                f"{asked}{stated}, and this is {pair.module.name} {pair.written}{able}",
                at,
                "lock a newer branch of it with --app-version",
            )
        if requirement.component == KERNEL and not requirement.allows(pair.kernel_version):
            faults.add(f"{asked}{stated}, and this is {pair.kernel} {pair.evr}", at)
    faults.raise_if_any(f"this kernel and module do not do for {of.application} {of.version}")


def pair_parts(plan: Plan, settings: ImageSettings, refusals: Refusals) -> PairParts:
    """The parts of a pair that may be used. What cannot be written out is noted, and the result is
    then not to be used."""
    pair, builds = plan.kernel_pair, plan.builds
    if pair is None or builds is None:
        raise ValueError("only a lock of a kernel module has a pair")
    check_pair(plan, refusals)
    check_runtime(plan, builds.runtime, refusals)
    if refusals.faults.errors:
        return PairParts((), {})
    asked = asked_for(builds.runtime, settings, refusals)
    if refusals.faults.errors:
        return PairParts((), {})
    own = [asked[p.nevra].text for p in builds.runtime.packages if _is_of_pair(p, pair)]
    sums = checksum_files(layer_groups(plan), asked, builds.runtime, settings)
    files = {f"kernel/{name}": content for name, content in sums.items()}
    files[CONFIGURATION] = configuration(builds.runtime, asked, settings)
    listed = [Checksums(path, sha256(files[path]).hexdigest()) for path in sorted(files)]
    commands = [
        *(line for one in listed if one.path != CONFIGURATION for line in checked(one)),
        *_commands(pair, own, settings),
    ]
    title = f"the kernel {pair.release} with {pair.module.name} {pair.written}, and no other"
    return PairParts((*comment(title), *run_step(commands)), files)


def _is_of_pair(package: Package, pair: KernelPair) -> bool:
    """Whether it is the module's package, or one of the kernel's: of the same build by its name."""
    of_kernel = package.name == pair.kernel or package.name.startswith(f"{pair.kernel}-")
    return package.name == pair.package or (of_kernel and package.evr == pair.evr)


def _commands(pair: KernelPair, packages: Sequence[str], settings: ImageSettings) -> list[str]:
    release, name = shlex.quote(pair.release), pair.module.name
    kernels = "|".join(re.sub(r"([.+])", r"\\\1", one) for one in sorted({"kernel", pair.kernel}))
    others = (
        f"{_INSTALLED} | grep --extended-regexp '^({kernels}){_PARTS}=' | "
        f"grep --invert-match --fixed-strings -- '={pair.release}'"
    )
    modules = f"/usr/lib/modules/{pair.release}/extra/{name}"
    image = f"/usr/lib/modules/{pair.release}/initramfs.img"
    return [
        # The image's own kernel: nothing of it may be booted, nor fill the image.
        f'others="$({others} || true)"',
        'for one in $others; do rpm --erase --nodeps --noscripts "${one%%=*}-${one#*=}" || exit 1; '
        "done",
        f"find /usr/lib/modules -mindepth 1 -maxdepth 1 ! -name {release} -exec rm -rf {{}} +",
        on_lines([dnf(settings.releasever, CONFIGURATION), *quoted(packages)]),
        f'test "$(ls /usr/lib/modules)" = {release}',
        _each(
            modules,
            f'case "$(modinfo -F vermagic "$module")" in "{pair.release} "*) ;; '
            '*) echo "$module is for another kernel" >&2; exit 1 ;; esac',
        ),
        _each(
            modules,
            'test -n "$(modinfo -F signer "$module")" || '
            '{ echo "$module is not signed" >&2; exit 1; }',
        ),
        f"depmod -a {release}",
        f"DRACUT_NO_XATTR=1 dracut --force --no-hostonly --reproducible --add ostree "
        f"--kver {release} {image}",
        f"chmod 0600 {image}",
    ]


def _each(modules: str, command: str) -> str:
    """A command for each module; without any, there is one of that very name, which is none."""
    return f"for module in {modules}/*.ko*; do {command}; done"


def pair_note(pair: KernelPair) -> list[str]:
    """What the note beside an image says of a pair."""
    lines = [
        f"The image boots the kernel `{pair.release}` and no other, with `{pair.module.name}` "
        f"{pair.written} for it. The modules were signed when they were built: a machine with "
        "secure boot must know the certificate, and nothing is built or signed on it. "
        "User space and firmware of the driver have to be of the same version.",
    ]
    if pair.cuda:
        lines.append(f"The driver does for CUDA {pair.cuda[0]} to {pair.cuda[-1]}.")
    return lines
