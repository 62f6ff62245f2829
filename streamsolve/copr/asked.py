"""Which stream of a lock the custom source method is asked for."""

from __future__ import annotations

import re

from ..emit.grammar import shown
from ..errors import Code, InputError, Place, nearest
from ..model.component import Component
from ..model.plan import Plan
from .payload import component_of_payload

__all__ = ["asked_stream", "package_name"]

_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")
_HINT = "name one with --component NAME@VERSION"


def asked_stream(
    plan: Plan, *, component: str = "", package: str = "", payload: bytes | None = None
) -> str:
    """The stream, ``name@version`` as builds name it, from the first of these that says one.

    ``component`` is ``name@version``, or a name that has one version in the lock. ``package`` is
    what COPR calls the package, which counts only if it is a name of ours. ``payload`` is what a
    webhook sent. Raises :class:`InputError`: ``BAD_OPTION`` for a component that is not built and
    where nothing says one, and ``BROKEN_PAYLOAD``.
    """
    streams = _streams(plan)
    if component:
        return _of_component(component, streams)
    by_package = {package_name(id): id for id in streams}
    if package in by_package:
        return by_package[package]
    if payload is None or not payload.strip():
        what = f", and {shown(package)} is no package of ours" if package else ""
        raise InputError(
            Code.BAD_OPTION,
            f"nothing says which component it is about: there is no payload of a webhook{what}",
            place=Place("--component"),
            hint=_HINT,
        )
    found = component_of_payload(payload, plan)
    if found is None:
        raise InputError(
            Code.BROKEN_PAYLOAD,
            "it is about nothing that the lock builds",
            place=Place("hook_payload"),
            hint=_HINT,
        )
    return _one_of(found, [id for id, about in streams.items() if about == found])


def package_name(stream: str) -> str:
    """COPR's name for the package of a stream, since a project may have two of a component."""
    return _UNSAFE.sub("-", stream)


def _streams(plan: Plan) -> dict[str, Component]:
    builds = plan.builds.builds if plan.builds is not None else ()
    return {build.stream: build.component for build in builds}


def _of_component(text: str, streams: dict[str, Component]) -> str:
    if text in streams:
        return text
    of_name = [id for id, about in streams.items() if about.spelled == text]
    if not of_name:
        raise InputError(
            Code.BAD_OPTION,
            f"the lock builds nothing that is called {shown(text)}",
            place=Place("--component"),
            hint=nearest(text, {*streams, *(about.spelled for about in streams.values())}),
        )
    return _one_of(streams[of_name[0]], of_name)


def _one_of(component: Component, found: list[str]) -> str:
    if len(found) == 1:
        return found[0]
    raise InputError(
        Code.BAD_OPTION,
        f"the lock builds {component.spelled} in {len(found)} versions",
        place=Place("--component"),
        hint=f"say which one: {', '.join(sorted(found))}",
    )
