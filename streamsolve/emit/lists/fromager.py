"""Constraints and settings for Fromager, which builds wheels from source.

Fromager takes the newest version that each requirement alone allows; the constraints hold it to
the plan, in which all of them agree.
"""

from __future__ import annotations

from typing import Any

from ...model.build import BuildNeed, BuildPlan, NeedOrigin, NeedRole
from ...model.component import Kind, Origin
from ...model.plan import Plan, PlannedStream
from .python_lists import constraints, distributions
from .yaml_text import yaml_bytes

__all__ = ["fromager_settings"]

_SPEC = NeedOrigin.SPEC_FILE


def fromager_settings(plan: Plan) -> dict[str, bytes]:
    """``constraints.txt``, ``requirements.txt`` and ``overrides/settings/NAME.yaml``, by path.

    A distribution has settings where there is something to say: that it is used as a wheel, or what
    its build needs of the system, and of Python beyond what it says itself. The variant of the plan
    is Fromager's.
    """
    files = {
        "constraints.txt": constraints(plan),
        "requirements.txt": _application(plan),
    }
    for stream in distributions(plan):
        settings = _settings(plan, stream)
        if settings:
            name = stream.component.name.replace("-", "_").replace(".", "_")
            files[f"overrides/settings/{name}.yaml"] = yaml_bytes(settings)
    return dict(sorted(files.items()))


def _application(plan: Plan) -> bytes:
    """The application as a requirement; nothing of one that is no distribution."""
    own = plan.own
    if own is not None and own.kind is not Kind.DISTRIBUTION:
        return b""
    name = plan.application if own is None else own.component.name
    return f"{name}=={plan.version}\n".encode()


def _settings(plan: Plan, stream: PlannedStream) -> dict[str, Any]:
    found: dict[str, Any] = {}
    needs = _stated_needs(plan.builds, stream)
    system = sorted({need.applied or need.text for need in needs if not _is_distribution(need)})
    further = sorted(
        {need.text for need in needs if _is_distribution(need) and need.origin is not _SPEC}
    )
    override = {"requires_external": system, "update_build_requires": further}
    if system or further:
        found["project_override"] = {name: value for name, value in override.items() if value}
    if stream.prebuilt or stream.origin is not Origin.PRIVATE:
        found["variants"] = {plan.variant or "default": {"pre_built": True}}
    return found


def _stated_needs(builds: BuildPlan | None, stream: PlannedStream) -> set[BuildNeed]:
    """What a build needs that its own ``[build-system]`` does not say."""
    if builds is None or stream.version is None:
        return set()
    return {
        need
        for build in builds.builds
        if build.component == stream.component and build.version == stream.version
        for need in build.needs
        if need.origin in (_SPEC, NeedOrigin.PROFILE) and need.role is NeedRole.BUILD
    }


def _is_distribution(need: BuildNeed) -> bool:
    """Whether it is a Python distribution, which profiles write without a kind; what a spec says
    of one is in RPM's language."""
    return bool(need.component) and ":" not in need.component
