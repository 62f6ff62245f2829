"""Which applications are meant: ``vllm``, ``vllm:rocm``, ``pytorch-cuda``, ``./app.toml:cpu``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import Code, ErrorCollector, InputError, Place, nearest
from ..inputs.profiles import list_profiles, load_profile
from ..model.profile import Profile
from .joint_rules import Application
from .planning import variant_of

__all__ = ["MOST", "application_named", "applications_named"]

MOST = 8
"""How many applications are planned together: they are divided in every way."""


def applications_named(named: Sequence[str | Profile]) -> tuple[Application, ...]:
    """The applications, sorted by label; a profile is one in its default variant.
    :class:`InputErrors` with every one that cannot be used, is there twice, or is one of too many
    or too few."""
    faults = ErrorCollector(Code.UNCLEAR_APPLICATION)
    found: dict[str, Application] = {}
    for each in named:
        with faults.collect():
            text = each if isinstance(each, str) else each.name
            one = application_named(each) if isinstance(each, str) else _default(each)
            if one.label in found:
                again = "it" if text == one.label else f"it is {one.label}, which"
                faults.add(f"{again} is there already", Place(text), "name each application once")
            found[one.label] = one
    faults.raise_if_any("these applications cannot be planned together")
    if not 1 < len(found) <= MOST:
        few = len(found) < MOST
        told = "one application has nobody to share with" if found else "no application was named"
        raise InputError(
            Code.UNCLEAR_APPLICATION,
            told
            if few
            else f"{len(found)} applications are too many: at most {MOST} are planned together",
            hint="name at least two, such as `streamsolve plan vllm:cuda vllm:cpu --shared`"
            if few
            else "plan some of them together, and what comes out with the others",
        )
    return tuple(found[label] for label in sorted(found))


def application_named(text: str) -> Application:
    """One application. A profile's own name or path comes first, then what stands before the last
    colon with a variant behind it, then before one of the hyphens.

    :class:`InputError` for what is none, and where several hyphens would do.
    """
    names = list_profiles()
    if text in names or _is_path(text):
        return _application(text, "")
    before, colon, variant = text.rpartition(":")
    if colon:
        if not before or not variant:
            raise InputError(
                Code.UNCLEAR_APPLICATION,
                f"{text!r} names no variant of an application",
                place=Place(text),
                hint="write PROFILE:VARIANT",
            )
        return _application(before, variant)
    return _hyphenated(text, names)


def _is_path(text: str) -> bool:
    return Path(text).is_file() or (":" not in text and ("/" in text or text.endswith(".toml")))


def _hyphenated(text: str, names: Sequence[str]) -> Application:
    words = text.split("-")
    ways = [("-".join(words[:n]), "-".join(words[n:])) for n in range(1, len(words))]
    known = [(name, variant) for name, variant in ways if name in names]
    fitting = [way for way in known if load_profile(way[0]).variant(way[1]) is not None]
    if len(fitting) > 1:
        told = " or ".join(f"{name}:{variant}" for name, variant in fitting)
        raise InputError(
            Code.UNCLEAR_APPLICATION,
            f"{text} may be {told}",
            place=Place(text),
            hint="write PROFILE:VARIANT",
        )
    if fitting:
        return _application(*fitting[0])
    if known:
        return _application(*known[-1])
    shown = text if text.isprintable() and text.strip() else repr(text)
    raise InputError(
        Code.UNKNOWN_APPLICATION,
        f"there is no profile {shown}, nor one of which it names a variant",
        place=Place(shown),
        hint=nearest(text, names),
    )


def _default(profile: Profile) -> Application:
    return Application.of(profile, variant_of(profile, ""))


def _application(name: str, variant: str) -> Application:
    profile = load_profile(name)
    return Application.of(profile, variant_of(profile, variant), spelled=name)
