"""Which stream of a plan a reader means by a name, and what is said where there is none."""

from __future__ import annotations

from difflib import get_close_matches

from packaging.utils import canonicalize_name

from ..errors import Code, InputError
from ..model.plan import Plan, PlannedStream

__all__ = ["not_in_plan", "stream_asked"]

_LIKE = 0.6
"""From how alike on a name of the plan may be what was meant."""


def stream_asked(plan: Plan, name: str) -> PlannedStream | None:
    """The stream that a reader means by a name: of its component, however a distribution's name is
    written, else of its package."""
    found = plan.stream(name) or plan.stream_spelled(name) or plan.stream(canonicalize_name(name))
    return found or next((s for s in plan.streams if s.package and s.package == name), None)


def not_in_plan(name: str, plan: Plan) -> InputError:
    """The fault of a question about something that a plan does not hold, with what may be meant
    and who answers what else may be asked."""
    known = {stream.component.name for stream in plan.streams}
    known |= {package.name for each in plan.vendored for package in each.packages}
    close = get_close_matches(name, sorted(known), n=3, cutoff=_LIKE)
    meant = f"did you mean {' or '.join(close)}? Else " if close else ""
    builds = "" if plan.builds else ", and --builds shows what only builds use"
    hint = f"{meant}`why-not` says what would become of the plan with it{builds}"
    return InputError(Code.BAD_OPTION, f"{name} is not in the plan", hint=hint)
