"""Constraints and settings for Fromager, which builds wheels from source.

Fromager takes the newest version that each requirement alone allows; the constraints hold it to
the plan, in which all of them agree.
"""

from __future__ import annotations

from typing import Any

from ...model.build import BuildPlan, NeedOrigin, NeedRole
from ...model.component import Origin
from ...model.plan import Plan, PlannedStream
from .python_lists import constraints, distributions
from .yaml_text import yaml_bytes

__all__ = ["fromager_settings"]

_NATIVE = (NeedOrigin.PROFILE, NeedOrigin.SPEC_FILE)


def fromager_settings(plan: Plan) -> dict[str, bytes]:
    """``constraints.txt``, ``requirements.txt`` and ``overrides/settings/NAME.yaml``, by path.

    A distribution has settings where there is something to say: that it is used as a wheel, or what
    of the system its build needs. The variant of the plan is Fromager's.
    """
    files = {
        "constraints.txt": constraints(plan),
        "requirements.txt": f"{plan.application}=={plan.version}\n".encode(),
    }
    for stream in distributions(plan):
        settings = _settings(plan, stream)
        if settings:
            name = stream.component.name.replace("-", "_").replace(".", "_")
            files[f"overrides/settings/{name}.yaml"] = yaml_bytes(settings)
    return dict(sorted(files.items()))


def _settings(plan: Plan, stream: PlannedStream) -> dict[str, Any]:
    found: dict[str, Any] = {}
    needs = _system_needs(plan.builds, stream)
    if needs:
        found["project_override"] = {"requires_external": needs}
    if stream.prebuilt or stream.origin is not Origin.PRIVATE:
        found["variants"] = {plan.variant or "default": {"pre_built": True}}
    return found


def _system_needs(builds: BuildPlan | None, stream: PlannedStream) -> list[str]:
    """What a build needs that is no Python distribution, as RPM writes it."""
    if builds is None or stream.version is None:
        return []
    return sorted(
        {
            need.applied or need.text
            for build in builds.builds
            if build.component == stream.component and build.version == stream.version
            for need in build.needs
            if need.origin in _NATIVE and need.role is NeedRole.BUILD
        }
    )
