"""A plan as a module: its source packages with the order in which they are built."""

from __future__ import annotations

from typing import Any

from ...model.build import Stage
from ...model.plan import Plan
from ..grammar import Refusals
from ..names import builds_of, names_of, source_stem
from .yaml_text import yaml_bytes

__all__ = ["module_document"]

_STEP = 10


def module_document(plan: Plan, *, stream: str, platform: str) -> dict[str, bytes]:
    """``NAME.modulemd.yaml``, by path: a document ``modulemd`` of version 2 as packagers write it.

    ``stream`` is the module's, ``platform`` the stream of the base's release, such as ``f45``.
    ``buildorder`` is ten times the level of a stream's last pass: a level is built together.
    """
    builds = builds_of(plan, "")
    refusals = Refusals("")
    names = names_of(builds, refusals)
    refusals.raise_if_any()
    only_builds = {each.component for each in plan.streams if each.build_only}
    components: dict[str, dict[str, Any]] = {}
    for number, level in enumerate(builds.order.levels):
        for id in level.builds:
            build = builds.build(id)
            if build is None or build.stage is Stage.BOOTSTRAP:
                continue
            aside = build.component in only_builds
            components[source_stem(names, build.stream)] = {
                "rationale": "Others need it to be built."
                if aside
                else f"{plan.application} needs it.",
                "name": build.component.name,
                "buildorder": number * _STEP,
                **({"buildonly": True} if aside else {}),
            }
    data: dict[str, Any] = {
        "name": plan.application,
        "stream": stream,
        "summary": f"{plan.application} {plan.version} with its private streams",
        "description": f"{plan.application} {plan.version} ({plan.variant}) on {plan.base}.",
        "license": {"module": ["MIT"]},
        "dependencies": [
            {"buildrequires": {"platform": [platform]}, "requires": {"platform": [platform]}}
        ],
        "profiles": {"default": {"rpms": _application(plan)}},
        "components": {"rpms": dict(sorted(components.items()))},
    }
    path = f"{plan.application}.modulemd.yaml"
    return {path: yaml_bytes({"document": "modulemd", "version": 2, "data": data})}


def _application(plan: Plan) -> list[str]:
    own = plan.own
    return [own.package] if own is not None and own.package else []
