"""The script beside a spec that calls dependencies by their names in a namespace.

It is POSIX shell and awk. RPM starts it in the place of its own generators, which it runs and whose
answer it changes: what is provided gets a name in the namespace, and so does what is required and
private. Private is what the plan says, and a library or a ``.pc`` file that lies under the prefix,
in the package that is made or in the root that it is made in.
"""

from __future__ import annotations

from ..namespace import Namespace, PrivateNames

__all__ = ["SCRIPT", "dependency_script"]

SCRIPT = "namespace-dependencies.sh"

_TEXT = r"""#!/bin/sh
# Made by streamsolve from a lock; make it again rather than change it.
#
# provides COMMAND...  run one of RPM's generators; all that it answers gets a name in the namespace
# requires COMMAND...  the same for requirements: only what is private gets one
# build                requirements on standard input: only what is private gets one
set -eu

prefix='@PREFIX@'
mode=$1
shift

own() {
    cat <<'%END%'
@PRIVATE@
%END%
}

# The names of libraries and .pc files under the prefix, in the package and in this root. The first
# file of the input says where the package is.
present() {
    read -r first < "$work/input" || first=
    for top in "${first%%"$prefix"/*}$prefix" "$prefix"; do
        if [ -d "$top" ]; then
            find "$top" '(' -name '*.so*' -o -name '*.pc' ')' | sed 's,.*/,,'
        fi
    done
}

# Whether the base's own stands in for something private, as in a bootstrap pass: it is installed,
# and what is private is not.
stands_in() {
    rpm -q --whatprovides "$1" >/dev/null 2>&1 &&
        ! rpm -q --whatprovides '@APPLICATION@'"($1)" >/dev/null 2>&1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/input"
own > "$work/own"
: > "$work/present"
case $mode in
    build) cp "$work/input" "$work/answer"
       while read -r name; do
           ! grep -qF -- "$name" "$work/input" || stands_in "$name" || echo "$name"
       done < "$work/own" > "$work/here"
       mv "$work/here" "$work/own" ;;
    *) present > "$work/present"
       "$@" < "$work/input" > "$work/answer" ;;
esac

awk -v mode="$mode" -v application='@APPLICATION@' '
    FILENAME == ARGV[1] { private[$0] = 1; next }
    FILENAME == ARGV[2] { lies[$0] = 1; next }
    function named(name,    plain) {
        if (mode == "provides" || name in private) return application "(" name ")"
        plain = name
        if (sub(/^pkgconfig[(]/, "", plain)) sub(/[)]$/, ".pc", plain)
        else sub(/[(].*$/, "", plain)
        if (plain in lies) return application "(" name ")"
        return name
    }
    # A word may begin with the brackets of boolean dependencies, and end with more than it opens.
    function changed(word,    head, tail, open, shut) {
        head = ""; tail = ""
        while (substr(word, 1, 1) == "(") { head = head "("; word = substr(word, 2) }
        open = gsub(/[(]/, "(", word); shut = gsub(/[)]/, ")", word)
        while (shut > open) { tail = tail ")"; word = substr(word, 1, length(word) - 1); shut-- }
        return head named(word) tail
    }
    /^;/ || NF == 0 { print; next }
    {
        line = ""
        is_name = 1
        for (at = 1; at <= NF; at++) {
            word = $at
            if (word ~ /^([<>]=?|=)$/) {
                is_name = 0
                line = line " " word
                continue
            }
            if (word ~ /^(and|or|with|without|if|unless|else)$/) {
                is_name = 1
                line = line " " word
                continue
            }
            line = line (at > 1 ? " " : "") (is_name ? changed(word) : word)
            is_name = 1
        }
        print line
    }
' "$work/own" "$work/present" "$work/answer"
"""


def dependency_script(namespace: Namespace, private: PrivateNames) -> bytes:
    """The script for one spec. What stands in it has been checked before: no name has a percent
    sign, so none ends the list."""
    text = _TEXT.replace("@PREFIX@", namespace.prefix)
    text = text.replace("@APPLICATION@", namespace.application)
    names = "\n".join(sorted(private.capabilities))
    return text.replace("@PRIVATE@", names).encode("ascii")
