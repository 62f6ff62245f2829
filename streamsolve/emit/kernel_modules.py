"""What of a kernel module and its kernel is written out: checked values, and the test of packages.

Nothing of a key is in a lock or in what is made from it: the machine that builds has it.
"""

from __future__ import annotations

import shlex

from ..model.kernel import KernelPair
from ..model.plan import Plan
from . import grammar
from .grammar import Refusals, shown

__all__ = ["CHECK_MODULES", "check_modules_script", "check_pair", "told"]

CHECK_MODULES = "check-modules.sh"

_SCRIPT = """\
#!/bin/sh
# Made by streamsolve from a lock; make it again rather than change it.
#
# check-modules.sh FILE...: whether the kernel modules in these packages are for the kernel of the
# lock, and signed. Packages without modules are passed over; of all, one must have some.
set -eu

release=@RELEASE@
written=@WRITTEN@
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
found=0

fail() {
    echo "check-modules.sh: $1" >&2
    exit 1
}

for package in "$@"; do
    case $package in *.src.rpm) continue ;; esac
    rm -rf -- "$work/files"
    mkdir -- "$work/files"
    rpm2archive - < "$package" > "$work/payload"
    tar --extract --file "$work/payload" --directory "$work/files"
    find "$work/files" -name '*.ko' -o -name '*.ko.[gxz]*' > "$work/modules"
    while IFS= read -r module; do
        name=${module##*/}
        magic=$(modinfo -F vermagic "$module")
        [ "${magic%% *}" = "$release" ] || fail "$name is for ${magic%% *}, not for $release"
        version=$(modinfo -F version "$module")
        [ -z "$version" ] || [ "$version" = "$written" ] || fail "$name is $version, not $written"
        [ -n "$(modinfo -F signer "$module")" ] || [ "${UNSIGNED:-}" = 1 ] || \\
            fail "$name is not signed (UNSIGNED=1 lets that pass, for tests)"
        found=$((found + 1))
    done < "$work/modules"
done
[ "$found" -gt 0 ] || fail "no package has a kernel module"
echo "$found kernel modules for $release"
"""


def check_pair(plan: Plan, refusals: Refusals) -> None:
    """Note each value of a plan's pair that cannot be written out; nothing for a plan without."""
    pair = plan.kernel_pair
    if pair is None:
        return
    at = "kernel_pair"
    for name in ("package", "kernel"):
        refusals.check(getattr(pair, name), grammar.PACKAGE, f"{at}.{name}")
    refusals.check(pair.module.spelled, grammar.SPELLED, f"{at}.module")
    refusals.check(pair.evr, grammar.EVR, f"{at}.evr")
    refusals.check(pair.release, grammar.KERNEL_RELEASE, f"{at}.release")
    refusals.check(pair.written, grammar.WRITTEN_VERSION, f"{at}.written")
    for name in ("binding", "headers"):
        refusals.check(getattr(pair, name), grammar.DEPENDENCY, f"{at}.{name}")
    for number, word in enumerate(pair.make):
        refusals.check(word, grammar.MAKE_WORD, f"{at}.make[{number}]")


def told(pair: KernelPair, demand: str, evidence: str) -> str:
    """A fact against a pair in one sentence."""
    name = f"{pair.module.name} {shown(pair.written)}"
    because = f": {evidence}" if evidence else ""
    return f"{name} does not go with {pair.kernel} {shown(pair.evr)}, but with {demand}{because}"


def check_modules_script(pair: KernelPair) -> bytes:
    """The script that looks at built packages. The values have been checked before."""
    text = _SCRIPT.replace("@RELEASE@", shlex.quote(pair.release))
    return text.replace("@WRITTEN@", shlex.quote(pair.written)).encode("ascii")
